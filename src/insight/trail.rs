//! Where each person was a moment ago: what a request is by what came before it, and which visit it hangs from. Pure: time is a fact.
//!
//! A request that the browser speaks of is what it says ([`super::navigation`]). Of the others, old browsers' and programs' requests and
//! tunnels that are not looked into, it is inferred, and marked so. The first of these that fits counts:
//!
//! 1. the host serves devices ([`super::hosts`]), or is asked again at even intervals: background;
//! 2. where the head can be read: what it looks like ([`super::navigation::looks`]); a page fetched into a page in its first two seconds is a frame of it;
//! 3. the host serves parts of pages, or nearly always follows other hosts' visits: part of the visit at hand, or background without one;
//! 4. the host was asked within the last minute, or is of the same site as the visit at hand: part of that;
//! 5. it comes in the burst after a visit: part of it, unless pages mostly begin at this host;
//! 6. else it is a visit: clicked if it soon follows another, typed if not. Which of the two is little more than a guess.
//!
//! # Which visit a request hangs from
//!
//! The one its referrer names, by address, else by host; else the person's latest, if it or what hangs from it was asked for within [`LINGERS_MS`].
//! A visit whose answer was a redirect goes on as the visit it led to: that one names it as its cause.
//!
//! # What is kept
//!
//! Per person and device their last [`VISITS`] visits and [`CONTACTS`] hosts, for about 16,000 of them, those not seen for longest forgotten
//! first; and counts for 32,768 hosts. No names: hashes keyed anew at each start. After a start, inference knows nothing and learns in minutes.

mod person;
mod popularity;
#[cfg(test)]
mod tests;

use super::engines;
use super::hosts::{self, Serves};
use super::navigation::{self, Fields, Looks, Place, Said};
use super::site::Site;
use super::{Certainty, Kind, Search, Stage, Start};
use parking_lot::Mutex;
use person::{Found, Person, Visited};
use popularity::Popularity;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

/// The visits kept of one person.
pub const VISITS: usize = 8;
/// The hosts kept of one person.
pub const CONTACTS: usize = 24;
/// How long after its last request a visit still takes requests that name no page, in milliseconds.
pub const LINGERS_MS: u64 = 600_000;
/// Parts the people are kept in, each behind a lock of its own.
const SHARDS: usize = 16;
/// People in each part that were seen lately; as many again are about to be forgotten.
const PEOPLE: usize = 512;

/// A request as it is seen on the way in.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// When, in Unix milliseconds.
    pub time_ms: u64,
    /// The host in its one spelling.
    pub host: &'a str,
    /// How much of it is seen.
    pub sight: Sight<'a>,
}

/// How much of a request is seen.
#[derive(Clone, Copy, Debug)]
pub enum Sight<'a> {
    /// A tunnel that is not looked into: host and time.
    Tunnel,
    /// All of it.
    Whole {
        /// The method.
        method: &'a str,
        /// Path and query as received.
        path: &'a str,
        /// The address in its one spelling, as referrers are given too.
        url: &'a str,
        /// Its head.
        fields: &'a Fields<'a>,
    },
}

/// What a request means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning<Id> {
    /// What it is.
    pub kind: Kind,
    /// What set it off.
    pub start: Start,
    /// How sure that is.
    pub certainty: Certainty,
    /// The visit it hangs from.
    pub cause: Option<Id>,
    /// The search in it.
    pub search: Option<Search>,
    /// The visit it is: to be told what became of it.
    pub step: Option<Step>,
}

impl<Id> Meaning<Id> {
    /// What a request means by itself, where it is not to count among a person's steps: one that is refused before it is judged, or answered by
    /// Usher.
    #[must_use]
    pub fn alone(method: &str, path: &str, fields: &Fields<'_>) -> Self {
        let (kind, start, certainty) = match navigation::said(fields) {
            Some(Said { kind, start }) => (kind, start, Certainty::Said),
            None => match (navigation::looks(method, path, fields), fields.referrer) {
                (Looks::Page | Looks::Tool, None) => (Kind::Visit, Start::Typed, Certainty::Inferred),
                (Looks::Page | Looks::Tool, Some(_)) => (Kind::Visit, Start::Clicked, Certainty::Inferred),
                (Looks::Program, _) => (Kind::Background, Start::Background, Certainty::Inferred),
                (Looks::Part | Looks::Unclear, _) => (Kind::Resource, Start::Loaded, Certainty::Inferred),
            },
        };
        Self { kind, start, certainty, cause: None, search: None, step: None }
    }
}

/// A visit in a person's trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    person: u64,
    number: u64,
}

/// Where each person was a moment ago. `Id` is the number a visit is known by afterwards.
pub struct Trail<Id> {
    shards: Vec<Mutex<People<Id>>>,
    popularity: Popularity,
    hasher: RandomState,
}

struct People<Id> {
    lately: HashMap<u64, Person<Id>>,
    before: HashMap<u64, Person<Id>>,
}

impl<Id> People<Id> {
    fn person(&mut self, who: u64) -> &mut Person<Id> {
        if !self.lately.contains_key(&who) {
            let known = self.before.remove(&who);
            if self.lately.len() >= PEOPLE {
                self.before = std::mem::take(&mut self.lately);
            }
            self.lately.insert(who, known.unwrap_or_default());
        }
        self.lately.entry(who).or_default()
    }
}

impl<Id: Copy> Default for Trail<Id> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Id: Copy> Trail<Id> {
    /// Nobody was anywhere.
    #[must_use]
    pub fn new() -> Self {
        let people = || Mutex::new(People { lately: HashMap::new(), before: HashMap::new() });
        Self { shards: (0..SHARDS).map(|_| people()).collect(), popularity: Popularity::new(), hasher: RandomState::new() }
    }

    /// What a request of this person means. A visit is in their trail from now on; say with [`Trail::passed`] or [`Trail::stopped`] what became of it.
    pub fn judge(&self, who: impl Hash, request: &Request<'_>) -> Meaning<Id> {
        let who = self.hasher.hash_one(who);
        let at = self.place(request);
        let (search, said, looks, referrer) = match request.sight {
            Sight::Tunnel => (None, None, None, None),
            Sight::Whole { method, path, fields, .. } => {
                let said = navigation::said(fields);
                let looks = said.is_none().then(|| navigation::looks(method, path, fields));
                (engines::search(request.host, path), said, looks, fields.referrer)
            }
        };
        let serves = if said.is_some() { Serves::Unknown } else { hosts::serves(request.host) };
        let from = referrer.map(|place| self.hashed(place));
        let mut people = self.shards[shard(who)].lock();
        let person = people.person(who);
        let found = match said {
            Some(said) => person.as_said(said, &at, from, &self.popularity),
            None => person.inferred(looks, serves, &at, from, &self.popularity),
        };
        let certainty = if said.is_some() { Certainty::Said } else { Certainty::Inferred };
        let is_cross_site = matches!(request.sight, Sight::Whole { fields: Fields { site: Some("cross-site"), .. }, .. });
        let from_elsewhere = || is_cross_site || referrer.is_some_and(|place| Site::of(place.host).name != Site::of(request.host).name);
        let Found { kind, start, cause } = with_search(found, search.as_ref(), from_elsewhere);
        let goes_there = kind == Kind::Visit || kind == Kind::Search && found.kind == Kind::Visit;
        let engine = search.is_some() || goes_there && engines::is_engine(request.host);
        let step = goes_there.then(|| Step { person: who, number: person.visit(at, start, engine) });
        person.asked(&at, kind);
        Meaning { kind, start, certainty, cause, search, step }
    }

    /// The visit was let through, and is known as `id`.
    pub fn passed(&self, step: Step, id: Id) {
        self.at(step, |visited| visited.id = Some(id));
    }

    /// The visit was not let through: nothing can hang from it.
    pub fn stopped(&self, step: Step) {
        self.shards[shard(step.person)].lock().person(step.person).forget(step.number);
    }

    /// The visit was answered with a redirect to this place.
    pub fn redirected(&self, step: Step, to: Place<'_>) {
        let to = self.hashed(to);
        self.at(step, |visited| visited.goes_to = Some(to));
    }

    fn at(&self, step: Step, change: impl FnOnce(&mut Visited<Id>)) {
        if let Some(visited) = self.shards[shard(step.person)].lock().person(step.person).step(step.number) {
            change(visited);
        }
    }

    fn place(&self, request: &Request<'_>) -> At {
        let url = match request.sight {
            Sight::Tunnel => None,
            Sight::Whole { url, .. } => Some(self.hasher.hash_one(url)),
        };
        let site = self.hasher.hash_one(Site::registered(request.host));
        At { time_ms: request.time_ms, host: self.hasher.hash_one(request.host), site, url }
    }

    fn hashed(&self, place: Place<'_>) -> From {
        From { host: self.hasher.hash_one(place.host), url: self.hasher.hash_one(place.url) }
    }
}

fn shard(who: u64) -> usize {
    usize::try_from(who >> 32).unwrap_or_default() % SHARDS
}

/// Where and when a request is, in hashes.
#[derive(Clone, Copy, Debug)]
struct At {
    time_ms: u64,
    host: u64,
    site: u64,
    /// Nothing in a tunnel.
    url: Option<u64>,
}

/// A page in hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct From {
    host: u64,
    url: u64,
}

/// A request to an engine is a search, and one put in words is typed, wherever it comes from on the engine's own pages.
fn with_search<Id>(found: Found<Id>, search: Option<&Search>, from_elsewhere: impl Fn() -> bool) -> Found<Id> {
    let start = match (search.map(|search| search.stage), found.kind) {
        (None, _) => return found,
        // A page of another site may ask an engine for suggestions without anybody typing.
        (Some(Stage::Typing), _) if from_elsewhere() => Start::Loaded,
        (Some(Stage::Typing), _) => Start::Typed,
        (Some(Stage::Asked), Kind::Visit | Kind::Search) if from_elsewhere() => found.start,
        (Some(Stage::Asked), Kind::Visit | Kind::Search) => Start::Typed,
        (Some(Stage::Asked), Kind::Resource | Kind::Background) => Start::Loaded,
    };
    Found { kind: Kind::Search, start, ..found }
}
