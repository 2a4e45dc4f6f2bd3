//! Ways round the filter that no single record shows: what people do over some minutes, found out from the records as they come. The detectors are in
//! [`crate::bypass`]; here they are fed with records, and what they find becomes signs of the people it is about.
//!
//! | code | of which records |
//! | --- | --- |
//! | `address` | what is asked for by an address, and that no list knows |
//! | `method` | searches for ways round, and visits to sites that no list knows, or that lists name as a way round |
//! | `shared-login` | visits and searches that a known user typed or clicked |
//! | `spread` | visits to sites that no list knows; every record tells which sites the school uses |
//! | `triad` | scripts of service workers, WebAssembly (by its path, and by its type once it was answered) and WebSockets of sites that no list knows |
//!
//! # Killed
//!
//! What is found in a record depends on the records of the [`BACK_MS`] before it, which are read again after a start, and on which sites are new and who was
//! first there, which is kept (`Kept`): keyed hashes and numbers of records, no names. `ways.json` says by such
//! a hash who was first at a new site, for a day; an erasure takes that out ([`erased`]). `names.bin` holds nothing of a person: which sites
//! were ever used, and the hours of the first and the last time. What is kept may be newer than the engine's place in the record: a record that is taken again says the same again.

use super::erased;
use super::seen::Seen;
use crate::audit::erasure::gone::Gone;
use crate::audit::{Class, RecordId, Verdict};
use crate::bypass::Code;
use crate::bypass::address::{self, Addresses};
use crate::bypass::followed::{self, Searches};
use crate::bypass::hosting;
use crate::bypass::sharing::{self, Sharing};
use crate::bypass::spread::{self, First, Names, Spread};
use crate::bypass::triad::{Part, Triads};
use crate::files;
use crate::insight::site::Site;
use crate::insight::{Kind, Stage, Start};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;

/// How far back records are read again after a start.
pub const BACK_MS: u64 = longest(followed::WITHIN_MS, longest(address::WITHIN_MS, sharing::WITHIN_MS));
/// How often all names are written.
const WRITES_MS: u64 = 3_600_000;
/// From so many new ones on they are written sooner.
const MOST_FRESH: usize = 16_384;
/// The most new sites that staff were at.
const MOST_SHOWN: usize = 2048;
/// The most bytes of a file that are read.
const LARGEST: u64 = 16 << 20;
/// The files.
const NAMES: &str = "names.bin";
const PEOPLE: &str = "ways.json";

const fn longest(a: u64, b: u64) -> u64 {
    if a > b { a } else { b }
}

/// Something found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// Of which record, where it is one of before: its own person's sign.
    pub of: Option<RecordId>,
    /// What.
    pub code: Code,
    /// How many points it counts.
    pub points: u8,
    /// What tells it from others of its code.
    pub key: String,
    /// What was seen, in a sentence.
    pub says: String,
}

/// Those of one record.
pub type All = SmallVec<[Noticed; 1]>;

/// Whose records they are, and where.
pub trait Around {
    /// Whose record it is, as a number.
    fn who(&self) -> u128;
    /// Where an address is.
    fn place(&self, client: IpAddr) -> Option<String>;
}

/// What people do over some minutes.
pub struct Watch {
    key: [u8; 32],
    names: Names,
    spread: Spread<RecordId>,
    /// New sites at which staff were, and since when.
    shown: HashMap<u64, u64>,
    addresses: Addresses,
    searches: Searches,
    sharing: Sharing,
    triads: Triads,
    newest_ms: u64,
    written_ms: u64,
}

/// Who was first at new sites, and which names came since the others were written.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Which names they belong to.
    since_ms: Option<u64>,
    fresh: HashMap<u64, u32>,
    spread: Spread<RecordId>,
    #[serde(default)]
    shown: HashMap<u64, u64>,
}

/// Whether no list knows the site: none names it, or only as one of many that anybody can have.
fn is_unknown(seen: &Seen<'_>) -> bool {
    hosting::is_in_no_list(seen.categories) && matches!(seen.verdict, Verdict::Allowed | Verdict::Warned) && seen.reason != "rule"
}

/// The site of a record: its registered name, or the whole where anybody can have one below that.
fn site<'a>(seen: &Seen<'a>) -> &'a str {
    if hosting::is_of_many(seen.categories) { seen.host } else { Site::registered(seen.host) }
}

impl Watch {
    /// With nothing known yet. Names are kept as numbers that say nothing to whoever has not the secret.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self {
            key: blake3::derive_key("usher 2026 names of sites", secret),
            names: Names::default(),
            spread: Spread::default(),
            shown: HashMap::new(),
            addresses: Addresses::default(),
            searches: Searches::default(),
            sharing: Sharing::default(),
            triads: Triads::default(),
            newest_ms: 0,
            written_ms: 0,
        }
    }

    fn number(&self, name: &str) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&blake3::keyed_hash(&self.key, name.as_bytes()).as_bytes()[..8]);
        u64::from_le_bytes(bytes)
    }

    /// Takes a record that was opened, and is not Usher's own. `said`: the ways round that it shows by itself.
    pub fn opened(&mut self, seen: &Seen<'_>, said: &[Code], around: &impl Around) -> All {
        let mut found = All::new();
        let (at, address) = (seen.id.unix_ms(), seen.host.parse::<IpAddr>());
        self.newest_ms = self.newest_ms.max(at);
        if let Ok(address) = address {
            if is_asked_for(seen)
                && let Some((count, points)) = self.addresses.take(around.who(), at, address)
            {
                let says = format!("{} {} within five minutes.", Code::Address.words(), numbered(count, "different one"));
                found.push(Noticed { of: None, code: Code::Address, points, key: count.to_string(), says });
            }
        } else if !seen.host.is_empty() {
            let site = self.number(site(seen));
            let is_new = self.names.note(site, at);
            // Whoever has a name on free hosting may give each pupil another below it.
            let owner = hosting::is_of_many(seen.categories).then(|| self.number(hosting::owner(seen.host))).filter(|owner| self.names.note(*owner, at));
            if is_new && seen.kind == Kind::Visit && is_unknown(seen) {
                self.spreads(seen, owner.unwrap_or(site), at, around, &mut found);
            }
            if let Some(part) = part(seen)
                && is_unknown(seen)
                && let Some(counted) = self.triads.take((around.who(), site), at, part)
            {
                found.push(triad(counted, seen.host));
            }
        }
        self.follows(seen, said, at, around, &mut found);
        self.shares(seen, at, around, &mut found);
        found
    }

    /// A search for ways round, and where it led.
    fn follows(&mut self, seen: &Seen<'_>, said: &[Code], at_ms: u64, around: &impl Around, found: &mut All) {
        if let Some((_, _, stage)) = seen.search {
            // What is being typed may become anything.
            if stage == Stage::Asked && said.contains(&Code::Method) {
                self.searches.asked(around.who(), at_ms);
            }
            return;
        }
        let is_gone_to = seen.kind == Kind::Visit && matches!(seen.start, Start::Typed | Start::Clicked) && !seen.host.is_empty();
        let is_listed = said.contains(&Code::Listed);
        if is_gone_to && (is_listed || is_unknown(seen)) && self.searches.is_followed(around.who(), at_ms) {
            let (what, points) = if is_listed { ("that lists name as one", followed::LISTED_POINTS) } else { ("that no list knows", followed::POINTS) };
            let says = format!("{} Within ten minutes a site was gone to {what}: {}.", Code::Method.words(), site(seen));
            found.push(Noticed { of: None, code: Code::Method, points, key: site(seen).to_owned(), says });
        }
    }

    fn spreads(&mut self, seen: &Seen<'_>, site: u64, at_ms: u64, around: &impl Around, found: &mut All) {
        // What a teacher shows goes round the class too.
        if seen.class == Class::Staff {
            return self.shown(site, at_ms);
        }
        if self.shown.get(&site).is_some_and(|shown| *shown <= at_ms) {
            return;
        }
        let first = First { who: format!("{:032x}", around.who()), at_ms, place: around.place(seen.client), of: seen.id };
        for one in self.spread.take(site, &first) {
            let says = format!("{} Seen: {}.", Code::Spread.words(), self::site(seen));
            let of = (one.of != seen.id).then_some(one.of);
            found.push(Noticed { of, code: Code::Spread, points: Code::Spread.certainty().points(), key: site.to_string(), says });
        }
    }

    /// A member of staff was at a new site.
    fn shown(&mut self, site: u64, at_ms: u64) {
        if self.shown.len() >= MOST_SHOWN && !self.shown.contains_key(&site) {
            self.shown.retain(|_, shown| *shown + spread::NEW_MS > at_ms);
            // Staff of no school are at so many new sites a day.
            if self.shown.len() >= MOST_SHOWN {
                return;
            }
        }
        let first = self.shown.entry(site).or_insert(at_ms);
        *first = at_ms.min(*first);
    }

    fn shares(&mut self, seen: &Seen<'_>, at_ms: u64, around: &impl Around, found: &mut All) {
        let is_done = matches!(seen.kind, Kind::Visit | Kind::Search) && matches!(seen.start, Start::Typed | Start::Clicked);
        if !is_done || seen.user.is_none() || seen.class == Class::Staff {
            return;
        }
        let Some(shared) = self.sharing.take(around.who(), at_ms, seen.client, |address| around.place(address)) else { return };
        let here = seen.client.to_canonical();
        let places = shared.places.map(|(before, now)| format!(" ({before} and {now})")).unwrap_or_default();
        let says = format!("{} Seen: {} and {here}{places}, in turn, {} times within five minutes.", Code::SharedLogin.words(), shared.before, shared.changes);
        found.push(Noticed { of: None, code: Code::SharedLogin, points: Code::SharedLogin.certainty().points(), key: String::new(), says });
    }

    /// It was remarked of a record that what was answered is WebAssembly.
    pub fn is_wasm(&mut self, seen: &Seen<'_>, around: &impl Around) -> Option<Noticed> {
        if !is_unknown(seen) || seen.host.parse::<IpAddr>().is_ok() {
            return None;
        }
        let key = (around.who(), self.number(site(seen)));
        self.triads.take(key, seen.id.unix_ms(), Part::Wasm).map(|counted| triad(counted, seen.host))
    }

    /// A record is over, and so many bytes went to who asked.
    pub fn closed(&mut self, seen: &Seen<'_>, bytes_down: u64, around: &impl Around) -> Option<Noticed> {
        if part(seen) != Some(Part::Socket) || !is_unknown(seen) {
            return None;
        }
        let key = (around.who(), self.number(site(seen)));
        self.triads.carried(key, seen.id.unix_ms(), bytes_down).map(|counted| triad(counted, seen.host))
    }

    /// Takes out what is known of a person whose records are erased. Returns how many first visits to new sites.
    pub fn erase(&mut self, is_it: impl Fn(u128) -> bool, gone: &Gone) -> usize {
        let is_gone = |who: u128, at_ms: u64| is_it(who) && gone.meets(at_ms, at_ms + 1);
        self.addresses.take_out(is_gone);
        self.searches.take_out(is_gone);
        self.sharing.take_out(is_gone);
        self.triads.take_out(is_gone);
        erase(&mut self.spread, gone)
    }

    /// What is kept in this folder. Nothing, if it cannot be understood: then names are collected anew, and nothing is new for a week.
    pub fn restore(&mut self, folder: &Path) {
        let Some(names) = read(folder, NAMES).and_then(|bytes| Names::of_bytes(&bytes)) else { return };
        self.names = names;
        self.written_ms = 1;
        // Those of other names say nothing.
        let kept = people(folder).filter(|kept| kept.since_ms == self.names.since_ms());
        if let Some(kept) = kept {
            self.names.add(kept.fresh);
            self.spread = kept.spread;
            self.shown = kept.shown;
        }
    }

    /// Keeps what is known in this folder.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(&mut self, folder: &Path) -> io::Result<()> {
        if self.names.since_ms().is_none() {
            return Ok(());
        }
        self.spread.forget(self.newest_ms);
        let newest = self.newest_ms;
        self.shown.retain(|_, shown| *shown + spread::NEW_MS > newest);
        if self.written_ms == 0 || self.newest_ms >= self.written_ms + WRITES_MS || self.names.fresh().len() >= MOST_FRESH {
            files::replace(&folder.join(NAMES), &self.names.bytes())?;
            self.names.written();
            self.written_ms = self.newest_ms;
        }
        let kept = Kept { since_ms: self.names.since_ms(), fresh: self.names.fresh().clone(), spread: self.spread.clone(), shown: self.shown.clone() };
        files::replace(&folder.join(PEOPLE), &serde_json::to_vec(&kept)?)
    }
}

fn read(folder: &Path, name: &str) -> Option<Vec<u8>> {
    let path = folder.join(name);
    fs::metadata(&path).is_ok_and(|about| about.len() <= LARGEST).then(|| fs::read(&path).ok()).flatten()
}

/// What is kept of people in a folder.
fn people(folder: &Path) -> Option<Kept> {
    serde_json::from_slice(&read(folder, PEOPLE)?).ok()
}

fn erase(spread: &mut Spread<RecordId>, gone: &Gone) -> usize {
    spread.take_out(|first| erased::is(gone, &first.who) && gone.takes(first.of))
}

/// How many first visits to new sites are kept in this folder of a person who would be gone.
#[must_use]
pub fn look_for(folder: &Path, gone: &Gone) -> usize {
    people(folder).map_or(0, |mut kept| erase(&mut kept.spread, gone))
}

/// Takes those whose records are erased out of what is kept in this folder. Returns how many first visits to new sites.
///
/// # Errors
/// If it cannot be written.
pub fn take_out(folder: &Path, gone: &[Gone]) -> io::Result<usize> {
    let Some(mut kept) = people(folder) else { return Ok(0) };
    let taken = gone.iter().map(|gone| erase(&mut kept.spread, gone)).sum();
    if taken > 0 {
        files::replace(&folder.join(PEOPLE), &serde_json::to_vec(&kept)?)?;
    }
    Ok(taken)
}

/// Whether somebody asked for an address that no list knows, and the school did not allow.
fn is_asked_for(seen: &Seen<'_>) -> bool {
    seen.categories.is_empty() && seen.reason != "rule"
}

fn part(seen: &Seen<'_>) -> Option<Part> {
    let path = seen.path.split('?').next().unwrap_or_default();
    match (seen.dest, seen.mode) {
        (Some("serviceworker"), _) => Some(Part::Worker),
        (_, Some("websocket")) => Some(Part::Socket),
        _ if path.ends_with(".wasm") => Some(Part::Wasm),
        _ => None,
    }
}

fn triad((parts, points): (usize, u8), host: &str) -> Noticed {
    let carried = if points > Code::Triad.certainty().points() { ", and much came over the connection" } else { "" };
    let what = "a service worker, WebAssembly and a WebSocket";
    let says = format!("{} Seen: {parts} of {what} of {host} within two minutes{carried}.", Code::Triad.words());
    Noticed { of: None, code: Code::Triad, points, key: host.to_owned(), says }
}

fn numbered(count: usize, what: &str) -> String {
    if count == 1 { format!("One {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests;
