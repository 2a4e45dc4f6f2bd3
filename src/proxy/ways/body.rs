//! The body of an answer, read for ways round the filter beside whoever reads it for words, out of the same decoder.
//!
//! Where nobody reads a group's pages for words, nothing is decoded for this alone: what comes without a coding is read, and the rest passes unread.

use crate::bypass::Finding;
use crate::bypass::bodies::Body;
use crate::policy::ways::Act;
use crate::policy::{OnHit, Reason, Ways};
use crate::proxy::judge::{Judge, Sentence};
use http::header::{CONTENT_TYPE, HeaderMap};
use std::sync::Arc;

/// Reads one body.
pub(in crate::proxy) struct WaysJudge {
    body: Body,
    ways: Ways,
    is_over: bool,
}

impl WaysJudge {
    /// For a body with this head, if there is anything to look for. `is_known`: a list knows the site.
    pub(in crate::proxy) fn of(ways: Ways, headers: &HeaderMap, is_known: bool) -> Option<Self> {
        // Of several types browsers take the last.
        let declared = headers.get_all(CONTENT_TYPE).iter().next_back().map(|value| value.to_str().unwrap_or("?"));
        let body = Body::of(declared, is_known)?;
        (ways.near > Act::Nothing || ways.scores > Act::Nothing).then_some(Self { body, ways, is_over: false })
    }

    fn sentence(&self, finding: Finding) -> Option<Sentence> {
        let on_hit = match self.ways.act(&finding) {
            Act::Nothing => return None,
            Act::Note => OnHit::Note,
            Act::Block => OnHit::Cut,
        };
        Some(Sentence { on_hit, reason: Reason::Way(Arc::new(finding)) })
    }
}

impl Judge for WaysJudge {
    fn feed(&mut self, bytes: &[u8]) -> Option<Sentence> {
        if self.is_over {
            return None;
        }
        // What only passes is said once, at its end, when it is known what it comes to.
        let said = self.body.feed(bytes).and_then(|finding| self.sentence(finding)).filter(|said| said.on_hit > OnHit::Note);
        self.is_over = said.is_some();
        said
    }

    fn end(&mut self) -> Option<Sentence> {
        if std::mem::replace(&mut self.is_over, true) {
            return None;
        }
        self.body.end().and_then(|finding| self.sentence(finding))
    }

    fn is_anxious(&self) -> bool {
        false
    }

    fn pause(&mut self) -> Option<Sentence> {
        None
    }

    fn unread(&self) -> OnHit {
        OnHit::Note
    }

    fn most(&self) -> OnHit {
        if self.ways.near == Act::Block || self.ways.scores == Act::Block { OnHit::Cut } else { OnHit::Note }
    }
}
