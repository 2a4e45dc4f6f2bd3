//! A file that takes a line of JSON a message, for programs of the school's own. It was taken when the line is on disk.

use super::story::Story;
use super::{Receipt, Unsent};
use std::fs::OpenOptions;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Adds a message to a file, made if need be. Waits for the disk.
///
/// # Errors
/// If it cannot be written.
pub(super) fn send(path: &Path, key: &str, story: &Story) -> Result<Receipt, Unsent> {
    add(path, story.json(key))
        .map(|()| Receipt("on disk".to_owned()))
        .map_err(|error| Unsent::Later(format!("{} cannot be written: {error}", path.display()), None))
}

fn add(path: &Path, mut line: Vec<u8>) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    // A line that was cut off by a full disk or a power cut ends here, and the next is whole.
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            line.insert(0, b'\n');
        }
    }
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::notify::story::tests::story;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn each_message_is_a_whole_line_that_others_cannot_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("alerts.jsonl");
        send(&path, "one", &story()).expect("written");
        let mut file = OpenOptions::new().append(true).open(&path).expect("there");
        file.write_all(b"{\"cut").expect("written");
        send(&path, "two", &story()).expect("written");
        let text = std::fs::read_to_string(&path).expect("there");
        let keys: Vec<_> = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).map(|line| line["key"].clone()).collect();
        assert_eq!(keys, ["one", "two"]);
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(matches!(send(folder.path(), "three", &story()), Err(Unsent::Later(..))));
    }
}
