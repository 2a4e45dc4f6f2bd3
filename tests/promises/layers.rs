//! A module uses only those before it, as the table in `src/lib.rs` says.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers, lowest first. Those in one row are of one height and may not use one another either.
const LAYERS: [&[&str]; 20] = [
    &["body", "host", "category", "clock", "shares", "bounded"],
    &["kinds", "url", "upstream"],
    &["files"],
    &["lists"],
    &["illegal", "insight"],
    &["bypass", "scan"],
    &["identity", "socket"],
    &["policy"],
    &["snapshot"],
    &["telemetry"],
    &["antivirus", "audit", "tls"],
    &["reach"],
    &["library"],
    &["outputs"],
    &["alert"],
    &["report"],
    &["proxy"],
    &["config"],
    &["app"],
    &["cli"],
];

fn height(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

/// The modules a text names after `crate::`, one by one or in braces.
fn used(text: &str) -> Vec<&str> {
    let word = |rest: &str| rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let mut found = Vec::new();
    for rest in text.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(several) => {
                let inside = &several[..several.find('}').unwrap_or(several.len())];
                found.extend(inside.split(',').map(str::trim).map(|one| &one[..word(one)]));
            }
            None => found.push(&rest[..word(rest)]),
        }
    }
    found
}

#[test]
fn a_module_uses_only_those_before_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for path in sources(&root) {
        let place = path.strip_prefix(&root).expect("below src").to_owned();
        let module = place.iter().next().expect("a name").to_string_lossy().trim_end_matches(".rs").to_owned();
        if module == "lib" || module == "main" {
            continue;
        }
        let own = height(&module).unwrap_or_else(|| panic!("{module} has no layer"));
        let text = fs::read_to_string(&path).expect("a source file");
        let later = |used: &&str| *used != module && height(used).is_none_or(|height| height >= own);
        wrong.extend(used(&text).into_iter().filter(later).map(|used| format!("{} uses {used}", place.display())));
    }
    assert_eq!(wrong, [] as [String; 0]);
}

#[test]
fn what_is_used_is_found_however_it_is_written() {
    assert_eq!(used("use crate::{host::Host, url}; x(crate::lists::Lists)"), ["host", "url", "lists"]);
}
