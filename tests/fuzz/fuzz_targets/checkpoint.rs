//! Checkpoints kept elsewhere (`audit::checkpoint`). Only what the log's key has signed is one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use usher::audit::checkpoint::{self, Checkpoint};
use usher::audit::journal::Journal;
use usher::audit::{Folder, Recorder, Settings};

/// A checkpoint of a log that has just begun, and its line.
static SIGNED: LazyLock<(Checkpoint, String)> = LazyLock::new(|| {
    let place = std::env::temp_dir().join(format!("usher-fuzz-{}", std::process::id()));
    let folder = Folder::at(&place);
    let recorder = Recorder::start(&folder, Settings::default()).expect("started");
    let made = Journal::open(&folder).map(|mut journal| checkpoint::make(&folder, &mut journal, jiff::Timestamp::UNIX_EPOCH));
    recorder.finish();
    std::fs::remove_dir_all(place).expect("removed");
    let made = made.expect("opened").expect("made").expect("a checkpoint");
    let line = made.line();
    (made, line)
});

fuzz_target!(|bytes: &[u8]| {
    let (made, line) = &*SIGNED;
    // As it comes: nobody has signed it, unless it holds a whole key and what that has signed.
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(parsed) = Checkpoint::parse(text) {
        assert_eq!(Checkpoint::parse(&parsed.line()), Ok(parsed), "it is not what it is written as");
    }
    // A signed one, some of its bytes changed: each three of the input are a place and what is done there.
    let mut changed = line.clone().into_bytes();
    for change in bytes.chunks_exact(3) {
        let at = usize::from(change[0]) * 3 % changed.len().max(1);
        match change[1] % 3 {
            0 if at < changed.len() => changed[at] = change[2],
            1 if at < changed.len() => drop(changed.remove(at)),
            _ => changed.insert(at.min(changed.len()), change[2]),
        }
    }
    if let Some(parsed) = String::from_utf8(changed).ok().and_then(|changed| Checkpoint::parse(&changed).ok()) {
        assert_eq!(parsed.link, made.link, "accepted, and the key did not sign it");
    }
});
