//! What is known of a request, and putting it on record: before anything is done for it, and without a record nothing is.
//!
//! What it means among the steps of whoever asks is [`super::meaning`]; how the record is kept is [`crate::audit`].

use super::error::unrecorded;
use super::meaning::{Entry, SEC_FETCH_DEST, SEC_FETCH_MODE, SEC_FETCH_USER};
use super::request::{Answer, Asked, own_answer};
use super::target::Target;
use super::{Proxy, Worker};
use crate::alert::links::covered;
use crate::audit::{Class, Opening, Outcome, Pending, Verdict};
use crate::identity::{Identity, Who};
use crate::insight::{Certainty, Kind, Start};
use crate::lists::Found;
use crate::policy::Reason;
use http::header::{HeaderName, USER_AGENT};
use std::borrow::Cow;

/// The longest any one field of a head is recorded, in bytes.
const LONGEST_FIELD: usize = 2048;

impl Worker {
    /// A request that was judged, as one of a person's steps.
    pub(super) fn judged(&self, asked: &Asked, target: &Target, identity: &Identity, found: &Found, verdict: Verdict, reason: &Reason) -> Entry {
        self.entry(asked, target, identity, self.judged_opening(asked, target, identity, found, verdict, reason))
    }

    /// What is known of a request that was judged.
    pub(super) fn judged_opening(&self, asked: &Asked, target: &Target, identity: &Identity, found: &Found, verdict: Verdict, reason: &Reason) -> Opening {
        let taxonomy = &asked.snapshot.taxonomy;
        let categories = reason.listed(found.categories);
        Opening {
            verdict,
            categories: taxonomy.ids(categories).collect::<Vec<_>>().join(" "),
            reason: reason.kind(),
            why: reason.text(taxonomy),
            rule: reason.rule().map(str::to_owned),
            entry: reason.entry().cloned(),
            ..opening(asked, Some(target), identity)
        }
    }

    /// Puts a request on record; without a record, the answer is that nothing can pass.
    pub(super) async fn open_record(&self, asked: &Asked, entry: Entry) -> Result<Pending, Answer> {
        let Entry { opening, step } = entry;
        let verdict = opening.verdict;
        let opened = self.recorder.open(opening).await;
        if let (Some(step), Ok(pending)) = (step, &opened) {
            self.recorded(step, verdict, pending.id());
        }
        opened.map_err(|why| own_answer(asked, &unrecorded(&why), None, &self.settings.school))
    }

    /// Puts a request on record while its site is reached, and no longer than the record takes if it fails. While the log cannot be written, nothing is
    /// reached before.
    pub(super) async fn beside<T>(
        &self,
        record: impl Future<Output = Result<Pending, Answer>>,
        reach: impl Future<Output = T>,
    ) -> Result<(Pending, T), Answer> {
        if self.recorder.is_failing() {
            return Ok((record.await?, reach.await));
        }
        tokio::try_join!(record, async { Ok(reach.await) })
    }

    /// Answers by ourselves, on record, without having judged: our own pages, `TRACE` at its end.
    pub(super) async fn answered(&self, asked: &Asked, target: &Target, identity: &Identity, kind: &'static str, why: &str) -> Result<Pending, Answer> {
        self.open_record(asked, unjudged(asked, Some(target), identity, Verdict::Answered, (kind, why.to_owned().into()))).await
    }

    /// Puts on record that something was refused that has been answered already, or has no answer.
    pub(super) async fn mark(&self, asked: &Asked, target: &Target, identity: &Identity, kind: &'static str, why: String) {
        // Where it cannot be put on record, nothing passes either way.
        if let Ok(pending) = self.open_record(asked, unjudged(asked, Some(target), identity, Verdict::Refused, (kind, why.into()))).await {
            pending.close(Outcome::Complete);
        }
    }
}

/// A request that was not judged: that it was refused or is answered by ourselves, in a word and in a sentence.
pub(super) fn unjudged(asked: &Asked, target: Option<&Target>, identity: &Identity, verdict: Verdict, (kind, why): (&'static str, Cow<'static, str>)) -> Entry {
    Proxy::lone_entry(asked, identity, Opening { verdict, reason: kind, why, ..opening(asked, target, identity) })
}

/// What is known of a request whatever came of it. What it means is filled in by [`Proxy::entry`].
fn opening(asked: &Asked, target: Option<&Target>, identity: &Identity) -> Opening {
    let policy = &asked.snapshot.policy;
    let (scheme, host, port, path) = match target {
        Some(Target::Tunnel(url)) => ("https", url.host.to_string(), url.port, String::new()),
        // Whoever reads the record could else say that they are whom an alert was sent to.
        Some(Target::Page { url, path, .. }) => (url.scheme.as_str(), url.host.to_string(), url.port, covered(path).into_owned()),
        None => ("", String::new(), 0, String::new()),
    };
    Opening {
        class: Class::Resource,
        kind: Kind::Resource,
        start: Start::Loaded,
        certainty: Certainty::Inferred,
        cause: None,
        search: None,
        time_ms: asked.now.as_millisecond().unsigned_abs(),
        user: match &identity.who {
            Who::User(name) => Some(name.clone()),
            Who::Unnamed => None,
        },
        group: policy.group_name(identity.standing),
        source: identity.source.as_str(),
        confidence: identity.confidence.as_str(),
        client: asked.client(),
        method: asked.method.clone(),
        scheme,
        host,
        port,
        path,
        categories: String::new(),
        verdict: Verdict::Answered,
        reason: "",
        why: Cow::Borrowed(""),
        rule: None,
        entry: None,
        snapshot: asked.snapshot.id,
        agent: text(asked, &USER_AGENT),
        referrer: None,
        fetch_dest: text(asked, &SEC_FETCH_DEST),
        fetch_mode: text(asked, &SEC_FETCH_MODE),
        fetch_user: text(asked, &SEC_FETCH_USER),
    }
}

/// What a field of the head says, as far as it is recorded.
fn text(asked: &Asked, field: &HeaderName) -> Option<String> {
    let value = asked.headers.get(field)?;
    let text = String::from_utf8_lossy(value.as_bytes());
    Some(text[..text.floor_char_boundary(LONGEST_FIELD)].to_owned())
}
