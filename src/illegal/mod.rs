//! The illegal tier: what is against the law to look at, judged before a policy value exists.
//!
//! ```text
//! feed file ──sealed──▶ Feed ─┐
//! kept copy ──sealed──▶ Feed ─┼─state──▶ Standing, and the feed in force ──▶ Tier ──judge──▶ Lawful: may be decided on
//! state     ──────────────────┘                                                      └─────▶ Illegal: a refusal by itself
//! ```
//!
//! Two things speak here: the categories of [`crate::category::ALWAYS_BLOCKED`] in ordinary lists, and the sealed feed of a publisher who may hold
//! such a list (in the UK: the Internet Watch Foundation, and the police's CTIRU). A feed is a file of keyed hashes, encrypted and signed:
//! [`sealed`]. A decision needs a [`LawfulHost`] or a [`LawfulPage`], and only a [`Tier`] gives one, so no setting, rule, override or list of what is
//! allowed is looked at before.
//!
//! What becomes of a feed once it was in force is remembered in the data folder ([`state`]): taking it away, altering it, going back to an older
//! one or letting it grow old does not take an entry out of force, and shows as red ([`Standing`]).
//!
//! # Limits
//!
//! - Of https only the host is seen where it is not looked into: there only entries for whole sites match.
//! - Hashes cannot be turned back into a list, but who has the school's key can try addresses one by one. Of a host alone they learn little:
//!   [`filter`].
//! - Who owns the machine can begin a new installation with an empty data folder. Usher then says that the lists are not present; it cannot
//!   know that they were.
//! - A school that changes its publisher has to take `illegal` out of the data folder. That is on record as critical and red until the new
//!   publisher's next feed.
//!
//! Pure but for [`store`], which reads and writes the files.

pub mod filter;
pub mod key;
pub mod lines;
pub mod sealed;
pub mod spelling;
pub mod state;
pub mod status;
pub mod store;
pub mod tier;

pub use state::{Red, Standing};
pub use tier::{Illegal, LawfulHost, LawfulPage, Source, Tier};

/// What a feed's entry is. Each is one of [`crate::category::ALWAYS_BLOCKED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Sexual abuse of children.
    ChildSexualAbuse,
    /// Terrorist content.
    Terrorism,
}

impl Kind {
    /// The kinds by the id of their category.
    pub const NAMES: [(&str, Self); 2] = [(crate::category::ALWAYS_BLOCKED[0], Self::ChildSexualAbuse), (crate::category::ALWAYS_BLOCKED[1], Self::Terrorism)];

    /// The id of its category.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::ChildSexualAbuse => Self::NAMES[0].0,
            Self::Terrorism => Self::NAMES[1].0,
        }
    }
}

/// How much of a site an entry covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// This one URL.
    Page,
    /// A host and every host below it.
    Site,
}
