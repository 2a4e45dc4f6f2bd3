//! The way on past a warning: a signed token in the page's form, and who has gone on to which site.
//!
//! A token is good for a few minutes, for one person (or device, where no person is known) and one site. Pressed, it holds for that person
//! and site for a while. Nobody can make one without the installation's secret.

use super::limits::{CONTINUED, CONTINUED_EACH};
use crate::host::Host;
use crate::identity::{Identity, Who};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// How long a warning's page can be left open before its button no longer works.
const TOKEN_LIFE: Duration = Duration::from_secs(600);
/// Bytes of the signature.
const SIGNATURE: usize = 32;

/// Whose decision to go on it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Holder {
    User(std::sync::Arc<str>),
    Device(IpAddr),
}

impl Holder {
    fn of(identity: &Identity, client: IpAddr) -> Self {
        match &identity.who {
            Who::User(name) => Self::User(name.clone()),
            Who::Unnamed => Self::Device(client),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::User(name) => format!("user {name}"),
            Self::Device(address) => format!("device {address}"),
        }
    }
}

/// Why a token opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Not one of ours, or changed, or for somebody else.
    #[error("this button belongs to another page or person")]
    Forged,
    /// Too old.
    #[error("this page was open for too long; load it again")]
    Expired,
}

/// Signs tokens and remembers who has gone on.
pub struct Warnings {
    key: [u8; 32],
    hold: Duration,
    continued: Mutex<HashMap<Holder, Vec<(Host, Timestamp)>>>,
}

impl Warnings {
    /// Signs with `key`; going on holds for `hold`.
    #[must_use]
    pub fn new(key: [u8; 32], hold: Duration) -> Self {
        Self { key, hold, continued: Mutex::default() }
    }

    /// A token with which this person may go on to `site`, which they were warned of, and there to `url`: that may be on another, which shows it.
    #[must_use]
    pub fn token(&self, identity: &Identity, client: IpAddr, site: &Host, url: &str, now: Timestamp) -> String {
        let until = now.as_second() + i64::try_from(TOKEN_LIFE.as_secs()).unwrap_or_default();
        let claim = format!("{until} {site} {url}");
        let signature = self.sign(&Holder::of(identity, client), &claim);
        URL_SAFE_NO_PAD.encode([&signature[..], claim.as_bytes()].concat())
    }

    /// Takes a token back from the person it was given to, lets them go on, and returns the URL they asked for.
    pub fn accept(&self, token: &str, identity: &Identity, client: IpAddr, now: Timestamp) -> Result<String, BadToken> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadToken::Forged)?;
        let (signature, claim) = bytes.split_at_checked(SIGNATURE).ok_or(BadToken::Forged)?;
        let claim = std::str::from_utf8(claim).map_err(|_| BadToken::Forged)?;
        let holder = Holder::of(identity, client);
        let given: [u8; SIGNATURE] = signature.try_into().map_err(|_| BadToken::Forged)?;
        // Comparing blake3 hashes takes the same time wherever they differ.
        if blake3::Hash::from(given) != blake3::Hash::from(self.sign(&holder, claim)) {
            return Err(BadToken::Forged);
        }
        let (until, rest) = claim.split_once(' ').ok_or(BadToken::Forged)?;
        let (site, url) = rest.split_once(' ').ok_or(BadToken::Forged)?;
        if until.parse::<i64>().map_err(|_| BadToken::Forged)? < now.as_second() {
            return Err(BadToken::Expired);
        }
        self.remember(holder, Host::parse(site).map_err(|_| BadToken::Forged)?, now);
        Ok(url.to_owned())
    }

    fn sign(&self, holder: &Holder, claim: &str) -> [u8; SIGNATURE] {
        let holder = holder.text();
        let mut signature = blake3::Hasher::new_keyed(&self.key);
        signature.update(&(holder.len() as u64).to_le_bytes()).update(holder.as_bytes()).update(claim.as_bytes());
        *signature.finalize().as_bytes()
    }

    fn remember(&self, holder: Holder, site: Host, now: Timestamp) {
        let until = now.checked_add(self.hold).unwrap_or(now);
        let mut continued = self.continued.lock();
        if continued.len() >= CONTINUED {
            continued.retain(|_, sites| {
                sites.retain(|(_, until)| *until > now);
                !sites.is_empty()
            });
        }
        if continued.len() >= CONTINUED {
            continued.clear();
        }
        let sites = continued.entry(holder).or_default();
        sites.retain(|(known, until)| *known != site && *until > now);
        if sites.len() >= CONTINUED_EACH {
            sites.remove(0);
        }
        sites.push((site, until));
    }

    /// The sites this person has gone on to a short while ago; nearly always none, and that takes no memory.
    #[must_use]
    pub fn past(&self, identity: &Identity, client: IpAddr, now: Timestamp) -> Vec<Host> {
        let continued = self.continued.lock();
        if continued.is_empty() {
            return Vec::new();
        }
        let sites = continued.get(&Holder::of(identity, client)).into_iter().flatten();
        sites.filter(|(_, until)| *until > now).map(|(site, _)| site.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{GroupId, Standing};

    const URL: &str = "http://chat.example/room?x=1";

    fn host(name: &str) -> Host {
        Host::parse(name).expect("a host")
    }

    fn token_of(warnings: &Warnings, identity: &Identity, now: Timestamp) -> String {
        warnings.token(identity, client(1), &host("chat.example"), URL, now)
    }

    fn user(name: &str) -> Identity {
        Identity::proved(name.into(), Standing::Member(GroupId(0)))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn client(last: u8) -> IpAddr {
        IpAddr::from([10, 7, 0, last])
    }

    #[test]
    fn going_on_holds_for_that_person_and_site_for_a_while() {
        let warnings = Warnings::new([1; 32], Duration::from_secs(900));
        let token = token_of(&warnings, &user("a"), at(0));
        assert!(warnings.past(&user("a"), client(1), at(1)).is_empty());
        assert_eq!(warnings.accept(&token, &user("a"), client(1), at(1)), Ok(URL.to_owned()));
        for (who, second, holds) in [("a", 2, true), ("a", 900, true), ("a", 901, false), ("b", 2, false)] {
            assert_eq!(warnings.past(&user(who), client(1), at(second)) == [host("chat.example")], holds, "{who} {second}");
        }
    }

    #[test]
    fn what_is_kept_of_one_person_is_bounded_and_the_oldest_goes_first() {
        let warnings = Warnings::new([1; 32], Duration::from_secs(900));
        for number in 0..CONTINUED_EACH + 3 {
            let token = warnings.token(&user("a"), client(1), &host(&format!("s{number}.example")), URL, at(0));
            warnings.accept(&token, &user("a"), client(1), at(1)).expect("it is ours");
        }
        let past = warnings.past(&user("a"), client(1), at(2));
        assert_eq!((past.len(), &past[0]), (CONTINUED_EACH, &host("s3.example")));
    }

    #[test]
    fn a_token_is_good_for_its_own_person_and_time_only() {
        let warnings = Warnings::new([1; 32], Duration::from_secs(900));
        let token = token_of(&warnings, &user("a"), at(0));
        assert_eq!(warnings.accept(&token, &user("b"), client(1), at(1)), Err(BadToken::Forged));
        assert_eq!(warnings.accept(&token, &Identity::unknown(), client(1), at(1)), Err(BadToken::Forged));
        assert_eq!(warnings.accept(&token, &user("a"), client(1), at(601)), Err(BadToken::Expired));
        let device = token_of(&warnings, &Identity::unknown(), at(0));
        assert_eq!(warnings.accept(&device, &Identity::unknown(), client(2), at(1)), Err(BadToken::Forged));
        let other = Warnings::new([2; 32], Duration::from_secs(900));
        assert_eq!(other.accept(&token, &user("a"), client(1), at(1)), Err(BadToken::Forged));
        for forged in ["", "AAAA", &token[1..], &format!("{token}A"), &URL_SAFE_NO_PAD.encode([0; 80])] {
            assert_eq!(warnings.accept(forged, &user("a"), client(1), at(1)), Err(BadToken::Forged));
        }
    }

    proptest::proptest! {
        #[test]
        fn only_what_was_signed_is_accepted(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..120), at in 0..64usize, bit in 0..8u8) {
            let (warnings, now) = (Warnings::new([1; 32], Duration::from_secs(900)), Timestamp::UNIX_EPOCH);
            let accepts = |token: &str| warnings.accept(token, &user("a"), client(1), now);
            proptest::prop_assert_eq!(accepts(&URL_SAFE_NO_PAD.encode(&bytes)), Err(BadToken::Forged));
            let token = token_of(&warnings, &user("a"), now);
            let mut changed = URL_SAFE_NO_PAD.decode(&token).expect("a token");
            let place = at % changed.len();
            changed[place] ^= 1 << bit;
            proptest::prop_assert_eq!(accepts(&URL_SAFE_NO_PAD.encode(&changed)), Err(BadToken::Forged));
            proptest::prop_assert_eq!(accepts(&token), Ok(URL.to_owned()));
        }
    }
}
