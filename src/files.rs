//! Files written whole, and the secret of the installation.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Writes a file so that it is there whole or not at all: to a new file beside it, readable by its owner only, then renamed.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, |file| file.write_all(bytes))
}

/// [`replace`] for what is written bit by bit. If it cannot be written whole, the new file is taken away and the old one stays.
pub fn replace_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    let written = write(&mut file).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // What is left of it is of no use, and on a full disk its room is. That it cannot be removed says less than why it was not written.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    // A bare name is in the folder one is in.
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Makes a folder that only its owner may look into, and those above it. One that is there stays as it is.
pub fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes an empty file that only its owner may read. One that is there stays as it is.
pub fn private_file(path: &Path) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(drop)
}

/// The installation's secret: 32 random bytes in `path`, made the first time. Everything keyed is derived from it.
pub fn secret(path: &Path) -> io::Result<[u8; 32]> {
    match fs::read(path) {
        Ok(bytes) => bytes.try_into().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it does not hold 32 bytes")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let fresh = random()?;
            replace(path, &fresh)?;
            Ok(fresh)
        }
        Err(error) => Err(error),
    }
}

/// Random bytes from the operating system.
pub fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// The account this program runs under.
#[must_use]
pub fn own_account() -> String {
    own_number().map_or_else(|| "somebody at the command line".to_owned(), account)
}

/// Whose a file or folder is, if it is there and not this program's account's.
#[must_use]
pub fn other_owner(path: &Path) -> Option<String> {
    let owner = fs::metadata(path).ok()?.uid();
    (own_number()? != owner).then(|| account(owner))
}

fn own_number() -> Option<u32> {
    fs::metadata("/proc/self").ok().map(|own| own.uid())
}

/// An account's name, or its number where it has none here.
fn account(number: u32) -> String {
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(number)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("#{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_private_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("a/data");
        private_folder(&data).expect("made");
        private_file(&data.join("log.db")).expect("made");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&data), mode(&data.join("log.db"))), (0o700, 0o600));
        private_folder(&data).expect("a second time");
    }

    #[test]
    fn what_cannot_be_written_whole_leaves_the_old_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lists");
        replace(&path, b"old").expect("written");
        let full = replace_with(&path, |file| file.write_all(b"ne").and_then(|()| Err(io::ErrorKind::StorageFull.into())));
        assert_eq!(full.map_err(|error| error.kind()), Err(io::ErrorKind::StorageFull));
        assert_eq!(fs::read(&path).expect("there"), b"old");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn what_is_anothers_is_known_by_his_name() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(other_owner(folder.path()), None);
        assert_eq!(other_owner(&folder.path().join("none")), None);
        assert_eq!((account(0), account(4_294_000_000)), ("root".to_owned(), "#4294000000".to_owned()));
        assert!(!own_account().is_empty());
    }

    #[test]
    fn the_secret_is_made_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret.key");
        let first = secret(&path).expect("made");
        assert_eq!(secret(&path).expect("read"), first);
        assert_ne!(first, [0; 32]);
        fs::write(&path, "short").expect("written");
        assert!(secret(&path).is_err());
    }
}
