//! What a message says, whatever its channel: what [`crate::alert::story`] tells of a matter, with what only a message has: a subject, whom it is for,
//! who is told next, and a link.
//!
//! The subject is made of fixed words, the group, the time, the reference and, where the route says so, the name. It can hold nothing of a record: that is
//! what [`Subject`] is made of. What was searched for is in the text only, and only where the route has both `names` and `words`.

use crate::alert::outbox::Message;
use crate::alert::story::{self, Account, Line, May, Naming};
use crate::alert::theme::Theme;
use crate::audit::incident::{Act, Incident, Level, Person, Told};
use crate::audit::query::Row;
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use crate::alert::story::one_line;

/// The most records that are told one by one.
const MOST_LINES: usize = 12;
/// The longest sentence, in characters.
const LONGEST: usize = 400;
/// The longest name or group in a subject, in characters.
const LONGEST_NAME: usize = 48;

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// The line above it.
    pub subject: String,
    /// What kind of message it is: `episode`, `all-clear`, `weekly`, `test`.
    pub kind: String,
    /// The reference of the alert; empty where it is about none.
    pub reference: String,
    /// How grave it is, where it is about an alert.
    pub level: Option<Level>,
    /// The theme it began with, then those that are part of it, by the names they have in settings. None where it is about no alert.
    pub themes: Vec<String>,
    /// The group.
    pub group: String,
    /// Who it is, where that is said.
    pub who: Option<String>,
    /// When it came to this.
    pub at: Timestamp,
    /// The first sentence.
    pub headline: String,
    /// What happened, in order.
    pub happened: Vec<Line>,
    /// Why it weighs what it weighs.
    pub why: Vec<String>,
    /// What could not be seen.
    pub unseen: Vec<String>,
    /// What else is to be known, and done.
    pub rest: Vec<String>,
    /// Where it is said that one has read it.
    pub link: Option<String>,
    /// What shows more of it.
    pub command: String,
}

/// All that a subject can hold.
pub struct Subject<'a> {
    /// How grave it is.
    pub level: Level,
    /// The theme, and those that are part of it.
    pub themes: &'a [Theme],
    /// The group's name.
    pub group: &'a str,
    /// Who it is, where that is said.
    pub name: Option<&'a str>,
    /// When, as `10:42`.
    pub at: &'a str,
    /// The reference.
    pub reference: &'a str,
    /// Whether it is told because others have not read it.
    pub is_raised: bool,
    /// Whether it has got worse.
    pub is_worse: bool,
    /// Whether it came back after a day without a sign.
    pub is_back: bool,
}

impl Subject<'_> {
    /// The line itself.
    #[must_use]
    pub fn line(&self) -> String {
        let level = match self.level {
            Level::Danger => "Danger",
            Level::Concern => "Concern",
            Level::Watch => "Watch",
        };
        let themes: Vec<_> = self.themes.iter().map(|theme| theme.words()).collect();
        let theme = if themes.is_empty() { "another matter".to_owned() } else { themes.join(" and ") };
        let state = match (self.is_raised, self.is_back, self.is_worse) {
            (true, ..) => ", nobody has read it yet",
            (false, true, _) => ", it came back",
            (false, false, true) => ", it got worse",
            (false, false, false) => "",
        };
        let name = self.name.map_or_else(String::new, |name| format!("{}, ", one_line(name, LONGEST_NAME)));
        format!("[Usher] {level}: {theme}{state}, {name}{}, {} ({})", one_line(self.group, LONGEST_NAME), self.at, self.reference)
    }
}

/// What an alert's story is made from.
pub struct Matter<'a> {
    /// The message.
    pub message: &'a Message,
    /// The matter as it stands.
    pub incident: &'a Incident,
    /// Its records, as far as they are kept.
    pub rows: &'a [Row],
    /// Who is told next, and when, if nobody says that they have read it.
    pub next: &'a [(String, Timestamp)],
    /// Other matters of the same person that are not closed, by their themes.
    pub others: &'a [String],
    /// How often the same theme came up before.
    pub before: usize,
    /// Where it is said that one has read it.
    pub link: Option<String>,
    /// The school's time.
    pub zone: &'a TimeZone,
}

impl Matter<'_> {
    /// What the message says.
    #[must_use]
    pub fn story(&self) -> Story {
        let Self { message, incident, .. } = self;
        let opened = &incident.opened;
        let at_ms = incident.reached(message.level);
        let reference = opened.episode.to_string();
        let names = if message.names { Naming::Named } else { Naming::Nobody };
        let of = incident.acts.iter().find(|(number, ..)| *number == message.statement).map(|(_, _, act)| act);
        let (is_worse, is_back) = of.map_or((false, false), |act| (matches!(act, Act::Worsened { .. }), matches!(act, Act::Worsened { is_back: true, .. })));
        let name = match (&opened.who, message.names) {
            (Person::User(user), true) => Some(user.as_str()),
            (Person::User(_) | Person::Device(_), _) => None,
        };
        let subject = Subject {
            level: message.level,
            themes: &incident.themes().filter_map(Theme::named).collect::<Vec<_>>(),
            group: &opened.group,
            name,
            at: &story::clock(at_ms, self.zone, "%H:%M"),
            reference: &reference,
            is_raised: message.step > 0,
            is_worse,
            is_back,
        };
        let may = May { names, words: message.names && message.words };
        let Account { headline, happened, why, unseen } = story::tell(incident, message.level, (self.rows, MOST_LINES), &opened.unseen, may, self.zone);
        Story {
            subject: subject.line(),
            kind: "episode".into(),
            level: Some(message.level),
            themes: incident.themes().map(str::to_owned).collect(),
            group: opened.group.clone(),
            who: message.names.then(|| story::who(opened, names)),
            at: Timestamp::from_millisecond(at_ms.cast_signed()).unwrap_or(Timestamp::UNIX_EPOCH),
            headline,
            happened,
            why,
            unseen,
            rest: self.rest(),
            link: self.link.clone(),
            command: format!("usher alerts show {reference}"),
            reference,
        }
    }

    fn clock(&self, at: Timestamp, form: &str) -> String {
        at.to_zoned(self.zone.clone()).strftime(form).to_string()
    }

    fn rest(&self) -> Vec<String> {
        let opened = &self.incident.opened;
        let mut rest = Vec::new();
        let untold = self.incident.records.len().saturating_sub(self.rows.len().min(MOST_LINES));
        if untold > 0 {
            rest.push(format!("{untold} more of its records are not told here, or are no longer kept."));
        }
        rest.extend(story::again(self.incident, self.zone));
        rest.extend(story::known_by(opened).map(str::to_owned));
        if let Some(rule) = &opened.rule {
            rest.push(format!("A rule of the school's own opened it: {}.", one_line(rule, LONGEST)));
        }
        match self.before {
            0 => {}
            1 => rest.push("The same theme came up once before, not long ago.".to_owned()),
            times => rest.push(format!("The same theme came up {times} times before, not long ago.")),
        }
        if !self.others.is_empty() {
            rest.push(format!("Open of the same person besides: {}.", self.others.join(", ")));
        }
        if self.message.more > 0 {
            rest.push(format!("And {} more alerts of this kind wait for you; see: usher alerts list", self.message.more));
        }
        if self.message.level == Level::Danger {
            rest.push("First step: go to the child now, or have somebody go.".to_owned());
        }
        if !self.next.is_empty() {
            let next = self.next.iter().map(|(role, at)| format!("{} the {role}", self.clock(*at, "%H:%M"))).collect::<Vec<_>>();
            rest.push(format!("If nobody says that they have read it, the next is told: {}.", next.join(", ")));
        }
        rest
    }
}

impl Story {
    /// A regular message: a heading of fixed words, and the text of its statement.
    #[must_use]
    pub fn regular(kind: &str, date: &str, text: &str, at: Timestamp, link: Option<String>) -> Self {
        let subject = match kind {
            "all-clear" => format!("[Usher] The morning of {}", one_line(date, LONGEST_NAME)),
            "machine" => format!("[Usher] The machine, morning of {}", one_line(date, LONGEST_NAME)),
            "weekly" | "weekly-governors" => format!("[Usher] The week to {}", one_line(date, LONGEST_NAME)),
            _ => format!("[Usher] {} {}", one_line(kind, LONGEST_NAME), one_line(date, LONGEST_NAME)),
        };
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let headline = lines.next().map_or_else(|| subject.clone(), |line| one_line(line, LONGEST));
        let rest = lines.map(|line| one_line(line, LONGEST)).collect();
        let command = if kind == "machine" { "usher alerts health" } else { "usher alerts list" }.to_owned();
        Self { subject, kind: kind.to_owned(), headline, rest, at, link, command, ..Self::empty() }
    }

    /// A message about one that could not be handed over. Whom that was about is for those to see who may.
    #[must_use]
    pub fn unsent(told: &Told, at: Timestamp, link: Option<String>) -> Self {
        let reference = told.episode.map(|episode| episode.to_string()).unwrap_or_default();
        let (channel, to, tries) = (&told.channel, one_line(&told.to, LONGEST), told.tries);
        Self {
            subject: "[Usher] A message about an alert could not be handed over".to_owned(),
            kind: "unsent".to_owned(),
            headline: format!("The message about {reference} to {to} by {channel} is given up after {tries} tries."),
            rest: vec![one_line(&told.answer, LONGEST), "Mend it and have it sent again, or tell them another way.".to_owned()],
            reference,
            level: told.level,
            at,
            link,
            command: "usher alerts outbox".to_owned(),
            ..Self::empty()
        }
    }

    /// A message to try the way to somebody.
    #[must_use]
    pub fn test(role: &str, at: Timestamp, link: Option<String>) -> Self {
        Self {
            subject: "[Usher] A test of how you are told".to_owned(),
            kind: "test".to_owned(),
            headline: format!("This is how Usher tells the {} of a matter. Nothing has happened.", one_line(role, LONGEST_NAME)),
            rest: vec!["Press the link and give your name: then it is known that such messages reach you.".to_owned()],
            at,
            link,
            command: "usher alerts outbox".to_owned(),
            ..Self::empty()
        }
    }

    fn empty() -> Self {
        Self {
            subject: String::new(),
            kind: String::new(),
            reference: String::new(),
            level: None,
            themes: Vec::new(),
            group: String::new(),
            who: None,
            at: Timestamp::UNIX_EPOCH,
            headline: String::new(),
            happened: Vec::new(),
            why: Vec::new(),
            unseen: Vec::new(),
            rest: Vec::new(),
            link: None,
            command: String::new(),
        }
    }

    /// All of it, a sentence each, but for the link.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let happened = self.happened.iter().map(|line| format!("{}  {} ({})", line.at, line.text, line.reference));
        let unseen = self.unseen.iter().map(|line| format!("Not seen: {line}"));
        [self.headline.clone()].into_iter().chain(happened).chain(self.why.iter().cloned()).chain(unseen).chain(self.rest.iter().cloned()).collect()
    }

    /// The theme it began with; empty where it is about no alert.
    #[must_use]
    pub fn theme(&self) -> &str {
        self.themes.first().map_or("", String::as_str)
    }

    /// As programs read it: one JSON object.
    #[must_use]
    pub fn json(&self, key: &str) -> Vec<u8> {
        let json = serde_json::json!({
            "usher": 1,
            "kind": self.kind,
            "key": key,
            "id": self.reference,
            "level": self.level,
            "theme": self.theme(),
            "themes": self.themes,
            "group": self.group,
            "who": self.who,
            "at": self.at.to_string(),
            "subject": self.subject,
            "sentences": self.sentences(),
            "link": self.link,
        });
        json.to_string().into_bytes()
    }
}

#[cfg(test)]
pub(super) mod tests;
