//! Much more than somebody's own last weeks, and the night: counts a day for each person, against the median of their own days before.
//!
//! It is no sign of any theme, opens no episode and is told to nobody by itself: it is a line that whoever looks may ask about. What is kept is a hash of the
//! person that is of no use without the secret of the installation, and four numbers a day, for [`KEPT_DAYS`] days. They are counted from the record, once a
//! day is over: a restart, a kill or a gap changes nothing of them. An erasure takes them out ([`erased`]).
//!
//! Pure, but for [`count`], which reads the record, and [`Book::read`] and [`Book::write`].

use super::erased;
use crate::audit::erasure::gone::Gone;
use crate::audit::lookups::Unshown;
use crate::audit::query::{Filter, Log, LogError, Row};
use crate::files;
use crate::insight::Kind;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::path::Path;

/// How many days are kept: four weeks.
pub const KEPT_DAYS: i32 = 28;
/// Of how many of a person's own days the median is taken, at most.
const DAYS: usize = 20;
/// Of how many at least: of somebody who is new nothing is usual.
const FEWEST_DAYS: usize = 8;
/// The most people of one day that are counted.
const MOST_PEOPLE: usize = 50_000;
/// The largest file that is read, in bytes.
const LARGEST: u64 = 256 << 20;
/// The file that is kept.
pub const FILE: &str = "volume.json";
/// Its form.
const FORM: u32 = 1;

/// What `[volume]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// So many times as much as usual is unusual.
    pub times: u32,
    /// Fewer visits and searches a day are never much.
    pub least_visits: u32,
    /// Fewer MiB a day are never much.
    pub least_mib: u32,
    /// The night.
    pub night: Option<Night>,
}

/// When it is night, and what is much then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Night {
    /// Its first minute.
    pub from: Time,
    /// The minute after its last, of the next day if that is earlier.
    pub to: Time,
    /// Fewer visits and searches are never much.
    pub visits: u32,
}

impl Night {
    fn holds(self, time: Time) -> bool {
        if self.from <= self.to { self.from <= time && time < self.to } else { self.from <= time || time < self.to }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            times: 4,
            least_visits: 300,
            least_mib: 2048,
            night: Some(Night { from: Time::constant(23, 0, 0, 0), to: Time::constant(5, 0, 0, 0), visits: 30 }),
        }
    }
}

/// A person, as a hash under the secret of the installation: 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hashed(String);

impl fmt::Display for Hashed {
    /// As it stands for a person in lists.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "person-{}", self.0.get(..6).unwrap_or(&self.0))
    }
}

impl Hashed {
    /// The whole of it.
    #[must_use]
    pub fn mark(&self) -> &str {
        &self.0
    }
}

/// Hashes people.
#[derive(Clone)]
pub struct Hasher([u8; 32]);

impl Hasher {
    /// With the secret of the installation.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(blake3::derive_key("usher 2026 people of volume", secret))
    }

    /// A user, in whatever letters; or whoever is at a device.
    #[must_use]
    pub fn of(&self, user: Option<&str>, client: &str) -> Hashed {
        let text = user.map_or_else(|| format!("device\0{client}"), |user| format!("user\0{}", user.to_lowercase()));
        Hashed(blake3::keyed_hash(&self.0, text.as_bytes()).to_hex()[..32].to_owned())
    }
}

/// What somebody did on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Pages they went to, and searches.
    pub visits: u32,
    /// Searches.
    pub searches: u32,
    /// Bytes they were sent.
    pub down: u64,
    /// Visits and searches at night.
    pub night: u32,
    /// Their group, by its name.
    pub group: String,
}

/// People and their counts.
pub type Day = BTreeMap<Hashed, Counts>;

/// Counts of the last weeks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    form: u32,
    days: BTreeMap<Date, Day>,
    /// Who is gone by the erasures up to this statement was taken out.
    #[serde(default)]
    erased: u64,
}

/// What is unusually much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// Visits and searches.
    Visits,
    /// Bytes.
    Bytes,
    /// Visits and searches at night.
    Night,
}

/// That somebody did unusually much on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusual {
    /// The day, school time.
    pub day: Date,
    /// Who.
    pub who: Hashed,
    /// Their group.
    pub group: String,
    /// Of what.
    pub what: What,
    /// How much: visits, or bytes.
    pub count: u64,
    /// How much they usually do; none where they are new.
    pub usual: Option<u64>,
}

impl What {
    /// It in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Visits => "pages and searches",
            Self::Bytes => "what was loaded",
            Self::Night => "pages and searches at night",
        }
    }
}

impl Unusual {
    /// It in words, without the person: `640 pages and searches; usually 110`.
    #[must_use]
    pub fn words(&self) -> String {
        let much = |count: u64| match self.what {
            What::Visits => format!("{count} pages and searches"),
            What::Night => format!("{count} pages and searches at night"),
            What::Bytes => format!("{} MiB", count >> 20),
        };
        let usual = match (self.usual, self.what) {
            (None, _) => "nothing is known of their nights before".to_owned(),
            (Some(usual), What::Bytes) => format!("usually {} MiB", usual >> 20),
            (Some(usual), What::Visits | What::Night) => format!("usually {usual}"),
        };
        format!("{}; {usual}", much(self.count))
    }
}

impl Book {
    /// What is kept there. Nothing, where there is no such file or it cannot be understood: then it is counted again.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let fresh = || Self { form: FORM, days: BTreeMap::new(), erased: 0 };
        let Ok(true) = std::fs::metadata(path).map(|file| file.len() <= LARGEST) else { return fresh() };
        let read = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        read.filter(|book| book.form == FORM).unwrap_or_else(fresh)
    }

    /// Keeps it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        files::replace(path, &serde_json::to_vec(self)?)
    }

    /// The newest day before this one that was not counted yet, if there is one among those that are kept.
    #[must_use]
    pub fn missing(&self, today: Date) -> Option<Date> {
        (1..=KEPT_DAYS).map(|days| today.saturating_sub(days.days())).find(|day| !self.days.contains_key(day))
    }

    /// Takes a day that was counted, and forgets what is too old on `today`.
    pub fn take(&mut self, day: Date, counts: Day, today: Date) {
        self.days.insert(day, counts);
        let oldest = today.saturating_sub(KEPT_DAYS.days());
        self.days.retain(|day, _| *day >= oldest);
    }

    /// Takes out those whose records are erased: what a day comes to of which something is, in school time. Returns how many days.
    pub fn erase(&mut self, all: &[Gone], zone: &TimeZone) -> usize {
        let mut taken = 0;
        for gone in all.iter().filter(|gone| gone.number == 0 || gone.number > self.erased) {
            for (_, people) in self.days.iter_mut().filter(|(day, _)| is_in(gone, **day, zone)) {
                let before = people.len();
                people.retain(|who, _| !erased::is(gone, who.mark()));
                taken += before - people.len();
            }
        }
        self.erased = all.iter().map(|gone| gone.number).fold(self.erased, u64::max);
        taken
    }

    /// The days that were counted, oldest first.
    pub fn days(&self) -> impl DoubleEndedIterator<Item = Date> {
        self.days.keys().copied()
    }

    /// What somebody did on a day.
    #[must_use]
    pub fn of(&self, day: Date, who: &Hashed) -> Option<&Counts> {
        self.days.get(&day)?.get(who)
    }

    /// What was unusually much on a day, most of it first.
    #[must_use]
    pub fn unusual(&self, day: Date, settings: &Settings) -> Vec<Unusual> {
        let people = self.days.get(&day).into_iter().flatten();
        let mut all: Vec<_> = people.flat_map(|(who, counts)| self.judge(day, who, counts, settings)).collect();
        all.sort_by_key(|one| (std::cmp::Reverse(one.count / one.usual.unwrap_or(1).max(1)), one.who.clone()));
        all
    }

    /// What of these counts of somebody is unusually much, by their own days before.
    #[must_use]
    pub fn judge(&self, day: Date, who: &Hashed, counts: &Counts, settings: &Settings) -> Vec<Unusual> {
        let before: Vec<&Counts> = self.days.range(..day).rev().filter_map(|(_, day)| day.get(who)).take(DAYS).collect();
        let usual = |of: fn(&Counts) -> u64| (before.len() >= FEWEST_DAYS).then(|| median(before.iter().map(|counts| of(counts)).collect()));
        let is_much =
            |count: u64, least: u64, usual: Option<u64>| count >= least && usual.is_some_and(|usual| count > usual.saturating_mul(u64::from(settings.times)));
        let one = |what, count, usual| Unusual { day, who: who.clone(), group: counts.group.clone(), what, count, usual };
        let mut found = Vec::new();
        let (visits, bytes) = (usual(|counts| counts.visits.into()), usual(|counts| counts.down));
        if is_much(counts.visits.into(), settings.least_visits.into(), visits) {
            found.push(one(What::Visits, counts.visits.into(), visits));
        }
        if is_much(counts.down, u64::from(settings.least_mib) << 20, bytes) {
            found.push(one(What::Bytes, counts.down, bytes));
        }
        if let Some(night) = settings.night {
            let usual = usual(|counts| counts.night.into());
            // Nights of somebody new are seen as well: there is little that is usual about them.
            if is_much(counts.night.into(), night.visits.into(), usual.or(Some(0))) {
                found.push(one(What::Night, counts.night.into(), usual));
            }
        }
        found
    }
}

fn median(mut all: Vec<u64>) -> u64 {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or(0)
}

/// The beginning and the end of a day, school time.
#[must_use]
pub fn bounds(day: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    let at = |day: Date| day.to_zoned(zone.clone()).ok().map(|midnight| midnight.timestamp());
    Some((at(day)?, at(day.tomorrow().ok()?)?))
}

/// Whether something of a day can be erased.
fn is_in(gone: &Gone, day: Date, zone: &TimeZone) -> bool {
    let ms = |at: Timestamp| u64::try_from(at.as_millisecond()).unwrap_or(0);
    bounds(day, zone).is_none_or(|(from, to)| gone.meets(ms(from), ms(to)))
}

/// Takes those whose records are erased out of what is kept there. Returns how many days of theirs.
///
/// # Errors
/// If it cannot be written.
pub fn take_out(path: &Path, gone: &[Gone], zone: &TimeZone) -> io::Result<usize> {
    if gone.is_empty() || !path.exists() {
        return Ok(0);
    }
    let mut book = Book::read(path);
    let before = book.erased;
    let taken = book.erase(gone, zone);
    if taken > 0 || book.erased > before {
        book.write(path)?;
    }
    Ok(taken)
}

/// Counts what is on record of a day, of a person or of all. What belongs to staff is counted as well: it is theirs to be asked about by their head.
///
/// # Errors
/// If the log cannot be read.
pub fn count(log: &Log, day: Date, filter: Filter, (zone, night, hasher): (&TimeZone, Option<Night>, &Hasher)) -> Result<Day, LogError> {
    let Some((from, to)) = bounds(day, zone) else { return Ok(Day::new()) };
    let mut counted = Counted { day: Day::new(), known: HashMap::new() };
    let filter = Filter { from: Some(from), to: Some(to), ..filter };
    Unshown::of(log).each(&filter, |row| counted.take(row, zone, night, hasher))?;
    Ok(counted.day)
}

struct Counted {
    day: Day,
    /// Hashing costs more than all else.
    known: HashMap<(Option<String>, String), Hashed>,
}

impl Counted {
    fn take(&mut self, row: &Row, zone: &TimeZone, night: Option<Night>, hasher: &Hasher) {
        let key = (row.user.clone(), if row.user.is_some() { String::new() } else { row.client.clone() });
        let who = self.known.entry(key).or_insert_with(|| hasher.of(row.user.as_deref(), &row.client));
        if self.day.len() >= MOST_PEOPLE && !self.day.contains_key(who) {
            return;
        }
        let counts = self.day.entry(who.clone()).or_default();
        counts.down += row.bytes_down.unwrap_or(0);
        if counts.group != row.group {
            counts.group.clone_from(&row.group);
        }
        let (is_visit, is_search) = (row.kind == Kind::Visit.as_str(), row.kind == Kind::Search.as_str());
        if is_visit || is_search {
            counts.visits += 1;
            counts.searches += u32::from(is_search);
            let at = Timestamp::from_millisecond(i64::try_from(row.time_ms).unwrap_or(0)).unwrap_or(Timestamp::UNIX_EPOCH);
            counts.night += u32::from(night.is_some_and(|night| night.holds(at.to_zoned(zone.clone()).time())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::erasure::gone::fixture;
    use jiff::civil::date;

    fn hashed(name: &str) -> Hashed {
        Hasher::new(&[7; 32]).of(Some(name), "")
    }

    fn counts(visits: u32, mib: u64, night: u32) -> Counts {
        Counts { visits, searches: 0, down: mib << 20, night, group: "year-9".into() }
    }

    /// So many days of somebody, the last of them the 26th.
    fn book(days: i32, of: &Counts) -> Book {
        let mut book = Book::default();
        for back in 1..=days {
            let day = date(2026, 11, 27).saturating_sub(back.days());
            book.take(day, Day::from([(hashed("j.patel"), of.clone())]), date(2026, 11, 27));
        }
        book
    }

    fn found(book: &Book, now: &Counts) -> Vec<(What, Option<u64>)> {
        let all = book.judge(date(2026, 11, 27), &hashed("J.Patel"), now, &Settings::default());
        all.into_iter().map(|one| (one.what, one.usual)).collect()
    }

    #[test]
    fn much_is_what_is_much_for_the_person_and_much_at_all() {
        for (before, now, expected) in [
            (counts(100, 100, 0), counts(401, 100, 0), vec![(What::Visits, Some(100))]),
            (counts(100, 100, 0), counts(400, 100, 0), vec![]),
            (counts(10, 100, 0), counts(299, 100, 0), vec![]),
            (counts(500, 100, 0), counts(1000, 100, 0), vec![]),
            (counts(100, 300, 0), counts(100, 2047, 0), vec![]),
            (counts(100, 300, 0), counts(100, 2048, 0), vec![(What::Bytes, Some(300 << 20))]),
            (counts(100, 100, 0), counts(100, 100, 30), vec![(What::Night, Some(0))]),
            (counts(100, 100, 0), counts(100, 100, 29), vec![]),
            // Somebody who is always up is, and it is known.
            (counts(100, 100, 40), counts(100, 100, 60), vec![]),
            (counts(0, 0, 0), counts(300, 2048, 30), vec![(What::Visits, Some(0)), (What::Bytes, Some(0)), (What::Night, Some(0))]),
        ] {
            assert_eq!(found(&book(20, &before), &now), expected, "{before:?} {now:?}");
        }
    }

    #[test]
    fn of_somebody_new_only_the_nights_are_seen_and_old_days_are_forgotten() {
        let (usual, much) = (counts(100, 100, 0), counts(5000, 50_000, 500));
        assert_eq!(found(&book(7, &usual), &much), [(What::Night, None)]);
        assert_eq!(found(&book(8, &usual), &much).len(), 3);
        // What was long ago is not usual any more, and is not kept.
        let mut book = book(28, &usual);
        book.take(date(2026, 12, 20), Day::new(), date(2026, 12, 21));
        assert_eq!(book.days().next(), Some(date(2026, 11, 23)));
        assert_eq!(book.missing(date(2026, 11, 30)), Some(date(2026, 11, 29)));
    }

    #[test]
    fn who_is_erased_was_never_counted_and_others_were() {
        let place = tempfile::tempdir().expect("a folder");
        let time = |text: &str| text.parse::<Timestamp>().ok();
        let ms = |at: Option<Timestamp>| at.map(|at| at.as_millisecond().unsigned_abs());
        let gone = |from, to| fixture::gone(hashed("J.PATEL").mark(), ms(from), ms(to));
        let zone = TimeZone::get("Europe/London").expect("a zone");
        let full = || {
            let mut book = Book { form: FORM, ..book(3, &counts(100, 100, 0)) };
            book.days.values_mut().for_each(|day| drop(day.insert(hashed("k.smith"), counts(1, 1, 0))));
            book
        };
        let days_of = |book: &Book, name: &str| book.days().filter(|day| book.of(*day, &hashed(name)).is_some()).count();
        for (from, to, taken) in
            [(None, None, 3), (time("2026-11-25T23:59:00Z"), None, 2), (None, time("2026-11-24T00:00:01Z"), 1), (None, time("2026-11-24T00:00:00Z"), 0)]
        {
            let (path, mut book, gone) = (place.path().join(FILE), full(), gone(from, to));
            book.write(&path).expect("written");
            assert_eq!(book.erase(std::slice::from_ref(&gone), &zone), taken, "{from:?} {to:?}");
            assert_eq!((days_of(&book, "j.patel"), days_of(&book, "k.smith")), (3 - taken, 3));
            assert_eq!(take_out(&path, std::slice::from_ref(&gone), &zone).expect("written"), taken);
            assert_eq!(days_of(&Book::read(&path), "j.patel"), 3 - taken);
            // Done once: what is counted of them later is of what came later.
            book.days.values_mut().for_each(|day| drop(day.insert(hashed("j.patel"), counts(1, 1, 0))));
            assert_eq!((book.erase(std::slice::from_ref(&gone), &zone), days_of(&book, "j.patel")), (0, 3));
        }
    }

    #[test]
    fn the_median_is_of_the_persons_own_days_and_one_wild_day_changes_nothing_of_it() {
        let mut book = book(20, &counts(100, 100, 0));
        book.take(date(2026, 11, 20), Day::from([(hashed("j.patel"), counts(90_000, 100, 0))]), date(2026, 11, 27));
        assert_eq!(found(&book, &counts(401, 100, 0)), [(What::Visits, Some(100))]);
        let other = book.judge(date(2026, 11, 27), &hashed("k.smith"), &counts(5000, 100, 0), &Settings::default());
        assert!(other.is_empty(), "another's days are not theirs");
    }

    #[test]
    fn the_night_goes_over_midnight() {
        let night = Settings::default().night.expect("a night");
        let holds = |hour| night.holds(Time::constant(hour, 0, 0, 0));
        assert_eq!((0..24).filter(|hour| holds(*hour)).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 23]);
    }

    #[test]
    fn what_is_kept_is_what_was_taken_and_names_nobody() {
        let place = tempfile::tempdir().expect("a folder");
        let (path, book) = (place.path().join(FILE), book(9, &counts(100, 100, 1)));
        let mut kept = Book::read(&path);
        kept.days.clone_from(&book.days);
        kept.write(&path).expect("written");
        assert_eq!(Book::read(&path), kept);
        assert!(!std::fs::read_to_string(&path).expect("text").contains("patel"));
        std::fs::write(&path, b"{").expect("written");
        assert_eq!(Book::read(&path).days().count(), 0, "what cannot be understood is counted again");
    }
}
