//! What a school has stated of matters that people are to act on.

use super::{PATIENCE, School, World};
use std::path::Path;
use std::time::Instant;
use usher::audit::Folder;
use usher::audit::incident::{Incident, Person, fold};
use usher::audit::journal::{Reader, Topic};

/// The matters that are stated in a log.
pub fn stated_in(log: &Path) -> Vec<Incident> {
    let statements = Reader::open(&Folder::at(log)).and_then(|reader| reader.about(Topic::Alert, 0)).expect("the journal is read");
    fold(&statements)
}

/// A school in whose searches phrases are found, and whose search engine is this machine.
pub fn searching() -> World {
    World::new().named("www.google.co.uk", "127.0.0.1").scan("phrases = [\"phrases\"]")
}

/// A search at the engine, which listens at this port.
pub fn search(port: u16, words: &str) -> String {
    format!("http://www.google.co.uk:{port}/search?q={}", words.replace(' ', "+"))
}

impl School {
    /// The matters that are stated.
    pub fn matters(&self) -> Vec<Incident> {
        stated_in(&self.files.path("data/log"))
    }

    /// Waits until a matter is stated that is like this.
    pub async fn matter(&self, what: &str, is_it: impl Fn(&Incident) -> bool) -> Incident {
        let started = Instant::now();
        loop {
            if let Some(matter) = self.matters().into_iter().find(&is_it) {
                return matter;
            }
            assert!(started.elapsed() < PATIENCE, "{what} is not stated: {:?}", self.matters());
            tokio::task::yield_now().await;
        }
    }
}

/// Theme, level and person of each.
pub fn short(matters: &[Incident]) -> Vec<String> {
    let who = |person: &Person| match person {
        Person::User(name) | Person::Device(name) => name.clone(),
    };
    let mut all: Vec<_> = matters.iter().map(|matter| format!("{} {} {}", matter.opened.theme, matter.level.as_str(), who(&matter.opened.who))).collect();
    all.sort();
    all
}
