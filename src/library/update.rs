//! From what publishers offered to what is in force: compile aside, judge, swap. Publishers are asked in `asking.rs`.
//!
//! A candidate that is to blame for an objection is put aside and the rest is judged without it: sources fail alone. What is in force changes in
//! one step, the renaming of `in-force.json`, after everything it names is on disk.

use super::fetch::{self, Progress};
use super::generations::{Generation, Held, InForce, ListCounted, by_source, source_of};
use super::history::What;
use super::judge::{self, Objection};
use super::source::Source;
use super::state::Last;
use super::{Books, Library, LibraryError, Order, Shelf, Sizes};
use crate::lists::Lists;
use crate::lists::generation::OpenError;
use crate::lists::store::{self, Loaded};
use crate::upstream::Upstream;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

/// What is told of an update while it goes on.
#[derive(Debug)]
pub enum Told<'a> {
    /// A source is being fetched.
    Fetching {
        /// Which.
        source: &'a str,
        /// How far it is.
        progress: Progress,
    },
    /// Fetching of a source is over.
    Fetched {
        /// Which.
        source: &'a str,
        /// What came of it.
        last: &'a Last,
    },
    /// Lists are being compiled.
    Compiling(store::Progress<'a>),
    /// The compiled lists are being judged.
    Judging {
        /// Their entries.
        entries: usize,
    },
}

/// Whoever is told.
pub type Teller<'t> = &'t mut dyn FnMut(Told<'_>);

/// What an update came to.
#[derive(Debug)]
pub struct Update {
    /// What came of asking each publisher.
    pub asked: BTreeMap<String, Last>,
    /// The generation now in force, if it is a new one.
    pub generation: Option<Generation>,
    /// Objections that kept something from going in force.
    pub objections: Vec<Objection>,
}

/// A fetched list that is not yet in force.
pub(super) struct Candidate {
    pub(super) source: String,
    pub(super) file: PathBuf,
    pub(super) validators: fetch::Validators,
}

impl Candidate {
    fn is_empty(&self, loaded: &Loaded) -> bool {
        !loaded.reports.iter().any(|report| source_of(&report.list) == self.source && report.accepted > 0)
    }
}

/// What compiling and judging came to.
struct Settled {
    lists: Lists,
    generation: Generation,
    new: bool,
    remarks: Vec<String>,
}

impl Library {
    /// The sources as the store reads them. A candidate stands in for what is kept; a publisher who never sent anything is left out.
    pub(super) fn readable(&self, books: &Books<'_>, candidates: &[Candidate]) -> Vec<store::Source> {
        let kept = self.kept();
        let place = |source: &Source| {
            let candidate = candidates.iter().find(|candidate| candidate.source == source.name);
            candidate.map_or_else(|| source.place(&kept), |candidate| candidate.file.clone())
        };
        let read = |source: &Source| store::Source {
            name: source.name.clone(),
            path: place(source),
            format: source.format,
            category: source.category,
            folders: source.folders.clone(),
        };
        books.sources.iter().filter(|source| !source.is_fetched() || place(source).exists()).map(read).collect()
    }

    /// The lists as they should be in force now: those that are, if no file has changed since, else new ones, judged. When a change is refused
    /// the error says so, and [`Self::in_force`] still has what was.
    pub fn bring_up(&self, books: &Books<'_>, order: &Order, told: Teller<'_>) -> Result<Shelf, LibraryError> {
        let _lock = self.lock()?;
        if let Some((generation, held)) = self.standing(books)? {
            return match self.generations.open(generation.number, books.taxonomy) {
                Ok(lists) => Ok(Shelf { lists, generation, held, remarks: Vec::new() }),
                Err(error) => self.rebuild(books, order, &error, told),
            };
        }
        self.settle(books, Vec::new(), order, told).map(|(settled, _)| settled.into_shelf())
    }

    /// What is in force, though the files may have changed since.
    pub fn in_force(&self, books: &Books<'_>) -> Result<Option<Shelf>, LibraryError> {
        let Some(InForce { number, held }) = self.generations.in_force().map_err(self.fail())? else { return Ok(None) };
        let Some(generation) = self.generations.get(number).map_err(self.fail())? else { return Ok(None) };
        let lists = self.generations.open(number, books.taxonomy)?;
        Ok(Some(Shelf { lists, generation, held, remarks: Vec::new() }))
    }

    /// A compiled file that is damaged is never trusted: it is made again from the lists it came from.
    fn rebuild(&self, books: &Books<'_>, order: &Order, damage: &OpenError, told: Teller<'_>) -> Result<Shelf, LibraryError> {
        let (settled, _) = self.settle(books, Vec::new(), order, told)?;
        let why = format!("the compiled lists in force could not be used ({damage}) and were made again");
        self.remember(order, What::Rebuilt, Some(settled.generation.number), why.clone())?;
        let mut shelf = settled.into_shelf();
        shelf.remarks.push(why);
        Ok(shelf)
    }

    /// Asks the publishers, and puts in force what is fit for it. An older generation that somebody holds is let go.
    pub fn update(&self, books: &Books<'_>, wanted: &[&Source], upstream: Option<&Upstream>, order: &Order, told: Teller<'_>) -> Result<Update, LibraryError> {
        let _fetching = self.lock_fetching()?;
        let (candidates, mut asked) = self.fetch_all(wanted, upstream, order, told)?;
        let _lock = self.lock()?;
        // Nothing came, and what is in force stands for what is here: there is nothing to compile.
        if candidates.is_empty() && matches!(self.standing(books)?, Some((_, None))) {
            return Ok(Update { asked, generation: None, objections: Vec::new() });
        }
        let names: Vec<_> = candidates.iter().map(|candidate| candidate.source.clone()).collect();
        let settled = self.settle(books, candidates, order, told);
        match &settled {
            Ok((_, objections)) => asked.extend(objections.by_source.iter().map(|(name, why)| (name.clone(), Last::Refused(why.clone())))),
            Err(LibraryError::Refused(objections)) => {
                let of = |name: &str| judge::sentence(objections.iter().filter(|objection| objection.source().is_none_or(|source| source == name)));
                asked.extend(names.iter().map(|name| (name.clone(), Last::Refused(of(name)))));
            }
            Err(_) => {}
        }
        if let Ok(_) | Err(LibraryError::Refused(_)) = &settled {
            names.iter().filter_map(|name| Some((name, asked.get(name)?))).try_for_each(|(name, last)| self.note_state(name, last, order))?;
        }
        let (settled, objections) = settled?;
        Ok(Update { asked, generation: settled.new.then_some(settled.generation), objections: objections.all })
    }

    pub(super) fn note_state(&self, name: &str, last: &Last, order: &Order) -> Result<(), LibraryError> {
        let mut state = self.state(name)?;
        state.asked = Some(order.at);
        match last {
            Last::Never => {}
            Last::Updated | Last::Unchanged => {
                state.good = Some(order.at);
                state.failures = 0;
                if *last == Last::Updated {
                    state.changed = Some(order.at);
                }
            }
            Last::Failed(why) => {
                state.failures += 1;
                if state.last != *last {
                    self.remember(order, What::Failed, None, format!("{name}: {why}"))?;
                }
            }
            Last::Refused(why) => {
                state.failures += 1;
                self.remember(order, What::Refused, None, format!("{name}: {why}"))?;
            }
        }
        state.last = last.clone();
        self.set_state(name, &state)
    }

    /// Compiles what stands, candidates first, and puts it in force if nothing speaks against it.
    fn settle(&self, books: &Books<'_>, mut candidates: Vec<Candidate>, order: &Order, told: Teller<'_>) -> Result<(Settled, Objections), LibraryError> {
        let pointer = self.generations.in_force().map_err(self.fail())?;
        let known = pointer.as_ref().map(|pointer| self.generations.get(pointer.number)).transpose().map_err(self.fail())?.flatten();
        let old = known.as_ref().and_then(|known| self.generations.open(known.number, books.taxonomy).ok());
        let mut objections = Objections::default();
        loop {
            let started = Instant::now();
            let mut loaded = match store::load(&self.readable(books, &candidates), books.taxonomy, self.key, &mut |step| told(Told::Compiling(step))) {
                Ok(loaded) => loaded,
                Err(error) => {
                    let Some(at) = candidates.iter().position(|candidate| error.source_name() == Some(&candidate.source)) else { return Err(error.into()) };
                    let why = error.to_string();
                    objections.put_aside(self, candidates.swap_remove(at), &why)?;
                    continue;
                }
            };
            told(Told::Judging { entries: loaded.lists.len() });
            let (mut against, remarks) = self.judge(books, order, known.as_ref(), old.as_ref(), &loaded);
            against.extend(
                candidates.iter().filter(|candidate| candidate.is_empty(&loaded)).map(|candidate| Objection::Empty { source: candidate.source.clone() }),
            );
            let blamed = candidates.iter().position(|candidate| against.iter().any(|objection| objection.source() == Some(&candidate.source)));
            if let Some(at) = blamed {
                let candidate = candidates.swap_remove(at);
                let own: Vec<_> = against.into_iter().filter(|objection| objection.source() == Some(&candidate.source)).collect();
                let why = judge::sentence(&own);
                objections.all.extend(own);
                objections.put_aside(self, candidate, &why)?;
                continue;
            }
            if !against.is_empty() {
                self.remember(order, What::Refused, None, judge::sentence(&against))?;
                return Err(LibraryError::Refused(against));
            }
            loaded.lists = loaded.lists.named(loaded.digest);
            let same = known.as_ref().filter(|known| known.inputs == loaded.digest.to_hex().as_str());
            let settled = self.put_in_force(books, candidates, order, (loaded, remarks), same, started)?;
            return Ok((settled, objections));
        }
    }

    fn judge(&self, books: &Books<'_>, order: &Order, known: Option<&Generation>, old: Option<&Lists>, new: &Loaded) -> (Vec<Objection>, Vec<String>) {
        let bounds = |name: &str| books.source(name).map(|source| source.bounds);
        let was = by_source(known.map_or(&[], |known| &known.lists));
        let is: Vec<_> = new.reports.iter().map(ListCounted::of).collect();
        let mut against = match order.sizes {
            Sizes::Bounded => judge::sizes(&was, &by_source(&is), bounds),
            Sizes::Accepted => Vec::new(),
        };
        let moment = books.timetable.moment(order.at);
        let song = judge::listen(&books.court(), books.canaries, old, &new.lists, &moment);
        against.extend(song.flips);
        (against, song.wrong.iter().map(ToString::to_string).collect())
    }

    fn put_in_force(
        &self,
        books: &Books<'_>,
        candidates: Vec<Candidate>,
        order: &Order,
        (loaded, remarks): (Loaded, Vec<String>),
        same: Option<&Generation>,
        started: Instant,
    ) -> Result<Settled, LibraryError> {
        let number = match same {
            Some(same) => same.number,
            None => self.generations.next().map_err(self.fail())?,
        };
        let mut generation = Generation {
            number,
            made: order.at,
            who: order.who.clone(),
            why: order.why.clone(),
            inputs: loaded.digest.to_hex().to_string(),
            fingerprint: String::new(),
            entries: loaded.lists.len(),
            lists: loaded.reports.iter().map(ListCounted::of).collect(),
            skipped: loaded.skipped.clone(),
            took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        if let Some(same) = same {
            (generation.made, generation.who, generation.why) = (same.made, same.who.clone(), same.why.clone());
        }
        let written = self.generations.keep(&generation, &loaded.lists, books.taxonomy, &loaded.digest);
        written.map_err(self.fail())?;
        for candidate in candidates {
            self.promote(candidate)?;
        }
        generation.fingerprint = self.fingerprint(books);
        self.generations.note(&generation).map_err(self.fail())?;
        self.generations.put_in_force(&InForce { number, held: None }).map_err(self.fail())?;
        if same.is_none() {
            self.remember(order, What::Updated, Some(number), order.why.clone())?;
            self.generations.prune().map_err(self.fail())?;
        }
        // What was written is what is served: mapped, so that the memory it was compiled in is given back.
        let lists = self.generations.open(number, books.taxonomy)?;
        Ok(Settled { lists, generation, new: same.is_none(), remarks })
    }

    fn promote(&self, candidate: Candidate) -> Result<(), LibraryError> {
        let kept = self.kept().join(&candidate.source);
        fs::rename(&candidate.file, kept.join("list")).map_err(self.fail())?;
        let mut state = self.state(&candidate.source)?;
        state.validators = candidate.validators;
        self.set_state(&candidate.source, &state)
    }

    /// Puts an older generation in force, and holds it there until somebody updates.
    pub fn roll_back(&self, books: &Books<'_>, to: Option<u64>, order: &Order) -> Result<Generation, LibraryError> {
        let _lock = self.lock()?;
        let all = self.generations.all().map_err(self.fail())?;
        let now = self.generations.in_force().map_err(self.fail())?.map_or(0, |in_force| in_force.number);
        let number = to.or_else(|| all.iter().map(|generation| generation.number).rfind(|number| *number < now)).unwrap_or(0);
        let generation = all.into_iter().find(|generation| generation.number == number).ok_or(LibraryError::NoGeneration(number))?;
        // Nothing that cannot be opened is put in force.
        self.generations.open(number, books.taxonomy)?;
        let held = Held { who: order.who.clone(), since: order.at, why: order.why.clone() };
        self.generations.put_in_force(&InForce { number, held: Some(held) }).map_err(self.fail())?;
        self.remember(order, What::RolledBack, Some(number), order.why.clone())?;
        Ok(generation)
    }
}

impl Settled {
    fn into_shelf(self) -> Shelf {
        Shelf { lists: self.lists, generation: self.generation, held: None, remarks: self.remarks }
    }
}

/// What was said against candidates.
#[derive(Default)]
struct Objections {
    all: Vec<Objection>,
    by_source: Vec<(String, String)>,
}

impl Objections {
    /// Keeps a candidate that was refused, for inspection: the last one of each source.
    fn put_aside(&mut self, library: &Library, candidate: Candidate, why: &str) -> Result<(), LibraryError> {
        let refused = library.kept().join(&candidate.source).join("refused");
        fs::rename(&candidate.file, &refused).map_err(library.fail())?;
        self.by_source.push((candidate.source, why.to_owned()));
        Ok(())
    }
}
