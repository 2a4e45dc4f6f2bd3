//! Files written whole, and the secret of the installation.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Writes a file so that it is there whole or not at all: to a new file beside it, readable by its owner only, then renamed.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
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
