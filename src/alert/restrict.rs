//! When somebody's access is restricted by itself: so many different sites that were blocked, within so many minutes. Off unless the school says so. Pure.
//!
//! Counted are visits and searches, a host once: one page of adverts that are blocked is no misconduct. What a restriction itself blocks is not counted, so
//! none prolongs itself. Staff are never restricted so. A device where nobody is signed in only is if the school says that too, and never if more than
//! [`SHARED`] users were seen at its address: behind one address there may be a classroom.
//!
//! A restriction is made once: its statement has the record that was one too many for its key, and what came up to that record counts for nothing any more.

use super::seen::Seen;
use crate::audit::erasure::gone::Gone;
use crate::audit::incident::{Act, Person};
use crate::audit::restrictions::{BY_ITSELF, Limit, Limited};
use crate::audit::{Class, RecordId, Verdict};
use crate::insight::Kind;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;
use std::time::Duration;

/// From more users than this on, an address is a place many share.
pub const SHARED: usize = 3;
/// The most people, and the most addresses, that something is remembered of.
const MOST: usize = 50_000;
/// How long it is remembered that a user was seen at an address, in milliseconds.
const SEEN_FOR_MS: u64 = 86_400_000;

/// What `[restrict]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// So many different sites that were blocked.
    pub blocks: usize,
    /// Within this time.
    pub within: Duration,
    /// For so long.
    pub length: Duration,
    /// What is left.
    pub how: Limit,
    /// Whether devices are restricted too where nobody is signed in.
    pub devices: bool,
}

impl Settings {
    /// The rule in a sentence.
    #[must_use]
    pub fn words(&self) -> String {
        let minutes = |time: Duration| time.as_secs() / 60;
        format!("{} different sites blocked within {} minutes", self.blocks, minutes(self.within))
    }
}

/// Counts what is blocked.
#[derive(Debug, Default)]
pub struct Watch {
    people: HashMap<Person, Recent>,
    /// Which users were seen at an address, by what they hash to, and when last.
    addresses: HashMap<IpAddr, HashMap<u64, u64>>,
}

#[derive(Debug, Default)]
struct Recent {
    /// The hosts that were blocked, by what they hash to, and when; no host twice.
    hosts: VecDeque<(u64, u64)>,
    /// The record that was one too many.
    last: Option<RecordId>,
    /// Until when the restriction holds that it made, in Unix milliseconds.
    until_ms: u64,
}

fn hashed(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Watch {
    /// Takes a record. `is_staff`: whether its group is of staff. The restriction that it makes, if it is one too many.
    pub fn take(&mut self, seen: &Seen<'_>, is_staff: bool, settings: &Settings) -> Option<Limited> {
        if settings.devices {
            self.note_user(seen);
        }
        let counts = seen.verdict == Verdict::Blocked && matches!(seen.kind, Kind::Visit | Kind::Search) && seen.reason != "restricted";
        if !counts || is_staff || seen.class == Class::Staff || seen.host.is_empty() {
            return None;
        }
        if seen.user.is_none() && (!settings.devices || self.is_shared(seen.client)) {
            return None;
        }
        let person = seen.person();
        let within_ms = u64::try_from(settings.within.as_millis()).unwrap_or(u64::MAX);
        let since = seen.at_ms.saturating_sub(within_ms);
        if self.people.len() >= MOST && !self.people.contains_key(&person) {
            self.people.retain(|_, recent| recent.until_ms > seen.at_ms || recent.hosts.back().is_some_and(|(_, at)| *at >= since));
            if self.people.len() >= MOST {
                return None;
            }
        }
        let recent = self.people.entry(person.clone()).or_default();
        if recent.last.is_some_and(|last| seen.id <= last) || seen.at_ms < recent.until_ms {
            return None;
        }
        let host = hashed(seen.host);
        recent.hosts.retain(|(known, at)| *at >= since && *known != host);
        recent.hosts.push_back((host, seen.at_ms));
        if recent.hosts.len() < settings.blocks {
            return None;
        }
        let until_ms = seen.at_ms.saturating_add(u64::try_from(settings.length.as_millis()).unwrap_or(u64::MAX));
        recent.made(seen.id, until_ms);
        Some(Limited {
            who: person,
            how: settings.how.clone(),
            until_ms: i64::try_from(until_ms).unwrap_or(i64::MAX),
            by: BY_ITSELF.to_owned(),
            reason: format!("{} ([restrict] in alerts.toml)", settings.words()),
            tell: None,
            record: Some(seen.id),
        })
    }

    /// One was stated: what led to it counts for nothing any more.
    pub fn stated(&mut self, act: &Act) {
        let Act::Limited(limited) = act else { return };
        let Some(record) = limited.record else { return };
        if self.people.len() < MOST || self.people.contains_key(&limited.who) {
            self.people.entry(limited.who.clone()).or_default().made(record, u64::try_from(limited.until_ms).unwrap_or(0));
        }
    }

    /// Takes out what counts of a person whose records are erased.
    pub fn erase(&mut self, is_it: impl Fn(&Person) -> bool, gone: &Gone) {
        self.people.retain(|person, recent| {
            if is_it(person) {
                recent.hosts.retain(|(_, at)| !gone.meets(*at, at + 1));
                recent.last = recent.last.filter(|last| !gone.takes(*last));
            }
            !recent.hosts.is_empty() || recent.last.is_some()
        });
    }

    fn note_user(&mut self, seen: &Seen<'_>) {
        let Some(user) = seen.user else { return };
        if self.addresses.len() >= MOST && !self.addresses.contains_key(&seen.client) {
            self.addresses.retain(|_, users| users.values().any(|at| seen.at_ms.saturating_sub(*at) < SEEN_FOR_MS));
            if self.addresses.len() >= MOST {
                return;
            }
        }
        let users = self.addresses.entry(seen.client).or_default();
        users.insert(hashed(user), seen.at_ms);
        if users.len() > SHARED + 1 {
            // Which of them is of no matter.
            let oldest = users.iter().min_by_key(|(_, at)| **at).map(|(user, _)| *user);
            oldest.map(|user| users.remove(&user));
        }
    }

    fn is_shared(&self, client: IpAddr) -> bool {
        let known = self.addresses.get(&client);
        // Of what could not be remembered, nothing is held against anybody.
        known.map_or(self.addresses.len() >= MOST, |users| users.len() > SHARED)
    }

    /// How many people something is remembered of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }
}

impl Recent {
    fn made(&mut self, record: RecordId, until_ms: u64) {
        self.hosts = VecDeque::new();
        self.last = self.last.max(Some(record));
        self.until_ms = self.until_ms.max(until_ms);
    }
}

/// The names of what is left, as settings say them: categories, and sites with a dot in them.
#[must_use]
pub fn left(names: &[String], is_category: impl Fn(&str) -> bool) -> (Vec<String>, Vec<String>) {
    let mut known = HashSet::new();
    names.iter().filter(|name| known.insert(name.as_str())).cloned().partition(|name| is_category(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::Start;

    const MINUTE: u64 = 60_000;

    fn settings() -> Settings {
        let minutes = |number: u64| Duration::from_secs(60 * number);
        Settings { blocks: 3, within: minutes(10), length: minutes(30), how: Limit::Off, devices: true }
    }

    fn blocked(id: u64, user: Option<&'static str>, host: &'static str) -> Seen<'static> {
        Seen {
            id: RecordId(id),
            at_ms: id,
            user,
            client: "10.7.0.1".parse().expect("an address"),
            group: "year-7",
            confidence: "proved",
            class: Class::Blocked,
            kind: Kind::Visit,
            start: Start::Typed,
            verdict: Verdict::Blocked,
            reason: "category",
            why: "",
            categories: "games",
            host,
            path: "/",
            search: None,
            cause: None,
            dest: None,
            mode: None,
        }
    }

    fn made(watch: &mut Watch, all: &[Seen<'_>]) -> Vec<u64> {
        all.iter().filter_map(|seen| watch.take(seen, false, &settings())?.record.map(|record| record.0)).collect()
    }

    #[test]
    fn so_many_different_sites_within_so_long_are_too_many_once() {
        let patel = Some("j.patel");
        let one = |minute: u64, host| blocked(1 + minute * MINUTE, patel, host);
        for (all, expected) in [
            (vec![one(0, "a"), one(1, "b"), one(2, "c")], vec![2]),
            (vec![one(0, "a"), one(1, "a"), one(2, "a"), one(3, "b")], vec![]),
            // The first is forgotten by then.
            (vec![one(0, "a"), one(6, "b"), one(11, "c")], vec![]),
            // The same site again counts from the last time.
            (vec![one(0, "a"), one(6, "a"), one(7, "b"), one(11, "c")], vec![11]),
            // Once, while it lasts; and from its end on, what comes then.
            (
                vec![one(0, "a"), one(1, "b"), one(2, "c"), one(3, "d"), one(4, "e"), one(5, "f"), one(31, "g"), one(32, "h"), one(33, "i"), one(34, "j")],
                vec![2, 34],
            ),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|minute: u64| 1 + minute * MINUTE).collect();
            assert_eq!(made(&mut Watch::default(), &all), expected, "{all:?}");
        }
    }

    #[test]
    fn what_is_nobodys_doing_is_not_counted() {
        let three = || [blocked(1, Some("j.patel"), "a"), blocked(2, Some("j.patel"), "b"), blocked(3, Some("j.patel"), "c")];
        let with = |change: fn(&mut Seen<'_>)| {
            let mut all = three();
            all.iter_mut().for_each(change);
            made(&mut Watch::default(), &all)
        };
        assert_eq!(with(|_| {}), [3]);
        assert_eq!(with(|seen| seen.kind = Kind::Search), [3]);
        assert_eq!(with(|seen| seen.kind = Kind::Resource), [0; 0], "what pages drag in");
        assert_eq!(with(|seen| seen.verdict = Verdict::Warned), [0; 0]);
        assert_eq!(with(|seen| seen.verdict = Verdict::Refused), [0; 0]);
        assert_eq!(with(|seen| seen.reason = "restricted"), [0; 0], "what a restriction blocks");
        assert_eq!(with(|seen| seen.class = Class::Staff), [0; 0]);
        let mut watch = Watch::default();
        assert!(three().iter().all(|seen| watch.take(seen, true, &settings()).is_none()), "staff");
    }

    #[test]
    fn a_device_is_only_if_the_school_says_so_and_never_one_that_many_share() {
        let three = || (1..4).zip(["a", "b", "c"]).map(|(id, host)| blocked(100 + id, None, host)).collect::<Vec<_>>();
        assert_eq!(made(&mut Watch::default(), &three()), [103]);
        let mut watch = Watch::default();
        let by_name_only = Settings { devices: false, ..settings() };
        assert!(three().iter().all(|seen| watch.take(seen, false, &by_name_only).is_none()));
        for (users, expected) in [(3, vec![103]), (4, vec![])] {
            let mut watch = Watch::default();
            for (id, user) in (1..).zip(["a", "b", "c", "d"]).take(users) {
                let allowed = Seen { verdict: Verdict::Allowed, ..blocked(id, Some(user), "news") };
                assert!(watch.take(&allowed, false, &settings()).is_none());
            }
            assert_eq!(made(&mut watch, &three()), expected, "{users} users");
        }
    }

    #[test]
    fn what_was_stated_before_a_start_is_not_made_again() {
        let all: Vec<_> = (1..7).zip(["a", "b", "c", "d", "e", "f"]).map(|(id, host)| blocked(id, Some("j.patel"), host)).collect();
        let mut before = Watch::default();
        let limited = all.iter().find_map(|seen| before.take(seen, false, &settings())).expect("made");
        let mut after = Watch::default();
        after.stated(&Act::Limited(Box::new(limited)));
        assert_eq!(made(&mut after, &all), [0; 0]);
    }

    #[test]
    fn what_is_erased_of_somebody_counts_no_more() {
        let gone = crate::audit::erasure::gone::fixture::gone("a mark", None, None);
        let mut watch = Watch::default();
        for (id, user) in [(1, "j.patel"), (2, "k.smith")] {
            assert!(watch.take(&blocked(id, Some(user), "a"), false, &settings()).is_none());
        }
        watch.erase(|person| *person == Person::User("j.patel".into()), &gone);
        assert_eq!(watch.people.keys().collect::<Vec<_>>(), [&Person::User("k.smith".into())]);
    }

    #[test]
    fn memory_is_bounded_whoever_asks() {
        let mut watch = Watch::default();
        for id in 0..u64::try_from(MOST).expect("a number") + 1000 {
            let client = IpAddr::from(std::net::Ipv4Addr::from(u32::try_from(id).expect("a number") + 0x0a00_0000));
            let seen = Seen { client, at_ms: 1, ..blocked(id, None, "a") };
            assert!(watch.take(&seen, false, &settings()).is_none());
        }
        assert_eq!(watch.len(), MOST);
        let later = Seen { at_ms: 1 + 11 * MINUTE, ..blocked(90_000_000, Some("j.patel"), "a") };
        watch.take(&later, false, &settings());
        assert_eq!(watch.len(), 1, "what is too old to count is forgotten");
    }
}
