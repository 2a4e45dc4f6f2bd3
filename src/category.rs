//! Categories: what a list says about a site.
//!
//! A [`Taxonomy`] is read from `blocklists/categories.toml`. Inside the program a category is a small number and a set of them is
//! a bit set, so that one look-up answers for every group and a policy is a mask. Pure: no I/O.

use std::collections::HashMap;
use std::fmt;

/// How many categories a taxonomy may hold: the bits of a [`CategorySet`].
pub const MAX_CATEGORIES: usize = 128;

/// The always-blocked tier. These categories must exist, and no policy, rule, setting or person can allow them: they are judged
/// before a policy is looked at (DfE standard: illegal content cannot be switched off).
pub const ALWAYS_BLOCKED: [&str; 2] = ["child-sexual-abuse", "terrorism"];

/// One category, as a place in the [`Taxonomy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Category(u8);

/// A set of categories.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CategorySet(u128);

impl CategorySet {
    /// The set that holds nothing.
    pub const EMPTY: Self = Self(0);

    /// This set with `category` in it.
    #[must_use]
    pub fn with(self, category: Category) -> Self {
        Self(self.0 | 1 << category.0)
    }

    /// What is in either set.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether `category` is in the set.
    #[must_use]
    pub fn contains(self, category: Category) -> bool {
        self.0 >> category.0 & 1 == 1
    }

    /// Whether the set holds nothing.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many categories are in the set.
    #[must_use]
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The categories, in the order of the taxonomy.
    pub fn iter(self) -> impl Iterator<Item = Category> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let next = u8::try_from(rest.trailing_zeros()).ok().filter(|_| rest != 0)?;
            rest &= rest - 1;
            Some(Category(next))
        })
    }
}

impl FromIterator<Category> for CategorySet {
    fn from_iter<I: IntoIterator<Item = Category>>(categories: I) -> Self {
        categories.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for CategorySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|c| c.0)).finish()
    }
}

/// What a category is about, for ranking and for the tone of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// Against the law to look at.
    Illegal,
    /// A child may be in danger.
    Danger,
    /// Harmful to children.
    Harm,
    /// A way round the filter.
    Bypass,
    /// A danger to devices and accounts.
    Security,
    /// Takes attention from work.
    Distraction,
    /// Neither good nor bad by itself.
    Neutral,
    /// Gives help.
    Help,
}

impl Theme {
    /// The themes by the name they have in `categories.toml`.
    pub const NAMES: [(&str, Self); 8] = [
        ("illegal", Self::Illegal),
        ("danger", Self::Danger),
        ("harm", Self::Harm),
        ("bypass", Self::Bypass),
        ("security", Self::Security),
        ("distraction", Self::Distraction),
        ("neutral", Self::Neutral),
        ("help", Self::Help),
    ];
}

/// Which page a person is shown when a category is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The block page.
    Block,
    /// The help page: where to find a person to talk to.
    Help,
}

/// What `categories.toml` says of one category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryInfo {
    /// The name in files and logs: lower-case letters, digits, hyphens.
    pub id: String,
    /// The name people read.
    pub name: String,
    /// What it covers, in a sentence.
    pub covers: String,
    /// What it is about.
    pub theme: Theme,
    /// How much it matters, from 0 to 5.
    pub severity: u8,
    /// The content heading of the UK Safer Internet Centre it answers to, if any.
    pub heading: Option<String>,
    /// The page shown when it is refused.
    pub page: Page,
}

/// All categories, in the order of `categories.toml`.
#[derive(Clone, Debug, Default)]
pub struct Taxonomy {
    categories: Vec<CategoryInfo>,
    by_id: HashMap<String, Category>,
    always_blocked: CategorySet,
}

/// Why a taxonomy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaxonomyError {
    /// More categories than a set has bits.
    #[error("there are {0} categories; at most {MAX_CATEGORIES} are possible")]
    TooMany(usize),
    /// Two categories share an id.
    #[error("the category \"{0}\" is there twice")]
    Twice(String),
    /// A category of the always-blocked tier is missing.
    #[error("the category \"{0}\" is missing; it is part of the always-blocked tier and cannot be left out")]
    Missing(&'static str),
}

impl Taxonomy {
    /// Builds the taxonomy, checking that ids are unique and the always-blocked tier is whole.
    pub fn new(categories: Vec<CategoryInfo>) -> Result<Self, TaxonomyError> {
        if categories.len() > MAX_CATEGORIES {
            return Err(TaxonomyError::TooMany(categories.len()));
        }
        let mut by_id = HashMap::new();
        for (number, info) in (0..).zip(&categories) {
            if by_id.insert(info.id.clone(), Category(number)).is_some() {
                return Err(TaxonomyError::Twice(info.id.clone()));
            }
        }
        let mut always_blocked = CategorySet::EMPTY;
        for id in ALWAYS_BLOCKED {
            always_blocked = always_blocked.with(*by_id.get(id).ok_or(TaxonomyError::Missing(id))?);
        }
        Ok(Self { categories, by_id, always_blocked })
    }

    /// The category with this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Category> {
        self.by_id.get(id).copied()
    }

    /// What is known of a category of this taxonomy.
    ///
    /// # Panics
    /// If the category is of another, larger taxonomy. A snapshot holds exactly one.
    #[must_use]
    pub fn info(&self, category: Category) -> &CategoryInfo {
        &self.categories[usize::from(category.0)]
    }

    /// All categories with what is known of them.
    pub fn iter(&self) -> impl Iterator<Item = (Category, &CategoryInfo)> {
        (0..).map(Category).zip(&self.categories)
    }

    /// The tier that no policy reaches.
    #[must_use]
    pub fn always_blocked(&self) -> CategorySet {
        self.always_blocked
    }

    /// The ids of a set, in order.
    pub fn ids(&self, set: CategorySet) -> impl Iterator<Item = &str> {
        set.iter().map(|category| self.info(category).id.as_str())
    }

    /// The category of a set that matters most: the highest severity, the first of equals.
    #[must_use]
    pub fn gravest(&self, set: CategorySet) -> Option<Category> {
        set.iter().max_by_key(|c| (self.info(*c).severity, std::cmp::Reverse(*c)))
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;

    /// A small taxonomy for tests: the always-blocked tier, then `ids`, with severities rising in that order.
    pub(crate) fn taxonomy(ids: &[&str]) -> Taxonomy {
        let all = ALWAYS_BLOCKED.iter().chain(ids);
        let info = |(number, id): (usize, &&str)| CategoryInfo {
            id: (*id).to_owned(),
            name: id.to_uppercase(),
            covers: String::new(),
            theme: Theme::Harm,
            severity: u8::try_from(number.min(5)).expect("small"),
            heading: None,
            page: if *id == "self-harm" { Page::Help } else { Page::Block },
        };
        Taxonomy::new(all.enumerate().map(info).collect()).expect("a sound taxonomy")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_always_blocked_tier_cannot_be_left_out() {
        let mut all: Vec<_> = fixture::taxonomy(&["games"]).categories;
        all.remove(1);
        assert_eq!(Taxonomy::new(all).err(), Some(TaxonomyError::Missing("terrorism")));
    }

    #[test]
    fn ids_are_unique() {
        let mut all: Vec<_> = fixture::taxonomy(&["games"]).categories;
        all.push(all[2].clone());
        assert_eq!(Taxonomy::new(all).err(), Some(TaxonomyError::Twice("games".into())));
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        let taxonomy = fixture::taxonomy(&["games", "chat", "drugs"]);
        let of = |ids: &[&str]| ids.iter().filter_map(|id| taxonomy.find(id)).collect::<CategorySet>();
        let set = of(&["drugs", "games"]);
        assert_eq!(taxonomy.ids(set).collect::<Vec<_>>(), ["games", "drugs"]);
        assert_eq!(set.len(), 2);
        assert_eq!(set.intersection(of(&["games", "chat"])), of(&["games"]));
        assert_eq!(set.difference(of(&["games"])), of(&["drugs"]));
        assert_eq!(taxonomy.gravest(set), taxonomy.find("drugs"));
        assert_eq!(taxonomy.gravest(CategorySet::EMPTY), None);
    }
}
