//! A school's traffic, made up: what a day leaves on record, in order of time, the same on every run with the same seed.
//!
//! ```text
//! people, devices, pages being loaded, searches being typed ─▶ who is due first ─▶ one request, and when that one is due again
//! ```
//!
//! At full size 1,260 pupils and 120 staff make about 3.5 million requests a school day (8:40 to 15:30, a little in the evening, Monday to Friday, in
//! term). A class goes to the same three sites in a lesson; pupils stray to what they like, by Zipf's law over 8,000 sites. A page has 10 to 120 parts,
//! of which the browser has most from before. Only what is going on is kept in memory: some thousand entries, however long it runs.
//!
//! What it is not: pages do not change over the year, nobody is ill, and no two schools differ but in size.

pub mod answers;
pub mod calendar;
#[path = "../names.rs"]
#[allow(dead_code, reason = "only its random numbers are used here")]
mod names;
pub mod paths;
pub mod people;
pub mod request;
pub mod sites;
pub mod summary;
pub mod words;

use calendar::{Day, Part};
use names::Random;
use people::{Person, Role, School};
use request::{Asked, Purpose, Target};
use sites::{Popularity, Serves, Style, Web};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use usher::audit::{Closing, Opening, RecordId};
use usher::policy::decision::SnapshotId;

/// Mean milliseconds between what a pupil does in a lesson, and a member of staff; between, and in the evening, they take longer.
const PUPIL_GAP: u64 = 59_000;
const STAFF_GAP: u64 = 122_000;
/// Mean milliseconds between what a device asks for by itself.
const POLL_GAP: u64 = 70_000;

/// One request.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The number it gets if all are put on record in this order; pages' parts name their cause by it.
    pub id: RecordId,
    /// What is known when it arrives.
    pub opening: Box<Opening>,
    /// How it ends, `duration_us` after it arrived; nothing if Usher was stopped first.
    pub ending: Option<Closing>,
}

/// Who does something. The order settles who is first of two at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Actor {
    Person(u32),
    Device(u32),
    Page(u32),
    Typing(u32),
}

/// A page being loaded.
#[derive(Clone, Copy)]
struct Page {
    person: u32,
    device: u32,
    site: u32,
    /// What makes the page's own parts its own.
    seed: u64,
    cause: RecordId,
    left: u32,
}

/// A search being typed.
struct Typing {
    person: u32,
    device: u32,
    site: u32,
    term: String,
    /// Letters typed.
    typed: usize,
}

/// A school's traffic, without end.
pub struct Traffic {
    school: School,
    web: Web,
    popular: Popularity,
    harmful: Popularity,
    tracking: Popularity,
    random: Random,
    day: Day,
    snapshot: SnapshotId,
    due: BinaryHeap<Reverse<(u64, Actor)>>,
    pages: Places<Page>,
    typings: Places<Typing>,
    /// Who sat at each device last.
    holders: Vec<Option<u32>>,
    last: u64,
}

impl Traffic {
    /// The traffic of a school of a size (1.0: 3.5 million requests a day) from its first day on.
    pub fn new(seed: u64, size: f64) -> Self {
        let mut random = Random::new(seed);
        let (school, web) = (School::new(size, &mut random), Web::new(&mut random));
        let (popular, harmful, tracking) = (Popularity::new(web.sites.len()), Popularity::new(web.blocked.len()), Popularity::new(web.trackers.len()));
        let holders = vec![None; school.devices.len()];
        let day = Day::first();
        let mut traffic = Self {
            school,
            web,
            popular,
            harmful,
            tracking,
            random,
            snapshot: request::snapshot(&day),
            day,
            due: BinaryHeap::new(),
            pages: Places::default(),
            typings: Places::default(),
            holders,
            last: 0,
        };
        traffic.open_school();
        traffic
    }

    /// The day it has come to.
    pub fn day(&self) -> &Day {
        &self.day
    }

    /// The school whose traffic it is.
    pub fn school(&self) -> &School {
        &self.school
    }

    /// The host of the site with this rank, the best known first.
    #[allow(dead_code, reason = "the tests that share this ask for no site by rank")]
    pub fn host(&self, rank: usize) -> &str {
        &self.web.sites[rank].hosts[0]
    }

    /// How many things it keeps in memory to go on.
    pub fn kept(&self) -> usize {
        self.pages.all.len() + self.typings.all.len() + self.due.len()
    }

    fn open_school(&mut self) {
        let from = self.day.periods[0].from;
        for person in 0..self.school.people.len() {
            self.come_again(person as u32, from);
        }
        for device in 0..self.school.devices.len() {
            let at = from + self.random.next() % POLL_GAP;
            self.due.push(Reverse((at, Actor::Device(device as u32))));
        }
    }

    fn next_day(&mut self) {
        self.day = self.day.next();
        self.snapshot = request::snapshot(&self.day);
        self.open_school();
    }

    /// When somebody does something next, if they do today.
    fn come_again(&mut self, person: u32, now: u64) {
        let Some(first) = self.day.periods.iter().position(|period| now < period.to) else { return };
        let mut at = now;
        for place in first..self.day.periods.len() {
            let period = self.day.periods[place];
            at = at.max(period.from);
            if let Some(mean) = self.gap(&self.school.people[person as usize], period.part) {
                at += request::exponential(mean, &mut self.random);
                if at < period.to {
                    return self.due.push(Reverse((at, Actor::Person(person))));
                }
            }
            at = period.to;
        }
    }

    /// The mean time between what somebody does in a part of the day; none if they have no screen then.
    fn gap(&self, person: &Person, part: Part) -> Option<u64> {
        let usual = match person.role {
            Role::Pupil { .. } => PUPIL_GAP,
            Role::Staff { .. } => STAFF_GAP,
        };
        match part {
            Part::Lesson(lesson) => self.school.in_lesson(person, self.day.number, lesson).map(|_| usual),
            Part::Between => Some(usual * 12),
            Part::Evening => Some(usual * 60),
        }
    }

    fn act(&mut self, now: u64, actor: Actor) -> Option<Exchange> {
        match actor {
            Actor::Person(person) => Some(self.person_acts(now, person)),
            Actor::Device(device) => self.device_polls(now, device),
            Actor::Page(place) => Some(self.page_goes_on(now, place)),
            Actor::Typing(place) => Some(self.typing_goes_on(now, place)),
        }
    }

    fn person_acts(&mut self, now: u64, number: u32) -> Exchange {
        self.come_again(number, now);
        let person = &self.school.people[number as usize];
        let lesson = match self.day.at(now).map(|place| self.day.periods[place].part) {
            Some(Part::Lesson(lesson)) => Some(lesson),
            Some(Part::Between | Part::Evening) | None => None,
        };
        let own = lesson.and_then(|lesson| self.school.in_lesson(person, self.day.number, lesson));
        let device = own.unwrap_or_else(|| self.school.any_device(person, self.day.number)) as u32;
        self.holders[device as usize] = Some(number);
        match self.random.below(1000) {
            0..30 => self.begin_search(now, number, device),
            30..48 => self.stray(now, number, device),
            _ => self.visit(now, number, device, lesson),
        }
    }

    /// A pupil goes where they may not.
    fn stray(&mut self, now: u64, person: u32, device: u32) -> Exchange {
        let number = self.harmful.pick(&mut self.random);
        let path = if self.random.below(2) == 0 { "/".to_owned() } else { paths::page(Style::Articles, &mut self.random) };
        self.ask(Asked { now, person: Some(person), device, target: Target::Harm(number), path, purpose: Purpose::Visit, cause: None, search: None })
    }

    fn visit(&mut self, now: u64, person: u32, device: u32, lesson: Option<usize>) -> Exchange {
        let (site, page) = self.choose(person, lesson);
        let place = &self.web.sites[site];
        let (seed, style) = (place.seed ^ page.wrapping_mul(0x9e37_79b9_7f4a_7c15), place.style);
        let path = if page == 0 { "/".to_owned() } else { paths::page(style, &mut Random::new(seed)) };
        let path = if style == Style::Closed { String::new() } else { path };
        let visit = self.ask(Asked { now, person: Some(person), device, target: Target::Page(site), path, purpose: Purpose::Visit, cause: None, search: None });
        self.load(now, Page { person, device, site: site as u32, seed, cause: visit.id, left: 0 });
        visit
    }

    /// Where somebody goes: with the class, to what they like, or anywhere.
    fn choose(&mut self, person: u32, lesson: Option<usize>) -> (usize, u64) {
        let person = &self.school.people[person as usize];
        let with_class = match (person.role, lesson) {
            (Role::Pupil { class, .. }, Some(lesson)) => Some((class * 7 + lesson) as u64 ^ (self.day.number as u64) << 20),
            (Role::Pupil { .. } | Role::Staff { .. }, _) => None,
        };
        match (self.random.below(100), with_class) {
            (0..65, Some(class)) => {
                let third = self.random.next() % 3;
                let mut shared = Random::new(class << 2 | third);
                (self.popular.pick(&mut shared), shared.next() % 500 + self.random.next() % 3)
            }
            (0..85, _) => {
                let mut own = Random::new(person.seed ^ (self.random.next() % 30));
                (self.popular.pick(&mut own), self.random.next() % 200)
            }
            _ => (self.popular.pick(&mut self.random), self.random.next() % 5000),
        }
    }

    /// Begins to load what a page needs and the browser has not.
    fn load(&mut self, now: u64, page: Page) {
        let whole = 10 + self.random.below(50) + self.random.below(62);
        let left = match self.web.sites[page.site as usize].style {
            Style::Closed => 1 + self.random.below(5),
            _ => (whole * (6 + self.random.below(25)) / 100).max(1),
        };
        let place = self.pages.put(Page { left: left as u32, ..page });
        let at = now + 60 + self.random.next() % 400;
        self.due.push(Reverse((at, Actor::Page(place))));
    }

    fn page_goes_on(&mut self, now: u64, place: u32) -> Exchange {
        let page = *self.pages.get(place);
        if page.left > 1 {
            self.pages.get(place).left -= 1;
            let at = now + request::exponential(140, &mut self.random);
            self.due.push(Reverse((at, Actor::Page(place))));
        } else {
            self.pages.take(place);
        }
        let (target, path, purpose) = self.part_of(now, &page);
        self.ask(Asked { now, person: Some(page.person), device: page.device, target, path, purpose, cause: Some((page.cause, page.site)), search: None })
    }

    /// One part of a page: where it is, its path, what it is.
    fn part_of(&mut self, now: u64, page: &Page) -> (Target, String, Purpose) {
        let site = page.site as usize;
        let Self { web, random, .. } = self;
        let Web { sites, parties, .. } = web;
        let here = &sites[site];
        let host = random.below(here.hosts.len());
        if here.style == Style::Closed {
            return (Target::Part(site, host), String::new(), Purpose::Call);
        }
        let files = |number: usize| Random::new(here.seed ^ (number as u64 + 1) << 40);
        match random.below(100) {
            0..29 => (Target::Part(site, host), paths::asset(here.style, &mut files(random.below(40))), Purpose::Script),
            29..41 => {
                let party = *random.pick(&here.parties);
                let (path, purpose) = match parties[party].serves {
                    Serves::Scripts => (paths::library(random), Purpose::Script),
                    Serves::Fonts => (paths::library(random), Purpose::Font),
                    Serves::Pictures => (paths::picture(Style::Program, &mut files(random.below(60))), Purpose::Picture),
                    Serves::Beacons => (paths::beacon(now, &here.hosts[0], random), Purpose::Beacon),
                };
                (Target::Party(party), path, purpose)
            }
            41..76 => {
                let mut own = Random::new(page.seed.wrapping_add(random.next() % 60));
                (Target::Part(site, host), paths::picture(here.style, &mut own), Purpose::Picture)
            }
            76..85 => (Target::Part(site, host), paths::call(now, random), Purpose::Call),
            85..89 => (Target::Part(site, host), paths::busted(here.style, &mut files(random.below(40)), now), Purpose::Script),
            89..91 => (Target::Tracker(self.tracking.pick(random)), paths::beacon(now, &here.hosts[0], random), Purpose::Beacon),
            _ => {
                let beacons = here.parties.iter().copied().find(|party| parties[*party].serves == Serves::Beacons);
                let target = beacons.map_or(Target::Part(site, host), Target::Party);
                (target, paths::beacon(now, &here.hosts[0], random), Purpose::Beacon)
            }
        }
    }

    fn begin_search(&mut self, now: u64, person: u32, device: u32) -> Exchange {
        // Those that are engines, most used first.
        const ENGINES: [usize; 10] = [0, 0, 0, 0, 0, 5, 5, 3, 14, 6];
        let site = *self.random.pick(&ENGINES) as u32;
        let term = words::term(&mut self.random);
        let place = self.typings.put(Typing { person, device, site, term, typed: 0 });
        self.typing_goes_on(now, place)
    }

    /// A few letters more, or the whole.
    fn typing_goes_on(&mut self, now: u64, place: u32) -> Exchange {
        let more = 2 + self.random.below(6);
        let typing = self.typings.get(place);
        typing.typed += more;
        if typing.typed >= typing.term.len() {
            let typing = self.typings.take(place).expect("it is being typed");
            return self.search(now, typing);
        }
        let typed = typing.term[..typing.typed].to_owned();
        let (person, device, site) = (typing.person, typing.device, typing.site as usize);
        let at = now + 180 + self.random.next() % 900;
        self.due.push(Reverse((at, Actor::Typing(place))));
        let path = paths::typing(&typed, &mut self.random);
        let search = request::search(&self.web.sites[site], typed, usher::insight::Stage::Typing);
        self.ask(Asked { now, person: Some(person), device, target: Target::Page(site), path, purpose: Purpose::Suggestion, cause: None, search })
    }

    fn search(&mut self, now: u64, typing: Typing) -> Exchange {
        let Typing { person, device, site, term, .. } = typing;
        let place = &self.web.sites[site as usize];
        let path = paths::asked(place.engine.unwrap_or_default(), &term, &mut self.random);
        let search = request::search(place, term, usher::insight::Stage::Asked);
        let target = Target::Page(site as usize);
        let exchange = self.ask(Asked { now, person: Some(person), device, target, path, purpose: Purpose::Search, cause: None, search });
        let seed = self.random.next();
        self.load(now, Page { person, device, site, seed, cause: exchange.id, left: 0 });
        exchange
    }

    /// What a device asks for by itself, as long as the school is open.
    fn device_polls(&mut self, now: u64, device: u32) -> Option<Exchange> {
        let awake = self.day.periods.iter().rfind(|period| period.part != Part::Evening).is_some_and(|last| now < last.to);
        if !awake {
            return None;
        }
        let at = now + request::exponential(POLL_GAP, &mut self.random);
        self.due.push(Reverse((at, Actor::Device(device))));
        let path = paths::poll(now, &mut self.random);
        let (person, target) = (self.holders[device as usize], Target::Service(self.random.below(request::SERVICES.len())));
        Some(self.ask(Asked { now, person, device, target, path, purpose: Purpose::Poll, cause: None, search: None }))
    }
}

impl Iterator for Traffic {
    type Item = Exchange;

    fn next(&mut self) -> Option<Exchange> {
        loop {
            let Some(Reverse((now, actor))) = self.due.pop() else {
                self.next_day();
                continue;
            };
            if let Some(exchange) = self.act(now, actor) {
                return Some(exchange);
            }
        }
    }
}

/// Things with a place each, which is given again once they are gone.
struct Places<T> {
    all: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { all: Vec::new(), free: Vec::new() }
    }
}

impl<T> Places<T> {
    fn put(&mut self, thing: T) -> u32 {
        let place = self.free.pop().unwrap_or_else(|| {
            self.all.push(None);
            self.all.len() as u32 - 1
        });
        self.all[place as usize] = Some(thing);
        place
    }

    fn get(&mut self, place: u32) -> &mut T {
        self.all[place as usize].as_mut().expect("somebody is there")
    }

    fn take(&mut self, place: u32) -> Option<T> {
        self.free.push(place);
        self.all[place as usize].take()
    }
}
