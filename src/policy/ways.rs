//! What is done about ways round the filter, once one is found out (`bypass`). Pure: a finding in, what is to be done out.
//!
//! # What decides
//!
//! The first of these that speaks:
//!
//! 1. **`allow`** names its code: nothing is done.
//! 2. **Wisp** has a setting of its own, [`Wisp`], for it carries many sites of which some may be fine.
//! 3. **How certain it is**: `near` for what can hardly be anything else, `scores` for what ordinary programs do too.
//!
//! Somebody in no group meets the strictest of all groups. The illegal tier is not asked here: nothing that is allowed here lets it through.
//!
//! Where to add: a detector needs nothing here. A setting of its own is an enum with its names, its field of [`Ways`], its arm in [`Ways::act`] and its key
//! in `config/policy.rs`.

use super::Policy;
use crate::bypass::{Certainty, Code, Finding};
use crate::identity::Standing;

/// What is done about a finding. Ordered: a later one is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Nothing: it is as though it had not been found.
    Nothing,
    /// It passes, and is on record.
    Note,
    /// It is refused, and on record.
    Block,
}

impl Act {
    /// By the names they have in `policy.toml`, for what is nearly certain. Only a code by its name is left alone.
    pub const OF_NEAR: [(&str, Self); 2] = [("note", Self::Note), ("block", Self::Block)];
    /// By the names they have in `policy.toml`, for what scores.
    pub const OF_SCORES: [(&str, Self); 3] = [("nothing", Self::Nothing), ("note", Self::Note), ("block", Self::Block)];
}

/// What is done about web proxies of the kind Wisp, which carry connections to many sites over one WebSocket. Ordered: a later one is stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wisp {
    /// They pass; each site asked for is on record. What is illegal is cut.
    Note,
    /// Each site asked for is judged as a tunnel of that person, and cut where it may not be; the others pass.
    #[default]
    Streams,
    /// The WebSocket ends as soon as it is known for what it is.
    Block,
}

impl Wisp {
    /// By the name each has in `policy.toml`.
    pub const NAMES: [(&str, Self); 3] = [("note", Self::Note), ("streams", Self::Streams), ("block", Self::Block)];
}

/// Some codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Codes(u64);

impl Codes {
    fn bit(code: Code) -> u64 {
        1 << code as u32
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn contains(self, code: Code) -> bool {
        self.0 & Self::bit(code) != 0
    }
}

impl FromIterator<Code> for Codes {
    fn from_iter<I: IntoIterator<Item = Code>>(codes: I) -> Self {
        Self(codes.into_iter().fold(0, |all, code| all | Self::bit(code)))
    }
}

/// What a group does about ways round the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    /// What is nearly certain.
    pub near: Act,
    /// What scores.
    pub scores: Act,
    /// Web proxies of the kind Wisp.
    pub wisp: Wisp,
    /// What is left alone.
    pub allow: Codes,
}

impl Default for Ways {
    fn default() -> Self {
        Self { near: Act::Block, scores: Act::Note, wisp: Wisp::default(), allow: Codes::default() }
    }
}

impl Ways {
    /// What is done about a finding.
    #[must_use]
    pub fn act(&self, finding: &Finding) -> Act {
        if self.allow.contains(finding.code) {
            return Act::Nothing;
        }
        match (finding.code, finding.certainty) {
            (Code::Wisp | Code::WispStream, _) => match self.wisp {
                Wisp::Note | Wisp::Streams => Act::Note,
                Wisp::Block => Act::Block,
            },
            (_, Certainty::Near) => self.near,
            (_, Certainty::Scores(_)) => self.scores,
        }
    }

    /// What is done about web proxies of the kind Wisp; nothing, where they are left alone and need not be looked for.
    #[must_use]
    pub fn wisp(&self) -> Option<Wisp> {
        (!self.allow.contains(Code::Wisp)).then_some(self.wisp)
    }

    fn stricter(self, other: Self) -> Self {
        Self {
            near: self.near.max(other.near),
            scores: self.scores.max(other.scores),
            wisp: self.wisp.max(other.wisp),
            allow: Codes(self.allow.0 & other.allow.0),
        }
    }
}

impl Policy {
    /// What is done about the ways round the filter that somebody of this standing takes.
    #[must_use]
    pub fn ways(&self, standing: Standing) -> Ways {
        let strictest = || self.groups.iter().map(|group| group.ways).reduce(Ways::stricter).unwrap_or_default();
        self.group(standing).map_or_else(strictest, |group| group.ways)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::GroupId;

    #[test]
    fn a_finding_is_met_by_its_code_then_by_how_certain_it_is() {
        let shipped = Ways::default();
        let lax = Ways { near: Act::Note, scores: Act::Nothing, wisp: Wisp::Note, allow: [Code::Doh].into_iter().collect() };
        let hard = Ways { scores: Act::Block, wisp: Wisp::Block, ..shipped };
        for (code, certainty, expected) in [
            (Code::Bare, Certainty::Near, [Act::Block, Act::Note, Act::Block]),
            (Code::KitText, Certainty::Scores(8), [Act::Note, Act::Nothing, Act::Block]),
            // A detector may be surer than its code.
            (Code::KitText, Certainty::Near, [Act::Block, Act::Note, Act::Block]),
            (Code::Doh, Certainty::Near, [Act::Block, Act::Nothing, Act::Block]),
            (Code::Wisp, Certainty::Near, [Act::Note, Act::Note, Act::Block]),
        ] {
            let finding = Finding::new(code, "something").with(certainty);
            assert_eq!([shipped, lax, hard].map(|ways| ways.act(&finding)), expected, "{finding:?}");
        }
        assert_eq!(shipped.wisp(), Some(Wisp::Streams));
        assert_eq!(Ways { allow: [Code::Wisp].into_iter().collect(), ..shipped }.wisp(), None);
    }

    #[test]
    fn who_is_in_no_group_meets_the_strictest() {
        let mut policy = super::super::tests::plain_policy();
        policy.groups[0].ways = Ways { near: Act::Note, wisp: Wisp::Block, allow: [Code::Doh, Code::Tor].into_iter().collect(), ..Ways::default() };
        policy.groups[1].ways = Ways { scores: Act::Nothing, allow: [Code::Doh].into_iter().collect(), ..Ways::default() };
        let unknown = policy.ways(Standing::Unknown);
        assert_eq!((unknown.near, unknown.scores, unknown.wisp), (Act::Block, Act::Note, Wisp::Block));
        assert!(unknown.allow.contains(Code::Doh) && !unknown.allow.contains(Code::Tor));
        assert_eq!(policy.ways(Standing::Member(GroupId(0))).near, Act::Note);
        policy.groups.truncate(1);
        policy.groups.clear();
        assert_eq!(policy.ways(Standing::Unknown), Ways::default());
    }

    #[test]
    fn every_code_has_a_bit_of_its_own() {
        for code in Code::all() {
            let only: Codes = [code].into_iter().collect();
            assert!(Code::all().all(|other| only.contains(other) == (other == code)), "{}", code.as_str());
        }
    }
}
