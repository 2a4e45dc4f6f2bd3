//! Sealed segments (`audit::segment`). Whatever lies in the folder of segments is read or refused, and no room is made for what is not there.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use usher::audit::segment::trial::{read_as_every_part, read_file};

static FILE: LazyLock<PathBuf> = LazyLock::new(|| std::env::temp_dir().join(format!("usher-fuzz-{}.seg", std::process::id())));

const MAGIC: &[u8] = b"USHRSEG\n";

/// A file with these bytes as its directory, whose hash is right: as made by somebody who knows the form.
fn file_with_directory(bytes: &[u8]) -> Vec<u8> {
    let tail = [&(MAGIC.len() as u64).to_le_bytes()[..], &(bytes.len() as u64).to_le_bytes(), blake3::hash(bytes).as_bytes(), MAGIC].concat();
    [MAGIC, bytes, &tail].concat()
}

fuzz_target!(|bytes: &[u8]| {
    let _ = read_as_every_part(bytes);
    for file in [bytes.to_vec(), file_with_directory(bytes)] {
        fs::write(&*FILE, file).expect("written");
        let _ = read_file(&FILE);
    }
});
