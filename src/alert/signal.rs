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
mod self_test;
mod sign;
mod together;
mod tried;
mod typed;

use super::seen::Seen;
use super::severity;
use super::theme::Theme;
use super::ways::Noticed;
use super::weights::Weights;
use crate::audit::Verdict;
use crate::audit::incident::Level;
use crate::audit::remark::Remark;
use crate::bypass::Code;
use crate::bypass::heads::leads_to;
use crate::category::{CategorySet, Taxonomy};
use crate::host::Host;
use crate::insight::site::Site;
use crate::insight::{Kind, Stage, ai};
use crate::policy::words::Way;
use crate::policy::words::Words as PageWords;
use crate::scan::lexicon::{Depth, Lexicon};
use crate::snapshot::Snapshot;
pub use self_test::SelfTest;
pub use sign::{Handled, Intent, Sign, Signal, Signals, Source};
use std::sync::Arc;
pub use together::{Typed, points as points_together, together};
#[cfg(test)]
pub(super) use tried::asked;
pub use tried::{Once, as_read, features, once, once_together, sitting, telling};

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
    signals_to(seen, book, Depth::Meaning).0
}

/// The same, with what somebody typed read so deep; and what is kept of that, to be read together with what they type next.
#[must_use]
pub fn signals_to(seen: &Seen<'_>, book: &Book, depth: Depth) -> (Signals, Option<Typed>) {
    let (mut found, mut made) = (Signals::new(), None);
    let is_plain = seen.categories.is_empty() && seen.search.is_none() && matches!(seen.reason, "unlisted" | "rule" | "inspected");
    if is_plain || book.is_ours(seen) {
        return (found, None);
    }
    let set = book.categories(seen.categories);
    let about = About::of(seen, set, book);
    illegal(&about, &mut found);
    if about.is_meant() {
        // What words were about is among the categories of their record too: no list says so of the site.
        if seen.reason != "words" {
            listed(&about, &mut found);
        }
        made = searched(&about, depth, &mut found);
        if seen.reason == "words"
            && let Some((theme, points, threshold, way)) = PageWords::read(seen.why)
        {
            page_words(&about, &theme, (points, threshold, way), &mut found);
        }
    }
    refused(&about, &mut found);
    let typed = made.filter(|_| about.is_done()).map(|made| Typed::of(&about, made, &found));
    (found, typed)
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

    /// Whether somebody typed it, or clicked.
    fn is_done(&self) -> bool {
        self.intent >= Intent::Clicked
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
                // Where it is grave, to be there again after a while is another sign. Elsewhere another page is, for whoever was shown that it is not to be: a click
                // that goes astray sees one, and what passes may be sent on from page to page.
                let slot = about.seen.id.unix_ms() / SLOT_MS;
                let source = if set.difference(weights.of(theme).places).is_empty() { Source::Place } else { Source::Category };
                let key = match weights.of(theme).is_grave() {
                    // Where it only begins, to be anywhere of the kind is one sign.
                    _ if source == Source::Place => key(&["place"]),
                    true => key(&["site", about.site(), &slot.to_string()]),
                    false if about.is_done() && Handled::of(about.seen.verdict) != Handled::Passed => key(&["site", about.site(), about.page()]),
                    false => key(&["site", about.site(), ""]),
                };
                found.push(Signal { theme, way: None, sign: about.sign(source, 100, key, says) });
            }
        }
    }
}

/// Returns what was made of the words, if nothing more is to come of them.
fn searched(about: &About<'_>, depth: Depth, found: &mut Signals) -> Option<typed::Made> {
    let (engine, term, stage) = about.seen.search?;
    let is_prompt = ai::label(engine).is_some();
    let (hits, made) = typed::weigh(about.book, term, stage, depth);
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
    (stage != Stage::Typing).then_some(made)
}

fn page_words(about: &About<'_>, theme: &str, (points, threshold, way): (i32, i32, Way), found: &mut Signals) {
    let Some(known) = Theme::NAMES.into_iter().map(|(_, known)| known).find(|known| about.book.weights.of(*known).phrases.iter().any(|one| **one == *theme))
    else {
        return;
    };
    let (points, threshold) = (u32::try_from(points).unwrap_or(0), u32::try_from(threshold).unwrap_or(1).max(1));
    let share = u32::try_from(u64::from(points) * 100 / u64::from(threshold)).unwrap_or(u32::MAX);
    // What is sent was written, or is meant to be said: over the limit it is strong, and half as much again is as strong as it gets.
    // Whose words are of adult sites or gambling is in no danger by them alone.
    let strength = match way {
        Way::Upload if share >= 150 && !matches!(known, Theme::Adult | Theme::Gambling) => severity::MEANT,
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
