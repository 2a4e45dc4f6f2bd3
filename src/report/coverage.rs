//! What the filter covers, heading by heading: the answer to a governor's question.
//!
//! The UK Safer Internet Centre names the kinds of content a school's filter manages ([`HEADINGS`]). For each, this page says which categories,
//! lists and phrases are in force against it, how many entries they hold, who is blocked or warned, and plainly where there is nothing or
//! little. It makes no claim that a heading is *covered*: a count of entries cannot show that, and says so.
//!
//! Every heading is on the page, whether a category answers to it or not, and every category is: one without a heading, or with a heading
//! that is none, in a table of its own. Names from outside (lists, groups, categories) are shown as text, never as markup, and cannot turn
//! the direction of the line they stand in.
//!
//! A command gathers what is in force and prints a face:
//!
//! ```
//! use usher::category::{CategoryInfo, Page, Taxonomy, Theme};
//! use usher::policy::Action;
//! use usher::report::coverage::{Counted, Coverage, InForce, Treatment};
//! # let info = |id: &str| CategoryInfo { id: id.into(), name: id.into(), covers: String::new(), theme: Theme::Harm, severity: 1,
//! #     heading: (id == "gambling").then(|| "Gambling".into()), page: Page::Block };
//! # let taxonomy = Taxonomy::new(["child-sexual-abuse", "terrorism", "gambling"].map(info).into()).unwrap();
//! let counted = [Counted { list: "starter/gambling/domains".into(), category: "gambling".into(), entries: 64, phrases: 0 }];
//! // From the policy in force: Treatment::of(group, &taxonomy) for each of its groups.
//! let pupils = Treatment { group: "pupils".into(), actions: [("gambling".into(), Action::Block)].into() };
//! let coverage = Coverage::new(
//!     &taxonomy,
//!     &InForce {
//!         school: "Example School",
//!         date: jiff::civil::date(2026, 11, 22),
//!         generation: 12,
//!         counted: &counted,
//!         groups: &[pupils],
//!         // A sentence where a licensed feed, or a parent proxy that was checked, is in force now.
//!         illegal: None,
//!     },
//! );
//! assert!(coverage.markdown().contains("only 64 entries: a start, not coverage"));
//! assert!(coverage.html().starts_with("<!doctype html>"));
//! ```

mod html;
mod markdown;
#[cfg(test)]
mod tests;
pub(super) mod words;

use crate::category::{CategoryInfo, Taxonomy};
use crate::policy::{Action, Group};
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;

/// The heading for what is against the law. It is answered by a licensed feed, not by ordinary lists.
pub const ILLEGAL: &str = "Illegal";

/// The headings of the UK Safer Internet Centre's "Appropriate Filtering", as `categories.toml` spells them, and what each is about in
/// the words of this project.
pub const HEADINGS: [(&str, &str); 12] = [
    (ILLEGAL, "Child sexual abuse, and terrorist material as assessed by the police."),
    ("Discrimination", "Unfair treatment of people because of who they are."),
    ("Drugs/substance abuse", "Illegal drugs, and the misuse of others."),
    ("Extremism", "Ideologies of violence, hatred or intolerance, and those who recruit to them."),
    ("Gambling", "Betting, casinos, lotteries and games for money."),
    ("Hate speech", "Hatred of people for their race, religion, disability, sex, sexuality or gender."),
    ("Malware/hacking", "Harmful software, fake pages that steal passwords, and breaking into systems."),
    ("Mis/disinformation", "False or misleading claims, whether spread by mistake or on purpose."),
    ("Piracy and copyright theft", "Films, music, books, games and software shared without permission."),
    ("Pornography", "Sexual acts and explicit images."),
    ("Self-harm", "Encouragement of self-harm, suicide or disordered eating."),
    ("Violence", "Force meant to hurt or kill, shown or praised, and weapons."),
];

/// Below this many entries a heading has a start and no more. One school's lists of the best-known sites hold a few hundred; published
/// lists hold thousands to millions.
pub const A_START: usize = 1_000;

/// What no list changes, said on every page.
const LIMITS: [&str; 6] = [
    "Nearly every site uses https. There Usher sees only the name of the site (such as www.bbc.co.uk), not the page, the search or the video. An entry for one part of a site does nothing there.",
    "No page is judged by the words or pictures on it. Phrases are kept for that, and do nothing yet.",
    "A list holds only what somebody has found. A new site is on no list, nor is one bad page, message or picture on a good site.",
    "Only what passes through Usher is seen. A phone on mobile data or a device used at home is not, unless it is set to come through.",
    "The school's rules can make exceptions, for a group, a lesson or a site. They are in its policy, each with a reason and a date to look at it again.",
    "Entries are counted as each list holds them. A site that is on two lists counts twice.",
];

/// How much one list holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Its name, such as `starter/games/domains`.
    pub list: String,
    /// The id of the category its entries are of.
    pub category: String,
    /// Its entries in force.
    pub entries: usize,
    /// The phrases kept of it.
    pub phrases: usize,
}

/// What one group's categories do. A category that is not here is not spoken of, which lets it pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Treatment {
    /// The group.
    pub group: String,
    /// What is done, by the id of the category.
    pub actions: BTreeMap<String, Action>,
}

impl Treatment {
    /// What a group of the policy in force does with every category it names.
    #[must_use]
    pub fn of(group: &Group, taxonomy: &Taxonomy) -> Self {
        // Later ones overwrite: allow speaks before block, and block before warn.
        let sets = [(group.warn, Action::Warn), (group.block, Action::Block), (group.allow, Action::Allow)];
        let named = sets.into_iter().flat_map(|(set, action)| taxonomy.ids(set).map(move |id| (id.to_owned(), action)));
        Self { group: group.name.to_string(), actions: named.collect() }
    }
}

/// What a page is made from.
#[derive(Clone, Debug)]
pub struct InForce<'a> {
    /// The school's name, shown under the title; empty for none.
    pub school: &'a str,
    /// The day.
    pub date: Date,
    /// The generation of lists in force.
    pub generation: u64,
    /// Every list in force.
    pub counted: &'a [Counted],
    /// Every group.
    pub groups: &'a [Treatment],
    /// A sentence that says which licensed feed, or which parent proxy that was checked, is in force *now*; `None` where there is none, or
    /// it is stale or damaged.
    pub illegal: Option<String>,
}

/// The page, as a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The school's name; may be empty.
    pub school: String,
    /// The day, as 2026-11-22.
    #[serde(serialize_with = "as_written")]
    pub date: Date,
    /// The generation of lists in force.
    pub generation: u64,
    /// Every heading, the illegal one first.
    pub headings: Vec<Heading>,
    /// The categories that answer no heading.
    pub others: Vec<Covered>,
    /// Lists of a category that is not known. There should be none.
    pub strays: Vec<Counting>,
    /// What no list changes.
    pub limits: Vec<&'static str>,
    /// That nobody is told of danger, if that is so.
    pub red: Option<String>,
}

/// One heading, and what is in force against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Heading {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// How it stands.
    pub state: State,
    /// How it stands, in an honest sentence or two.
    pub says: String,
    /// Entries in all.
    pub entries: usize,
    /// Phrases in all.
    pub phrases: usize,
    /// The categories that answer to it.
    pub categories: Vec<Covered>,
}

/// How a heading stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The illegal heading, and no licensed feed is in force.
    Unmet,
    /// No list holds an entry.
    NoList,
    /// There are entries, and every group lets them pass.
    Open,
    /// Fewer entries than [`A_START`].
    Start,
    /// Lists are in force. No claim that they are enough.
    Listed,
    /// The illegal heading, and a licensed feed is in force.
    Licensed,
}

/// One category, and what is in force for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// Its id.
    pub id: String,
    /// The name people read.
    pub name: String,
    /// What it covers, in a sentence.
    pub covers: String,
    /// Entries in all.
    pub entries: usize,
    /// Phrases in all.
    pub phrases: usize,
    /// The lists, the largest first.
    pub lists: Vec<Counting>,
    /// Who is blocked and who is warned.
    pub treated: Treated,
    /// The heading it names, if that is none of the standard's.
    pub unknown_heading: Option<String>,
}

/// One list and how much it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counting {
    /// Its name.
    pub list: String,
    /// Its entries.
    pub entries: usize,
    /// Its phrases.
    pub phrases: usize,
}

/// What a category means for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Treated {
    /// Blocked for everybody; nothing can allow it.
    Always,
    /// What each group does.
    Groups {
        /// Those that block it.
        blocked: Vec<String>,
        /// Those that warn of it.
        warned: Vec<String>,
        /// Those that let it pass.
        open: Vec<String>,
    },
}

impl Treated {
    /// Whether anybody is kept from it, or warned.
    fn stops_anybody(&self) -> bool {
        match self {
            Self::Always => true,
            Self::Groups { blocked, warned, .. } => !blocked.is_empty() || !warned.is_empty(),
        }
    }
}

impl Coverage {
    /// Sorts what is in force under the headings.
    #[must_use]
    pub fn new(taxonomy: &Taxonomy, in_force: &InForce<'_>) -> Self {
        let covered = |info| Covered::new(taxonomy, info, in_force);
        let known = |info: &CategoryInfo| HEADINGS.iter().any(|(name, _)| info.heading.as_deref() == Some(*name));
        let under = |heading: &str| taxonomy.iter().filter(|(_, info)| info.heading.as_deref() == Some(heading)).map(|(_, info)| covered(info)).collect();
        let strays = in_force.counted.iter().filter(|counted| taxonomy.find(&counted.category).is_none());
        Self {
            school: words::plain(in_force.school),
            date: in_force.date,
            generation: in_force.generation,
            headings: HEADINGS.iter().map(|heading| Heading::new(*heading, under(heading.0), in_force.illegal.as_deref())).collect(),
            others: taxonomy.iter().filter(|(_, info)| !known(info)).map(|(_, info)| covered(info)).collect(),
            strays: strays.map(Counting::of).collect(),
            limits: LIMITS.to_vec(),
            red: None,
        }
    }

    /// The page that also says that nobody is told of danger, if that is so.
    #[must_use]
    pub fn with_red(self, red: Option<String>) -> Self {
        Self { red, ..self }
    }

    /// How many headings stand so.
    fn standing(&self, state: State) -> usize {
        self.headings.iter().filter(|heading| heading.state == state).count()
    }
}

impl Heading {
    fn new((name, about): (&'static str, &'static str), categories: Vec<Covered>, illegal: Option<&str>) -> Self {
        let entries = categories.iter().map(|covered| covered.entries).sum();
        let phrases = categories.iter().map(|covered| covered.phrases).sum();
        let state = match illegal {
            _ if name != ILLEGAL => State::of(entries, &categories),
            Some(_) => State::Licensed,
            None => State::Unmet,
        };
        let says = words::says(state, entries, &categories, illegal);
        Self { name, about, state, says, entries, phrases, categories }
    }
}

impl State {
    fn of(entries: usize, categories: &[Covered]) -> Self {
        if entries == 0 {
            Self::NoList
        } else if !categories.iter().any(|covered| covered.entries > 0 && covered.treated.stops_anybody()) {
            Self::Open
        } else if entries < A_START {
            Self::Start
        } else {
            Self::Listed
        }
    }
}

impl Covered {
    fn new(taxonomy: &Taxonomy, info: &CategoryInfo, in_force: &InForce<'_>) -> Self {
        let counted = in_force.counted.iter().filter(|counted| counted.category == info.id);
        let mut lists: Vec<_> = counted.filter(|counted| counted.entries + counted.phrases > 0).map(Counting::of).collect();
        lists.sort_by(|one, other| other.entries.cmp(&one.entries).then_with(|| one.list.cmp(&other.list)));
        let always = taxonomy.find(&info.id).is_some_and(|category| taxonomy.always_blocked().contains(category));
        let unknown_heading = info.heading.as_deref().filter(|heading| !HEADINGS.iter().any(|(name, _)| name == heading));
        Self {
            id: words::plain(&info.id),
            name: words::plain(&info.name),
            covers: words::plain(&info.covers),
            entries: lists.iter().map(|list| list.entries).sum(),
            phrases: lists.iter().map(|list| list.phrases).sum(),
            lists,
            treated: if always { Treated::Always } else { Treated::by(in_force.groups, &info.id) },
            unknown_heading: unknown_heading.map(words::plain),
        }
    }
}

impl Counting {
    fn of(counted: &Counted) -> Self {
        Self { list: words::plain(&counted.list), entries: counted.entries, phrases: counted.phrases }
    }
}

impl Treated {
    fn by(groups: &[Treatment], id: &str) -> Self {
        let (mut blocked, mut warned, mut open) = (Vec::new(), Vec::new(), Vec::new());
        for Treatment { group, actions } in groups {
            let side = match actions.get(id) {
                Some(Action::Block) => &mut blocked,
                Some(Action::Warn) => &mut warned,
                Some(Action::Allow) | None => &mut open,
            };
            side.push(words::plain(group));
        }
        Self::Groups { blocked, warned, open }
    }
}

fn as_written<S: serde::Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(date)
}
