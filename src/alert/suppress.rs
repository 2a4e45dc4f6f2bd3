//! What counts for nothing, of whom, until when: a pattern, a group, a last day and a reason. Pure but for [`let_go`], which states what the calendar ends.
//!
//! # What is never held back
//!
//! Danger of self-harm is not held back by its theme or by a whole category: such a sign is held [`Held::BelowDanger`], and counts where it comes to danger.
//! What is against the law cannot be suppressed at all. A host holds back what its pages are and say, and not what somebody typed there.

use super::rules::{Words, is_within};
use super::theme::Theme;
use crate::audit::Folder;
use crate::audit::incident::Act;
use crate::audit::journal::{Journal, JournalError, Reader, Statement, Topic};
use crate::bypass::Code;
use crate::category::ALWAYS_BLOCKED;
use crate::host::Host;
use jiff::Timestamp;
use jiff::civil::Date;
use psl::Psl as _;
use std::fmt;
use std::str::FromStr;

/// The longest, in days: a school year. What is to last longer is decided again.
pub const LONGEST: i32 = 400;

/// Who ends what has an end.
pub const CALENDAR: &str = "the calendar";

/// The fewest letters of words that may be suppressed: fewer stand in too much of what people search for.
const FEWEST_LETTERS: usize = 5;

/// Words that stand in so much of what people search for that they say nothing, even together.
const COMMON: [&str; 34] = [
    "about", "anyone", "best", "does", "doing", "easy", "feel", "find", "from", "have", "help", "like", "make", "myself", "never", "quotes", "should",
    "someone", "that", "their", "them", "this", "want", "ways", "what", "when", "where", "which", "will", "with", "without", "would", "your", "yourself",
];

/// What counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Searches and prompts with these words.
    Search(Words, Box<str>),
    /// Pages of this host and all below it.
    Host(Host),
    /// A theme.
    Theme(Theme),
    /// Sites that are listed under a category, by its id.
    Category(Box<str>),
    /// A rule of the school's.
    Rule(Box<str>),
    /// A way round the filter.
    Way(Code),
}

/// What is no pattern, and what would be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPattern {
    /// It begins with nothing that is known.
    #[error("\"{0}\" is no pattern; write search:WORDS, host:NAME, theme:NAME, category:ID, rule:NAME or way:CODE")]
    Form(String),
    /// Words that are too few.
    #[error("\"{0}\" says too little to be suppressed: it stands in too much of what people search for. Write all the words of a title or a name")]
    Short(String),
    /// No host, or far too many.
    #[error("\"{0}\" is no site: {1}")]
    Host(String, String),
    /// No theme.
    #[error("there is no theme \"{0}\"; there are {1}")]
    Theme(String, String),
    /// No code.
    #[error("there is no way \"{0}\"; there are {1}")]
    Way(String, String),
    /// What is against the law.
    #[error("what is against the law cannot be suppressed")]
    Illegal,
}

impl FromStr for Pattern {
    type Err = NotAPattern;

    /// Reads a pattern as people type it. Whether a category or a rule of that name exists is for whoever knows them to say.
    fn from_str(text: &str) -> Result<Self, NotAPattern> {
        let (kind, what) = text.split_once(':').ok_or_else(|| NotAPattern::Form(text.to_owned()))?;
        let what = what.trim();
        if what.is_empty() {
            return Err(NotAPattern::Form(text.to_owned()));
        }
        match kind.trim() {
            "search" => {
                let short = || NotAPattern::Short(what.to_owned());
                let words = Words::of(what).ok_or_else(short)?;
                let says = |word: &str| word.chars().count() >= 4 && !COMMON.contains(&&*word.to_lowercase());
                let is_telling = words.size().1 >= FEWEST_LETTERS && what.split(|c: char| !c.is_alphanumeric()).any(says);
                if is_telling { Ok(Self::Search(words, what.into())) } else { Err(short()) }
            }
            "host" => host(what).map(Self::Host),
            "theme" => match Theme::named(what) {
                Some(Theme::Illegal) => Err(NotAPattern::Illegal),
                Some(theme) => Ok(Self::Theme(theme)),
                None => Err(NotAPattern::Theme(what.to_owned(), Theme::NAMES.map(|(name, _)| name).join(", "))),
            },
            "category" if ALWAYS_BLOCKED.contains(&what) => Err(NotAPattern::Illegal),
            "category" => Ok(Self::Category(what.into())),
            "rule" => Ok(Self::Rule(what.into())),
            "way" => {
                Code::named(what).map(Self::Way).ok_or_else(|| NotAPattern::Way(what.to_owned(), Code::all().map(Code::as_str).collect::<Vec<_>>().join(", ")))
            }
            _ => Err(NotAPattern::Form(text.to_owned())),
        }
    }
}

fn host(what: &str) -> Result<Host, NotAPattern> {
    let wrong = |why: String| NotAPattern::Host(what.to_owned(), why);
    let host = Host::parse(what).map_err(|error| wrong(error.to_string()))?;
    let is_ending = psl::List.suffix(host.as_str().as_bytes()).is_some_and(|suffix| suffix.as_bytes().len() >= host.as_str().len());
    if is_ending && host.as_str().parse::<std::net::IpAddr>().is_err() { Err(wrong("it would be every site below it".to_owned())) } else { Ok(host) }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Search(_, text) => write!(f, "search:{text}"),
            Self::Host(host) => write!(f, "host:{host}"),
            Self::Theme(theme) => write!(f, "theme:{}", theme.as_str()),
            Self::Category(id) => write!(f, "category:{id}"),
            Self::Rule(name) => write!(f, "rule:{name}"),
            Self::Way(code) => write!(f, "way:{}", code.as_str()),
        }
    }
}

impl Pattern {
    /// What it is, in a sentence.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Search(_, text) => format!("searches with the words \"{text}\""),
            Self::Host(host) => format!("pages of {host}"),
            Self::Theme(theme) => format!("everything of the theme {}", theme.words()),
            Self::Category(id) => format!("sites listed under {id}"),
            Self::Rule(name) => format!("what the rule \"{name}\" finds"),
            Self::Way(code) => format!("the way round \"{}\"", code.as_str()),
        }
    }

    fn fits(&self, sign: &Sign<'_>) -> bool {
        match (self, sign.by) {
            (Self::Search(words, _), By::Asked(asked)) => words.are_in(asked),
            (Self::Search(..), By::Page { .. } | By::Way(_) | By::Rule(_)) => false,
            (Self::Host(host), By::Page { .. } | By::Way(_)) => is_within(sign.host, host.as_str()),
            (Self::Host(_), By::Asked(_) | By::Rule(_)) => false,
            (Self::Theme(theme), _) => *theme == sign.theme,
            (Self::Category(id), By::Page { category: Some(category) }) => **id == *category,
            (Self::Category(_), By::Page { category: None } | By::Asked(_) | By::Way(_) | By::Rule(_)) => false,
            (Self::Rule(name), By::Rule(rule)) => **name == *rule,
            (Self::Rule(_), By::Page { .. } | By::Asked(_) | By::Way(_)) => false,
            (Self::Way(code), By::Way(found)) => *code == found,
            (Self::Way(_), By::Page { .. } | By::Asked(_) | By::Rule(_)) => false,
        }
    }
}

/// One sign of a matter, as suppressions look at it.
#[derive(Clone, Copy, Debug)]
pub struct Sign<'a> {
    /// The theme.
    pub theme: Theme,
    /// The group of whose it is.
    pub group: &'a str,
    /// The host.
    pub host: &'a str,
    /// What it was told by.
    pub by: By<'a>,
}

/// What a sign was told by.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// A page: the category it is listed under, or none where its words told.
    Page {
        /// The category's id.
        category: Option<&'a str>,
    },
    /// What somebody searched for, or asked an AI.
    Asked(&'a str),
    /// A way round the filter.
    Way(Code),
    /// A rule of the school's, by its name.
    Rule(&'a str),
}

/// How far a sign is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// It counts, where it comes to danger.
    BelowDanger,
    /// It counts for nothing.
    Wholly,
}

/// One that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The number of its statement.
    pub number: u64,
    /// When it was made.
    pub at: Timestamp,
    /// What counts for nothing.
    pub pattern: Pattern,
    /// Whose; everybody's where there is none.
    pub group: Option<Box<str>>,
    /// The last day.
    pub until: Date,
    /// Why.
    pub reason: Box<str>,
    /// Who said so.
    pub by: Box<str>,
    /// When, why and by whom it was ended.
    pub freed: Option<(Timestamp, Box<str>, Box<str>)>,
}

impl Suppression {
    /// Whether it holds on this day, school time.
    #[must_use]
    pub fn is_in_force(&self, today: Date) -> bool {
        self.freed.is_none() && today <= self.until
    }

    /// How far it holds a sign back, if it does.
    #[must_use]
    pub fn holds(&self, sign: &Sign<'_>) -> Option<Held> {
        let of_group = self.group.as_deref().is_none_or(|group| group == sign.group);
        if sign.theme == Theme::Illegal || !of_group || !self.pattern.fits(sign) {
            return None;
        }
        let is_broad = matches!(self.pattern, Pattern::Theme(_) | Pattern::Category(_));
        Some(if sign.theme == Theme::SelfHarm && is_broad { Held::BelowDanger } else { Held::Wholly })
    }
}

/// How far a sign is held back on this day by any of them, and by which.
#[must_use]
pub fn held<'s>(all: &'s [Suppression], sign: &Sign<'_>, today: Date) -> Option<(Held, &'s Suppression)> {
    let holding = all.iter().filter(|one| one.is_in_force(today)).filter_map(|one| Some((one.holds(sign)?, one)));
    holding.max_by_key(|(held, one)| (*held, std::cmp::Reverse(one.number)))
}

/// Takes the next statement: its number, when it was stated in Unix milliseconds, and what it says.
pub fn take(all: &mut Vec<Suppression>, number: u64, at_ms: i64, act: &Act) {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    match act {
        Act::Suppressed { pattern, group, until, reason, by } => {
            let (Ok(pattern), Ok(until)) = (pattern.parse(), until.parse()) else { return };
            let (group, reason, by) = (group.as_deref().map(Into::into), reason.as_str().into(), by.as_str().into());
            all.push(Suppression { number, at, pattern, group, until, reason, by, freed: None });
        }
        Act::Freed { suppression, reason, by } => {
            if let Some(one) = all.iter_mut().find(|one| one.number == *suppression && one.freed.is_none()) {
                one.freed = Some((at, reason.as_str().into(), by.as_str().into()));
            }
        }
        _ => {}
    }
}

/// All that were made, oldest first, as the journal says. What cannot be read, as of a later version, holds nothing back.
#[must_use]
pub fn fold(statements: &[Statement]) -> Vec<Suppression> {
    let mut all: Vec<Suppression> = Vec::new();
    for statement in statements {
        if let Some(act) = statement.read::<Act>() {
            take(&mut all, statement.number, statement.at, &act);
        }
    }
    all
}

/// Those whose last day is over and that nobody has ended: what is to be stated of them.
#[must_use]
pub fn over(all: &[Suppression], today: Date) -> Vec<Act> {
    let over = all.iter().filter(|one| one.freed.is_none() && today > one.until);
    over.map(|one| Act::Freed { suppression: one.number, reason: format!("its last day was {}", one.until), by: CALENDAR.to_owned() }).collect()
}

/// States of those whose last day is over that they are ended; how many there were. To do it twice states nothing twice.
pub fn let_go(folder: &Folder, today: Date, at: Timestamp) -> Result<usize, JournalError> {
    let over = over(&fold(&Reader::open(folder)?.about(Topic::Alert, 0)?), today);
    if over.is_empty() {
        return Ok(0);
    }
    let mut journal = Journal::open(folder)?;
    let mut stated = 0;
    for act in &over {
        stated += usize::from(journal.state_act(at, act)?.is_some());
    }
    Ok(stated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn suppression(pattern: &str, group: Option<&str>) -> Suppression {
        Suppression {
            number: 1,
            at: Timestamp::UNIX_EPOCH,
            pattern: pattern.parse().expect(pattern),
            group: group.map(Into::into),
            until: date(2026, 11, 27),
            reason: "a set text".into(),
            by: "Ms Bell".into(),
            freed: None,
        }
    }

    fn sign<'a>(theme: Theme, host: &'a str, by: By<'a>) -> Sign<'a> {
        Sign { theme, group: "year-9", host, by }
    }

    #[test]
    fn each_pattern_holds_back_what_it_says_and_nothing_else() {
        let asked = |words| sign(Theme::Violence, "www.google.com", By::Asked(words));
        let page = |category| sign(Theme::Violence, "www.history.example", By::Page { category });
        for (pattern, fits, not) in [
            (
                "search:an inspector calls",
                vec![asked("themes in An  INSPECTOR calls"), asked("an inspector calls suicide")],
                vec![asked("inspector calls an"), page(None)],
            ),
            ("host:history.example", vec![page(Some("weapons")), page(None)], vec![sign(Theme::Violence, "nothistory.example", By::Page { category: None })]),
            // What somebody types at a site is theirs, not the site's.
            ("host:www.google.com", vec![], vec![asked("how to kill myself")]),
            ("category:weapons", vec![page(Some("weapons"))], vec![page(Some("violence")), page(None), asked("weapons")]),
            ("theme:violence", vec![page(None), asked("x")], vec![sign(Theme::Hate, "a.example", By::Asked("x"))]),
            (
                "rule:many blocks",
                vec![sign(Theme::Adult, "a.example", By::Rule("many blocks"))],
                vec![page(None), sign(Theme::Adult, "a.example", By::Rule("many"))],
            ),
            ("way:free-host", vec![sign(Theme::Bypass, "a.example", By::Way(Code::FreeHost))], vec![sign(Theme::Bypass, "a.example", By::Way(Code::Wisp))]),
        ] {
            let all = [suppression(pattern, None)];
            for sign in &fits {
                assert_eq!(held(&all, sign, date(2026, 11, 27)).map(|(held, _)| held), Some(Held::Wholly), "{pattern}: {sign:?}");
            }
            for sign in &not {
                assert_eq!(held(&all, sign, date(2026, 11, 27)), None, "{pattern}: {sign:?}");
            }
            assert_eq!(all[0].pattern.to_string(), pattern);
        }
    }

    #[test]
    fn it_is_of_a_group_and_to_the_end_of_its_last_day() {
        let by = By::Asked("an inspector calls");
        let of = |group| Sign { group, ..sign(Theme::Violence, "www.google.com", by) };
        let one = [suppression("search:an inspector calls", Some("year-11"))];
        assert!(held(&one, &of("year-11"), date(2026, 11, 27)).is_some());
        assert!(held(&one, &of("year-1"), date(2026, 11, 27)).is_none());
        assert!(held(&one, &of("year-11"), date(2026, 11, 28)).is_none(), "it comes back");
        let freed = [Suppression { freed: Some((Timestamp::UNIX_EPOCH, "over".into(), "Ms Bell".into())), ..one[0].clone() }];
        assert!(held(&freed, &of("year-11"), date(2026, 11, 27)).is_none());
    }

    #[test]
    fn danger_of_self_harm_is_not_held_back_by_a_theme_or_a_whole_category() {
        let asked = sign(Theme::SelfHarm, "www.google.com", By::Asked("the bell jar quotes"));
        let page = sign(Theme::SelfHarm, "hurt.example", By::Page { category: Some("self-harm") });
        for (pattern, sign, expected) in [
            ("theme:self-harm", asked, Held::BelowDanger),
            ("category:self-harm", page, Held::BelowDanger),
            ("search:the bell jar", asked, Held::Wholly),
            ("host:hurt.example", page, Held::Wholly),
        ] {
            assert_eq!(suppression(pattern, None).holds(&sign), Some(expected), "{pattern}");
        }
        // The narrower of two counts.
        let both = [suppression("theme:self-harm", None), suppression("search:the bell jar", None)];
        assert_eq!(
            held(&both, &asked, date(2026, 11, 1)).map(|(held, one)| (held, one.pattern.to_string())),
            Some((Held::Wholly, "search:the bell jar".into()))
        );
        let illegal = sign(Theme::Illegal, "hurt.example", By::Page { category: Some("terrorism") });
        assert_eq!(suppression("host:hurt.example", None).holds(&illegal), None, "what is against the law is held back by nothing");
    }

    #[test]
    fn what_would_hold_back_far_too_much_is_no_pattern() {
        for (text, words) in [
            ("an inspector calls", "write search:WORDS"),
            ("serach:an inspector calls", "write search:WORDS"),
            ("search:", "write search:WORDS"),
            ("search:kill", "says too little"),
            ("search:how to", "says too little"),
            ("search:what should I do with myself", "says too little"),
            ("search:??? !!!", "says too little"),
            ("host:com", "every site"),
            ("host:co.uk", "every site"),
            ("host:github.io", "every site"),
            ("host:a b", "no site"),
            ("theme:selfharm", "there are self-harm"),
            ("theme:illegal", "against the law"),
            ("category:terrorism", "against the law"),
            ("way:wips", "there are protocol"),
        ] {
            let error = text.parse::<Pattern>().expect_err(text).to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        for sound in ["host:bbc.co.uk", "host:me.github.io", "host:10.1.2.3", "search:macbeth", "search:The Bell Jar", "way:free-host"] {
            assert!(sound.parse::<Pattern>().is_ok(), "{sound}");
        }
    }

    #[test]
    fn the_calendar_ends_what_has_an_end_and_says_so_once() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(place.path());
        let mut journal = Journal::open(&folder).expect("made");
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().expect("a time");
        let made = |pattern: &str, until: &str| Act::Suppressed {
            pattern: pattern.into(),
            group: None,
            until: until.into(),
            reason: "why".into(),
            by: "Ms Bell".into(),
        };
        let number = |stated: Option<u64>| stated.expect("stated");
        let first = number(journal.state_act(now, &made("search:macbeth", "2026-11-27")).expect("stated"));
        let second = number(journal.state_act(now, &made("host:bbc.co.uk", "2026-12-27")).expect("stated"));
        let strange = number(journal.state_act(now, &made("moon:full", "2026-11-21")).expect("stated"));
        let all = || fold(&Reader::open(&folder).expect("opened").about(Topic::Alert, 0).expect("read"));
        assert_eq!(all().iter().map(|one| one.number).collect::<Vec<_>>(), [first, second], "and not {strange}");
        assert_eq!(let_go(&folder, date(2026, 11, 27), now).expect("looked"), 0);
        assert_eq!(let_go(&folder, date(2026, 11, 28), now).expect("looked"), 1);
        assert_eq!(let_go(&folder, date(2026, 11, 29), now).expect("looked"), 0, "once");
        assert_eq!(all()[0].freed.clone().map(|(_, why, by)| (why, by)), Some(("its last day was 2026-11-27".into(), "the calendar".into())));
        journal.state_act(now, &Act::Freed { suppression: second, reason: "the unit is over".into(), by: "Ms Bell".into() }).expect("stated");
        assert!(all().iter().all(|one| !one.is_in_force(date(2026, 11, 21))));
    }
}
