//! Who is asking, how that is known, and how sure it is.
//!
//! Every request has one [`Identity`], never none: who cannot be told is [`Standing::Unknown`], and the policy answers them as the
//! strictest group would be answered. Types and [`networks`] are pure; [`local`] keeps the users of this installation on disk.

pub mod local;
pub mod networks;

use std::sync::Arc;

/// A group of the policy, by its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub u8);

/// Who a person is, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// A user by the name they proved.
    User(Arc<str>),
    /// Nobody in particular: only the device's address is known.
    Unnamed,
}

/// Which policy applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// A member of this group.
    Member(GroupId),
    /// In no group: answered as the strictest group would be.
    Unknown,
}

/// How an identity was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A password given to the proxy (RFC 7617) and checked against the users of this installation.
    Password,
    /// The range the client's address is in.
    Network,
    /// No way led to a person or a group.
    Nothing,
}

impl Source {
    /// As in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Network => "network",
            Self::Nothing => "nothing",
        }
    }
}

/// How sure it is that this identity is the person at the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Not known at all.
    None,
    /// A place, not a person.
    Place,
    /// The person proved who they are with this very request.
    Proved,
}

impl Confidence {
    /// As in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Place => "place",
            Self::Proved => "proved",
        }
    }
}

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The person.
    pub who: Who,
    /// Whose rules apply.
    pub standing: Standing,
    /// How that was found.
    pub source: Source,
    /// How sure it is.
    pub confidence: Confidence,
}

impl Identity {
    /// Nobody known, in no group.
    #[must_use]
    pub fn unknown() -> Self {
        Self { who: Who::Unnamed, standing: Standing::Unknown, source: Source::Nothing, confidence: Confidence::None }
    }

    /// Somebody in a known range of addresses.
    #[must_use]
    pub fn of_network(group: GroupId) -> Self {
        Self { who: Who::Unnamed, standing: Standing::Member(group), source: Source::Network, confidence: Confidence::Place }
    }

    /// A user who gave the right password.
    #[must_use]
    pub fn proved(user: Arc<str>, standing: Standing) -> Self {
        Self { who: Who::User(user), standing, source: Source::Password, confidence: Confidence::Proved }
    }

    /// The user's name, if there is one.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match &self.who {
            Who::User(name) => Some(name),
            Who::Unnamed => None,
        }
    }
}
