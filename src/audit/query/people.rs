//! Whom the log knows, and who is behind what a filter finds: told from what records share and from their numbers, without reading them whole.

use super::condition::Conditions;
use super::{Filter, Log, LogError, ROUNDS, Segments, sealed};
use crate::audit::entry::{Person, Who};
use crate::audit::journal::Part;
use crate::audit::record::RecordId;
use crate::audit::segment::SegmentError;
use crate::audit::segment::askers::Askings;
use crate::audit::segment::dictionary::Whos;
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Somebody of whom records match. Serialised as `usher log people --json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Somebody {
    /// The user, if one was known.
    pub user: Option<String>,
    /// The address of the device, where no user was known.
    pub client: Option<String>,
    /// The group, as of one of the records.
    pub group: String,
    /// How many records.
    pub records: u64,
    /// The first.
    #[serde(skip)]
    pub first: RecordId,
    /// The last.
    #[serde(skip)]
    pub last: RecordId,
}

/// Who is behind what a filter finds.
#[derive(Debug, Default)]
pub struct People {
    /// Those with the most records first.
    pub people: Vec<Somebody>,
    /// Parts that could not be read, and why.
    pub passed_over: BTreeMap<String, String>,
}

impl People {
    /// Those with the most records first; where there are as many, by the names they have here.
    pub(in crate::audit) fn sort(&mut self) {
        self.people.sort_unstable_by(|a, b| b.records.cmp(&a.records).then_with(|| (&a.user, &a.client).cmp(&(&b.user, &b.client))));
    }
}

/// Those found so far, by user or by address.
#[derive(Default)]
struct Found {
    users: HashMap<Box<str>, (Box<str>, Askings)>,
    devices: HashMap<std::net::IpAddr, (Box<str>, Askings)>,
}

impl Found {
    fn add(&mut self, who: &Who, askings: Askings) {
        let known = match who.person() {
            Person::User(user) => match self.users.get_mut(user) {
                Some(known) => known,
                None => return drop(self.users.insert(user.into(), (who.group.clone(), askings))),
            },
            Person::Device(address) => match self.devices.get_mut(&address) {
                Some(known) => known,
                None => return drop(self.devices.insert(address, (who.group.clone(), askings))),
            },
        };
        known.1.add(askings);
    }

    fn into_people(self, passed_over: BTreeMap<String, String>) -> People {
        let somebody = |user, client, group: Box<str>, Askings { records, first, last }| Somebody { user, client, group: group.into(), records, first, last };
        let users = self.users.into_iter().map(|(user, (group, askings))| somebody(Some(user.into()), None, group, askings));
        let devices = self.devices.into_iter().map(|(address, (group, askings))| somebody(None, Some(address.to_string()), group, askings));
        let mut people = People { people: users.chain(devices).collect(), passed_over };
        people.sort();
        people
    }
}

impl Log {
    /// The names of all users the log knows, each once.
    pub fn users(&self) -> Result<BTreeSet<String>, LogError> {
        for _ in 0..ROUNDS {
            let (live, parts) = self.parts()?;
            let (mut users, mut passed_over) = (BTreeSet::new(), BTreeMap::new());
            live.each_who(|who| users.extend(who.user.map(String::from)))?;
            for part in parts.iter().filter(|part| part.rows > 0) {
                match self.segments.get(&part.file, Some(&part.digest)).and_then(|segment| segment.whos()) {
                    Ok(whos) => users.extend(whos.rows.iter().filter_map(|who| who.user.as_deref()).map(str::to_owned)),
                    // A part that is damaged is named by whatever reads its records.
                    Err(error) => drop(passed_over.insert(part.file.clone(), error.to_string())),
                }
            }
            if !self.has_moved(&passed_over)? {
                return Ok(users);
            }
        }
        Err(LogError::Moved)
    }

    /// Who is behind all that matches, however much it is.
    pub(in crate::audit) fn people(&self, filter: &Filter) -> Result<People, LogError> {
        let conditions = Conditions::of(filter)?;
        for _ in 0..ROUNDS {
            let (live, parts) = self.parts()?;
            let (mut found, mut passed_over) = (Found::default(), BTreeMap::new());
            live.each_who_of(&conditions, |who, id| found.add(who, Askings::of(id)))?;
            let parts: Vec<_> = parts.iter().filter(|part| part.rows > 0 && conditions.may_be_in(part)).collect();
            self.segments.people(&parts, &conditions, &mut found, &mut passed_over);
            if !self.has_moved(&passed_over)? {
                return Ok(found.into_people(passed_over));
            }
        }
        Err(LogError::Moved)
    }
}

/// The most threads that count: the proxy goes on beside them.
const MOST_THREADS: usize = 4;

/// How often which of a segment's people were found.
struct Counted {
    whos: Arc<Whos>,
    counts: HashMap<u32, Askings>,
}

impl Segments {
    /// Adds who is behind what matches in each of these parts. Several threads take one part after the other.
    fn people(&self, parts: &[&Part], conditions: &Conditions, found: &mut Found, passed_over: &mut BTreeMap<String, String>) {
        let (next, shared) = (AtomicUsize::new(0), Mutex::new((found, passed_over)));
        let count = || {
            while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                let counted = self.people_of(part, conditions);
                let (found, passed_over) = &mut *shared.lock();
                match counted {
                    Ok(None) => {}
                    Ok(Some(Counted { whos, counts })) => {
                        let known = counts.iter().filter_map(|(who, count)| Some((whos.rows.get(*who as usize)?, count)));
                        known.for_each(|(who, count)| found.add(who, *count));
                    }
                    Err(error) => drop(passed_over.insert(part.file.clone(), error.to_string())),
                }
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS).min(parts.len());
        std::thread::scope(|scope| {
            // This thread is one of them.
            (1..threads).for_each(|_| drop(scope.spawn(count)));
            count();
        });
    }

    /// Who is behind what matches in a part, by their numbers there; nothing if nobody is, and an error if not all of it can be read.
    fn people_of(&self, part: &Part, conditions: &Conditions) -> Result<Option<Counted>, SegmentError> {
        let segment = self.get(&part.file, Some(&part.digest))?;
        let mut counts: HashMap<u32, Askings> = HashMap::new();
        sealed::each_who(&segment, part, conditions, |who, askings| {
            counts.entry(who).and_modify(|known| known.add(askings)).or_insert(askings);
        })?;
        if counts.is_empty() { Ok(None) } else { Ok(Some(Counted { whos: segment.whos()?, counts })) }
    }
}
