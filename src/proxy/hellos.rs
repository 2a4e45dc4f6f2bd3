//! What is remembered of the hellos of programs, to know one that is not what it says, or that is new for a device. What follows from them is in
//! [`crate::bypass::fingerprint`]; it outlives a start in a file of the data folder, in which devices are keyed hashes.
//!
//! An erasure has nothing to erase here: a device is known by its address, nobody by name, and nothing says who sat there, at which site or at what time of
//! the day. Once a person's records are erased nothing is left that leads from them to a device. What a device has not shown for 30 days is forgotten.

use crate::bypass::Finding;
use crate::bypass::fingerprint::{Fingerprints, Shown};
use crate::files;
use crate::telemetry::events::HellosNotKept;
use crate::tls::ja4::Class;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

/// How often it is kept.
const KEEP: SignedDuration = SignedDuration::from_mins(10);
/// The most bytes that are read.
const LARGEST: u64 = 64 << 20;

/// What is remembered of hellos.
pub struct Hellos {
    memory: Mutex<Fingerprints>,
    kept: Mutex<Timestamp>,
    path: PathBuf,
    key: [u8; 32],
}

impl Hellos {
    /// What is kept in this file. What cannot be understood is nothing known: it is learnt anew within days.
    #[must_use]
    pub fn load(path: PathBuf, secret: &[u8; 32], now: Timestamp) -> Self {
        let is_read = fs::metadata(&path).is_ok_and(|about| about.len() <= LARGEST);
        let memory = is_read.then(|| fs::read(&path).ok()).flatten().and_then(|bytes| Fingerprints::of_bytes(&bytes)).unwrap_or_default();
        Self { memory: Mutex::new(memory), kept: Mutex::new(now), path, key: blake3::derive_key("usher 2026 devices of hellos", secret) }
    }

    /// Takes the hello of a program at an address, and says what is odd about it.
    pub(super) fn take(&self, client: IpAddr, agent: Option<&str>, class: Class, now: Timestamp) -> Option<Finding> {
        let mut device = [0; 8];
        device.copy_from_slice(&blake3::keyed_hash(&self.key, client.to_string().as_bytes()).as_bytes()[..8]);
        let at_ms = now.as_millisecond().unsigned_abs();
        self.memory.lock().take(Shown { device: u64::from_le_bytes(device), agent, class: class.number(), at_ms })
    }

    /// Keeps it, if that is due. To be called now and then, where waiting is allowed.
    pub(super) fn keep_if_due(&self, now: Timestamp) {
        let is_due = now.duration_since(*self.kept.lock()) >= KEEP;
        if is_due {
            *self.kept.lock() = now;
            self.keep();
        }
    }

    /// Keeps it.
    pub(super) fn keep(&self) {
        // Whoever opens a tunnel waits for a copy only.
        let memory = self.memory.lock().clone();
        if memory != Fingerprints::default()
            && let Err(error) = self.write(&memory)
        {
            HellosNotKept { error: &error }.emit();
        }
    }

    fn write(&self, memory: &Fingerprints) -> io::Result<()> {
        files::replace(&self.path, &memory.bytes())
    }
}
