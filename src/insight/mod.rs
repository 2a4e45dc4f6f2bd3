//! What a request means for the person who reads the log: a page somebody went to, a search in words, or what a page drags in. Pure.
//!
//! [`engines`] reads searches, [`navigation`] what the browser says of a request, and [`trail`] remembers for a while where each person was, so that what a
//! page drags in hangs from the page, and so that what nobody says can be inferred. [`fold`] and [`folding`] are for reading the record afterwards: words
//! as people misspell them, and what was typed into what was asked.
//!
//! # Where to add
//!
//! A search engine: one row in [`engines`], with one row of its test. A service that shows other pages: one row in [`republished`]. A chat service: one
//! row in [`ai`]. A host that devices ask by themselves, or that only serves parts of pages: one line in [`hosts`].

pub mod ai;
pub mod engines;
pub mod escapes;
pub mod fold;
pub mod folding;
pub mod hosts;
pub mod navigation;
pub mod republished;
pub mod site;
pub mod trail;

use serde::Serialize;

/// What a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A page somebody went to.
    Visit,
    /// A search, asked or being typed.
    Search,
    /// What a page needs: pictures, styles, scripts.
    Resource,
    /// What a device asks for by itself: updates, telemetry, mail being looked for.
    Background,
}

impl Kind {
    /// All of them, by the name they have in the log.
    pub const NAMES: [(&str, Self); 4] = [("visit", Self::Visit), ("search", Self::Search), ("resource", Self::Resource), ("background", Self::Background)];

    /// As in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::Search => "search",
            Self::Resource => "resource",
            Self::Background => "background",
        }
    }
}

/// What set a request off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// An address typed, a bookmark, or a search put in words.
    Typed,
    /// A link or a form on a page.
    Clicked,
    /// A page, without anybody doing anything: a redirect, a frame, a resource.
    Loaded,
    /// The device, without a page.
    Background,
}

impl Start {
    /// All of them, by the name they have in the log.
    pub const NAMES: [(&str, Self); 4] = [("typed", Self::Typed), ("clicked", Self::Clicked), ("loaded", Self::Loaded), ("background", Self::Background)];

    /// As in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Typed => "typed",
            Self::Clicked => "clicked",
            Self::Loaded => "loaded",
            Self::Background => "background",
        }
    }
}

/// How sure kind and start are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// The browser said so (`Sec-Fetch-*`).
    Said,
    /// By referrer, time and host: a tunnel that is not looked into, or a browser that does not say.
    Inferred,
}

impl Certainty {
    /// All of them, by the name they have in the log.
    pub const NAMES: [(&str, Self); 2] = [("said", Self::Said), ("inferred", Self::Inferred)];

    /// As in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Said => "said",
            Self::Inferred => "inferred",
        }
    }
}

/// How far a search had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Being typed: the engine was asked for suggestions.
    Typing,
    /// Asked.
    Asked,
}

impl Stage {
    /// All of them, by the name they have in the log.
    pub const NAMES: [(&str, Self); 2] = [("typing", Self::Typing), ("asked", Self::Asked)];

    /// As in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Typing => "typing",
            Self::Asked => "asked",
        }
    }
}

/// A search.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Search {
    /// The engine, by its name in the table.
    pub engine: &'static str,
    /// What was asked, in the person's words.
    pub term: String,
    /// How far it had come.
    pub stage: Stage,
}
