//! What is known of programs that take no certificate but a site's own, and what follows from it. Pure.
//!
//! # What makes a pin
//!
//! A program turns away from our certificate at one host [`ENOUGH`] times within [`WINDOW`]: with an alert that says it does not believe it, by going away
//! in the handshake, or by going away at once after it. It is then passed sealed at that host, until it is tried again after [`AGAIN`].
//!
//! # What does not
//!
//! A pupil's own program can do all that on purpose, and a device without the school's authority does it everywhere. So the caller says what may come of it
//! ([`May`]), and a program that takes the certificate anywhere is never passed: a browser is such a program, and whoever sends a browser's hello gets
//! nothing by it. That it takes it is remembered for [`TAKES`]. There are at most [`MOST_PINS`].

use crate::host::Host;
use crate::tls::ja4::Class;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;

/// How often a program has to turn away.
pub const ENOUGH: u32 = 3;
/// Within what time.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// When a program that is passed sealed is tried again.
pub const AGAIN: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long it is remembered that a program takes the certificate.
pub const TAKES: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The most pins that are kept.
pub const MOST_PINS: usize = 200;
/// The most programs that are suspected at once.
const MOST_SUSPECTS: usize = 4096;
/// The most programs that are known to take the certificate.
const MOST_TAKERS: usize = 512;

/// A program at a host.
pub type Key = (Host, Class);

/// What may come of a program that turns away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// It is passed sealed.
    Pass,
    /// It is listed, and passed if a technician says so.
    Ask,
    /// It is listed, with why it is not passed.
    Note(Why),
}

/// Why a program is listed and not passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It takes the certificate at other sites, as browsers do.
    TakesItElsewhere,
    /// Nothing on its device has shown yet that it trusts the school's authority.
    DeviceUnknown,
    /// The site is blocked or warned about, or of a kind that is never passed.
    Site,
    /// The group's programs are never passed.
    Group,
    /// As many programs are passed as may be.
    Full,
}

impl Why {
    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::TakesItElsewhere => "the same program takes the certificate at other sites",
            Self::DeviceUnknown => "nothing on its device has shown yet that it trusts the school's authority",
            Self::Site => "the site is of a kind that is never passed for a program's sake",
            Self::Group => "pinned = \"never\" for its group",
            Self::Full => "as many programs are passed as may be; forget some",
        }
    }
}

/// How a pin stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is passed sealed until then.
    Passed(Timestamp),
    /// It waits for a technician.
    Waits,
    /// It is listed only.
    Noted(Why),
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed(until) => write!(f, "passed sealed until {}", until.strftime("%Y-%m-%d")),
            Self::Waits => f.write_str("waits to be allowed or denied"),
            Self::Noted(why) => write!(f, "not passed: {}", why.text()),
        }
    }
}

/// A program that turns away from our certificate at a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// How it stands.
    pub state: State,
    /// Its JA4 when it was last seen, to look it up by.
    pub ja4: String,
    /// How it turned away last, in words.
    pub sign: String,
    /// How often it did.
    pub times: u32,
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
    /// Of which group's it was last. No person or device is kept: of those the record tells, which is looked at for a reason, purged and erased.
    pub group: String,
}

/// What a technician says of a program at a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Say {
    /// It is passed sealed, for good.
    Allow,
    /// It is never passed.
    Deny,
    /// What was known of it then is forgotten.
    Forget,
}

/// A technician's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What is to be.
    pub say: Say,
    /// Since when.
    pub at: Timestamp,
    /// Who said so.
    pub by: String,
}

/// How a program turned away.
#[derive(Clone, Debug)]
pub struct Turned {
    /// Its JA4.
    pub ja4: String,
    /// How, in words.
    pub sign: String,
    /// Whether it said that it does not believe the certificate; else it only went away.
    pub is_said: bool,
    /// Of which group's it is.
    pub group: String,
}

struct Suspect {
    times: u32,
    first: Timestamp,
}

/// What is known.
#[derive(Default)]
pub struct Book {
    pub(super) pins: HashMap<Key, Pin>,
    /// Programs that take the certificate, and when they last did.
    pub(super) takers: HashMap<Class, Timestamp>,
    pub(super) orders: HashMap<Key, Order>,
    suspects: HashMap<Key, Suspect>,
}

impl Book {
    /// Whether a program is to be passed sealed at a host.
    #[must_use]
    pub fn passes(&self, key: &Key, now: Timestamp) -> bool {
        match self.order(key) {
            Some(Say::Allow) => return true,
            Some(Say::Deny) => return false,
            Some(Say::Forget) | None => {}
        }
        matches!(self.pins.get(key), Some(Pin { state: State::Passed(until), .. }) if now < *until)
    }

    /// A program turned away at a host. How it stands, if that is news.
    pub fn turned(&mut self, key: &Key, turned: Turned, may: May, now: Timestamp) -> Option<State> {
        let takes = self.takes(key.1, now);
        // Browsers go away for many reasons.
        if takes && !turned.is_said {
            return None;
        }
        let times = self.suspect(key, now);
        // One that was passed and is tried again has said it often enough.
        let lapsed = matches!(self.pins.get(key), Some(Pin { state: State::Passed(until), .. }) if *until <= now);
        if times < ENOUGH && !lapsed && !self.pins.contains_key(key) {
            return None;
        }
        let state = match may {
            _ if takes => State::Noted(Why::TakesItElsewhere),
            May::Note(why) => State::Noted(why),
            May::Ask => State::Waits,
            May::Pass if times < ENOUGH && !lapsed => self.pins.get(key)?.state,
            May::Pass => State::Passed(now + AGAIN),
        };
        let before = self.pins.get(key).map(|pin| (pin.first, pin.times, pin.state));
        let (state, first, sum) = match before {
            Some((first, times, _)) => (state, first, times.saturating_add(1)),
            None if self.make_room(now) => (state, now, times),
            None => return None,
        };
        let Turned { ja4, sign, group, .. } = turned;
        self.pins.insert(key.clone(), Pin { state, ja4, sign, times: sum, first, last: now, group });
        if matches!(state, State::Passed(_)) {
            self.suspects.remove(key);
        }
        (before.map(|(.., state)| state) != Some(state)).then_some(state)
    }

    /// A request came from a program over a connection that our certificate began. Whether that changes what is to be kept.
    pub fn took(&mut self, key: &Key, now: Timestamp) -> bool {
        self.suspects.remove(key);
        let known = self.takers.get(&key.1).copied();
        if known.is_some_and(|last| now < last + SignedDuration::from_hours(24)) && !self.pins.contains_key(key) {
            return false;
        }
        if known.is_none() && self.takers.len() >= MOST_TAKERS {
            let oldest = self.takers.iter().min_by_key(|(_, last)| **last).map(|(class, _)| *class);
            oldest.map(|oldest| self.takers.remove(&oldest));
        }
        self.takers.insert(key.1, now);
        self.pins.remove(key);
        // What it was passed for is not that it cannot.
        self.pins.iter_mut().filter(|((_, class), _)| *class == key.1).for_each(|(_, pin)| pin.state = State::Noted(Why::TakesItElsewhere));
        true
    }

    /// Takes up what technicians say now.
    pub fn ordered(&mut self, orders: HashMap<Key, Order>) {
        self.orders = orders;
        let orders = &self.orders;
        let forgotten = |key: &Key, last: Timestamp| matches!(orders.get(key), Some(Order { say: Say::Forget, at, .. }) if last <= *at);
        self.pins.retain(|key, pin| !forgotten(key, pin.last));
        self.suspects.retain(|key, suspect| !forgotten(key, suspect.first));
    }

    /// Forgets what was seen last so long ago that it says nothing of today. Whether there was any.
    pub fn tidy(&mut self, now: Timestamp) -> bool {
        let before = self.pins.len() + self.takers.len();
        self.pins.retain(|_, pin| matches!(pin.state, State::Passed(until) if now < until) || now < pin.last + TAKES);
        self.takers.retain(|_, last| now < *last + TAKES);
        before != self.pins.len() + self.takers.len()
    }

    /// Whether nothing is known of any program but that it takes the certificate.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.pins.is_empty() && self.orders.is_empty()
    }

    fn order(&self, key: &Key) -> Option<Say> {
        self.orders.get(key).map(|order| order.say)
    }

    fn takes(&self, class: Class, now: Timestamp) -> bool {
        self.takers.get(&class).is_some_and(|last| now < *last + TAKES)
    }

    /// Counts one more time.
    fn suspect(&mut self, key: &Key, now: Timestamp) -> u32 {
        if self.suspects.len() >= MOST_SUSPECTS && !self.suspects.contains_key(key) {
            self.suspects.retain(|_, suspect| now < suspect.first + WINDOW);
            if self.suspects.len() >= MOST_SUSPECTS {
                // Whoever fills it has to begin anew.
                self.suspects.clear();
            }
        }
        let suspect = self.suspects.entry(key.clone()).or_insert(Suspect { times: 0, first: now });
        if now >= suspect.first + WINDOW {
            *suspect = Suspect { times: 0, first: now };
        }
        suspect.times += 1;
        suspect.times
    }

    /// Makes room for one more pin, if need be by forgetting the oldest of those that are not passed.
    fn make_room(&mut self, now: Timestamp) -> bool {
        if self.pins.len() < MOST_PINS {
            return true;
        }
        let passed = |pin: &Pin| matches!(pin.state, State::Passed(until) if now < until);
        let oldest = self.pins.iter().filter(|(_, pin)| !passed(pin)).min_by_key(|(_, pin)| pin.last).map(|(key, _)| key.clone());
        oldest.is_some_and(|oldest| self.pins.remove(&oldest).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(host: &str, program: u32) -> Key {
        (Host::parse(host).expect("a host"), format!("{program:032x}").parse().expect("a class"))
    }

    fn turned() -> Turned {
        Turned { ja4: "t13d".into(), sign: "TLS alert 48".into(), is_said: true, group: "year-7".into() }
    }

    /// A book in which a program has turned away so often.
    fn after(times: u32, may: May, now: Timestamp) -> (Book, Key) {
        let (mut book, key) = (Book::default(), key("app.example", 1));
        for _ in 0..times {
            book.turned(&key, turned(), may, now);
        }
        (book, key)
    }

    #[test]
    fn a_program_that_turns_away_often_enough_is_passed_there_and_nowhere_else() {
        let now = Timestamp::now();
        assert!(!after(ENOUGH - 1, May::Pass, now).0.passes(&key("app.example", 1), now));
        let (book, app) = after(ENOUGH, May::Pass, now);
        assert!(book.passes(&app, now));
        assert!(!book.passes(&key("app.example", 2), now) && !book.passes(&key("www.app.example", 1), now));
        assert_eq!((book.pins[&app].group.as_str(), book.pins[&app].times), ("year-7", ENOUGH));
    }

    #[test]
    fn times_that_are_far_apart_do_not_count_together() {
        let (mut book, app, mut now) = (Book::default(), key("app.example", 1), Timestamp::now());
        for _ in 0..20 {
            book.turned(&app, turned(), May::Pass, now);
            now += WINDOW / 2;
        }
        assert!(!book.passes(&app, now));
    }

    #[test]
    fn it_is_tried_again_and_one_more_time_is_enough_then() {
        let now = Timestamp::now();
        let (mut book, app) = after(ENOUGH, May::Pass, now);
        let later = now + AGAIN;
        assert!(!book.passes(&app, later));
        assert!(matches!(book.turned(&app, turned(), May::Pass, later), Some(State::Passed(_))));
        assert!(book.passes(&app, later));
        // It takes the certificate by now.
        let later = later + AGAIN;
        assert!(book.took(&app, later) && !book.passes(&app, later) && book.pins.is_empty());
    }

    #[test]
    fn a_program_that_takes_the_certificate_anywhere_is_never_passed() {
        let now = Timestamp::now();
        let (mut book, app) = after(0, May::Pass, now);
        assert!(book.took(&key("news.example", 1), now));
        assert!(!book.took(&key("other.example", 1), now), "nothing new");
        for _ in 0..50 {
            book.turned(&app, turned(), May::Pass, now);
        }
        assert!(!book.passes(&app, now));
        assert_eq!(book.pins[&app].state, State::Noted(Why::TakesItElsewhere), "a technician sees it");
        let gone = key("gone.example", 1);
        for _ in 0..50 {
            book.turned(&gone, Turned { is_said: false, ..turned() }, May::Pass, now);
        }
        assert!(!book.pins.contains_key(&gone), "browsers go away for many reasons");
        // Also where it was passed before: whoever speaks as a browser before any browser has been here.
        let (mut book, app) = after(ENOUGH, May::Pass, now);
        assert!(book.passes(&app, now) && book.took(&key("news.example", 1), now) && !book.passes(&app, now));
    }

    #[test]
    fn what_may_not_be_passed_is_listed() {
        let now = Timestamp::now();
        for (may, state) in
            [(May::Ask, State::Waits), (May::Note(Why::Site), State::Noted(Why::Site)), (May::Note(Why::DeviceUnknown), State::Noted(Why::DeviceUnknown))]
        {
            let (book, app) = after(50, may, now);
            assert!(!book.passes(&app, now));
            assert_eq!((book.pins[&app].state, book.pins[&app].times), (state, 50));
        }
    }

    #[test]
    fn one_that_was_only_listed_is_not_passed_at_the_first_time_it_may() {
        let now = Timestamp::now();
        let (mut book, app) = after(ENOUGH, May::Note(Why::DeviceUnknown), now);
        let later = now + WINDOW;
        for times in 1..=ENOUGH {
            assert!(!book.passes(&app, later));
            book.turned(&app, turned(), May::Pass, later);
            assert_eq!(book.passes(&app, later), times == ENOUGH, "{times}");
        }
    }

    #[test]
    fn a_technicians_word_stands_above_what_was_learnt() {
        let now = Timestamp::now();
        let order = |say| HashMap::from([(key("app.example", 1), Order { say, at: now, by: "it".into() })]);
        let (mut book, app) = after(0, May::Pass, now);
        book.ordered(order(Say::Allow));
        book.took(&key("news.example", 1), now);
        assert!(book.passes(&app, now + AGAIN * 9));
        let (mut book, app) = after(ENOUGH, May::Pass, now);
        book.ordered(order(Say::Deny));
        assert!(!book.passes(&app, now) && book.pins.contains_key(&app));
        book.turned(&app, turned(), May::Ask, now);
        book.ordered(order(Say::Forget));
        assert!(!book.passes(&app, now) && book.pins.is_empty() && book.suspects.is_empty());
        for _ in 0..ENOUGH {
            book.turned(&app, turned(), May::Pass, now + WINDOW);
        }
        book.ordered(order(Say::Forget));
        assert!(book.passes(&app, now + WINDOW), "what came after it is not forgotten");
    }

    #[test]
    fn what_was_seen_long_ago_is_forgotten() {
        let now = Timestamp::now();
        let (mut book, app) = after(ENOUGH, May::Pass, now);
        book.took(&key("news.example", 2), now);
        assert!(!book.tidy(now + AGAIN) && book.pins.contains_key(&app));
        assert!(book.tidy(now + TAKES) && book.pins.is_empty() && book.takers.is_empty());
    }

    #[test]
    fn there_are_never_too_many() {
        let (mut book, now) = (Book::default(), Timestamp::now());
        for number in 0..10_000 {
            book.turned(&key(&format!("s{number}.example"), number), turned(), May::Pass, now);
            book.took(&key("news.example", number), now);
        }
        assert!(book.suspects.len() <= MOST_SUSPECTS && book.takers.len() <= MOST_TAKERS, "{}", book.suspects.len());
        let mut book = Book::default();
        for number in 0..3 * MOST_PINS as u32 {
            for _ in 0..ENOUGH {
                book.turned(&key("app.example", number), turned(), May::Pass, now);
            }
        }
        assert_eq!(book.pins.len(), MOST_PINS);
        assert!(!book.passes(&key("app.example", 3 * MOST_PINS as u32 - 1), now), "one more is not passed");
        for _ in 0..ENOUGH {
            book.turned(&key("app.example", 0), turned(), May::Pass, now + AGAIN);
        }
        for _ in 0..ENOUGH {
            book.turned(&key("late.example", 7), turned(), May::Pass, now + AGAIN);
        }
        assert!(book.passes(&key("late.example", 7), now + AGAIN), "one that lapsed makes room");
    }
}
