//! A name for the files lists are compiled from, by their sizes and times: enough to see that nothing has changed, without reading them.

use super::{Books, Library};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Folders deeper than this are not looked into.
const DEEPEST: usize = 8;

impl Library {
    /// The fingerprint of every source as it stands, and of how it is meant.
    pub(super) fn fingerprint(&self, books: &Books<'_>) -> String {
        let mut hash = blake3::Hasher::new();
        hash.update(env!("CARGO_PKG_VERSION").as_bytes());
        for source in self.readable(books, &[]) {
            let category = source.category.map(|category| books.taxonomy.info(category).id.as_str());
            let mut folders: Vec<_> = source.folders.map.iter().map(|(folder, category)| (folder, &books.taxonomy.info(*category).id)).collect();
            folders.sort_unstable();
            let mut skipped: Vec<_> = source.folders.skip.iter().collect();
            skipped.sort_unstable();
            hash.update(format!("{:?}", (&source.name, source.format, category, folders, skipped)).as_bytes());
            add(&mut hash, &source.path, 0);
        }
        for (_, info) in books.taxonomy.iter() {
            hash.update(info.id.as_bytes()).update(b"\n");
        }
        hash.finalize().to_hex()[..32].to_owned()
    }
}

fn add(hash: &mut blake3::Hasher, path: &Path, depth: usize) {
    let Ok(file) = fs::metadata(path) else {
        hash.update(b"nothing");
        return;
    };
    hash.update(path.as_os_str().as_encoded_bytes());
    if !file.is_dir() {
        hash.update(format!("{} {} {} {}", file.len(), file.mtime(), file.mtime_nsec(), file.ino()).as_bytes());
        return;
    }
    let mut entries: Vec<_> = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort_unstable();
    for entry in entries.iter().filter(|_| depth < DEEPEST) {
        add(hash, entry, depth + 1);
    }
}
