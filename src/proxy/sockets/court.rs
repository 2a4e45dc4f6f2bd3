//! What is decided of what is asked for through a web proxy in a WebSocket: by the rules of now, as of a tunnel of that person, and on record before
//! anything of it goes on.

use super::direction::Stopped;
use crate::audit::{Class, Opening, Outcome, RecordId, Unrecorded, Verdict};
use crate::bypass::wisp::{self, BLOCKED, Carrier, Connect, INVALID, THROTTLED};
use crate::bypass::{Code, Finding};
use crate::host::Host;
use crate::identity::{Identity, Who};
use crate::insight::{Certainty, Kind, Start};
use crate::policy::through::Met;
use crate::policy::ways::{Act, Wisp};
use crate::policy::{Circumstances, ConnectVerdict, Decision, OnHit, Reason, Ways};
use crate::proxy::Worker;
use crate::proxy::judge::Sentence;
use crate::proxy::scanned::Note;
use crate::snapshot::Snapshot;
use crate::url::{Scheme, Url};
use std::pin::Pin;
use std::sync::Arc;

/// What becomes of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Passes,
    /// It is cut; the client is told this reason.
    Cut(u8),
}

/// A stream is being judged and put on record.
pub(super) type Judging = Pin<Box<dyn Future<Output = Result<Fate, Unrecorded>> + Send>>;

/// Who asks, and with what it is put on record.
#[derive(Clone)]
pub(super) struct Court {
    pub(super) worker: Arc<Worker>,
    pub(super) user: Option<Arc<str>>,
    /// What its group did about ways round the filter when the WebSocket was asked for.
    pub(super) ways: Ways,
    /// The record of the WebSocket's request.
    pub(super) opening: Arc<Opening>,
    pub(super) of: RecordId,
    /// Puts on record what is found and passes.
    pub(super) note: Option<Note>,
}

impl Court {
    /// Does what the group says about a finding: puts it on record, or says why everything ends.
    pub(super) fn found(&self, finding: Finding) -> Result<(), Stopped> {
        let act = self.ways.act(&finding);
        let reason = Reason::Way(Arc::new(finding));
        match act {
            Act::Block => return Err(Stopped::Said(Sentence { on_hit: OnHit::Cut, reason })),
            Act::Note => self.note.iter().for_each(|note| note(&Sentence { on_hit: OnHit::Note, reason: reason.clone() })),
            Act::Nothing => {}
        }
        Ok(())
    }

    /// The same of one that says which page is meant: that is judged as though it were asked for. No warning can be shown here: what comes with one is refused.
    pub(super) fn meet(&self, finding: Finding) -> Result<(), Stopped> {
        let worker = &self.worker;
        let (snapshot, now, client) = (worker.in_force.get(), (worker.clock)(), self.opening.client);
        let identity = worker.identify_again(self.user.as_ref(), &snapshot, client);
        let moment = snapshot.timetable.moment(now);
        let past: Vec<Host> = worker.warnings.past(&identity, client, now);
        let (taxonomy, lists) = (&snapshot.taxonomy, &*snapshot.lists);
        let around = Circumstances { identity: &identity, client, moment: &moment, method: "GET", past: &past, taxonomy, lists };
        match snapshot.court().meet(finding, around) {
            Met::Nothing => Ok(()),
            Met::Noted(finding) => {
                self.note.iter().for_each(|note| note(&Sentence { on_hit: OnHit::Note, reason: Reason::Way(Arc::new(finding.clone())) }));
                Ok(())
            }
            Met::Warned(reason) | Met::Blocked(reason) => Err(Stopped::Said(Sentence { on_hit: OnHit::Cut, reason })),
        }
    }

    /// Judges a stream. `is_full`: there are as many as there may be.
    pub(super) fn judge(&self, connect: Connect, is_full: bool) -> Judging {
        let court = self.clone();
        Box::pin(async move {
            let (fate, opening) = court.decide(&connect, is_full);
            let mut pending = court.worker.recorder.open(opening).await?;
            let carrier = match connect.carrier {
                Carrier::Tcp => "TCP".to_owned(),
                Carrier::Udp => "UDP".to_owned(),
                Carrier::Other(kind) => format!("kind {kind}"),
            };
            pending.note(format!("asked for over {carrier} in a message of request {}", court.of));
            pending.close(Outcome::Complete);
            Ok(fate)
        })
    }

    /// What becomes of a stream, and what is put on record of it.
    fn decide(&self, connect: &Connect, is_full: bool) -> (Fate, Opening) {
        let worker = &self.worker;
        let (snapshot, now) = (worker.in_force.get(), (worker.clock)());
        let client = self.opening.client;
        let identity = worker.identify_again(self.user.as_ref(), &snapshot, client);
        let opening = self.opening(&snapshot, &identity, now.as_millisecond().unsigned_abs());
        let finding = Finding::new(Code::WispStream, &format!("a CONNECT packet of Wisp to {:?}, port {}", connect.asked, connect.port));
        let Some(host) = connect.host.clone() else {
            return (Fate::Cut(INVALID), self.blocked(opening, &finding, "What is asked for is no host."));
        };
        let is_too_fast = worker.requests.as_ref().is_some_and(|requests| requests.check_key(&client).is_err());
        let target = finding.clone().of_target(&host.authority(connect.port));
        let opening = Opening { scheme: Scheme::Https.as_str(), host: host.to_string(), port: connect.port, path: String::new(), ..opening };
        if is_full || is_too_fast {
            let why = if is_full { format!("More than {} are open at once.", wisp::MOST_STREAMS) } else { "This device asks for too much at once.".to_owned() };
            return (Fate::Cut(THROTTLED), self.blocked(opening, &target, &why));
        }
        let url = Url::new(Scheme::Https, host, connect.port, "");
        let found = snapshot.lists.look_up(&url);
        let moment = snapshot.timetable.moment(now);
        let past: Vec<Host> = worker.warnings.past(&identity, client, now);
        let (taxonomy, lists) = (&snapshot.taxonomy, &*snapshot.lists);
        let around = Circumstances { identity: &identity, client, moment: &moment, method: "CONNECT", past: &past, taxonomy, lists };
        let Decision { verdict, reason, .. } = snapshot.court().decide_connect(&url, &found, around);
        let is_judged = match snapshot.policy.ways(identity.standing).wisp() {
            Some(Wisp::Streams | Wisp::Block) => true,
            // Nothing reaches the tier that is always blocked.
            Some(Wisp::Note) | None => reason.is_always_blocked(),
        };
        let cut = match verdict {
            ConnectVerdict::Block => Some(""),
            ConnectVerdict::Inspect(_) => Some(" It would be looked into, which cannot be done there."),
            // It is led to another address than its own, and there nobody leads it.
            ConnectVerdict::Tunnel(permit) => {
                permit.into_destination().resolve_as.map(|_| " It is opened only where it keeps things back, which cannot be had there.")
            }
        };
        let categories = taxonomy.ids(reason.listed(found.categories)).collect::<Vec<_>>().join(" ");
        let kind = if reason.is_always_blocked() { reason.kind() } else { Code::WispStream.as_str() };
        let (rule, entry) = (reason.rule().map(str::to_owned), reason.entry().cloned());
        let opening = Opening { categories, reason: kind, rule, entry, ..opening };
        match cut.filter(|_| is_judged) {
            Some(more) => {
                let why = format!("{} {}{more}", target.why(), reason.text(taxonomy));
                (
                    Fate::Cut(BLOCKED),
                    Opening { verdict: Verdict::Blocked, why: why.into(), class: opening.class.following(Kind::Resource, Verdict::Blocked), ..opening },
                )
            }
            None => {
                // What passes is often the same, and its host stands beside it: a sentence that is another each time is kept each time.
                let why = format!("{} {}", Code::WispStream.words(), reason.text(taxonomy));
                (Fate::Passes, Opening { verdict: Verdict::Allowed, why: why.into(), ..opening })
            }
        }
    }

    /// What is put on record of every stream.
    fn opening(&self, snapshot: &Snapshot, identity: &Identity, time_ms: u64) -> Opening {
        let is_staff = snapshot.policy.is_staff(identity.standing);
        Opening {
            class: if is_staff { Class::Staff } else { Class::of(Kind::Resource, Verdict::Allowed) },
            kind: Kind::Resource,
            start: Start::Clicked,
            certainty: Certainty::Inferred,
            cause: Some(self.of),
            search: None,
            time_ms,
            user: match &identity.who {
                Who::User(name) => Some(name.clone()),
                Who::Unnamed => None,
            },
            group: snapshot.policy.group_name(identity.standing),
            source: identity.source.as_str(),
            confidence: identity.confidence.as_str(),
            method: http::Method::CONNECT,
            categories: String::new(),
            verdict: Verdict::Allowed,
            reason: Code::WispStream.as_str(),
            why: "".into(),
            rule: None,
            entry: None,
            snapshot: snapshot.id,
            ..(*self.opening).clone()
        }
    }

    /// What is put on record of a stream that was not even judged.
    fn blocked(&self, opening: Opening, finding: &Finding, why: &str) -> Opening {
        let class = opening.class.following(Kind::Resource, Verdict::Blocked);
        Opening { verdict: Verdict::Blocked, class, why: format!("{} {why}", finding.why()).into(), ..opening }
    }
}
