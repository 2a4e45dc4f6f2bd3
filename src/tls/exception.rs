//! Sites whose certificates are accepted though something is wrong with them: which site, what is accepted, why, and until when. Pure.
//!
//! An exception is for what it names and nothing else: one that accepts an expired certificate does not accept one for another name. That a certificate
//! was revoked, or that its key is weak, has no exception. It ends by itself, after its last day.

use super::refusal::Refusal;
use crate::host::Host;
use jiff::civil::Date;
use std::collections::HashMap;
use std::sync::Arc;

/// What may be wrong and be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// Past its end.
    Expired,
    /// For other names.
    WrongHost,
    /// Signed by nobody but itself.
    SelfSigned,
    /// Signed by somebody nobody trusts, or by somebody whose certificate is missing.
    Untrusted,
}

impl Accept {
    /// What each is called.
    pub const NAMES: [(&'static str, Self); 4] =
        [("expired", Self::Expired), ("wrong-host", Self::WrongHost), ("self-signed", Self::SelfSigned), ("untrusted", Self::Untrusted)];

    /// What has to be accepted for a refusal to be none.
    pub(super) fn of(refusal: &Refusal) -> Option<Self> {
        match refusal {
            Refusal::Expired { .. } => Some(Self::Expired),
            Refusal::WrongName { .. } => Some(Self::WrongHost),
            Refusal::SelfSigned => Some(Self::SelfSigned),
            Refusal::UnknownIssuer { .. } | Refusal::Incomplete { .. } => Some(Self::Untrusted),
            Refusal::NotYetValid { .. }
            | Refusal::Revoked
            | Refusal::WeakKey
            | Refusal::BadCertificate(_)
            | Refusal::WantsClientCertificate
            | Refusal::NoCommonTls
            | Refusal::NotTls
            | Refusal::Alert(_)
            | Refusal::BrokeOff(_)
            | Refusal::Other(_) => None,
        }
    }
}

/// The SHA-256 of a certificate, over all of it as it is sent (DER).
pub type Fingerprint = [u8; 32];

/// One exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The site: this host and none below it.
    pub host: Host,
    /// What is accepted.
    pub accept: Vec<Accept>,
    /// The only certificate it is for, if it is for one.
    pub sha256: Option<Fingerprint>,
    /// Why.
    pub reason: String,
    /// The last day it holds.
    pub until: Date,
}

impl Exception {
    /// What it says, for whoever looks after it.
    #[must_use]
    pub fn as_of(&self, today: Date) -> String {
        let accepted: Vec<_> = Accept::NAMES.iter().filter(|(_, accept)| self.accept.contains(accept)).map(|(name, _)| *name).collect();
        let which = if self.sha256.is_some() { "one certificate" } else { "any certificate" };
        let end = if today <= self.until { format!("until {}", self.until) } else { format!("over since {}; it can be taken out", self.until) };
        format!("exception: {} of {} that is {}, {end}: {}", which, self.host, accepted.join(" or "), self.reason)
    }

    /// What is on record of a request to a site that is believed by it.
    #[must_use]
    pub fn on_record(&self) -> String {
        format!("Its certificate was excused by an exception until {}: {}.", self.until, self.reason.trim_end_matches('.'))
    }

    /// Whether it accepts this of this certificate on this day.
    fn accepts(&self, what: Accept, sha256: &Fingerprint, today: Date) -> bool {
        today <= self.until && self.accept.contains(&what) && self.sha256.as_ref().is_none_or(|only| only == sha256)
    }
}

/// All exceptions, by host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Exceptions(HashMap<Host, Vec<Arc<Exception>>>);

impl Exceptions {
    pub(super) fn new(all: &[Exception]) -> Self {
        let mut by_host: HashMap<Host, Vec<Arc<Exception>>> = HashMap::new();
        for exception in all {
            by_host.entry(exception.host.clone()).or_default().push(Arc::new(exception.clone()));
        }
        Self(by_host)
    }

    /// Whether there is one for this host, in force or not.
    pub(super) fn has(&self, host: &Host) -> bool {
        self.0.contains_key(host)
    }

    /// Which one accepts this.
    pub(super) fn accepting(&self, host: &Host, what: Accept, sha256: &Fingerprint, today: Date) -> Option<&Arc<Exception>> {
        self.0.get(host)?.iter().find(|exception| exception.accepts(what, sha256, today))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn an_exception_is_for_its_host_reason_certificate_and_time_alone() {
        let host = |name: &str| Host::parse(name).expect("a host");
        let lift = |accept: &[Accept], sha256| Exception {
            host: host("lift.school.example"),
            accept: accept.to_vec(),
            sha256,
            reason: "replaced in spring".into(),
            until: date(2027, 4, 1),
        };
        let all = Exceptions::new(&[lift(&[Accept::Expired], None), lift(&[Accept::WrongHost], Some([7; 32]))]);
        for (name, what, sha256, today, accepted) in [
            ("lift.school.example", Accept::Expired, [1; 32], date(2027, 3, 31), true),
            ("lift.school.example", Accept::Expired, [1; 32], date(2027, 4, 1), true),
            ("lift.school.example", Accept::Expired, [1; 32], date(2027, 4, 2), false),
            ("lift.school.example", Accept::SelfSigned, [1; 32], date(2027, 3, 31), false),
            ("lift.school.example", Accept::WrongHost, [7; 32], date(2027, 3, 31), true),
            ("lift.school.example", Accept::WrongHost, [8; 32], date(2027, 3, 31), false),
            ("a.lift.school.example", Accept::Expired, [1; 32], date(2027, 3, 31), false),
            ("school.example", Accept::Expired, [1; 32], date(2027, 3, 31), false),
        ] {
            assert_eq!(all.accepting(&host(name), what, &sha256, today).is_some(), accepted, "{name} {what:?} {today}");
        }
        assert!(all.has(&host("lift.school.example")) && !all.has(&host("school.example")));
        let said = lift(&[Accept::WrongHost, Accept::Expired], None).as_of(date(2027, 4, 1));
        assert_eq!(said, "exception: any certificate of lift.school.example that is expired or wrong-host, until 2027-04-01: replaced in spring");
        assert!(lift(&[Accept::Expired], Some([7; 32])).as_of(date(2027, 4, 2)).contains("over since 2027-04-01; it can be taken out"));
    }
}
