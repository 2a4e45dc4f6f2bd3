//! One person's last steps, and what a request is in their light.

use super::popularity::{Habit, Popularity};
use super::{At, CONTACTS, From, LINGERS_MS, VISITS};
use crate::insight::hosts::Serves;
use crate::insight::navigation::{Looks, Said};
use crate::insight::{Kind, Start};

/// A page fetched into a page comes within so long of it.
const FRAME_MS: u64 = 2_000;
/// What comes within so long of a visit is most likely part of it.
const BURST_MS: u64 = 1_500;
/// While no pause is longer than this, the burst goes on,
const PAUSE_MS: u64 = 700;
/// but no longer than this after the visit.
const BURST_AT_MOST_MS: u64 = 10_000;
/// Whom so many hosts follow, leads.
const LEADS: u8 = 2;
/// A host asked again within this has not been gone to anew.
const AGAIN_MS: u64 = 60_000;
/// Another host of the visit's own site within this is part of it.
const SAME_SITE_MS: u64 = 30_000;
/// A redirect is followed within this.
const REDIRECT_MS: u64 = 10_000;
/// A visit within this of another is more likely clicked there than typed.
const CLICK_MS: u64 = 600_000;
/// So many even intervals are a program's.
const EVEN: u8 = 3;
/// No shorter interval is an even one: pages ask in quick succession too.
const EVEN_AT_LEAST_MS: u64 = 3_000;

/// What a request is found to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<Id> {
    pub(super) kind: Kind,
    pub(super) start: Start,
    pub(super) cause: Option<Id>,
}

impl<Id> Found<Id> {
    fn background() -> Self {
        Self { kind: Kind::Background, start: Start::Background, cause: None }
    }

    fn typed() -> Self {
        Self { kind: Kind::Visit, start: Start::Typed, cause: None }
    }
}

/// A visit.
#[derive(Clone, Debug)]
pub(super) struct Visited<Id> {
    number: u64,
    at: At,
    /// When something that hangs from it was last asked for.
    last_ms: u64,
    start: Start,
    engine: bool,
    /// Other hosts asked right after it.
    followers: u8,
    pub(super) id: Option<Id>,
    pub(super) goes_to: Option<From>,
}

/// A host that was asked.
#[derive(Clone, Copy, Debug)]
struct Contact {
    host: u64,
    last_ms: u64,
    interval_ms: u64,
    even: u8,
    kind: Kind,
}

pub(super) struct Person<Id> {
    /// The oldest first.
    visits: Vec<Visited<Id>>,
    contacts: Vec<Contact>,
    /// When they last asked for anything but what devices ask by themselves.
    last_ms: Option<u64>,
    next: u64,
}

impl<Id> Default for Person<Id> {
    fn default() -> Self {
        Self { visits: Vec::new(), contacts: Vec::new(), last_ms: None, next: 0 }
    }
}

impl<Id: Copy> Person<Id> {
    /// What the browser says it is, and which visit it hangs from.
    pub(super) fn as_said(&mut self, said: Said, at: &At, from: Option<From>, hosts: &Popularity) -> Found<Id> {
        let Said { kind, start } = said;
        let cause = match (kind, start) {
            (Kind::Visit, _) => {
                hosts.led(at.host);
                self.led_here(at).or_else(|| from.filter(|_| start != Start::Typed).and_then(|from| self.named(from, at)))
            }
            (Kind::Search | Kind::Resource | Kind::Background, _) => self.of_page(at, from, hosts),
        };
        Found { kind, start, cause: cause.and_then(|place| self.visits[place].id) }
    }

    /// What it must be, where nobody says.
    pub(super) fn inferred(&mut self, looks: Option<Looks>, serves: Serves, at: &At, from: Option<From>, hosts: &Popularity) -> Found<Id> {
        if serves == Serves::Devices && from.is_none() || self.is_even(at) && from.is_none() {
            return Found::background();
        }
        if let Some(place) = self.led_here(at).filter(|_| looks.is_none_or(|looks| looks == Looks::Page)) {
            let Visited { start, id, .. } = self.visits[place];
            return Found { kind: Kind::Visit, start, cause: id };
        }
        match looks {
            Some(Looks::Page) => self.page(at, from, hosts),
            Some(Looks::Part) => self.part(at, from, hosts),
            Some(Looks::Tool) => Found::typed(),
            Some(Looks::Program) => Found::background(),
            Some(Looks::Unclear) | None => self.by_time(serves, at, hosts),
        }
    }

    fn page(&mut self, at: &At, from: Option<From>, hosts: &Popularity) -> Found<Id> {
        let place = from.and_then(|from| self.named(from, at));
        if place.is_some_and(|place| at.time_ms.saturating_sub(self.visits[place].at.time_ms) < FRAME_MS) {
            return self.part(at, from, hosts);
        }
        hosts.led(at.host);
        let start = if from.is_some() { Start::Clicked } else { Start::Typed };
        Found { kind: Kind::Visit, start, cause: place.and_then(|place| self.visits[place].id) }
    }

    fn part(&mut self, at: &At, from: Option<From>, hosts: &Popularity) -> Found<Id> {
        let cause = self.of_page(at, from, hosts).and_then(|place| self.visits[place].id);
        Found { kind: Kind::Resource, start: Start::Loaded, cause }
    }

    /// By host and time alone.
    fn by_time(&mut self, serves: Serves, at: &At, hosts: &Popularity) -> Found<Id> {
        let known =
            self.contacts.iter().find(|contact| contact.host == at.host && at.time_ms.saturating_sub(contact.last_ms) < AGAIN_MS).map(|contact| contact.kind);
        if known.is_none() && serves != Serves::Devices {
            self.learn(at, hosts);
        }
        let follows = serves == Serves::Parts || hosts.habit(at.host) == Habit::Follows;
        let same_site = self.latest().is_some_and(|visited| visited.at.site == at.site && at.time_ms.saturating_sub(visited.last_ms) < SAME_SITE_MS);
        let in_burst = self.in_burst(at) && hosts.habit(at.host) != Habit::Leads;
        match known {
            Some(Kind::Background) => Found::background(),
            Some(Kind::Visit | Kind::Search | Kind::Resource) => self.part_of(self.visit_to(at.host).or_else(|| self.alive(at)), at),
            None if follows || same_site || in_burst => self.part_of(self.alive(at), at),
            None => self.gone_to(at),
        }
    }

    fn gone_to(&self, at: &At) -> Found<Id> {
        match self.latest().filter(|visited| at.time_ms.saturating_sub(visited.last_ms) < CLICK_MS) {
            Some(before) => Found { kind: Kind::Visit, start: Start::Clicked, cause: before.id.filter(|_| before.engine) },
            None => Found::typed(),
        }
    }

    /// Part of this visit; of none, a device's own.
    fn part_of(&mut self, place: Option<usize>, at: &At) -> Found<Id> {
        let Some(visited) = place.map(|place| &mut self.visits[place]) else { return Found::background() };
        visited.last_ms = visited.last_ms.max(at.time_ms);
        Found { kind: Kind::Resource, start: Start::Loaded, cause: visited.id }
    }

    /// Only what is beyond doubt is learnt: who comes right after another's visit follows, and whom two others have followed leads. Whoever comes
    /// alone may be a page or something a page asks for late.
    fn learn(&mut self, at: &At, hosts: &Popularity) {
        let Some(visited) = self.visits.last_mut() else { return };
        if visited.at.site == at.site || at.time_ms.saturating_sub(visited.at.time_ms) >= BURST_MS {
            return;
        }
        hosts.followed(at.host);
        visited.followers = visited.followers.saturating_add(1);
        if visited.followers == LEADS {
            hosts.led(visited.at.host);
        }
    }

    fn in_burst(&self, at: &At) -> bool {
        let Some(visited) = self.latest() else { return false };
        let since = at.time_ms.saturating_sub(visited.at.time_ms);
        let paused = self.last_ms.map_or(u64::MAX, |last| at.time_ms.saturating_sub(last));
        since < BURST_MS || paused < PAUSE_MS && since < BURST_AT_MOST_MS
    }

    /// The visit something that is part of a page hangs from.
    fn of_page(&mut self, at: &At, from: Option<From>, hosts: &Popularity) -> Option<usize> {
        let place = from.and_then(|from| self.named(from, at)).or_else(|| self.alive(at))?;
        let visited = &mut self.visits[place];
        if visited.at.site != at.site {
            hosts.followed(at.host);
        }
        visited.last_ms = visited.last_ms.max(at.time_ms);
        Some(place)
    }

    /// The visit to the page that is named; else the latest to its host.
    fn named(&self, from: From, at: &At) -> Option<usize> {
        let newest = |fits: &dyn Fn(&Visited<Id>) -> bool| self.visits.iter().rposition(|visited| fits(visited) && visited.at.time_ms <= at.time_ms);
        newest(&|visited| visited.at.url == Some(from.url)).or_else(|| newest(&|visited| visited.at.host == from.host))
    }

    /// The visit that led here by a redirect. It leads here once.
    fn led_here(&mut self, at: &At) -> Option<usize> {
        let leads = |visited: &Visited<Id>| {
            let here = visited.goes_to.is_some_and(|to| to.host == at.host && at.url.is_none_or(|url| url == to.url));
            here && at.time_ms.saturating_sub(visited.at.time_ms) < REDIRECT_MS
        };
        let place = self.visits.iter().rposition(leads)?;
        self.visits[place].goes_to = None;
        Some(place)
    }

    fn latest(&self) -> Option<&Visited<Id>> {
        self.visits.last()
    }

    /// The latest visit, if it is not long over.
    fn alive(&self, at: &At) -> Option<usize> {
        let place = self.visits.iter().rposition(|visited| visited.id.is_some())?;
        (at.time_ms.saturating_sub(self.visits[place].last_ms) < LINGERS_MS).then_some(place)
    }

    fn visit_to(&self, host: u64) -> Option<usize> {
        self.visits.iter().rposition(|visited| visited.at.host == host)
    }

    /// Whether the host is asked at even intervals, as programs ask.
    fn is_even(&self, at: &At) -> bool {
        self.contacts.iter().any(|contact| contact.host == at.host && contact.even >= EVEN && contact.keeps(at.time_ms))
    }

    /// Takes a visit into the trail.
    pub(super) fn visit(&mut self, at: At, start: Start, engine: bool) -> u64 {
        if self.visits.len() >= VISITS {
            self.visits.remove(0);
        }
        self.next += 1;
        self.visits.push(Visited { number: self.next, at, last_ms: at.time_ms, start, engine, followers: 0, id: None, goes_to: None });
        self.next
    }

    /// Takes notice of a host that was asked.
    pub(super) fn asked(&mut self, at: &At, kind: Kind) {
        if kind != Kind::Background {
            self.last_ms = Some(self.last_ms.map_or(at.time_ms, |last| last.max(at.time_ms)));
        }
        let seen = match self.contacts.iter().position(|contact| contact.host == at.host) {
            Some(place) => self.contacts.remove(place).again(at.time_ms, kind),
            None => Contact { host: at.host, last_ms: at.time_ms, interval_ms: 0, even: 0, kind },
        };
        if self.contacts.len() >= CONTACTS {
            self.contacts.remove(0);
        }
        self.contacts.push(seen);
    }

    pub(super) fn step(&mut self, number: u64) -> Option<&mut Visited<Id>> {
        self.visits.iter_mut().find(|visited| visited.number == number)
    }

    pub(super) fn forget(&mut self, number: u64) {
        self.visits.retain(|visited| visited.number != number);
    }
}

impl Contact {
    /// Whether the next request now would keep the interval, give or take a tenth.
    fn keeps(&self, time_ms: u64) -> bool {
        let interval = time_ms.saturating_sub(self.last_ms);
        self.interval_ms >= EVEN_AT_LEAST_MS && interval.abs_diff(self.interval_ms) <= self.interval_ms / 10
    }

    fn again(self, time_ms: u64, kind: Kind) -> Self {
        let even = if self.keeps(time_ms) { self.even.saturating_add(1) } else { 0 };
        Self { last_ms: time_ms, interval_ms: time_ms.saturating_sub(self.last_ms), even, kind, ..self }
    }
}
