//! Programs that take no certificate but a site's own, as they are found out, and what is kept of them in the data folder.
//!
//! Nothing of it says who a program belongs to: it outlives purges and erasures of the record.
//!
//! What was learnt and what technicians say are two files, so that neither a running Usher nor a command writes over the other: `learnt.json` is written by
//! the one, `orders.json` by the other. What cannot be read is nothing known, and told. See [`book`] for what makes a pin.

pub mod book;

use super::ja4::Class;
use crate::files;
use crate::host::Host;
use book::{Book, Key, May, Order, Pin, Say, State, Turned};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// The most bytes of a file that are read.
const MOST_BYTES: u64 = 1 << 20;
/// The most orders that are kept.
const MOST_ORDERS: usize = 1000;

/// Why what is kept cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PinsError {
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file holds something else.
    #[error("{} is not what Usher wrote there: {why}; take it away, and what it held is found out anew", path.display())]
    Contents {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// There are too many orders.
    #[error("there are {MOST_ORDERS} of them already; forget some")]
    Full,
}

/// A program at a host, as files name it.
#[derive(Serialize, Deserialize)]
struct Named<T> {
    host: String,
    program: String,
    #[serde(flatten)]
    what: T,
}

#[derive(Serialize, Deserialize)]
struct Taker {
    program: String,
    last: Timestamp,
}

#[derive(Default, Serialize, Deserialize)]
struct Learnt {
    pins: Vec<Named<Pin>>,
    takers: Vec<Taker>,
}

impl<T> Named<T> {
    fn new((host, class): Key, what: T) -> Self {
        Self { host: host.to_string(), program: class.to_string(), what }
    }

    fn entry(self) -> Option<(Key, T)> {
        Some(((Host::parse(&self.host).ok()?, self.program.parse().ok()?), self.what))
    }
}

/// The folder they are kept in.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// This one. It need not be there yet.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    fn learnt(&self) -> PathBuf {
        self.0.join("learnt.json")
    }

    fn orders(&self) -> PathBuf {
        self.0.join("orders.json")
    }

    /// What is kept, for whoever looks at it.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn read(&self) -> Result<Kept, PinsError> {
        let learnt: Learnt = read(&self.learnt())?.unwrap_or_default();
        let pins = learnt.pins.into_iter().filter_map(Named::entry).collect();
        Ok(Kept { pins, orders: self.read_orders()? })
    }

    fn read_orders(&self) -> Result<HashMap<Key, Order>, PinsError> {
        let orders: Vec<Named<Order>> = read(&self.orders())?.unwrap_or_default();
        Ok(orders.into_iter().filter_map(Named::entry).collect())
    }

    /// Keeps a technician's word. A running Usher takes it up within a minute.
    ///
    /// # Errors
    /// If a file cannot be read or written, or there are too many.
    pub fn order(&self, key: Key, order: Order) -> Result<(), PinsError> {
        let mut orders = self.read_orders()?;
        // What was forgotten long ago needs no word any more.
        orders.retain(|_, known| known.say != Say::Forget || order.at.duration_since(known.at) < book::TAKES);
        if orders.len() >= MOST_ORDERS && !orders.contains_key(&key) {
            return Err(PinsError::Full);
        }
        orders.insert(key, order);
        let named: Vec<_> = orders.into_iter().map(|(key, order)| Named::new(key, order)).collect();
        self.write(&self.orders(), &named)
    }

    fn write<T: Serialize>(&self, path: &Path, what: &T) -> Result<(), PinsError> {
        let fail = |error| PinsError::File { path: path.to_owned(), error };
        files::private_folder(&self.0).map_err(fail)?;
        let bytes = serde_json::to_vec_pretty(what).map_err(|error| fail(error.into()))?;
        files::replace(path, &bytes).map_err(fail)
    }
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<Option<T>, PinsError> {
    let fail = |error| PinsError::File { path: path.to_owned(), error };
    let bytes = match fs::metadata(path) {
        Ok(file) if file.len() > MOST_BYTES => return Err(PinsError::Contents { path: path.to_owned(), why: "it is too long".to_owned() }),
        Ok(_) => fs::read(path).map_err(fail)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| PinsError::Contents { path: path.to_owned(), why: error.to_string() })
}

/// What is kept.
#[derive(Debug, Default)]
pub struct Kept {
    /// What was learnt.
    pub pins: HashMap<Key, Pin>,
    /// What technicians say.
    pub orders: HashMap<Key, Order>,
}

/// What is known while Usher runs.
pub struct Pins {
    folder: Folder,
    book: Mutex<Book>,
    /// Whether nothing is known of any program: what most connections ask first.
    bare: AtomicBool,
    /// Whether something is to be written.
    changed: AtomicBool,
    /// Held by who writes.
    writing: Mutex<()>,
}

impl Pins {
    /// What is kept in a folder; what cannot be read is nothing known, with why.
    #[must_use]
    pub fn load(folder: Folder) -> (Self, Option<PinsError>) {
        let mut book = Book::default();
        let learnt = read::<Learnt>(&folder.learnt());
        let (learnt, mut wrong) = learnt.map_or_else(|error| (Learnt::default(), Some(error)), |learnt| (learnt.unwrap_or_default(), None));
        book.pins = learnt.pins.into_iter().filter_map(Named::entry).take(book::MOST_PINS).collect();
        book.takers = learnt.takers.into_iter().filter_map(|taker| Some((taker.program.parse().ok()?, taker.last))).collect();
        match folder.read_orders() {
            Ok(orders) => book.ordered(orders),
            Err(error) => wrong = wrong.or(Some(error)),
        }
        // Written anew once, so that nothing an earlier Usher kept beside them is kept on.
        let rewrite = !book.pins.is_empty();
        let bare = AtomicBool::new(book.is_bare());
        (Self { folder, book: Mutex::new(book), bare, changed: AtomicBool::new(rewrite), writing: Mutex::default() }, wrong)
    }

    /// Whether a program is to be passed sealed at a host.
    #[must_use]
    pub fn passes(&self, host: &Host, class: Class, now: Timestamp) -> bool {
        !self.bare.load(Ordering::Acquire) && self.book.lock().passes(&(host.clone(), class), now)
    }

    /// A program turned away. How it stands, if that is news: then [`Self::save`] is to be called, where waiting is allowed.
    pub fn turned(&self, host: &Host, class: Class, turned: Turned, may: May, now: Timestamp) -> Option<State> {
        let mut book = self.book.lock();
        let news = book.turned(&(host.clone(), class), turned, may, now);
        self.bare.store(book.is_bare(), Ordering::Release);
        self.changed.fetch_or(!book.pins.is_empty(), Ordering::AcqRel);
        news
    }

    /// A request came from a program over a connection that our certificate began.
    pub fn took(&self, host: &Host, class: Class, now: Timestamp) {
        let mut book = self.book.lock();
        if book.took(&(host.clone(), class), now) {
            self.bare.store(book.is_bare(), Ordering::Release);
            self.changed.store(true, Ordering::Release);
        }
    }

    /// Takes up what technicians say, and writes what was learnt. To be called now and then, where waiting is allowed.
    ///
    /// # Errors
    /// If a file cannot be read or written; what was known stays.
    pub fn refresh(&self, now: Timestamp) -> Result<(), PinsError> {
        let orders = self.folder.read_orders()?;
        {
            let mut book = self.book.lock();
            if book.tidy(now) || orders != book.orders {
                book.ordered(orders);
                self.bare.store(book.is_bare(), Ordering::Release);
                self.changed.store(true, Ordering::Release);
            }
        }
        self.save()
    }

    /// Writes what was learnt, if there is something new.
    ///
    /// # Errors
    /// If the file cannot be written; it is tried again the next time.
    pub fn save(&self) -> Result<(), PinsError> {
        let _alone = self.writing.lock();
        if !self.changed.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let learnt = {
            let book = self.book.lock();
            let pins = book.pins.iter().map(|(key, pin)| Named::new(key.clone(), pin.clone())).collect();
            Learnt { pins, takers: book.takers.iter().map(|(class, last)| Taker { program: class.to_string(), last: *last }).collect() }
        };
        self.folder.write(&self.folder.learnt(), &learnt).inspect_err(|_| self.changed.store(true, Ordering::Release))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned() -> Turned {
        Turned { ja4: "t13d".into(), sign: "TLS alert 48".into(), is_said: true, group: "year-7".into() }
    }

    #[test]
    fn what_was_learnt_and_what_was_said_outlive_a_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = Folder::at(folder.path().join("pins"));
        let (host, other) = (Host::parse("app.example").expect("a host"), Host::parse("other.example").expect("a host"));
        let class = |number: u32| format!("{number:032x}").parse::<Class>().expect("a class");
        let now: Timestamp = "2026-11-25T10:00:00Z".parse().expect("a time");
        let (pins, wrong) = Pins::load(kept.clone());
        assert!(wrong.is_none());
        for _ in 0..book::ENOUGH {
            pins.turned(&host, class(1), turned(), May::Pass, now);
        }
        pins.took(&other, class(2), now);
        pins.save().expect("written");
        let key = (other.clone(), class(3));
        kept.order(key, Order { say: Say::Allow, at: now, by: "it".into() }).expect("written");
        let (again, wrong) = Pins::load(kept.clone());
        assert!(wrong.is_none() && again.passes(&host, class(1), now) && again.passes(&other, class(3), now));
        for _ in 0..book::ENOUGH {
            again.turned(&host, class(2), turned(), May::Pass, now);
        }
        assert!(!again.passes(&host, class(2), now), "that it takes the certificate was kept");
        // A word that comes while it runs.
        kept.order((host.clone(), class(1)), Order { say: Say::Forget, at: now, by: "it".into() }).expect("written");
        again.refresh(now).expect("taken up");
        assert!(!again.passes(&host, class(1), now) && again.passes(&other, class(3), now));
        assert!(!kept.read().expect("read").pins.contains_key(&(host.clone(), class(1))), "and written");
    }

    #[test]
    fn what_an_earlier_usher_kept_of_people_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let pins = Pins::load(Folder::at(folder.path().to_owned())).0;
        let (host, class) = (Host::parse("app.example").expect("a host"), format!("{:032x}", 1).parse().expect("a class"));
        for _ in 0..book::ENOUGH {
            pins.turned(&host, class, turned(), May::Pass, Timestamp::now());
        }
        pins.save().expect("written");
        let path = folder.path().join("learnt.json");
        let text = fs::read_to_string(&path).expect("there").replace("\"group\"", "\"who\": \"7-anna\", \"group\"");
        assert!(text.contains("7-anna"));
        fs::write(&path, text).expect("written");
        let (pins, wrong) = Pins::load(Folder::at(folder.path().to_owned()));
        assert!(wrong.is_none() && pins.passes(&host, class, Timestamp::now()));
        pins.refresh(Timestamp::now()).expect("written");
        let text = fs::read_to_string(&path).expect("there");
        assert!(text.contains("app.example") && !text.contains("7-anna") && !text.contains("who"), "{text}");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_nothing_known_and_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = Folder::at(folder.path().to_owned());
        for (file, text) in [("learnt.json", "{"), ("orders.json", "[{\"host\":7}]"), ("learnt.json", &"x".repeat(2 << 20))] {
            fs::write(folder.path().join(file), text).expect("written");
            let (pins, wrong) = Pins::load(kept.clone());
            assert!(matches!(wrong, Some(PinsError::Contents { .. })) && pins.book.lock().pins.is_empty(), "{file}");
            fs::remove_file(folder.path().join(file)).expect("removed");
        }
    }
}
