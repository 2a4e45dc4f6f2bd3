//! The key that signs the log: Ed25519, made the first time, kept in a file only its owner may read.

use crate::files;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::fmt;
use std::io;
use std::path::Path;

/// A signature.
pub type Signature = [u8; 64];

/// Signs what the journal says.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Reads the key in this file, made if it is not there: 32 random bytes.
    pub fn open(path: &Path) -> io::Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&files::secret(path)?);
        pair.map(Self).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it holds no signing key"))
    }

    /// What others check its signatures with.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let mut public = [0; 32];
        public.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(public)
    }

    /// Signs these bytes.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> Signature {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.0.sign(bytes).as_ref());
        signature
    }
}

/// What signatures of the log are checked with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// Whether these bytes were signed with the key.
    #[must_use]
    pub fn signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(bytes, signature).is_ok()
    }

    /// Reads the form it is displayed in.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        hex(text).map(Self)
    }
}

impl fmt::Display for PublicKey {
    /// 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// So many bytes from hexadecimal digits.
#[must_use]
pub fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_key_signed_no_other_did() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = SigningKey::open(&folder.path().join("key")).expect("made");
        let again = SigningKey::open(&folder.path().join("key")).expect("read");
        let other = SigningKey::open(&folder.path().join("other")).expect("made");
        let signature = key.sign(b"a statement");
        assert_eq!(key.public(), again.public());
        assert!(again.public().signed(b"a statement", &signature));
        assert!(!other.public().signed(b"a statement", &signature));
        assert!(!key.public().signed(b"another", &signature));
        assert_eq!(PublicKey::parse(&key.public().to_string()), Some(key.public()));
        std::fs::write(folder.path().join("short"), b"short").expect("written");
        assert!(SigningKey::open(&folder.path().join("short")).is_err());
    }
}
