//! What the beginning of a tunnel says of a way round the filter: the name in its hello, the program that sends it, and noise where it need not be TLS. What is done about it is the
//! group's choice (`policy::ways`). That what is spoken is no TLS, and that names agree, is [`super::gate`]'s.

use super::Worker;
use super::gate::Entrant;
use super::on_record::unjudged;
use super::unfit::Unfit;
use crate::audit::{Outcome, Verdict};
use crate::bypass::first::First;
use crate::bypass::random::is_noise;
use crate::bypass::{Code, Finding, ech, tor};
use crate::host::Host;
use crate::policy::ways::{Act, Ways};
use crate::tls::hello::{Hello, Name};
use crate::tls::ja4::{Class, Ja4};
use http::header::{HeaderMap, USER_AGENT};
use smallvec::SmallVec;
use std::net::IpAddr;

/// What was found of a tunnel that passes.
pub(super) type Found = SmallVec<[Finding; 1]>;

/// What is said of a tunnel that passes.
#[derive(Default)]
pub(super) struct Said {
    /// On its record.
    pub(super) note: Option<String>,
    /// On records of their own.
    pub(super) found: Found,
}

impl Said {
    pub(super) fn noted(note: String) -> Self {
        Self { note: Some(note), found: Found::new() }
    }
}

/// What a program calls itself.
pub(super) fn agent_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok())
}

/// What is done about a finding: kept to be noted, or the end of the tunnel.
fn met(finding: Finding, ways: Ways, found: &mut Found) -> Result<(), Unfit> {
    match ways.act(&finding) {
        Act::Nothing => {}
        Act::Note => found.push(finding),
        Act::Block => return Err(Unfit::Way(finding)),
    }
    Ok(())
}

/// What is no TLS, and need not be: whether it looks like noise.
pub(super) fn noise(first: First, bytes: &[u8], ways: Ways) -> Result<Found, Unfit> {
    let mut found = Found::new();
    if first == First::Other && is_noise(bytes) {
        met(Finding::new(Code::Random, &format!("{} bytes without any form", bytes.len())), ways, &mut found)?;
    }
    Ok(found)
}

/// Why what is no TLS, and must be, is turned away.
pub(super) fn not_tls(first: First, bytes: &[u8]) -> Unfit {
    if first == First::Other && is_noise(bytes) { Unfit::Noise } else { Unfit::NotTls(first) }
}

impl Worker {
    /// What the hello in a tunnel says of a way round. `agent`: what the program calls itself.
    pub(super) fn in_hello(&self, hello: &Hello, class: Class, tunnel: &Host, (client, agent): (IpAddr, Option<&str>), ways: Ways) -> Result<Found, Unfit> {
        let mut found = Found::new();
        if let Name::Host(name) = &hello.name {
            let sealed = ech::in_name(name.as_str(), tunnel.as_str());
            let made_up = || tor::in_hello(name.as_str(), tunnel.address().is_some(), || Ja4::of(hello).to_string());
            if let Some(finding) = sealed.or_else(made_up) {
                met(finding, ways, &mut found)?;
            }
        }
        if let Some(finding) = self.hellos.take(client, agent, class, (self.clock)()) {
            met(finding, ways, &mut found)?;
        }
        Ok(found)
    }

    /// Puts on record what was found of a tunnel that passes, each by itself: the tunnel's own record ends with it, which may be hours away.
    pub(super) async fn note_ways(&self, entrant: &Entrant, found: &[Finding]) {
        let Entrant { asked, target, identity } = entrant;
        for finding in found {
            let entry = unjudged(asked, Some(target), identity, Verdict::Allowed, (finding.code.as_str(), finding.why().into()));
            // Where it cannot be put on record, nothing passes before long, and that is told.
            if let Ok(pending) = self.open_record(asked, entry).await {
                pending.close(Outcome::Complete);
            }
        }
    }
}
