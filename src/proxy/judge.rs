//! Who reads a body as it passes, and what they say of it. [`super::scanned`] carries out what is said.
//!
//! Where to add one that reads files or chats: a type that is a [`Judge`], made in `Proxy::judges` where the head says that it has something to read.

use crate::audit::Pending;
use crate::audit::remark::Remark;
use crate::body::coding::Unreadable;
use crate::body::parts::{Parts, should_have};
use crate::category::Taxonomy;
use crate::policy::words::{Said, Way, Words};
use crate::policy::{OnHit, Reading, Reason};
use crate::scan::window::{Repeats, Score};
use crate::scan::{Finding, Kind, Scanner, label};
use crate::snapshot::Snapshot;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use std::sync::Arc;

/// What is said of a body, and why.
#[derive(Clone, Debug)]
pub struct Sentence {
    /// What is to be done.
    pub on_hit: OnHit,
    /// Why; the same on the page and on record.
    pub reason: Reason,
}

impl Sentence {
    /// The stricter of what was said before and now.
    pub(super) fn stricter(before: Option<Self>, now: Option<Self>) -> Option<Self> {
        match (before, now) {
            (Some(before), Some(now)) if before.on_hit >= now.on_hit => Some(before),
            (before, now) => now.or(before),
        }
    }

    /// What is put on record of it.
    #[must_use]
    pub fn on_record(&self) -> String {
        match &self.reason {
            Reason::Words(words) => words.on_record(),
            Reason::Way(finding) => finding.why(),
            Reason::Through(through) => through.finding.why(),
            // Nothing else is said of bodies.
            other => other.kind().to_owned(),
        }
    }

    /// The same as the reason of a record of its own, which names what the reason is about.
    #[must_use]
    pub fn why(&self, taxonomy: &Taxonomy) -> String {
        match &self.reason {
            Reason::Words(_) | Reason::Way(_) => self.on_record(),
            other => other.text(taxonomy).into_owned(),
        }
    }

    /// Notes it with the request whose body it is of. Words that pass although they are over are remarked: nothing else on record tells a program of them. So
    /// is a way round, also where it ends there: what is on record of that says which kind it is, and not that it was surer than most of its kind.
    pub(super) fn note(&self, pending: &mut Pending) {
        pending.add_note(self.on_record());
        if let (OnHit::Note, Reason::Words(words)) = (self.on_hit, &self.reason)
            && let Said::Over { theme, points, threshold, .. } = &words.said
        {
            pending.remark(Remark::Words { theme: theme.clone(), points: *points, threshold: *threshold, way: words.way });
        }
        if let Reason::Way(finding) = &self.reason {
            pending.remark(Remark::from(&**finding));
        }
    }
}

/// Reads a body as it passes, without its codings.
pub trait Judge: Send {
    /// More of it. Something is said once for each degree of strictness; what comes after is read on only if nothing but a note was.
    fn feed(&mut self, bytes: &[u8]) -> Option<Sentence>;
    /// It is over.
    fn end(&mut self) -> Option<Sentence>;
    /// Whether something may be said of it yet, should nothing follow: what came last is better kept back for a while.
    fn is_anxious(&self) -> bool;
    /// Nothing has followed for a while: what is said of it as though it were over. More may follow all the same.
    fn pause(&mut self) -> Option<Sentence>;
    /// What is to be done where it cannot be read any further.
    fn unread(&self) -> OnHit;
    /// The most that it may ever say.
    fn most(&self) -> OnHit;
}

/// How many bytes tell whether a body of no said type is text (WHATWG MIME Sniffing section 7).
const SNIFFED: usize = 512;

/// How much of a message is read as going on with the one before, in bytes: what chat services send in pieces is shorter.
pub(super) const LONGEST_TOKEN: usize = 4096;

/// Weighs the words of a body.
pub struct WordsJudge {
    /// None where the body turned out to be no text.
    scanner: Option<Scanner>,
    snapshot: Arc<Snapshot>,
    reading: Reading,
    way: Way,
    told: Option<OnHit>,
    /// How many more bytes are looked at to see whether it is text.
    sniff: usize,
    /// The first bytes of it, as long as the mark of UTF-16.
    begins: [u8; 2],
}

impl WordsJudge {
    /// For another body, judged by the same measure.
    #[must_use]
    pub fn beside(&self, body: &Body) -> Self {
        Self::new(&self.snapshot, &self.reading, self.way, body)
    }

    /// For a body of this kind.
    #[must_use]
    pub fn new(snapshot: &Arc<Snapshot>, reading: &Reading, way: Way, body: &Body) -> Self {
        let scanner = Scanner::new(Arc::clone(&snapshot.lexicon), body.kind, body.charset.as_deref(), Repeats::Once);
        let sniff = if body.is_sniffed { SNIFFED } else { 0 };
        Self { scanner: Some(scanner), snapshot: Arc::clone(snapshot), reading: reading.clone(), way, told: None, sniff, begins: [0; 2] }
    }

    /// For bytes of several texts one after another, or of no one text: what they begin with is no mark of the encoding of them all.
    #[must_use]
    pub fn unmarked(mut self) -> Self {
        if let Some(scanner) = &mut self.scanner {
            // As many as the longest mark.
            scanner.feed(b"\n\n\n");
        }
        self
    }

    /// What is said where the body cannot be read any further.
    #[must_use]
    pub fn unreadable(&self, why: &Unreadable) -> Sentence {
        let words = Words { way: self.way, group: Arc::clone(self.reading.group()), said: Said::Unreadable(why.to_string()) };
        Sentence { on_hit: self.unread(), reason: Reason::Words(Arc::new(words)) }
    }

    fn sentence(&self, peaks: &[i32], score: impl FnOnce() -> Score) -> Option<(OnHit, Reason)> {
        let hit = self.reading.judge(peaks, self.way)?;
        let lexicon = &self.snapshot.lexicon;
        let theme = &lexicon.themes()[hit.theme.place()];
        let entries = score().found.into_iter().map(|found| &lexicon.entries()[found.entry as usize]);
        let of_theme = entries.filter(|entry| entry.weight > 0 && entry.themes.iter(lexicon.themes().len()).any(|theme| theme == hit.theme));
        let said = Said::Over {
            theme: theme.name.clone(),
            category: self.snapshot.taxonomy.find(&theme.category),
            points: hit.points,
            threshold: self.reading.threshold(),
            seen: of_theme.map(|entry| entry.text.clone()).collect(),
        };
        Some((hit.on_hit, Reason::Words(Arc::new(Words { way: self.way, group: Arc::clone(self.reading.group()), said }))))
    }
}

impl Judge for WordsJudge {
    fn feed(&mut self, bytes: &[u8]) -> Option<Sentence> {
        if self.sniff > 0 {
            let seen = &bytes[..bytes.len().min(self.sniff)];
            let before = SNIFFED - self.sniff;
            self.sniff -= seen.len();
            let has_begun = before < self.begins.len();
            self.begins.iter_mut().skip(before).zip(seen).for_each(|(place, byte)| *place = *byte);
            if has_begun && matches!(self.begins, [0xff, 0xfe] | [0xfe, 0xff]) {
                self.sniff = 0;
            } else if seen.iter().any(|byte| is_binary(*byte)) {
                self.scanner = None;
            }
        }
        match self.scanner.as_mut()?.feed(bytes) {
            Finding::Worst(_, points) if points >= self.reading.threshold() => {}
            Finding::Worst(..) | Finding::Nothing => return None,
        }
        let told = self.told;
        if told.is_some_and(|told| told >= self.reading.most(self.way)) {
            return None;
        }
        let scanner = self.scanner.as_ref()?;
        let (on_hit, reason) = self.sentence(scanner.peaks(), || scanner.so_far()).filter(|(on_hit, _)| told.is_none_or(|told| *on_hit > told))?;
        self.told = Some(on_hit);
        Some(Sentence { on_hit, reason })
    }

    fn end(&mut self) -> Option<Sentence> {
        self.scanner.as_mut()?.finish();
        let scanner = self.scanner.as_ref()?;
        // Said again, for its points may have become more.
        self.sentence(scanner.peaks(), || scanner.so_far()).map(|(on_hit, reason)| Sentence { on_hit, reason })
    }

    fn is_anxious(&self) -> bool {
        self.scanner.as_ref().is_some_and(|scanner| scanner.may_reach(self.reading.threshold()))
    }

    fn pause(&mut self) -> Option<Sentence> {
        if let Some(scanner) = &mut self.scanner {
            scanner.settle();
        }
        let score = self.scanner.as_ref().filter(|_| self.is_anxious())?.as_if_over();
        let mut peaks = vec![0; self.snapshot.lexicon.themes().len()];
        for standing in &score.standings {
            peaks[standing.theme.place()] = standing.peak;
        }
        self.sentence(&peaks, || score).map(|(on_hit, reason)| Sentence { on_hit, reason })
    }

    fn unread(&self) -> OnHit {
        self.reading.unread(self.way)
    }

    fn most(&self) -> OnHit {
        self.reading.most(self.way)
    }
}

/// A byte that no text has (WHATWG MIME Sniffing section 3).
fn is_binary(byte: u8) -> bool {
    matches!(byte, 0x00..=0x08 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)
}

/// What a body is, as its head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// What is read of it.
    pub kind: Kind,
    /// Its `charset`.
    pub charset: Option<Box<str>>,
    /// Whether its head says nothing, so that its first bytes tell whether it is text.
    pub is_sniffed: bool,
}

impl Body {
    /// The text that is to be read of a body with this head; none where it is no text. Of several types the last counts, as in browsers.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(CONTENT_TYPE).iter().filter_map(|value| value.to_str().ok()).peekable();
        let unsaid = || Some(Self { kind: Kind::Html, charset: None, is_sniffed: true });
        if values.peek().is_none() {
            return unsaid();
        }
        let mut found = None;
        for value in values {
            // Browsers take a value apart at its commas; a quoted one in a parameter does no harm here.
            for said in value.split(',').map(str::trim) {
                match Kind::of(said) {
                    Some(kind) => found = Some(Self { kind, charset: label(said).map(Into::into), is_sniffed: false }),
                    // What browsers look into by themselves; and what has no parts though it says so.
                    None if matches!(essence(said), "unknown/unknown" | "application/unknown" | "*/*" | "")
                        || should_have(value) && Parts::of(value).is_none() =>
                    {
                        found = found.or_else(unsaid);
                    }
                    None => {}
                }
            }
        }
        found
    }

    /// The text that is to be read of what is sent with this head. What says nothing is no text; what says that it has parts that cannot be told apart is
    /// read as it is, for a site may find them.
    #[must_use]
    pub fn sent(headers: &HeaderMap) -> Option<Self> {
        let types = || headers.get_all(CONTENT_TYPE).iter();
        let has_parts = || types().any(|value| should_have(&String::from_utf8_lossy(value.as_bytes()))) && Parts::of_any(types()).is_none();
        Self::of(headers).filter(|body| !body.is_sniffed).or_else(|| has_parts().then_some(Self { kind: Kind::Plain, charset: None, is_sniffed: false }))
    }
}

fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_head_says_what_is_read() {
        for (values, expected) in [
            (&["text/html; charset=UTF-16"][..], Some((Kind::Html, Some("UTF-16"), false))),
            (&["image/png"], None),
            (&["image/png", "text/html"], Some((Kind::Html, None, false))),
            (&["image/png, text/html"], Some((Kind::Html, None, false))),
            (&["text/html", "application/octet-stream"], Some((Kind::Html, None, false))),
            (&[], Some((Kind::Html, None, true))),
            (&["*/*"], Some((Kind::Html, None, true))),
            (&["application/grpc"], None),
            (&["multipart/mixed; boundary=b"], None),
            (&["multipart/mixed"], Some((Kind::Html, None, true))),
            (&["application/json"], Some((Kind::Json, None, false))),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_TYPE, HeaderValue::from_static(value));
            }
            let read = Body::of(&headers).map(|body| (body.kind, body.charset.map(String::from), body.is_sniffed));
            assert_eq!(read, expected.map(|(kind, charset, sniffed)| (kind, charset.map(str::to_owned), sniffed)), "{values:?}");
        }
        let long = format!("multipart/form-data; boundary={}", "x".repeat(201));
        for (value, expected) in [
            ("multipart/form-data", Some(Kind::Plain)),
            ("multipart/form-data; xboundary=b", Some(Kind::Plain)),
            (&long, Some(Kind::Plain)),
            ("multipart/form-data; boundary=b", None),
            ("*/*", None),
            ("text/html", Some(Kind::Html)),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_str(value).expect("a value"))]);
            assert_eq!(Body::sent(&headers).map(|body| (body.kind, body.is_sniffed)), expected.map(|kind| (kind, false)), "{value}");
        }
        assert_eq!(Body::sent(&HeaderMap::new()), None);
    }
}
