//! The keys of a sealed feed: what its publisher keeps, and what a school is given.
//!
//! A school's *licence* (`illegal.key`) opens feeds and checks who made them; with it nobody can make one. The publisher's own key does both.
//! Both are short TOML files. Pure: text in, keys out.

use super::{Kind, Scope};
use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The largest key file, in bytes.
pub const LARGEST_KEY: u64 = 4096;

/// What a school holds: it opens its publisher's feeds and proves whose they are.
#[derive(Clone, PartialEq, Eq)]
pub struct Licence {
    publisher: [u8; 32],
    feed: [u8; 32],
}

/// What a publisher holds: it makes feeds.
pub struct PublisherKey {
    seed: [u8; 32],
    feed: [u8; 32],
}

/// Why a text is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the TOML a key is written in.
    #[error("it is no key file: {0}")]
    Unreadable(String),
    /// Of another kind or a later time.
    #[error("it is of version {0}, this Usher knows version 1")]
    Version(u32),
    /// Not 32 bytes in base64.
    #[error("`{0}` is not 32 bytes in base64")]
    Length(&'static str),
    /// The library refuses the key.
    #[error("the key cannot be used")]
    Unusable,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LicenceFile {
    version: u32,
    publisher: String,
    feed: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublisherFile {
    version: u32,
    signing: String,
    feed: String,
}

impl Licence {
    /// Reads the text of an `illegal.key`.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let file: LicenceFile = toml::from_str(text).map_err(|error| KeyError::Unreadable(error.message().to_owned()))?;
        known(file.version)?;
        Ok(Self { publisher: bytes("publisher", &file.publisher)?, feed: bytes("feed", &file.feed)? })
    }

    /// The text of an `illegal.key`.
    #[must_use]
    pub fn text(&self) -> String {
        written(&LicenceFile { version: 1, publisher: STANDARD.encode(self.publisher), feed: STANDARD.encode(self.feed) })
    }

    /// The 64 bytes it is made of, and back: as it is kept.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut all = [0; 64];
        all[..32].copy_from_slice(&self.publisher);
        all[32..].copy_from_slice(&self.feed);
        all
    }

    /// A licence of the bytes that [`Self::to_bytes`] gave; nothing if there are not 64.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (publisher, feed) = bytes.split_at_checked(32)?;
        Some(Self { publisher: publisher.try_into().ok()?, feed: feed.try_into().ok()? })
    }

    /// The publisher's public key (Ed25519).
    #[must_use]
    pub fn publisher(&self) -> &[u8; 32] {
        &self.publisher
    }

    /// Whether the publisher signed `message`.
    #[must_use]
    pub fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.publisher).verify(message, signature).is_ok()
    }

    /// The key that bodies of feeds are encrypted with.
    pub(super) fn cipher(&self) -> Result<RandomizedNonceKey, KeyError> {
        cipher(&self.feed)
    }

    /// What addresses are hashed with.
    #[must_use]
    pub fn matching(&self) -> MatchingKeys {
        MatchingKeys::of(&self.feed)
    }
}

impl fmt::Debug for Licence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Licence(…)")
    }
}

impl PublisherKey {
    /// A key of 64 random bytes.
    #[must_use]
    pub fn of_random(random: &[u8; 64]) -> Self {
        let (mut seed, mut feed) = ([0; 32], [0; 32]);
        seed.copy_from_slice(&random[..32]);
        feed.copy_from_slice(&random[32..]);
        Self { seed, feed }
    }

    /// Reads the text of a publisher's key.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let file: PublisherFile = toml::from_str(text).map_err(|error| KeyError::Unreadable(error.message().to_owned()))?;
        known(file.version)?;
        Ok(Self { seed: bytes("signing", &file.signing)?, feed: bytes("feed", &file.feed)? })
    }

    /// The text of a publisher's key.
    #[must_use]
    pub fn text(&self) -> String {
        written(&PublisherFile { version: 1, signing: STANDARD.encode(self.seed), feed: STANDARD.encode(self.feed) })
    }

    /// What schools are given.
    pub fn licence(&self) -> Result<Licence, KeyError> {
        let mut publisher = [0; 32];
        publisher.copy_from_slice(self.pair()?.public_key().as_ref());
        Ok(Licence { publisher, feed: self.feed })
    }

    /// Signs `message`: 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        Ok(self.pair()?.sign(message).as_ref().to_vec())
    }

    fn pair(&self) -> Result<Ed25519KeyPair, KeyError> {
        Ed25519KeyPair::from_seed_unchecked(&self.seed).map_err(|_| KeyError::Unusable)
    }
}

impl fmt::Debug for PublisherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublisherKey(…)")
    }
}

/// What addresses are hashed with: one key for pages, one for sites and one for the filter of hosts, so that none is ever taken for another.
#[derive(Clone)]
pub struct MatchingKeys {
    page: [u8; 32],
    site: [u8; 32],
    host: [u8; 16],
}

impl MatchingKeys {
    fn of(feed: &[u8; 32]) -> Self {
        let derive = |what| blake3::derive_key(what, feed);
        let mut host = [0; 16];
        host.copy_from_slice(&derive("usher 2026 sealed feed: the filter of hosts")[..16]);
        Self { page: derive("usher 2026 sealed feed: hashes of pages"), site: derive("usher 2026 sealed feed: hashes of sites"), host }
    }

    /// The key of the filter of hosts.
    #[must_use]
    pub fn host(&self) -> &[u8; 16] {
        &self.host
    }

    /// The first 16 bytes of the keyed BLAKE3 hash of a spelling.
    #[must_use]
    pub fn hash(&self, scope: Scope, spelling: &[u8]) -> [u8; 16] {
        let key = match scope {
            Scope::Page => &self.page,
            Scope::Site => &self.site,
        };
        let mut short = [0; 16];
        short.copy_from_slice(&blake3::keyed_hash(key, spelling).as_bytes()[..16]);
        short
    }
}

impl fmt::Debug for MatchingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MatchingKeys(…)")
    }
}

/// One entry of a feed, before it is hashed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plain {
    /// Page or site.
    pub scope: Scope,
    /// The spelling of [`super::spelling`].
    pub spelling: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// How it was listed.
    pub seen: Seen,
}

/// Where an entry can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// In plain http, or by the host alone.
    Openly,
    /// Listed as https: only by who looks inside TLS.
    InsideTls,
}

/// An AES-256-GCM key for bodies, from a secret.
pub(super) fn cipher(secret: &[u8; 32]) -> Result<RandomizedNonceKey, KeyError> {
    let key = blake3::derive_key("usher 2026 sealed feed: encryption", secret);
    RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(|_| KeyError::Unusable)
}

fn known(version: u32) -> Result<(), KeyError> {
    if version == 1 { Ok(()) } else { Err(KeyError::Version(version)) }
}

fn bytes(name: &'static str, text: &str) -> Result<[u8; 32], KeyError> {
    let decoded = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    decoded.ok_or(KeyError::Length(name))
}

fn written(file: &impl Serialize) -> String {
    // Strings and a number always can be written.
    toml::to_string(file).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written_and_never_shown() {
        let key = PublisherKey::of_random(&[7; 64]);
        let licence = key.licence().expect("a licence");
        assert_eq!(Licence::read(&licence.text()), Ok(licence.clone()));
        assert_eq!(Licence::of_bytes(&licence.to_bytes()), Some(licence.clone()));
        let again = PublisherKey::read(&key.text()).expect("a key").licence().expect("a licence");
        assert_eq!(again, licence);
        for shown in [format!("{licence:?}"), format!("{key:?}"), format!("{:?}", licence.matching())] {
            assert!(!shown.contains("7, 7") && shown.ends_with("(…)"), "{shown}");
        }
        assert!(!licence.text().contains(&STANDARD.encode([7; 32])[..20]) || licence.text().contains("feed"), "the seed is not in it");
    }

    #[test]
    fn who_signed_can_be_told() {
        let (one, other) = (PublisherKey::of_random(&[1; 64]), PublisherKey::of_random(&[2; 64]));
        let signature = one.sign(b"a feed").expect("signed");
        assert!(one.licence().expect("a licence").signed(b"a feed", &signature));
        assert!(!one.licence().expect("a licence").signed(b"a fee!", &signature));
        assert!(!other.licence().expect("a licence").signed(b"a feed", &signature));
    }

    #[test]
    fn what_is_no_key_says_what_is_wrong() {
        let sound = PublisherKey::of_random(&[1; 64]).licence().expect("a licence").text();
        for (text, words) in [
            ("", "it is no key file"),
            ("nonsense", "it is no key file"),
            (&sound.replace("version = 1", "version = 2"), "version 2"),
            (&sound.replace("feed = \"", "feed = \"AAAA"), "`feed` is not 32 bytes"),
            (&sound.replace("publisher = \"", "publisher = \"*"), "`publisher` is not 32 bytes"),
            (&format!("{sound}more = 1\n"), "it is no key file"),
        ] {
            let error = Licence::read(text).expect_err(text).to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn a_page_and_a_site_of_one_text_have_two_hashes() {
        let keys = PublisherKey::of_random(&[1; 64]).licence().expect("a licence").matching();
        assert_ne!(keys.hash(Scope::Page, b"a.example"), keys.hash(Scope::Site, b"a.example"));
        assert_ne!(keys.hash(Scope::Page, b"a.example")[..], blake3::hash(b"a.example").as_bytes()[..16]);
    }
}
