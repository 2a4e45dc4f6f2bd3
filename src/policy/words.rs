//! What is done with a page, or with what somebody sends, for the words in it. Pure: the points of each theme in, what is to be done out.
//!
//! # What is done
//!
//! | | an answer | what is sent |
//! | --- | --- | --- |
//! | [`OnHit::Note`] | passes as it comes; that it went over is on record | the same |
//! | [`OnHit::Cut`] | passes as it comes, until the place where it goes over; there it ends, with a notice where one can be written | the same |
//! | [`OnHit::Withhold`] | its beginning is held back until it is judged: over there, the block page stands in its place; what is longer is cut | does not leave, as far as it is held; what is longer is cut |
//!
//! Messages over WebSockets have no page to stand in for them: [`OnHit::Cut`] and [`OnHit::Withhold`] both end the connection before the message at hand is
//! whole, where [`Phrases::sockets`] says that they are read.
//!
//! A theme may have an action of its own. Where a rule or a category of the group allows a site by name, [`Phrases::allowed`] is the most that is done:
//! the school has looked at the site. Where a body cannot be read, [`Unread`] says whether it passes; that is asked only where something may be withheld or
//! cut.
//!
//! Somebody in no group has the lowest threshold of any group and the strictest of all they do.

use super::{Action, Policy, Reason};
use crate::category::Category;
use crate::identity::Standing;
use crate::scan::lexicon::{Theme, ThemeId};
use std::sync::Arc;

/// What is done where the words go over the threshold. Ordered: a later one is stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnHit {
    /// It passes, and that it went over is on record.
    #[default]
    Note,
    /// It ends there.
    Cut,
    /// None of it is seen, as far as it is held back.
    Withhold,
}

impl OnHit {
    /// All of them, by the name they have in `policy.toml`.
    pub const NAMES: [(&str, Self); 3] = [("note", Self::Note), ("cut", Self::Cut), ("withhold", Self::Withhold)];
}

/// What is done with text that cannot be read, or not to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unread {
    /// It passes, and that it was not read is on record.
    #[default]
    Pass,
    /// It is treated as though it were over the threshold.
    Block,
}

impl Unread {
    /// All of them, by the name they have in `policy.toml`.
    pub const NAMES: [(&str, Self); 2] = [("pass", Self::Pass), ("block", Self::Block)];
}

/// What a group's members may read and write, by the words in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrases {
    /// From how many points of one theme on something is done.
    pub threshold: i32,
    /// What is done.
    pub on_hit: OnHit,
    /// What is done for some themes, by their name.
    pub themes: Vec<(Box<str>, OnHit)>,
    /// The most that is done on sites that the school allows by name.
    pub allowed: OnHit,
    /// The most that is done with what is sent.
    pub uploads: OnHit,
    /// What is done with what cannot be read.
    pub unread: Unread,
    /// Whether messages over WebSockets are read too.
    pub sockets: bool,
    /// What is done for each theme, by its place in the lexicon in force: [`Policy::settle_themes`].
    pub by_theme: Vec<OnHit>,
}

impl Phrases {
    /// Nothing said but the threshold and what is done.
    #[must_use]
    pub fn new(threshold: i32, on_hit: OnHit) -> Self {
        Self {
            threshold,
            on_hit,
            themes: Vec::new(),
            allowed: OnHit::Note,
            uploads: OnHit::Withhold,
            unread: Unread::Pass,
            sockets: true,
            by_theme: Vec::new(),
        }
    }

    fn of(&self, theme: usize) -> OnHit {
        self.by_theme.get(theme).copied().unwrap_or(self.on_hit)
    }

    /// The most that is done for any theme.
    fn most(&self) -> OnHit {
        self.by_theme.iter().copied().max().map_or(self.on_hit, |most| most.max(self.on_hit))
    }

    /// The stricter of two in everything.
    fn stricter(&self, other: &Self) -> Self {
        let themes = self.by_theme.len().max(other.by_theme.len());
        Self {
            threshold: self.threshold.min(other.threshold),
            on_hit: self.on_hit.max(other.on_hit),
            themes: Vec::new(),
            allowed: self.allowed.max(other.allowed),
            uploads: self.uploads.max(other.uploads),
            unread: self.unread.max(other.unread),
            sockets: self.sockets || other.sockets,
            by_theme: (0..themes).map(|theme| self.of(theme).max(other.of(theme))).collect(),
        }
    }
}

/// Which way a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the person who asked.
    Answer,
    /// From them.
    Upload,
}

/// How one request's bodies are read.
#[derive(Clone, Debug)]
pub struct Reading {
    phrases: Arc<Phrases>,
    group: Arc<str>,
    most: OnHit,
}

/// Something is over the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which theme.
    pub theme: ThemeId,
    /// How many points it came to.
    pub points: i32,
    /// What is done.
    pub on_hit: OnHit,
}

impl Reading {
    /// The most that may be done with a body that goes this way.
    #[must_use]
    pub fn most(&self, way: Way) -> OnHit {
        match way {
            Way::Answer => self.most.min(self.phrases.most()),
            Way::Upload => self.most.min(self.phrases.most()).min(self.phrases.uploads),
        }
    }

    /// From how many points on something is done.
    #[must_use]
    pub fn threshold(&self) -> i32 {
        self.phrases.threshold
    }

    /// Whose it is.
    #[must_use]
    pub fn group(&self) -> &Arc<str> {
        &self.group
    }

    /// Whether messages over WebSockets are read.
    #[must_use]
    pub fn reads_sockets(&self) -> bool {
        self.phrases.sockets
    }

    /// What is done with a body that cannot be read.
    #[must_use]
    pub fn unread(&self, way: Way) -> OnHit {
        match self.phrases.unread {
            Unread::Pass => OnHit::Note,
            Unread::Block => self.most(way),
        }
    }

    /// What is to be done for these points, by the places of the themes: the strictest; of that the theme with the most points. Nothing, while none is
    /// over the threshold.
    #[must_use]
    pub fn judge(&self, peaks: &[i32], way: Way) -> Option<Hit> {
        let most = self.most(way);
        let over = peaks.iter().enumerate().filter(|(_, points)| **points >= self.phrases.threshold);
        let hits = over.filter_map(|(place, points)| Some(Hit { theme: ThemeId::at(place)?, points: *points, on_hit: self.phrases.of(place).min(most) }));
        hits.max_by_key(|hit| (hit.on_hit, hit.points, std::cmp::Reverse(hit.theme)))
    }
}

impl Policy {
    /// Gives themes the places they have in the lexicon that is put in force with this policy.
    pub fn settle_themes(&mut self, lexicon: &[Theme]) {
        for phrases in self.groups.iter_mut().filter_map(|group| group.phrases.as_mut()) {
            let said = |theme: &Theme| phrases.themes.iter().find(|(name, _)| *name == theme.name).map_or(phrases.on_hit, |(_, on_hit)| *on_hit);
            let by_theme = lexicon.iter().map(said).collect();
            *phrases = Arc::new(Phrases { by_theme, ..Phrases::clone(phrases) });
        }
    }

    /// Whether anybody's bodies are read.
    #[must_use]
    pub fn reads_words(&self) -> bool {
        self.groups.iter().any(|group| group.phrases.is_some())
    }

    /// How the bodies of a request are read that passes for this reason. Not at all, where the group does not say.
    #[must_use]
    pub fn reading(&self, standing: Standing, reason: &Reason) -> Option<Reading> {
        let phrases = match standing {
            Standing::Member(id) => self.groups.get(usize::from(id.0))?.phrases.clone()?,
            Standing::Unknown => {
                let all = self.groups.iter().filter_map(|group| group.phrases.clone());
                all.reduce(|a, b| Arc::new(a.stricter(&b)))?
            }
        };
        let most = if is_by_name(reason) { phrases.allowed } else { OnHit::Withhold };
        Some(Reading { phrases, group: self.group_name(standing), most })
    }
}

/// Whether a site passes because it is named, by a rule or in what is allowed. What a site shows of another is not named by that.
fn is_by_name(reason: &Reason) -> bool {
    match reason {
        Reason::Rule { action, .. } | Reason::Category { action, .. } => *action == Action::Allow,
        Reason::Led { then, .. } => is_by_name(then),
        Reason::AlwaysBlocked(_)
        | Reason::Port(_)
        | Reason::NoPage(_)
        | Reason::Continued(_)
        | Reason::Sealed(..)
        | Reason::Unsafe(_)
        | Reason::Republished(_)
        | Reason::Nested
        | Reason::Unlisted
        | Reason::Words(_)
        | Reason::Restricted(_)
        | Reason::Way(_)
        | Reason::Through(_) => false,
    }
}

/// What words came to, or why they could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Which way they went.
    pub way: Way,
    /// The group that says how much may be.
    pub group: Arc<str>,
    /// What they came to.
    pub said: Said,
}

/// What is said of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// They are over the threshold.
    Over {
        /// What they are about.
        theme: Box<str>,
        /// The category that belongs to.
        category: Option<Category>,
        /// How many points they came to.
        points: i32,
        /// How many there may be less than.
        threshold: i32,
        /// The phrases that were seen, as the phrase files have them.
        seen: Vec<Box<str>>,
    },
    /// They cannot be read, for this reason.
    Unreadable(String),
}

impl Words {
    /// What they came to, in a sentence. The phrases are not in it: a page shows this to a pupil.
    #[must_use]
    pub fn text(&self) -> String {
        let what = match self.way {
            Way::Answer => "page",
            Way::Upload => "text that was to be sent",
        };
        match &self.said {
            Said::Over { theme, points, threshold, .. } => {
                let theme = theme.replace('-', " ");
                format!("The words of this {what} are about {theme}: they come to {points} points, and for {} {threshold} are too many.", self.group)
            }
            Said::Unreadable(why) => format!("This {what} cannot be read to see what is in it: {why}."),
        }
    }

    /// What [`Words::text`] says, read again from a record: what they are about, how many points they came to, how many were too many, and which way they
    /// went. Nothing where it says something else.
    #[must_use]
    pub fn read(why: &str) -> Option<(Box<str>, i32, i32, Way)> {
        let (what, rest) = why.strip_prefix("The words of this ")?.split_once(" are about ")?;
        let way = match what {
            "page" => Way::Answer,
            "text that was to be sent" => Way::Upload,
            _ => return None,
        };
        let (theme, rest) = rest.split_once(": they come to ")?;
        let (points, rest) = rest.split_once(" points, and for ")?;
        // A group's name may say anything, and so may a phrase that was seen.
        let (_, threshold) = rest.split_once(" are too many.")?.0.rsplit_once(' ')?;
        Some((theme.replace(' ', "-").into(), points.parse().ok()?, threshold.parse().ok()?, way))
    }

    /// The same with the phrases that were seen, for the record.
    #[must_use]
    pub fn on_record(&self) -> String {
        match &self.said {
            Said::Over { seen, .. } if !seen.is_empty() => format!("{} Seen: {}.", self.text(), seen.join("; ")),
            Said::Over { .. } | Said::Unreadable(_) => self.text(),
        }
    }

    pub(super) fn category(&self) -> Option<Category> {
        match &self.said {
            Said::Over { category, .. } => *category,
            Said::Unreadable(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(name: &str) -> Theme {
        Theme { name: name.into(), category: name.into() }
    }

    fn reading(phrases: Phrases) -> Reading {
        let mut policy = super::super::tests::plain_policy();
        policy.groups[0].phrases = Some(Arc::new(phrases));
        policy.settle_themes(&[theme("suicide"), theme("pornography"), theme("drugs")]);
        policy.reading(Standing::Member(crate::identity::GroupId(0)), &Reason::Unlisted).expect("the group says")
    }

    #[test]
    fn the_strictest_that_is_over_the_threshold_is_done() {
        let phrases = Phrases { themes: vec![("pornography".into(), OnHit::Withhold), ("drugs".into(), OnHit::Cut)], ..Phrases::new(100, OnHit::Note) };
        let reading = reading(Phrases { uploads: OnHit::Cut, ..phrases });
        for (peaks, way, expected) in [
            ([99, 99, 99], Way::Answer, None),
            ([100, 0, 0], Way::Answer, Some((0, OnHit::Note))),
            ([500, 100, 300], Way::Answer, Some((1, OnHit::Withhold))),
            ([500, 99, 300], Way::Answer, Some((2, OnHit::Cut))),
            ([500, 100, 300], Way::Upload, Some((2, OnHit::Cut))),
        ] {
            let hit = reading.judge(&peaks, way).map(|hit| (hit.theme.place(), hit.on_hit));
            assert_eq!(hit, expected, "{peaks:?}");
        }
        assert_eq!((reading.most(Way::Answer), reading.most(Way::Upload), reading.unread(Way::Answer)), (OnHit::Withhold, OnHit::Cut, OnHit::Note));
    }

    #[test]
    fn who_is_in_no_group_has_the_strictest_and_what_is_allowed_by_name_the_mildest() {
        let mut policy = super::super::tests::plain_policy();
        let lax = Phrases { themes: vec![("drugs".into(), OnHit::Withhold)], ..Phrases::new(200, OnHit::Note) };
        policy.groups[0].phrases = Some(Arc::new(lax));
        policy.groups[1].phrases = Some(Arc::new(Phrases { unread: Unread::Block, ..Phrases::new(80, OnHit::Cut) }));
        policy.settle_themes(&[theme("suicide"), theme("drugs")]);
        let unknown = policy.reading(Standing::Unknown, &Reason::Unlisted).expect("two groups say");
        assert_eq!((unknown.threshold(), &**unknown.group()), (80, "unknown"));
        assert_eq!(unknown.judge(&[80, 0], Way::Answer).map(|hit| hit.on_hit), Some(OnHit::Cut));
        assert_eq!(unknown.judge(&[80, 80], Way::Answer).map(|hit| hit.on_hit), Some(OnHit::Withhold));
        assert_eq!(unknown.unread(Way::Answer), OnHit::Withhold);
        let rule = Reason::Rule { rule: "r".into(), action: Action::Allow, why: "w".into(), category: None, entry: None };
        let allowed = policy.reading(Standing::Unknown, &rule).expect("two groups say");
        assert_eq!((allowed.most(Way::Answer), allowed.judge(&[0, 300], Way::Answer).map(|hit| hit.on_hit)), (OnHit::Note, Some(OnHit::Note)));
        policy.groups.iter_mut().for_each(|group| group.phrases = None);
        assert!(policy.reading(Standing::Unknown, &Reason::Unlisted).is_none() && !policy.reads_words());
    }
}
