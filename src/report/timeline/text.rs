//! A day as text for a terminal: 80 columns and more, plain marks beside any colour.

use super::{Folded, Lesson, Line, Timeline, What};
use crate::audit::Verdict;
use crate::insight::{Certainty, Start, ai};
use std::fmt::Write as _;

/// Whether the text may hold colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// None: for files, pipes and who asked for none.
    Plain,
    /// As terminals know them.
    Ansi,
}

/// How something is shown where there are colours.
#[derive(Clone, Copy)]
enum Tone {
    Heading,
    Stopped,
    Quiet,
}

/// Where what a line is about begins.
const INDENT: usize = 22;
/// The narrowest that is drawn for.
const NARROWEST: usize = 60;
/// Hosts named in a line that folds many.
const HOSTS: usize = 3;

impl Timeline {
    /// The day as text, no line wider than `width` columns of ordinary letters.
    #[must_use]
    pub fn text(&self, width: usize, colours: Colours) -> String {
        let mut page = Page { text: String::new(), width: width.max(NARROWEST), colours };
        let school = if self.school.is_empty() { String::new() } else { format!(", {}", self.school) };
        page.say(0, Some(Tone::Heading), &format!("{}{school}: {}", self.person, self.day()));
        page.say(0, None, &self.summary());
        self.lessons.iter().for_each(|lesson| page.lesson(lesson));
        if self.has_inferred() {
            page.text.push('\n');
            page.say(0, Some(Tone::Quiet), INFERRED);
        }
        page.text
    }

    pub(super) fn day(&self) -> String {
        self.date.strftime("%A %-d %B %Y").to_string()
    }

    /// The day in one sentence.
    pub(super) fn summary(&self) -> String {
        let totals = &self.totals;
        let asked = [counted(totals.visits, "visit"), counted(totals.searches, "search"), format!("{} not let through", totals.blocked)].join(", ");
        let typed = if totals.not_asked == 0 { String::new() } else { format!(", {} typed and not asked", counted(totals.not_asked, "search")) };
        let folded = format!("Folded: {} and {} in the background.", counted(totals.resources, "resource"), counted(totals.background, "request"));
        format!("{asked}{typed}. {folded} Times are those of {}.", self.zone)
    }

    pub(super) fn has_inferred(&self) -> bool {
        self.lessons.iter().flat_map(|lesson| &lesson.lines).any(|line| line.certainty == Certainty::Inferred)
    }
}

/// What the mark means.
pub(super) const INFERRED: &str = "? inferred from time, host and referrer: the browser did not say, or the site is reached through a tunnel.";

struct Page {
    text: String,
    width: usize,
    colours: Colours,
}

impl Page {
    fn lesson(&mut self, lesson: &Lesson) {
        self.text.push('\n');
        self.say(0, Some(Tone::Heading), &lesson.heading());
        lesson.lines.iter().for_each(|line| self.line(line));
        if lesson.lines.is_empty() && lesson.is_held() {
            self.say(INDENT, Some(Tone::Quiet), "nothing was gone to");
        } else if let Some(minutes) = lesson.quiet_at_end {
            self.say(INDENT, Some(Tone::Quiet), &quiet(minutes));
        }
        for (folded, what) in [(&lesson.loose, "of pages opened before"), (&lesson.background, "in the background")] {
            self.folded(folded, &format!("{} {what}", counted(folded.requests, "request")));
        }
    }

    fn line(&mut self, line: &Line) {
        if let Some(minutes) = line.quiet_before {
            self.say(INDENT, Some(Tone::Quiet), &quiet(minutes));
        }
        let start = format!("  {}  {:<10}", line.time.strftime("%H:%M:%S"), line.mark());
        let word = line.stopped().map_or(String::new(), |word| format!("{word} "));
        let about = cut(&safe(&line.about()).replace('\n', " "), self.width - INDENT - word.len());
        self.row(&start, line.stopped().map(|_| Tone::Stopped), &format!("{word}{about}"));
        if line.times > 1 {
            self.say(INDENT + 2, None, &line.again());
        }
        if !line.why.is_empty() {
            self.say(INDENT + 2, None, &line.why);
        }
        if let What::Visit { by_way_of, .. } = &line.what
            && !by_way_of.is_empty()
        {
            let way = by_way_of.iter().map(|url| without_scheme(url)).collect::<Vec<_>>().join(", ");
            self.say(INDENT + 2, Some(Tone::Quiet), &format!("led on from {way}"));
        }
        self.folded(&line.resources, &format!("and {}", counted(line.resources.requests, "resource")));
    }

    fn folded(&mut self, folded: &Folded, what: &str) {
        if folded.requests == 0 {
            return;
        }
        self.say(INDENT + 2, Some(Tone::Quiet), &format!("{what} {}, {}", folded.named_hosts(), size(folded.bytes)));
        for blocked in &folded.blocked {
            let times = if blocked.times == 1 { String::new() } else { format!(" {} times", blocked.times) };
            self.say(INDENT + 2, Some(Tone::Stopped), &format!("! not let through{times}: {}: {}", blocked.host, blocked.why));
        }
    }

    /// One line, its first part and what it says.
    fn row(&mut self, start: &str, tone: Option<Tone>, says: &str) {
        self.text.push_str(start);
        self.toned(tone, says);
        self.text.push('\n');
    }

    /// A text below a margin, on as many lines as it needs.
    fn say(&mut self, margin: usize, tone: Option<Tone>, text: &str) {
        for line in wrapped(&safe(text).replace('\n', " "), self.width - margin) {
            self.row(&" ".repeat(margin), tone, &line);
        }
    }

    fn toned(&mut self, tone: Option<Tone>, text: &str) {
        let code = match (self.colours, tone) {
            (Colours::Plain, _) | (_, None) => return self.text.push_str(text),
            (Colours::Ansi, Some(Tone::Heading)) => 1,
            (Colours::Ansi, Some(Tone::Stopped)) => 31,
            (Colours::Ansi, Some(Tone::Quiet)) => 2,
        };
        // Writing to a string cannot fail.
        let _ = write!(self.text, "\x1b[{code}m{text}\x1b[0m");
    }
}

impl Lesson {
    pub(super) fn heading(&self) -> String {
        let time = |time: jiff::civil::Time| time.strftime("%H:%M").to_string();
        match (self.from, self.to) {
            (Some(from), Some(to)) => format!("{}, {} to {}", self.name, time(from), time(to)),
            (None, Some(to)) => format!("{}, until {}", self.name, time(to)),
            (Some(from), None) => format!("{}, from {}", self.name, time(from)),
            (None, None) => self.name.clone(),
        }
    }
}

impl Line {
    /// What set it off, in a word; with a question mark where that is inferred.
    pub(super) fn mark(&self) -> String {
        let word = match (&self.what, self.start) {
            (What::Search { engine, .. }, _) if ai::is_called(engine) => "asked",
            (What::Search { .. }, _) => "searched",
            (What::NotAsked { .. }, _) => "typed",
            (_, Start::Typed) => "typed",
            (_, Start::Clicked) => "clicked",
            (_, Start::Loaded) => "loaded",
            (_, Start::Background) => "by itself",
        };
        let asked = matches!(self.what, What::Search { .. } | What::NotAsked { .. });
        let doubt = if self.certainty == Certainty::Inferred && !asked { "?" } else { "" };
        format!("{word}{doubt}")
    }

    /// How it was refused, if it was.
    pub(super) fn stopped(&self) -> Option<&'static str> {
        match self.verdict {
            Verdict::Warned => Some("! WARNED"),
            Verdict::Blocked => Some("! BLOCKED"),
            Verdict::Refused => Some("! REFUSED"),
            Verdict::Allowed | Verdict::Answered => None,
        }
    }

    pub(super) fn about(&self) -> String {
        match &self.what {
            What::Visit { url, .. } | What::Part { url } => without_scheme(url).to_owned(),
            What::Search { engine, term } => format!("{engine}: \"{term}\""),
            What::NotAsked { engine, term } => format!("not asked, {engine}: \"{term}\""),
        }
    }

    /// How often, if more than once.
    pub(super) fn again(&self) -> String {
        if self.times == 1 { String::new() } else { format!("{} times, the last at {}", self.times, self.last.strftime("%H:%M:%S")) }
    }
}

impl Folded {
    pub(super) fn named_hosts(&self) -> String {
        let named = self.hosts.iter().take(HOSTS).map(String::as_str).collect::<Vec<_>>().join(", ");
        match self.hosts.len() {
            0..=HOSTS => format!("from {named}"),
            more => format!("from {more} hosts ({named} ...)"),
        }
    }
}

fn quiet(minutes: u32) -> String {
    format!("nothing for {minutes} minutes")
}

pub(super) fn counted(count: usize, what: &str) -> String {
    match (count, what) {
        (1, _) => format!("1 {what}"),
        (_, "search") => format!("{count} searches"),
        (_, _) => format!("{count} {what}s"),
    }
}

pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000.. => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

fn without_scheme(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.strip_suffix('/').filter(|rest| !rest.contains('/')).unwrap_or(rest)
}

/// Without what could change the terminal, or turn the direction of a line. Ends of lines stay.
pub(super) fn safe(text: &str) -> String {
    let acts = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if acts(c) { '\u{fffd}' } else { c }).collect()
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(3)).collect::<String>() + "..."
}

/// The words on lines of so many columns. A word that is wider is broken.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let used = lines.last().map_or(0, |line| line.chars().count());
        let long = word.chars().count();
        match lines.last_mut() {
            Some(line) if used == 0 => line.push_str(word),
            Some(line) if used + 1 + long <= width => line.extend([" ", word]),
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines.iter().flat_map(|line| broken(line, width)).collect()
}

fn broken(line: &str, width: usize) -> Vec<String> {
    let letters: Vec<char> = line.chars().collect();
    letters.chunks(width.max(1)).map(|piece| piece.iter().collect()).collect()
}
