//! Is a new generation fit to be put in force? Pure: two generations, the school's policy and its canaries in, objections out.
//!
//! A list that shrinks or grows beyond its bounds is refused: a publisher's half-written file opens a school, a wild entry closes it. Then the
//! **canaries**: sites that must stay open for every group, and sites that must stay blocked for every group. Only a *flip* refuses: what was
//! wrong before the update is not its fault, and is told as such.

use super::generations::{Counted, source_of};
use super::source::Bounds;
use crate::clock::Moment;
use crate::identity::GroupId;
use crate::lists::{Entry, Lists};
use crate::policy::Action;
use crate::policy::opinion::{Court, Opinion};
use crate::url::Url;
use std::collections::BTreeMap;
use std::fmt;

/// Lists smaller than this may change as they like: the share of a few lines says nothing.
const SMALL: usize = 100;

/// Sites that tell whether lists are sound.
#[derive(Clone, Debug, Default)]
pub struct Canaries {
    /// Must stay open.
    pub open: Vec<Url>,
    /// Must stay blocked.
    pub blocked: Vec<Url>,
}

/// Why a new generation is not put in force.
#[derive(Clone, Debug, PartialEq)]
pub enum Objection {
    /// A list has lost too much.
    Shrank {
        /// The source.
        source: String,
        /// Its entries in force.
        was: usize,
        /// Its entries now.
        is: usize,
        /// The share it may lose.
        most: f64,
    },
    /// A fetched list holds nothing at all.
    Empty {
        /// The source.
        source: String,
    },
    /// A list has gained too much.
    Grew {
        /// The source.
        source: String,
        /// Its entries in force.
        was: usize,
        /// Its entries now.
        is: usize,
        /// The share it may gain.
        most: f64,
    },
    /// A site that must stay open would be closed.
    Closed {
        /// The site.
        site: String,
        /// For whom.
        groups: Vec<String>,
        /// The entry that closes it.
        entry: Option<Entry>,
        /// The reason in words.
        why: String,
    },
    /// A site that must stay blocked would be open.
    Opened {
        /// The site.
        site: String,
        /// For whom.
        groups: Vec<String>,
        /// The entry that blocked it and is gone.
        entry: Option<Entry>,
    },
}

impl Objection {
    /// The source that is to blame, where one is.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::Shrank { source, .. } | Self::Grew { source, .. } | Self::Empty { source } => Some(source),
            Self::Closed { entry, .. } | Self::Opened { entry, .. } => entry.as_ref().map(|entry| source_of(&entry.list)),
        }
    }

    /// The groups of this objection, if the other says the same of another group.
    fn groups_of_the_same(&mut self, other: &Self) -> Option<&mut Vec<String>> {
        match (self, other) {
            (Self::Closed { site, groups, entry, .. }, Self::Closed { site: same, entry: because, .. })
            | (Self::Opened { site, groups, entry }, Self::Opened { site: same, entry: because, .. }) => (site == same && entry == because).then_some(groups),
            _ => None,
        }
    }

    fn into_groups(self) -> Vec<String> {
        match self {
            Self::Closed { groups, .. } | Self::Opened { groups, .. } => groups,
            Self::Shrank { .. } | Self::Grew { .. } | Self::Empty { .. } => Vec::new(),
        }
    }

    /// Whether it is about size alone, which a person may accept.
    #[must_use]
    pub fn is_of_size(&self) -> bool {
        match self {
            Self::Shrank { .. } | Self::Grew { .. } => true,
            Self::Empty { .. } | Self::Closed { .. } | Self::Opened { .. } => false,
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shrank { source, was, is, most } => {
                write!(f, "\"{source}\" shrank from {was} to {is} entries; it may lose {} of them at once", percent(*most))
            }
            Self::Empty { source } => write!(f, "\"{source}\" holds not one entry"),
            Self::Grew { source, was, is, most } => write!(f, "\"{source}\" grew from {was} to {is} entries; it may gain {} at once", percent(*most)),
            Self::Closed { site, groups, entry: Some(Entry { list, line, text }), .. } => {
                write!(f, "{site} must stay open, and {list}, line {line} ({text}) would close it for {}", groups.join(", "))
            }
            Self::Closed { site, groups, entry: None, why } => write!(f, "{site} must stay open, and would be closed for {}: {why}", groups.join(", ")),
            Self::Opened { site, groups, entry: Some(Entry { list, text, .. }) } => {
                write!(f, "{site} must stay blocked, and would be open for {}: {text} is no longer in {list}", groups.join(", "))
            }
            Self::Opened { site, groups, entry: None } => write!(f, "{site} must stay blocked, and would be open for {}", groups.join(", ")),
        }
    }
}

/// Several objections in one sentence.
pub fn sentence<'a>(objections: impl IntoIterator<Item = &'a Objection>) -> String {
    objections.into_iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares are small and not negative")]
fn percent(share: f64) -> String {
    format!("{} %", (share * 100.0).round() as u64)
}

/// Which lists have changed their size beyond what they may.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of entries are far below 2^52")]
pub fn sizes(was: &BTreeMap<String, Counted>, is: &BTreeMap<String, Counted>, bounds: impl Fn(&str) -> Option<Bounds>) -> Vec<Objection> {
    let compared = was.iter().filter_map(|(source, counted)| Some((source, counted.entries, bounds(source)?)));
    compared
        .filter_map(|(source, was, bounds)| {
            let is = is.get(source).map_or(0, |counted| counted.entries);
            let (least, most) = (was as f64 * (1.0 - bounds.shrink), was as f64 * (1.0 + bounds.grow));
            let source = source.clone();
            if was >= SMALL && (is as f64) < least {
                Some(Objection::Shrank { source, was, is, most: bounds.shrink })
            } else if was >= SMALL && is as f64 > most {
                Some(Objection::Grew { source, was, is, most: bounds.grow })
            } else {
                None
            }
        })
        .collect()
}

/// What the canaries say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Song {
    /// What the new lists change for the worse.
    pub flips: Vec<Objection>,
    /// What is wrong with the new lists and was wrong before, or what is wrong with the first lists of all.
    pub wrong: Vec<Objection>,
}

/// Asks every canary for every group, before and after. What is wrong for several groups because of one entry is told once.
#[must_use]
pub fn listen(court: &Court<'_>, canaries: &Canaries, was: Option<&Lists>, is: &Lists, moment: &Moment) -> Song {
    let mut song = Song::default();
    let groups = || (0..).map(GroupId).zip(&court.policy.groups);
    for url in &canaries.open {
        for (id, group) in groups() {
            let opinion = |lists| court.opinion_of(lists, url, id, moment);
            let now = opinion(is);
            if now.action != Action::Allow {
                let flips = was.is_some_and(|was| opinion(was).action == Action::Allow);
                song.add(flips, closed(url, &group.name, &now, court));
            }
        }
    }
    for url in &canaries.blocked {
        for (id, group) in groups() {
            let opinion = |lists| court.opinion_of(lists, url, id, moment);
            if opinion(is).action != Action::Block {
                let before = was.map(opinion).filter(|before| before.action == Action::Block);
                let entry = before.as_ref().and_then(|before| before.reason.entry().cloned());
                song.add(before.is_some(), Objection::Opened { site: shown(url), groups: vec![group.name.to_string()], entry });
            }
        }
    }
    song
}

impl Song {
    fn add(&mut self, flips: bool, wrong: Objection) {
        let side = if flips { &mut self.flips } else { &mut self.wrong };
        if let Some(last) = side.last_mut()
            && let Some(groups) = last.groups_of_the_same(&wrong)
        {
            groups.extend(wrong.into_groups());
        } else {
            side.push(wrong);
        }
    }
}

fn shown(url: &Url) -> String {
    url.text().trim_end_matches('/').to_owned()
}

fn closed(url: &Url, group: &str, opinion: &Opinion, court: &Court<'_>) -> Objection {
    Objection::Closed {
        site: shown(url),
        groups: vec![group.to_owned()],
        entry: opinion.reason.entry().cloned(),
        why: opinion.reason.text(court.taxonomy).into_owned(),
    }
}
