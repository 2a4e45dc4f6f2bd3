//! Ways round the filter that a request takes, its answer or the body of that: the detectors ([`crate::bypass`]) are asked here, and what is done about what
//! they find is the policy's ([`crate::policy::through`], [`crate::policy::ways`]).
//!
//! | asked | of | what blocks shows | what passes says |
//! | --- | --- | --- | --- |
//! | before the request goes on | its head and address ([`Worker::at_head`]) | the block page; nothing is connected to | a remark at the record's front |
//! | before its answer goes on | the answer's head ([`Worker::at_answer`]) | the block page | a remark |
//! | as the body passes | its bytes, decoded ([`body`]) | the page where the beginning is held, else it breaks off | a remark |
//!
//! What is found of a WebSocket is on record at once, for it may live long. What a WebSocket carries is another thing: [`super::sockets`].
//!
//! Where to add: a detector of heads in [`crate::bypass::heads`], one of bodies in [`crate::bypass::bodies`]; nothing here.

pub(super) mod body;

use super::Worker;
use super::headers::asks_websocket;
use super::meaning::{SEC_FETCH_DEST, SEC_FETCH_USER};
use super::reading::Case;
use super::request::Asked;
use super::target::Target;
use crate::audit::remark::Remark;
use crate::audit::{Opening, Pending};
use crate::bypass::Finding;
use crate::bypass::cloak::{Half, is_decoy};
use crate::bypass::forms::Form;
use crate::bypass::heads::{self, Findings, is_shown_openly};
use crate::bypass::hosting;
use crate::bypass::relay::{Role, carried};
use crate::host::Host;
use crate::identity::Identity;
use crate::lists::Found;
use crate::policy::through::Met;
use crate::policy::ways::Act;
use crate::policy::{OnHit, Reason, RequestVerdict};
use crate::proxy::judge::Sentence;
use crate::url::Url;
use http::header::{HeaderMap, REFERER};
use std::sync::Arc;

fn number(text: &str) -> u64 {
    blake3::hash(text.as_bytes()).as_bytes()[..8].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn person(asked: &Asked, identity: &Identity) -> u64 {
    identity.user().map_or_else(|| number(&asked.client().to_string()), number)
}

fn at_ms(asked: &Asked) -> u64 {
    asked.now.as_millisecond().unsigned_abs()
}

impl Worker {
    /// The decision on a request, with the ways round its head takes: of what may pass, it may be that it is refused for them, or a warning is shown. What
    /// passes all the same is kept for its record.
    pub(super) fn at_head(
        &self,
        asked: &mut Asked,
        (target, found): (&Target, &Found),
        identity: &Identity,
        (verdict, reason): (RequestVerdict, Reason),
    ) -> (RequestVerdict, Reason) {
        let (Target::Page { url, path, .. }, RequestVerdict::Forward(_)) = (target, &verdict) else { return (verdict, reason) };
        let taxonomy = &asked.snapshot.taxonomy;
        let head = heads::Request { url, path, method: asked.method.as_str(), fields: &asked.headers, categories: found.categories, taxonomy };
        let found_at_head = head.findings().into_iter().map(|finding| match head.form(&finding) {
            Some(form) => self.paired(asked, (&url.host, identity), form, finding),
            None => finding,
        });
        let mut findings: Findings = found_at_head.collect();
        findings.extend(self.leap(asked, target, identity, found));
        findings.extend(self.relayed(asked, (url, path), identity, found));
        if findings.is_empty() {
            return (verdict, reason);
        }
        self.meet(asked, identity, findings).unwrap_or((verdict, reason))
    }

    fn meet(&self, asked: &mut Asked, identity: &Identity, findings: Findings) -> Option<(RequestVerdict, Reason)> {
        let moment = asked.snapshot.timetable.moment(asked.now);
        let past = self.past(asked, identity);
        let (mut noted, mut refused) = (Vec::new(), Vec::new());
        for finding in findings {
            match asked.snapshot.court().meet(finding, self.circumstances(asked, identity, &moment, &past)) {
                Met::Nothing => {}
                Met::Noted(finding) => noted.push(finding),
                Met::Warned(reason) => refused.push((RequestVerdict::Warn, reason)),
                Met::Blocked(reason) => refused.push((RequestVerdict::Block, reason)),
            }
        }
        asked.ways = noted;
        refused.into_iter().max_by_key(|(verdict, reason)| (reason.is_always_blocked(), matches!(verdict, RequestVerdict::Block)))
    }

    /// A frame that no page is named for, or a tab that goes on to a school site without a click: both of one person and site within moments are a finding.
    fn leap(&self, asked: &Asked, target: &Target, identity: &Identity, found: &Found) -> Option<Finding> {
        let text = |name| asked.headers.get(name).and_then(|value| value.to_str().ok());
        let url = target.url();
        let (site, half) = match text(&SEC_FETCH_DEST)? {
            "iframe"
                if hosting::says_nothing(found.categories, &asked.snapshot.taxonomy)
                    && !asked.headers.contains_key(REFERER)
                    && text(&super::meaning::SEC_FETCH_SITE) == Some("same-origin") =>
            {
                (url.host.as_str().to_owned(), Half::Frame)
            }
            "document" if text(&SEC_FETCH_USER).is_none() && is_decoy(url.host.as_str()) => {
                let from = Url::parse(text(&REFERER)?).ok().filter(|from| !is_decoy(from.host.as_str()))?;
                if !hosting::says_nothing(asked.snapshot.lists.look_up(&from).categories, &asked.snapshot.taxonomy) {
                    return None;
                }
                (from.host.as_str().to_owned(), Half::Leap)
            }
            _ => return None,
        };
        self.leaps.lock().see((person(asked, identity), number(&site)), half, at_ms(asked))
    }

    /// A finding of a form that a web proxy's addresses have: surer, where the person asked this site for another form of it moments ago.
    fn paired(&self, asked: &Asked, (site, identity): (&Host, &Identity), form: Form, finding: Finding) -> Finding {
        self.pairs.lock().see((person(asked, identity), number(site.as_str())), form, at_ms(asked), finding)
    }

    /// A page of another site, or a part of one, whose address stands in this one, where the person asked this site for both.
    fn relayed(&self, asked: &Asked, (url, path): (&Url, &str), identity: &Identity, found: &Found) -> Option<Finding> {
        let dest = asked.headers.get(&SEC_FETCH_DEST).and_then(|value| value.to_str().ok());
        if !Role::may_be(dest) {
            return None;
        }
        let (place, page) = carried(&url.host, path)?;
        let role = Role::of(dest, &page)?;
        if !hosting::says_nothing(found.categories, &asked.snapshot.taxonomy) || is_shown_openly(url) {
            return None;
        }
        self.relays.lock().see((person(asked, identity), number(url.host.as_str())), (role, place, page), at_ms(asked))
    }

    /// Puts on record what was found in a request's head and passes: with its record's end, or at once where that may be far off.
    pub(super) fn remark_ways(&self, asked: &Asked, opening: &Arc<Opening>, pending: &mut Pending) {
        let is_socket = asks_websocket(&asked.headers);
        for finding in &asked.ways {
            if is_socket {
                let note = Case::note(&self.recorder, opening.clone(), asked.snapshot.clone(), pending.id());
                note(&Sentence { on_hit: OnHit::Note, reason: Reason::Way(Arc::new(finding.clone())) });
            } else {
                pending.remark(Remark::from(finding));
            }
        }
    }

    /// What the head of an answer says of a way round: why it is refused. What passes is remarked.
    pub(super) fn at_answer(&self, asked: &Asked, opening: &Opening, headers: &HeaderMap, pending: &mut Pending) -> Option<Reason> {
        let answer = heads::Answer { host: &opening.host, categories: &opening.categories, fields: headers };
        if answer.is_part_of_triad() {
            pending.remark(Remark::WASM);
        }
        let findings = answer.findings();
        if findings.is_empty() {
            return None;
        }
        let ways = asked.snapshot.policy.ways(asked.sequel.as_ref()?.identity.standing);
        let mut blocked = None;
        // What was said of the request is said.
        for finding in findings.into_iter().filter(|finding| !heads::has(&asked.ways, finding.code)) {
            match ways.act(&finding) {
                Act::Nothing => {}
                Act::Note => pending.remark(Remark::from(&finding)),
                Act::Block => blocked = Some(Reason::Way(Arc::new(finding))),
            }
        }
        blocked
    }
}
