//! What lies between two generations: entries added and removed in each category, and what the change would have done to requests that
//! are on record.

use super::Books;
use crate::audit::query::Row;
use crate::category::{CategorySet, Taxonomy};
use crate::host::Host;
use crate::identity::{Identity, Standing};
use crate::lists::Lists;
use crate::policy::opinion::{Court, Opinion};
use crate::policy::{Action, Circumstances};
use crate::url::{Scheme, Url};
use jiff::Timestamp;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Sites shown of those a change flips.
const TOP: usize = 20;

/// What changes in one category.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Entries that are new.
    pub added: usize,
    /// Entries that are gone.
    pub removed: usize,
}

/// Entries added and removed, by the id of their category. Categories without a change are left out.
#[must_use]
pub fn of_entries(old: &Lists, new: &Lists, taxonomy: &Taxonomy) -> BTreeMap<String, Change> {
    let sorted = |lists: &Lists| {
        let mut all = Vec::with_capacity(lists.len());
        lists.each(|name, categories| all.push((name, categories)));
        all.sort_unstable_by_key(|(name, _)| *name);
        all
    };
    let (old, new) = (sorted(old), sorted(new));
    let mut changes = BTreeMap::<String, Change>::new();
    let mut note = |was: CategorySet, is: CategorySet| {
        for id in taxonomy.ids(is.difference(was)) {
            changes.entry(id.to_owned()).or_default().added += 1;
        }
        for id in taxonomy.ids(was.difference(is)) {
            changes.entry(id.to_owned()).or_default().removed += 1;
        }
    };
    let (mut o, mut n) = (0, 0);
    while o < old.len() || n < new.len() {
        let order = match (old.get(o), new.get(n)) {
            (Some(was), Some(is)) => was.0.cmp(&is.0),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let was = if order.is_le() { old[o].1 } else { CategorySet::EMPTY };
        let is = if order.is_ge() { new[n].1 } else { CategorySet::EMPTY };
        note(was, is);
        o += usize::from(order.is_le());
        n += usize::from(order.is_ge());
    }
    changes
}

/// A site whose requests a change decides otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flipped {
    /// The host.
    pub host: String,
    /// What was decided with the old lists.
    pub was: Action,
    /// What is decided with the new.
    pub is: Action,
    /// How many requests on record.
    pub requests: u64,
    /// The entry that makes the difference, as `list, line: text`.
    pub because: Option<String>,
}

/// What a change of lists would have done to requests that are on record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// Requests looked at.
    pub looked_at: u64,
    /// Requests that would have been decided otherwise.
    pub requests: u64,
    /// How many users and devices made them.
    pub people: usize,
    /// The sites with most such requests, most first.
    pub top: Vec<Flipped>,
}

/// Decides requests that are on record with the old lists and with the new.
pub struct Replay<'a> {
    books: Books<'a>,
    court: Court<'a>,
    lists: [&'a Lists; 2],
    effect: Effect,
    people: BTreeSet<String>,
    flips: HashMap<(String, Action, Action), Flipped>,
}

impl<'a> Replay<'a> {
    /// Nothing looked at yet.
    #[must_use]
    pub fn new(books: Books<'a>, court: Court<'a>, old: &'a Lists, new: &'a Lists) -> Self {
        Self { books, court, lists: [old, new], effect: Effect::default(), people: BTreeSet::new(), flips: HashMap::new() }
    }

    /// Looks at one request. One that cannot be read any more, as of a protocol error, decides nothing.
    pub fn add(&mut self, row: &Row) {
        let Some((url, at)) = read(row) else { return };
        self.effect.looked_at += 1;
        let identity = self.identity(row);
        let moment = self.books.timetable.moment(at);
        let [was, is] = self.lists.map(|lists| {
            let found = lists.look_up(&url);
            let around = Circumstances {
                identity: &identity,
                client: row.client.parse().unwrap_or(std::net::Ipv4Addr::LOCALHOST.into()),
                moment: &moment,
                method: &row.method,
                past: if row.reason == "continued" { std::slice::from_ref(&url.host) } else { &[] },
                taxonomy: self.books.taxonomy,
                lists,
            };
            self.court.opinion(&url, &found, around)
        });
        if was.action != is.action {
            self.note(row, &was, &is);
        }
    }

    fn note(&mut self, row: &Row, was: &Opinion, is: &Opinion) {
        self.effect.requests += 1;
        self.people.insert(row.user.clone().unwrap_or_else(|| row.client.clone()));
        let entry = is.reason.entry().or(was.reason.entry());
        let because = entry.map(|entry| format!("{}, line {}: {}", entry.list, entry.line, entry.text));
        let fresh = || Flipped { host: row.host.clone(), was: was.action, is: is.action, requests: 0, because };
        self.flips.entry((row.host.clone(), was.action, is.action)).or_insert_with(fresh).requests += 1;
    }

    fn identity(&self, row: &Row) -> Identity {
        let standing = self.books.policy.group_named(&row.group).map_or(Standing::Unknown, Standing::Member);
        match (&row.user, standing) {
            (Some(user), standing) => Identity::proved(user.as_str().into(), standing),
            (None, Standing::Member(group)) => Identity::of_network(group),
            (None, Standing::Unknown) => Identity::unknown(),
        }
    }

    /// What came of it.
    #[must_use]
    pub fn effect(self) -> Effect {
        let mut top: Vec<_> = self.flips.into_values().collect();
        top.sort_by(|a, b| b.requests.cmp(&a.requests).then_with(|| a.host.cmp(&b.host)));
        top.truncate(TOP);
        Effect { people: self.people.len(), top, ..self.effect }
    }
}

/// What was asked for and when, as it was judged: of a tunnel the host alone.
fn read(row: &Row) -> Option<(Url, Timestamp)> {
    let host = Host::parse(&row.host).ok()?;
    let at = row.time.parse().ok()?;
    let url = if row.method == "CONNECT" { Url::new(Scheme::Https, host, row.port, "") } else { Url::new(Scheme::Http, host, row.port, &row.path) };
    Some((url, at))
}
