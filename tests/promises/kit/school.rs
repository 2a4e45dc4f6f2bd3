//! A school that is open: a proxy in this process, its record, and a clock that can be set.

use super::people::Person;
use super::world::Files;
use super::{PATIENCE, Wire, soon};
use jiff::{Timestamp, ToSpan};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use usher::app::{App, Reloader};
use usher::audit::lookups::Unshown;
use usher::audit::query::{Filter, Log, Row};
use usher::audit::{Folder, RecordId};
use usher::config::Config;
use usher::snapshot::InForce;

/// Wednesday, in lessons.
const MORNING: &str = "2026-11-25T10:00:00Z";

/// A running school.
pub struct School {
    /// Its files.
    pub files: Files,
    /// Where its proxy listens.
    pub address: SocketAddr,
    /// Reads its files anew.
    pub reloader: Reloader,
    /// What is in force.
    pub in_force: Arc<InForce>,
    clock: Arc<Mutex<Timestamp>>,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl School {
    /// Opens it.
    pub async fn open(files: Files) -> Self {
        Self::open_at(files, MORNING).await
    }

    /// Opens it at this time.
    pub async fn open_at(files: Files, time: &str) -> Self {
        let clock = Arc::new(Mutex::new(time.parse().expect("a time")));
        let read = clock.clone();
        let config = Config::load(&files.path("usher.toml")).unwrap_or_else(|problems| panic!("{problems}"));
        let built = App::build(config, Arc::new(move || *read.lock().expect("a clock"))).await;
        let (app, _) = built.unwrap_or_else(|error| panic!("{error}"));
        let (stop, stopped) = oneshot::channel();
        let (address, reloader, in_force) = (app.addresses()[0], app.reloader(), app.in_force());
        let running = tokio::spawn(app.run(async move {
            // A school that is dropped closes too.
            let _ = stopped.await;
        }));
        Self { files, address, reloader, in_force, clock, stop: Some(stop), running }
    }

    /// Lets time pass.
    pub fn after(&self, minutes: i64) {
        let mut clock = self.clock.lock().expect("a clock");
        *clock = clock.checked_add(minutes.minutes()).expect("a time");
    }

    /// It is this time now.
    pub fn is_at(&self, time: &str) {
        *self.clock.lock().expect("a clock") = time.parse().expect("a time");
    }

    /// Somebody in year 7.
    pub fn pupil(&self) -> Person<'_> {
        self.person([127, 0, 7, 1])
    }

    /// A member of staff.
    pub fn teacher(&self) -> Person<'_> {
        self.person([127, 0, 9, 1])
    }

    /// Somebody whose address leads to no group.
    pub fn stranger(&self) -> Person<'_> {
        self.person([127, 0, 99, 1])
    }

    /// Somebody at an address.
    pub fn person(&self, address: [u8; 4]) -> Person<'_> {
        Person::new(self, IpAddr::from(address))
    }

    /// A pupil's bare connection to the proxy.
    pub async fn wire(&self) -> Wire {
        Wire::connect(IpAddr::from([127, 0, 7, 1]), self.address).await
    }

    /// What is on record.
    pub fn log(&self) -> Log {
        Log::open(&Folder::at(self.files.path("data/log"))).expect("a log")
    }

    /// The record with this number.
    pub fn row(&self, id: RecordId) -> Option<Row> {
        Unshown::of(&self.log()).find(id).expect("the log is read")
    }

    /// All that is on record, newest first.
    pub fn rows(&self) -> Vec<Row> {
        Unshown::of(&self.log()).search(&Filter { limit: 100_000, ..Filter::default() }).expect("the log is read").rows
    }

    /// What is on record of one path, once it is closed.
    pub async fn closed(&self, path: &str) -> Row {
        self.closed_where(path, |row| row.path == path).await
    }

    /// What is on record of tunnels to one port, once it is closed.
    pub async fn closed_tunnel(&self, port: u16) -> Row {
        self.closed_where("the tunnel", |row| row.method == "CONNECT" && row.port == port).await
    }

    async fn closed_where(&self, what: &str, wanted: impl Fn(&Row) -> bool) -> Row {
        let started = Instant::now();
        let log = self.log();
        loop {
            let rows = Unshown::of(&log).search(&Filter { limit: 1000, ..Filter::default() }).expect("the log is read").rows;
            match rows.into_iter().find(|row| wanted(row) && row.outcome.is_some()) {
                Some(row) => return row,
                None => assert!(started.elapsed() < PATIENCE, "{what} is not on record, or not closed"),
            }
            tokio::task::yield_now().await;
        }
    }

    /// Tells it to stop. It still serves what is under way.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).expect("it runs");
        }
    }

    /// Waits until it has stopped.
    pub async fn stopped(mut self) -> Files {
        self.stop();
        soon("stopping", &mut self.running).await.expect("it ends well");
        self.files
    }
}
