//! What a record says of a theme: nothing, nearly always; else a signal. Pure.
//!
//! | it says | because of |
//! | --- | --- |
//! | [`Source::Category`] | a list that names the site |
//! | [`Source::Search`], [`Source::Prompt`] | words that somebody searched for, or asked an AI, and that the phrase files know; also several texts together (`together`) |
//! | [`Source::Words`] | the words of a page, or of what was sent, that went over the group's limit |
//! | [`Source::Way`] | a sign of a way round the filter |
//! | [`Source::Rule`] | a rule of the school's own |
//!
//! Nothing is a signal that a device does by itself, that Usher answers itself, or that Usher asks to see whether it works ([`SelfTest`]). A search that is
//! still being typed counts only by entries that are whole words: half a word says nothing.
//!
//! The time of a signal is that of its record's number, which never goes back, whatever the clock does.

mod method;
mod together;
mod typed;

use super::seen::Seen;
use super::severity;
use super::theme::Theme;
use super::ways::Noticed;
use super::weights::Weights;
use crate::audit::incident::Level;
use crate::audit::remark::Remark;
use crate::audit::{Class, RecordId, Verdict};
use crate::bypass::Code;
use crate::bypass::heads::leads_to;
use crate::category::{CategorySet, Taxonomy};
use crate::host::Host;
use crate::insight::site::Site;
use crate::insight::{Kind, Stage, Start, ai};
use crate::policy::words::Way;
use crate::policy::words::Words as PageWords;
use crate::scan::lexicon::learned::Telling;
use crate::scan::lexicon::{Depth, Lexicon};
use crate::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::sync::Arc;
pub use together::{Typed, points as points_together, together, typed};

/// What a signal comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The site is listed.
    Category,
    /// The words of a search.
    Search,
    /// What an AI was asked.
    Prompt,
    /// The words of a page, or of what was sent.
    Words,
    /// A way round the filter.
    Way,
    /// A rule of the school's own.
    Rule,
}

/// Whether somebody meant it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Intent {
    /// A device did it.
    Background,
    /// A page loaded it.
    Embedded,
    /// A link or a form led there.
    Clicked,
    /// It was typed.
    Typed,
}

impl Intent {
    fn of(start: Start) -> Self {
        match start {
            Start::Typed => Self::Typed,
            Start::Clicked => Self::Clicked,
            Start::Loaded => Self::Embedded,
            Start::Background => Self::Background,
        }
    }
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handled {
    /// It was not let through.
    Blocked,
    /// A warning was shown.
    Warned,
    /// It was seen.
    Passed,
}

impl Handled {
    fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Blocked | Verdict::Refused => Self::Blocked,
            Verdict::Warned => Self::Warned,
            Verdict::Allowed | Verdict::Answered => Self::Passed,
        }
    }
}

/// A sign of a theme, as it is kept: without the person, and without a word of what they looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sign {
    /// The record.
    pub record: RecordId,
    /// What it comes from.
    pub source: Source,
    /// Whether somebody meant it.
    pub intent: Intent,
    /// How strong it is, in hundredths; of a way round, its points.
    pub strength: u32,
    /// What became of it.
    pub handled: Handled,
    /// Whether it was on a site that helps, teaches or tells news.
    pub helps: bool,
    /// What tells it from others: the entry, the site, the code.
    pub key: u64,
    /// Records before it that it is about as well: what was typed before, where several texts say it together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<RecordId>,
    /// What it comes to whatever the arithmetic says.
    pub floor: Option<Level>,
    /// The rule, if it is one's.
    pub rule: Option<String>,
    /// Whether it counts only where all there is comes to danger: the school suppresses a whole theme or category of self-harm.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// What it is, in a sentence that a person can dispute. No words of searches.
    pub says: String,
}

impl Sign {
    /// When, in Unix milliseconds, by the record's number.
    #[must_use]
    pub fn at_ms(&self) -> u64 {
        self.record.unix_ms()
    }
}

/// A sign, with the theme it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// The theme.
    pub theme: Theme,
    /// The way round, if it is one.
    pub way: Option<Code>,
    /// The sign.
    pub sign: Sign,
}

/// Those of one record.
pub type Signals = SmallVec<[Signal; 2]>;

/// What records are read by: the weights, and what is in force.
pub struct Book {
    /// The weights.
    pub weights: Weights,
    /// The groups whose pages are not read.
    pub unread: Vec<Arc<str>>,
    taxonomy: Taxonomy,
    lexicon: Arc<Lexicon>,
    /// Usher's own names.
    own: Vec<Box<str>>,
    self_test: SelfTest,
    /// The alert theme of each theme of the lexicon, by its place.
    of_phrases: Vec<Option<Theme>>,
    /// All categories that say something.
    telling: CategorySet,
}

impl Book {
    /// For these weights and what is in force.
    #[must_use]
    pub fn new(weights: Weights, snapshot: &Snapshot, own: Vec<Box<str>>, self_test: SelfTest) -> Self {
        let unread = snapshot.policy.groups.iter().filter(|group| group.phrases.is_none()).map(|group| group.name.clone()).collect();
        Self::of(weights, (snapshot.taxonomy.clone(), snapshot.lexicon.clone()), (own, self_test), unread)
    }

    fn of(weights: Weights, (taxonomy, lexicon): (Taxonomy, Arc<Lexicon>), (own, self_test): (Vec<Box<str>>, SelfTest), unread: Vec<Arc<str>>) -> Self {
        let of = |name: &str| Theme::NAMES.into_iter().map(|(_, theme)| theme).find(|theme| weights.of(*theme).phrases.iter().any(|known| **known == *name));
        let of_phrases = lexicon.themes().iter().map(|theme| of(&theme.name)).collect();
        let telling = weights.themes.iter().fold(taxonomy.always_blocked(), |set, weight| set.union(weight.categories));
        Self { weights, unread, taxonomy, lexicon, own, self_test, of_phrases, telling }
    }

    /// The alert theme of a theme of the phrase files.
    #[must_use]
    pub fn theme_of(&self, phrases: &str) -> Option<Theme> {
        self.of_phrases[self.lexicon.theme(phrases)?.place()]
    }

    fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    fn categories(&self, ids: &str) -> CategorySet {
        ids.split(' ').filter(|id| !id.is_empty()).filter_map(|id| self.taxonomy.find(id)).collect()
    }

    /// Whether nothing is to be made of it: Usher's own pages, what Usher answered, and its look whether it works.
    #[must_use]
    pub fn is_ours(&self, seen: &Seen<'_>) -> bool {
        seen.verdict == Verdict::Answered || self.own.iter().any(|own| **own == *seen.host) || self.self_test.is(seen.host, seen.path)
    }
}

/// What Usher asks itself for to see whether it blocks: a path that nobody without the secret of the installation can make, for one host.
#[derive(Clone)]
pub struct SelfTest([u8; 32]);

const TESTING: &str = "/usher-self-test/";

impl SelfTest {
    /// With the secret of the installation.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(blake3::derive_key("usher 2026 self-test", secret))
    }

    /// The path to ask this host for. The nonce is of letters and digits.
    #[must_use]
    pub fn path(&self, host: &str, nonce: &str) -> String {
        format!("{TESTING}{nonce}/{}", self.mac(host, nonce))
    }

    /// Whether it is one.
    #[must_use]
    pub fn is(&self, host: &str, path: &str) -> bool {
        path.strip_prefix(TESTING).and_then(|rest| rest.split_once('/')).is_some_and(|(nonce, mac)| self.mac(host, nonce) == mac)
    }

    fn mac(&self, host: &str, nonce: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(host.as_bytes()).update(&[0]).update(nonce.as_bytes());
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

/// How long somebody is at a site until that is another sign, where the theme is grave.
const SLOT_MS: u64 = 600_000;

/// A number for what is told apart by these words.
fn key(parts: &[&str]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part.as_bytes()).update(&[0]);
    }
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}

/// What was found in a record when it was opened. What somebody typed is read by what it means.
#[must_use]
pub fn signals(seen: &Seen<'_>, book: &Book) -> Signals {
    signals_to(seen, book, Depth::Meaning)
}

/// The same, with what somebody typed read so deep.
#[must_use]
pub fn signals_to(seen: &Seen<'_>, book: &Book, depth: Depth) -> Signals {
    let mut found = Signals::new();
    let is_plain = seen.categories.is_empty() && seen.search.is_none() && matches!(seen.reason, "unlisted" | "rule" | "inspected");
    if is_plain || book.is_ours(seen) {
        return found;
    }
    let set = book.categories(seen.categories);
    let about = About::of(seen, set, book);
    illegal(&about, &mut found);
    if about.is_meant() {
        // What words were about is among the categories of their record too: no list says so of the site.
        if seen.reason != "words" {
            listed(&about, &mut found);
        }
        searched(&about, depth, &mut found);
        if seen.reason == "words"
            && let Some((theme, points, threshold, way)) = PageWords::read(seen.why)
        {
            page_words(&about, &theme, (points, threshold, way), &mut found);
        }
    }
    refused(&about, &mut found);
    found
}

/// What words come to in one theme that somebody searches for once, without anything before or after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// The theme.
    pub theme: Theme,
    /// How grave; nothing below watch. Of ways round the filter it is watch: their points add up and fade.
    pub level: Option<Level>,
    /// Why, in a sentence.
    pub says: String,
}

/// What these words come to if they are searched for once and let through.
#[must_use]
pub fn once(words: &str, book: &Book) -> Vec<Once> {
    let seen = asked(words, RecordId::first_of(0));
    let of = |signal: Signal| {
        let level = match signal.theme {
            Theme::Bypass => Some(Level::Watch),
            theme => severity::weigh(theme, &[&signal.sign], &[0], &book.weights).level,
        };
        Once { theme: signal.theme, level, says: signal.sign.says }
    };
    signals(&seen, book).into_iter().map(of).collect()
}

/// What somebody typed who searched for each of these within a minute, oldest first.
#[must_use]
pub fn sitting(texts: &[&str], book: &Book) -> Vec<Typed> {
    let one = |(nth, words): (u64, &&str)| {
        let seen = asked(words, RecordId::first_of(nth));
        typed(&seen, book, &signals(&seen, book))
    };
    (0..).zip(texts).filter_map(one).collect()
}

/// What texts come to if they are searched for within a minute and let through: nothing but what they say together.
#[must_use]
pub fn once_together(texts: &[&str], book: &Book) -> Vec<Once> {
    let (sitting, mut found) = (sitting(texts, book), Signals::new());
    let Some(last) = texts.last() else { return Vec::new() };
    together(&asked(last, RecordId::first_of(1)), &sitting, book, &mut found);
    let once = |Signal { theme, sign, .. }: Signal| Once { theme, level: severity::weigh(theme, &[&sign], &[0], &book.weights).level, says: sign.says };
    found.into_iter().map(once).collect()
}

/// A search for these words that was let through.
fn asked(words: &str, id: RecordId) -> Seen<'_> {
    Seen {
        id,
        at_ms: id.unix_ms(),
        user: None,
        client: std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
        group: "",
        confidence: "",
        class: Class::Search,
        kind: Kind::Search,
        start: Start::Typed,
        verdict: Verdict::Allowed,
        reason: "unlisted",
        why: "",
        categories: "",
        host: "",
        path: "",
        search: Some(("", words, Stage::Asked)),
        cause: None,
        dest: None,
        mode: None,
    }
}

/// The features of words, with what the phrase files make of them: what weights are learned for.
#[must_use]
pub fn features(words: &str, book: &Book) -> Vec<String> {
    typed::features(book, words)
}

/// The theme that no entry gives these words, but all of them together, with the features that speak loudest for it, or against it.
#[must_use]
pub fn telling(words: &str, book: &Book) -> Option<(Theme, Vec<Telling>)> {
    typed::telling(book, words)
}

/// What was remarked when a record was closed.
#[must_use]
pub fn remarked(seen: &Seen<'_>, remarks: &[Remark], book: &Book) -> Signals {
    let mut found = Signals::new();
    if remarks.is_empty() || book.is_ours(seen) {
        return found;
    }
    let about = About::of(seen, book.categories(seen.categories), book);
    for remark in remarks {
        match remark {
            Remark::Way { code, points, target } => about.way(*code, u32::from(*points), target.as_deref(), &mut found),
            Remark::Words { theme, points, threshold, way } => page_words(&about, theme, (*points, *threshold, *way), &mut found),
        }
    }
    found
}

/// That a rule of the school's own holds.
#[must_use]
pub fn of_rule(seen: &Seen<'_>, book: &Book, (theme, level, name): (Theme, Level, &str)) -> Signal {
    let about = About::of(seen, book.categories(seen.categories), book);
    let sign = Sign {
        floor: Some(level),
        rule: Some(name.to_owned()),
        intent: about.intent.max(Intent::Embedded),
        ..about.sign(Source::Rule, 0, key(&["rule", name]), format!("The school's rule \"{name}\" holds."))
    };
    Signal { theme, way: None, sign }
}

/// That something was found out from this record and others.
#[must_use]
pub fn of_noticed(seen: &Seen<'_>, book: &Book, noticed: &Noticed) -> Option<Signal> {
    if book.weights.ways.never.contains(&noticed.code) {
        return None;
    }
    let about = About::of(seen, book.categories(seen.categories), book);
    let key = key(&["way", noticed.code.as_str(), "noticed", &noticed.key]);
    let says = format!("{} It counts {}.", noticed.says, noticed.points);
    Some(Signal { theme: Theme::Bypass, way: Some(noticed.code), sign: about.sign(Source::Way, u32::from(noticed.points), key, says) })
}

/// A record and what is known of it.
struct About<'a> {
    seen: &'a Seen<'a>,
    book: &'a Book,
    set: CategorySet,
    intent: Intent,
    helps: bool,
}

impl<'a> About<'a> {
    fn of(seen: &'a Seen<'a>, set: CategorySet, book: &'a Book) -> Self {
        let helps = !set.intersection(book.weights.lowers).is_empty();
        let intent = if seen.kind == Kind::Background { Intent::Background } else { Intent::of(seen.start) };
        Self { seen, book, set, intent, helps }
    }

    fn sign(&self, source: Source, strength: u32, key: u64, says: String) -> Sign {
        Sign {
            record: self.seen.id,
            source,
            intent: self.intent,
            strength,
            handled: Handled::of(self.seen.verdict),
            helps: self.helps,
            key,
            beside: Vec::new(),
            floor: None,
            rule: None,
            held: false,
            says,
        }
    }

    /// Whether it is more than what a device does by itself.
    fn is_meant(&self) -> bool {
        self.intent > Intent::Background
    }

    fn site(&self) -> &'a str {
        Site::registered(self.seen.host)
    }

    /// The page of the site, as far as its address tells pages apart: what is asked of a page is left out.
    fn page(&self) -> &'a str {
        self.seen.path.split_once('?').map_or(self.seen.path, |(page, _)| page).trim_matches('/')
    }

    fn way(&self, code: Code, points: u32, target: Option<&str>, found: &mut Signals) {
        let is_there = |one: &Signal| one.way == Some(code);
        if points == 0 || self.book.weights.ways.never.contains(&code) || found.iter().any(is_there) {
            return;
        }
        let key = key(&["way", code.as_str(), target.unwrap_or(self.seen.host)]);
        let sign = self.sign(Source::Way, points, key, format!("{} It counts {points}.", code.words()));
        found.push(Signal { theme: Theme::Bypass, way: Some(code), sign });
    }
}

fn illegal(about: &About<'_>, found: &mut Signals) {
    let taxonomy = &about.book.taxonomy;
    let set = about.set.intersection(taxonomy.always_blocked());
    if set.is_empty() && about.seen.reason != "always-blocked" {
        return;
    }
    let went = matches!(about.seen.kind, Kind::Visit | Kind::Search) && matches!(about.intent, Intent::Typed | Intent::Clicked);
    let name = set.iter().next().map_or("what is against the law", |category| &taxonomy.info(category).name);
    let says = format!("The site is listed under {name}, which nobody may look at.");
    let sign = about.sign(Source::Category, 100, key(&["site", about.site()]), says);
    let floor = Some(if went { Level::Danger } else { Level::Concern });
    found.push(Signal { theme: Theme::Illegal, way: None, sign: Sign { floor, intent: about.intent.max(Intent::Embedded), helps: false, ..sign } });
}

fn listed(about: &About<'_>, found: &mut Signals) {
    let weights = &about.book.weights;
    if about.set.intersection(about.book.telling).is_empty() {
        return;
    }
    for (_, theme) in Theme::NAMES {
        let set = weights.of(theme).categories.intersection(about.set);
        let Some(category) = about.book.taxonomy.gravest(set) else { continue };
        match theme {
            Theme::Illegal => {}
            Theme::Bypass if about.intent >= Intent::Clicked => {
                // Lists know web proxies' addresses by how they begin: what they lead to tells one from another.
                let meant = Host::parse(about.seen.host).ok().and_then(|own| leads_to(&own, about.seen.path));
                about.way(Code::Listed, u32::from(Code::Listed.certainty().points()), meant.as_deref(), found);
            }
            Theme::Bypass => {}
            _ => {
                let says = format!("The site is listed under {}.", about.book.taxonomy.info(category).name);
                // Where it is grave, to be there again after a while is another sign; elsewhere to go on to another page is. A click that goes astray sees one.
                let slot = about.seen.id.unix_ms() / SLOT_MS;
                let part = if weights.of(theme).is_grave() { slot.to_string() } else { about.page().to_owned() };
                let key = key(&["site", about.site(), &part]);
                found.push(Signal { theme, way: None, sign: about.sign(Source::Category, 100, key, says) });
            }
        }
    }
}

fn searched(about: &About<'_>, depth: Depth, found: &mut Signals) {
    let Some((engine, term, stage)) = about.seen.search else { return };
    let is_prompt = ai::label(engine).is_some();
    let hits = typed::weigh(about.book, term, stage, depth);
    let chief = typed::chief(&hits, &about.book.weights);
    for (theme, hit) in hits {
        // What one sentence says is one matter. Of other themes that it touches it is worth watching.
        let is_beside = chief.is_some_and(|chief| chief != theme);
        let strength = if is_beside { hit.strength().min(typed::BESIDE) } else { hit.strength() };
        let Some(entry) = hit.entry().filter(|_| strength > 0) else { continue };
        let lexicon = about.book.lexicon();
        if theme == Theme::Bypass {
            if about.intent >= Intent::Clicked {
                let (points, of) = method::weigh((term, stage), &lexicon.entries()[entry as usize].text, strength);
                about.way(Code::Method, points, Some(&of), found);
            }
            continue;
        }
        let source = if is_prompt { Source::Prompt } else { Source::Search };
        let key = key(&["words", &lexicon.entries()[entry as usize].text, &hit.apart()]);
        found.push(Signal { theme, way: None, sign: about.sign(source, strength, key, hit.says(lexicon, is_prompt, chief.filter(|_| is_beside))) });
    }
}

fn page_words(about: &About<'_>, theme: &str, (points, threshold, way): (i32, i32, Way), found: &mut Signals) {
    let Some(known) = Theme::NAMES.into_iter().map(|(_, known)| known).find(|known| about.book.weights.of(*known).phrases.iter().any(|one| **one == *theme))
    else {
        return;
    };
    let (points, threshold) = (u32::try_from(points).unwrap_or(0), u32::try_from(threshold).unwrap_or(1).max(1));
    let share = u32::try_from(u64::from(points) * 100 / u64::from(threshold)).unwrap_or(u32::MAX);
    // What is sent was written, or is meant to be said: over the limit it is strong, and half as much again is as strong as it gets.
    let strength = match way {
        Way::Upload if share >= 150 => severity::MEANT,
        Way::Upload => severity::STRONG,
        Way::Answer => (share.min(1000) * 80 / 100).min(150),
    };
    let what = if way == Way::Upload { "text that was sent" } else { "page" };
    let words = theme.replace('-', " ");
    let says = format!("The words of the {what} came to {points} points of {words}; {threshold} are the group's limit.");
    if known == Theme::Bypass {
        return about.way(Code::Method, u32::from(Code::Method.certainty().points()), None, found);
    }
    // What somebody sends, they have written, or mean to say.
    let intent = if way == Way::Upload { about.intent.max(Intent::Typed) } else { about.intent };
    let sign = about.sign(Source::Words, strength, key(&["page", theme, about.site()]), says);
    found.push(Signal { theme: known, way: None, sign: Sign { intent, ..sign } });
}

/// A way round that was refused, or is on record by itself. Each site that is meant by it is a sign of its own, as of those that are let through.
fn refused(about: &About<'_>, found: &mut Signals) {
    let reason = about.seen.reason;
    let code = match about.seen.verdict {
        Verdict::Blocked | Verdict::Refused => Code::of_reason(reason),
        // What shows other pages may be allowed to, and so may tunnels that carry something else.
        Verdict::Allowed | Verdict::Warned => Code::named(reason).filter(|code| *code != Code::Republished),
        Verdict::Answered => None,
    };
    if let Some(code) = code {
        about.way(code, u32::from(code.certainty().points()), code.meant_in(about.seen.why), found);
    }
}

#[cfg(test)]
pub(crate) mod shipped;
#[cfg(test)]
mod tests;
