//! Files on their way to a client: judged by name, type and bytes, and shown to a virus scanner.
//!
//! ```text
//! head ─▶ names, type, length ─▶ first bytes ─┬▶ refused: a page in its place, and nothing of it has left
//!                                             ├▶ to be scanned: held whole on disk ─▶ scanners ─▶ a page, or all of it
//!                                             └▶ passes; judged on as it streams ─▶ refused yet: cut off
//! ```
//!
//! The record of the request was committed before as allowed. A refusal is a record of its own, of the class for what was blocked, committed before its page
//! leaves or the file is cut; the first record ends with a note that leads to it.

mod head;
mod passing;
mod scanners;

pub(super) use head::{SHAPED_BY, coding_of_messages, codings, essences, framed, shape};
pub use passing::InspectedFile;
pub(super) use scanners::{found, request_head};

use super::body::AnswerBody;
use super::decoding::Full;
use super::request::{Answer, Asked, own_answer};
use super::target::Target;
use super::{Proxy, Worker};
use crate::antivirus::Antivirus;
use crate::audit::{Opening, Outcome, Pending, Verdict as Recorded};
use crate::kinds::Classes;
use crate::policy::files::{Judge, Refusal, Rules, may_ask_for};
use crate::shares::Taker;
use head::facts;
use http::header::{ACCEPT_ENCODING, CONTENT_DISPOSITION, HeaderMap, HeaderValue, IF_RANGE, RANGE};
use http::{Method, StatusCode};
use passing::{Decided, Ender};
use scanners::scan;
use std::future::poll_fn;
use std::sync::Arc;

/// What is needed to judge the answer to a request, kept from before it was sent.
pub(super) struct Brief {
    rules: Arc<Rules>,
    /// The request as it is on record.
    opening: Box<Opening>,
    /// What the form of a page depends on.
    shape: HeaderMap,
    path: String,
    antivirus: Option<Arc<Antivirus>>,
}

/// Why a file does not pass.
pub(super) enum Refused {
    /// By the rules of a group.
    Rules(String),
    /// By a scanner, or for want of one.
    Antivirus(String),
}

impl Refused {
    /// One word for the kind, as in the log.
    fn kind(&self) -> &'static str {
        match self {
            Self::Rules(_) => "file",
            Self::Antivirus(_) => "antivirus",
        }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Rules(text) | Self::Antivirus(text) => text,
        }
    }
}

impl Brief {
    fn refused_by_rules(&self, refusal: &Refusal) -> Refused {
        Refused::Rules(refusal.text(&self.opening.group))
    }
}

/// The record of a refusal: the request's, as blocked.
pub(super) fn blocked(opening: &Opening, refused: &Refused) -> Box<Opening> {
    let class = opening.class.following(opening.kind, Recorded::Blocked);
    let why = refused.text().to_owned().into();
    Box::new(Opening { class, verdict: Recorded::Blocked, reason: refused.kind(), why, rule: None, entry: None, ..opening.clone() })
}

impl Proxy {
    /// What is needed to judge the answer, if it is to be judged; the request is made such that the answer can be.
    pub(super) fn file_brief(&self, asked: &mut Asked, target: &Target, opening: &Opening) -> Option<Box<Brief>> {
        let Target::Page { url, path, .. } = target else { return None };
        let rules = asked.files.clone().filter(|rules| rules.are_for(&url.host));
        let antivirus = self.antivirus.clone().filter(|antivirus| antivirus.scans_answers());
        if rules.is_none() && antivirus.is_none() {
            return None;
        }
        let headers = &mut asked.headers;
        if headers.get_all(RANGE).iter().any(|range| !may_ask_for(range.as_bytes(), path)) {
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
        }
        if antivirus.is_some() && headers.contains_key(ACCEPT_ENCODING) {
            // What scanners undo.
            let takes = headers.get_all(ACCEPT_ENCODING).iter().any(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase().contains("gzip"));
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(if takes { "gzip" } else { "identity" }));
        }
        let shape = shape(headers);
        Some(Box::new(Brief { rules: rules.unwrap_or_default(), opening: Box::new(opening.clone()), shape, path: path.clone(), antivirus }))
    }
}

impl Worker {
    /// Judges a file before its head leaves: the answer as it is, judged on as it streams; or a page in its place.
    pub(super) async fn judge_file(self: &Arc<Self>, brief: Box<Brief>, asked: &Asked, answer: Answer) -> Answer {
        let (mut head, mut body) = answer.into_parts();
        if !body.is_of_origin() || asked.method == Method::HEAD || head.status.is_informational() || head.status == StatusCode::NOT_MODIFIED {
            return Answer::from_parts(head, body);
        }
        let facts = facts(&head, &brief.path);
        let codings = facts.codings.clone();
        let looks = brief.antivirus.is_some();
        let judge = match Judge::new(brief.rules.clone(), facts, looks) {
            Ok(judge) => judge,
            Err(refusal) => return self.withhold(&brief, asked, body, &brief.refused_by_rules(&refusal)).await,
        };
        let ender = Ender { recorder: self.recorder.clone(), opening: brief.opening.clone() };
        // Who is read for words too is read twice. That is taken in one, lest two wait for what the other has.
        let memory = match codings.as_ref().filter(|_| judge.looks()) {
            Some(codings) => {
                let readers = 1 + usize::from(asked.reading.is_some());
                match self.decoding.take_for(&taker(&brief.opening), codings, readers, self.limits.scan.pause).await {
                    Ok(memory) => memory,
                    Err(Full) => return self.withhold(&brief, asked, body, &brief.refused_by_rules(&Refusal::Full)).await,
                }
            }
            None => None,
        };
        let Some(file) = body.inspect(|relay| InspectedFile::new(relay, judge, ender, memory)) else { return Answer::from_parts(head, body) };
        if let Decided::Refused(text) = poll_fn(|cx| file.poll_decided(cx)).await {
            return self.withhold(&brief, asked, body, &Refused::Rules(text)).await;
        }
        // What is saved, whatever it says that it is made of; and what comes first in it says nothing of what comes next.
        let is_saved = head.headers.contains_key(CONTENT_DISPOSITION);
        let wants = |antivirus: &Antivirus, judge: &Judge| {
            let more = judge.may_hold_more() && (is_saved && antivirus.wants_what_holds_any() || antivirus.wants(Classes::default(), false));
            more || antivirus.wants(judge.classes(), judge.is_harmless())
        };
        let wanted = brief.antivirus.as_ref().filter(|antivirus| wants(antivirus, &file.judge) && !file.is_empty());
        if let Some(antivirus) = wanted {
            match scan(antivirus, &brief, &head, codings.as_ref(), file).await {
                Ok(()) => {}
                Err(refused) => return self.withhold(&brief, asked, body, &refused).await,
            }
            // What a scanner was shown is what the client gets.
            head.headers.remove(http::header::TRAILER);
        }
        Answer::from_parts(head, body)
    }

    /// A page in the place of a file of which nothing has left.
    async fn withhold(&self, brief: &Brief, asked: &Asked, body: AnswerBody, refused: &Refused) -> Answer {
        let opened = self.recorder.open(blocked(&brief.opening, refused)).await;
        let first = body.withdraw();
        let shown = Asked::shaped_by(asked, brief.shape.clone());
        match opened {
            Ok(pending) => {
                if let Some(first) = first {
                    end_first(first, &pending, "withheld");
                }
                if let Some(step) = asked.step {
                    self.recorded(step, Recorded::Blocked, pending.id());
                }
                let page = self.file_page(&brief.opening, refused.text());
                own_answer(&shown, &page, Some(pending), &self.settings.school)
            }
            Err(why) => own_answer(&shown, &super::error::unrecorded(&why), first, &self.settings.school),
        }
    }
}

/// Who takes a place for what is held.
pub(super) fn taker(opening: &Opening) -> Taker {
    Taker::of(opening.user.as_ref(), opening.client)
}

/// Ends the record of a request whose answer did not pass.
pub(super) fn end_first(mut first: Pending, second: &Pending, what: &str) {
    first.status(StatusCode::FORBIDDEN);
    first.add_note(format!("the file was {what}: see {}", second.id()));
    first.close(Outcome::Abandoned);
}
