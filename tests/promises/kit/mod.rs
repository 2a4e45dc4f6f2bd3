//! A school to try promises in: its files in a temporary folder, its people, the sites they visit, and what is on record of them.
//!
//! A test reads as a story: `World::new().start().await.pupil().get("http://games.example/").await.is_blocked_because("category")`.
//! Every wait ends after [`PATIENCE`], and nothing sleeps.

pub mod browser;
pub mod c_icap;
pub mod clamav;
pub mod desk;
pub mod device;
pub mod h2;
pub mod matters;
pub mod nginx;
pub mod origin;
pub mod people;
pub mod program;
pub mod proof;
mod publisher;
pub mod receiver;
pub mod request;
pub mod restricted;
pub mod school;
pub mod scripts;
pub mod secure;
pub mod smtp;
pub mod squid;
pub mod syslog_ng;
pub mod wire;
pub mod world;

pub use browser::Browser;
pub use c_icap::CIcap;
pub use clamav::Clamav;
pub use desk::Desk;
pub use origin::{Origin, Visit};
pub use people::Person;
pub use program::Program;
pub use proof::{OpenSsl, Proof, Signer, Subject, TlsSite};
pub use publisher::Publisher;
pub use receiver::{Receiver, Takes};
pub use school::School;
pub use secure::{Authority, Good, SecureSite};
pub use squid::Squid;
pub use syslog_ng::SyslogNg;
pub use wire::{Ending, Reply, Wire};
pub use world::{Files, Said, World};

use std::io::Write as _;
use std::sync::mpsc;
use std::time::Duration;

/// The longest any test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for something, but not for ever.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} took too long"))
}

/// Waits for something that blocks, but not for ever.
pub fn in_time<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    std::thread::spawn(move || done.send(work()));
    result.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{what} took too long"))
}

/// Says in one line, even where the words of tests are kept back, that this machine lacks what a test needs. If `USHER_REQUIRE` names it, the
/// test fails instead.
pub fn skipped(what: &str) {
    let required = std::env::var("USHER_REQUIRE").unwrap_or_default();
    assert!(!required.split_whitespace().any(|name| name.eq_ignore_ascii_case(what)), "there is no {what}");
    // Nobody may be there to read it.
    let _ = writeln!(std::io::stderr(), "skipped: no {what}");
}
