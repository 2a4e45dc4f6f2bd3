//! Whether a file is the one its publisher made: by its SHA-256, or by a signature of the publisher's key.
//!
//! A digest, or a signature of a digest (as minisign makes them today), is checked a piece at a time. Ed25519 over the file itself, which older
//! minisign made and plain keys make, needs all of it at once: such a file may have at most [`WHOLE`] bytes.

use crate::library::fetch::{Address, AddressError};
use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minisign_verify::{Error as MinisignError, PublicKey, Signature};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The largest file that is checked whole in memory, in bytes.
pub const WHOLE: u64 = 64 << 20;
/// The largest file of checksums or signature that is of use, in bytes: the limit to fetch it with.
pub const PROOF: u64 = 1 << 20;
/// Bytes read at a time.
const PIECE: usize = 64 * 1024;

/// How a file is checked. In settings it is one text:
///
/// | text | means |
/// | --- | --- |
/// | `sha256:HEX` | its SHA-256 is this |
/// | `sha256:ADDRESS` | its SHA-256 is beside its name in the file at this address, as `sha256sum` writes it |
/// | `minisign:KEY [ADDRESS]` | a minisign public key; the signature is there, else at the file's address with `.minisig` after it |
/// | `ed25519:KEY [ADDRESS]` | 32 bytes in base64 or hex; the signature, 64 bytes plain or in base64, is there, else with `.sig` after it |
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Its SHA-256 is this.
    Sha256([u8; 32]),
    /// Its SHA-256 is in a file of checksums.
    Sums(Address),
    /// It has a minisign signature of this key.
    Minisign(PublicKey, Option<Address>),
    /// It has an Ed25519 signature of this key.
    Ed25519([u8; 32], Option<Address>),
}

/// Why a setting is no check, or a file does not pass one.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// No way of checking.
    #[error("\"{0}\" says no way to check a list; write sha256:HEX, sha256:ADDRESS, minisign:KEY or ed25519:KEY")]
    Kind(String),
    /// Hex digits, but not as many as a digest has.
    #[error("a SHA-256 has 64 hex digits, and this has {0}")]
    Digits(usize),
    /// No public key.
    #[error("this is no {0} public key: {1}")]
    Key(&'static str, String),
    /// The address of checksums or a signature is none.
    #[error("where the publisher's checksum or signature lies: {0}")]
    Address(#[from] AddressError),
    /// The file of checksums does not name the file.
    #[error("the publisher's checksums do not name {0}; check the address in sources.toml")]
    NotNamed(String),
    /// It names it twice, differently.
    #[error("the publisher's checksums name {0} more than once, with different sums; tell the publisher")]
    Contradiction(String),
    /// The signature is none.
    #[error("the publisher's signature cannot be read: {0}; check its address in sources.toml")]
    Proof(String),
    /// The digest is another.
    #[error(
        "{name} is not what its publisher says it is: its SHA-256 is {found}, and should be {expected}; it may have been changed on the way, or the checksum is of another version"
    )]
    Digest {
        /// The file.
        name: String,
        /// As published.
        expected: Hex,
        /// As it is.
        found: Hex,
    },
    /// Signed by another key.
    #[error("{0} was signed with another key than the one in sources.toml; ask the publisher whether the key was changed, and do not just replace it")]
    OtherKey(String),
    /// The signature is of something else.
    #[error("{0} does not match its publisher's signature; it may have been changed on the way")]
    Forged(String),
    /// Too large to be checked in memory.
    #[error("{name} has {bytes} bytes, and a signature of this kind is checked up to {most} only; ask the publisher for minisign's usual (prehashed) signature or a SHA-256", most = WHOLE)]
    TooLarge {
        /// The file.
        name: String,
        /// Its size.
        bytes: u64,
    },
    /// The file cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// A digest, shown in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hex(pub [u8; 32]);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Check {
    /// Reads a check from a setting. Paths in it are relative to `folder`.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, TrustError> {
        let (kind, rest) = text.trim().split_once(':').ok_or_else(|| TrustError::Kind(text.to_owned()))?;
        let rest = rest.trim();
        let (key, address) = rest.split_once(char::is_whitespace).map_or((rest, None), |(key, address)| (key, Some(address)));
        let beside = || address.map(|address| Address::parse(address, folder)).transpose();
        match kind.trim().to_ascii_lowercase().as_str() {
            "sha256" => match from_hex(rest) {
                Some(digest) => Ok(Self::Sha256(digest)),
                None if is_nearly_hex(rest) => Err(TrustError::Digits(rest.len())),
                None => Ok(Self::Sums(Address::parse(rest, folder)?)),
            },
            "minisign" => Ok(Self::Minisign(PublicKey::from_base64(key).map_err(|_| bad_minisign_key())?, beside()?)),
            "ed25519" => Ok(Self::Ed25519(ed25519_key(key)?, beside()?)),
            _ => Err(TrustError::Kind(text.to_owned())),
        }
    }

    /// What has to be fetched before a file from `of` can be checked, if anything has.
    #[must_use]
    pub fn proof_of(&self, of: &Address) -> Option<Address> {
        match self {
            Self::Sha256(_) => None,
            Self::Sums(address) => Some(address.clone()),
            Self::Minisign(_, address) => Some(address.clone().unwrap_or_else(|| of.with_end(".minisig"))),
            Self::Ed25519(_, address) => Some(address.clone().unwrap_or_else(|| of.with_end(".sig"))),
        }
    }

    /// Checks a file. `name`: what its publisher calls it ([`Address::file_name`]). `proof`: what was fetched from [`Self::proof_of`]; empty if
    /// there is nothing to fetch.
    ///
    /// # Errors
    /// If it is not the file its publisher made, or cannot be read.
    pub fn verify(&self, path: &Path, name: &str, proof: &[u8]) -> Result<(), TrustError> {
        match self {
            Self::Sha256(expected) => verify_digest(path, name, *expected),
            Self::Sums(_) => verify_digest(path, name, find_sum(&String::from_utf8_lossy(proof), name)?),
            Self::Minisign(key, _) => verify_minisign(path, name, key, proof),
            Self::Ed25519(key, _) => verify_ed25519(path, name, key, proof),
        }
    }
}

fn bad_minisign_key() -> TrustError {
    TrustError::Key("minisign", "it is the second line of the publisher's .pub file, and begins with RW".to_owned())
}

fn ed25519_key(text: &str) -> Result<[u8; 32], TrustError> {
    let decoded = from_hex(text).or_else(|| STANDARD.decode(text).ok()?.try_into().ok());
    decoded.ok_or_else(|| TrustError::Key("Ed25519", "it is 32 bytes, as 44 characters of base64 or 64 of hex".to_owned()))
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let text = text.as_bytes();
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(0)? << 4 | digit(1)?;
    }
    Some(bytes)
}

/// Whether a text was meant as hex: nothing but hex digits, so no address anyone would write.
fn is_nearly_hex(text: &str) -> bool {
    text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The sum beside a name, as `sha256sum` writes them (`HEX  name`, `HEX *name`), as BSD does (`SHA256 (name) = HEX`), or alone.
fn find_sum(text: &str, name: &str) -> Result<[u8; 32], TrustError> {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    if let [only] = lines[..]
        && let Some(sum) = from_hex(only)
    {
        return Ok(sum);
    }
    let mut found = lines.iter().filter_map(|line| read_sum(line)).filter(|(named, _)| is_called(named, name)).map(|(_, sum)| sum);
    let sum = found.next().ok_or_else(|| TrustError::NotNamed(name.to_owned()))?;
    if found.any(|other| other != sum) { Err(TrustError::Contradiction(name.to_owned())) } else { Ok(sum) }
}

fn read_sum(line: &str) -> Option<(&str, [u8; 32])> {
    if let Some((named, sum)) = line.strip_prefix("SHA256 (").and_then(|rest| rest.rsplit_once(") = ")) {
        return Some((named, from_hex(sum)?));
    }
    let (sum, named) = line.split_once(char::is_whitespace)?;
    let named = named.trim_start();
    Some((named.strip_prefix('*').unwrap_or(named), from_hex(sum)?))
}

/// Whether a line names the file, with or without folders before it.
fn is_called(named: &str, name: &str) -> bool {
    !name.is_empty() && named.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

fn verify_digest(path: &Path, name: &str, expected: [u8; 32]) -> Result<(), TrustError> {
    let mut context = digest::Context::new(&SHA256);
    each_piece(path, |piece| context.update(piece))?;
    let mut found = [0; 32];
    found.copy_from_slice(context.finish().as_ref());
    if found == expected { Ok(()) } else { Err(TrustError::Digest { name: name.to_owned(), expected: Hex(expected), found: Hex(found) }) }
}

fn verify_minisign(path: &Path, name: &str, key: &PublicKey, proof: &[u8]) -> Result<(), TrustError> {
    let text = std::str::from_utf8(proof).map_err(|_| TrustError::Proof("it is no text".to_owned()))?;
    let signature = Signature::decode(text).map_err(|error| TrustError::Proof(error.to_string()))?;
    let told = |error| match error {
        MinisignError::UnexpectedKeyId => TrustError::OtherKey(name.to_owned()),
        MinisignError::InvalidSignature => TrustError::Forged(name.to_owned()),
        other => TrustError::Proof(other.to_string()),
    };
    match key.verify_stream(&signature) {
        Ok(mut verifier) => {
            each_piece(path, |piece| verifier.update(piece))?;
            verifier.finalize().map_err(told)
        }
        Err(MinisignError::UnsupportedLegacyMode) => key.verify(&read_whole(path, name)?, &signature, true).map_err(told),
        Err(other) => Err(told(other)),
    }
}

fn verify_ed25519(path: &Path, name: &str, key: &[u8; 32], proof: &[u8]) -> Result<(), TrustError> {
    let plain = || <[u8; 64]>::try_from(proof).ok();
    let encoded = || <[u8; 64]>::try_from(STANDARD.decode(proof.trim_ascii()).ok()?).ok();
    let signature = plain().or_else(encoded).ok_or_else(|| TrustError::Proof("it is not 64 bytes, plain or in base64".to_owned()))?;
    let key = UnparsedPublicKey::new(&ED25519, key);
    key.verify(&read_whole(path, name)?, &signature).map_err(|_| TrustError::Forged(name.to_owned()))
}

fn each_piece(path: &Path, mut take: impl FnMut(&[u8])) -> Result<(), TrustError> {
    let fail = |error| TrustError::Unreadable { path: path.to_owned(), error };
    let mut file = File::open(path).map_err(fail)?;
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece).map_err(fail)? {
            0 => return Ok(()),
            count => take(&piece[..count]),
        }
    }
}

fn read_whole(path: &Path, name: &str) -> Result<Vec<u8>, TrustError> {
    let fail = |error| TrustError::Unreadable { path: path.to_owned(), error };
    let file = File::open(path).map_err(fail)?;
    let bytes = file.metadata().map_err(fail)?.len();
    let too_large = |bytes| TrustError::TooLarge { name: name.to_owned(), bytes };
    if bytes > WHOLE {
        return Err(too_large(bytes));
    }
    let mut whole = Vec::new();
    let read = file.take(WHOLE + 1).read_to_end(&mut whole).map_err(fail)? as u64;
    if read > WHOLE { Err(too_large(read)) } else { Ok(whole) }
}

#[cfg(test)]
mod tests;
