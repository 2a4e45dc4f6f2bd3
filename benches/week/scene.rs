//! A scene: what some pupils do, one thing after the other, and the records that the proxy's door makes of it.

use crate::bytes::CHROME;
use crate::door::{Ask, Door, Says, Sitting};
use crate::hellos::Hello;
use crate::plan::Record;
use usher::insight::Start;

/// In milliseconds.
pub const SECOND: u64 = 1000;
/// In milliseconds.
pub const MINUTE: u64 = 60 * SECOND;

/// Numbers that are the same on every run.
pub struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one.
    pub fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    /// So many of these letters.
    pub fn of(&mut self, letters: &[u8], count: usize) -> String {
        (0..count).map(|_| char::from(letters[self.below(letters.len())])).collect()
    }

    /// So many letters.
    pub fn word(&mut self, count: usize) -> String {
        self.of(b"abcdefghijklmnopqrstuvwxyz", count)
    }
}

/// What some pupils do, and what it leaves.
pub struct Scene<'a, 's> {
    /// What it goes through.
    pub door: &'a mut Door<'s>,
    /// Who is there.
    pub who: &'a [Sitting],
    /// The time, in Unix milliseconds.
    pub now: u64,
    /// Chance.
    pub chance: Chance,
    /// A site that nobody knows.
    pub site: String,
    /// What it has left so far.
    pub records: Vec<Record>,
}

impl<'a, 's> Scene<'a, 's> {
    /// These people, from this moment on.
    pub fn new(door: &'a mut Door<'s>, who: &'a [Sitting], now: u64, seed: u64) -> Self {
        let mut chance = Chance(seed);
        let site = format!("{}.{}-{}.example", chance.word(4), chance.word(6), chance.word(5));
        Self { door, who, now, chance, site, records: Vec::new() }
    }

    /// What it left.
    pub fn records(self) -> Vec<Record> {
        self.records
    }

    /// Nothing is done for so long.
    pub fn wait(&mut self, ms: u64) {
        self.now += ms;
    }

    /// The first of them opens a tunnel, and these are the first bytes in it.
    pub fn tunnel(&mut self, to: &str, agent: Option<&str>, bytes: &[u8]) {
        let made = self.door.tunnel((self.now, &self.who[0]), to, agent, bytes);
        self.records.extend(made);
        self.wait(2 * SECOND);
    }

    /// A tunnel to the site, tried twice: who is turned away tries again.
    pub fn twice(&mut self, bytes: &[u8]) {
        let to = format!("{}:443", self.site);
        (0..2).for_each(|_| self.tunnel(&to, None, bytes));
    }

    /// The same with a hello, by what calls itself a browser.
    pub fn hello(&mut self, to: &str, hello: &Hello<'_>) {
        let bytes = hello.bytes();
        self.tunnel(to, Some(CHROME), &bytes);
    }

    /// One of them asks for something, and the site answers.
    pub fn page(&mut self, who: usize, ask: Ask<'_>, says: Says<'_>) {
        let made = self.door.page((self.now, &self.who[who]), ask, says);
        self.records.extend(made);
        self.wait(3 * SECOND);
    }

    /// A page whose address is typed.
    pub fn goes(&mut self, url: &str, says: Says<'_>) {
        self.page(0, Ask { url, dest: "document", start: Start::Typed, fields: &[] }, says);
    }

    /// What a page loads.
    pub fn loads(&mut self, url: &str, dest: &'static str, fields: &[(&'static str, &str)], says: Says<'_>) {
        self.page(0, Ask { url, dest, start: Start::Loaded, fields }, says);
    }

    /// A WebSocket of the site, with the frames of both sides.
    pub fn socket(&mut self, path: &str, frames: (&[u8], &[u8]), bytes: u64) {
        let url = format!("https://{}{path}", self.site);
        let made = self.door.socket((self.now, &self.who[0]), &url, frames, bytes);
        self.records.extend(made);
        self.wait(3 * SECOND);
    }

    /// An address of the site.
    pub fn here(&self, path: &str) -> String {
        format!("https://{}{path}", self.site)
    }
}
