//! The leaves that were minted: what a TLS server needs for a host, ready for the next connection to it.
//!
//! Bounded, with the leaves not asked for lately going first. A leaf is minted under the lock of its part of the cache, so that many who ask for one host
//! at once wait for one mint; 0.03 ms with an authority on P-256. With RSA it takes up to 5 ms: there [`Leaves::kept`] is asked first, and
//! [`Leaves::of`] on a thread that may wait.

use super::ca::{Authority, Certificate};
use super::mint::{LeafKey, MintError, mint};
use crate::host::Host;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use tokio_rustls::rustls::crypto::aws_lc_rs::Ticketer;
use tokio_rustls::rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{self, ServerConfig};

/// Parts of the cache, each with a lock of its own.
const PARTS: usize = 16;
/// The most hosts whose leaves are kept: more than a school visits in a day.
const MOST_HOSTS: usize = 8192;

/// Why no leaves can be minted at all.
#[derive(Debug, thiserror::Error)]
pub enum LeavesError {
    /// There is no key for them.
    #[error("there is no key for certificates: {0}")]
    Key(#[from] MintError),
    /// TLS cannot be served.
    #[error("TLS cannot be served: {0}")]
    Tls(#[from] rustls::Error),
}

/// The leaves of one process.
pub struct Leaves {
    key: LeafKey,
    reign: ArcSwap<Reign>,
    parts: [Mutex<Part>; PARTS],
    choose: RandomState,
    room: usize,
}

/// What holds while one authority signs.
struct Reign {
    authority: Arc<Authority>,
    /// What the configurations of all hosts share: versions, protocols, the keys of session tickets.
    base: ServerConfig,
}

impl Leaves {
    /// None yet; `authority` signs them.
    ///
    /// # Errors
    /// If the library has no key or no randomness.
    pub fn new(authority: Arc<Authority>) -> Result<Self, LeavesError> {
        Self::with_room(authority, MOST_HOSTS)
    }

    /// The same, for so many hosts at most.
    ///
    /// # Errors
    /// As with [`Leaves::new`].
    pub fn with_room(authority: Arc<Authority>, hosts: usize) -> Result<Self, LeavesError> {
        let reign = ArcSwap::from_pointee(Reign::new(authority)?);
        Ok(Self { key: LeafKey::generate()?, reign, parts: Default::default(), choose: RandomState::new(), room: hosts.div_ceil(PARTS).max(1) })
    }

    /// What a server of this host needs, if it is ready and nobody is minting in its part of the cache.
    #[must_use]
    pub fn kept(&self, host: &Host, now: Timestamp) -> Option<Arc<ServerConfig>> {
        self.part(host).try_lock()?.get(host, now)
    }

    /// Whether to mint takes so long that others should not wait meanwhile.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.reign.load().authority.is_slow()
    }

    /// What a server of this host needs, minted if need be. A leaf is minted anew at half of its life.
    ///
    /// # Errors
    /// If the authority cannot sign for the host.
    pub fn of(&self, host: &Host, now: Timestamp) -> Result<Arc<ServerConfig>, MintError> {
        let mut part = self.part(host).lock();
        if let Some(kept) = part.get(host, now) {
            return Ok(kept);
        }
        // Read under the lock: a new authority clears this part after it is in force, so nothing of the old is put in behind it.
        let reign = self.reign.load();
        let leaf = mint(&reign.authority, &self.key, host, now)?;
        let mut config = reign.base.clone();
        config.cert_resolver = Arc::new(SingleCertAndKey::from(CertifiedKey::new(leaf.chain, self.key.signing())));
        let (config, anew) = (Arc::new(config), now + (leaf.until.duration_since(now) / 2));
        part.put(Slot { host: host.clone(), config: config.clone(), anew, asked: false }, self.room);
        Ok(config)
    }

    /// Lets another authority sign. Every leaf of the one before goes, and with it every session that could be resumed.
    ///
    /// # Errors
    /// If the library has no randomness; then the one before still signs.
    pub fn replace(&self, authority: Arc<Authority>) -> Result<(), LeavesError> {
        self.reign.store(Arc::new(Reign::new(authority)?));
        self.parts.iter().for_each(|part| *part.lock() = Part::default());
        Ok(())
    }

    /// Whether the authority with this certificate signs.
    #[must_use]
    pub fn is_signed_by(&self, certificate: &Certificate) -> bool {
        self.reign.load().authority.own().sha256() == certificate.sha256()
    }

    /// How many hosts have a leaf ready.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.lock().slots.len()).sum()
    }

    /// Whether no host has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn part(&self, host: &Host) -> &Mutex<Part> {
        let hash = self.choose.hash_one(host);
        &self.parts[usize::try_from(hash % PARTS as u64).unwrap_or_default()]
    }
}

impl Reign {
    fn new(authority: Arc<Authority>) -> Result<Self, LeavesError> {
        let builder = ServerConfig::builder_with_provider(super::provider()).with_safe_default_protocol_versions()?;
        let mut base = builder.with_no_client_auth().with_cert_resolver(Arc::new(Nobody));
        // What is served inside.
        base.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // A ticket holds the session, encrypted, so nothing of it is kept here. It is good for the host it was given for only: rustls compares names.
        base.ticketer = Ticketer::new()?;
        base.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self { authority, base })
    }
}

/// Stands where each host's own certificate will.
#[derive(Debug)]
struct Nobody;

impl ResolvesServerCert for Nobody {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

/// One part of the cache. What is asked for again is passed over once when room is made (the clock algorithm).
#[derive(Default)]
struct Part {
    places: HashMap<Host, usize>,
    slots: Vec<Slot>,
    hand: usize,
}

struct Slot {
    host: Host,
    config: Arc<ServerConfig>,
    /// From when it is minted anew.
    anew: Timestamp,
    asked: bool,
}

impl Part {
    fn get(&mut self, host: &Host, now: Timestamp) -> Option<Arc<ServerConfig>> {
        let slot = &mut self.slots[*self.places.get(host)?];
        slot.asked = true;
        (now < slot.anew).then(|| slot.config.clone())
    }

    fn put(&mut self, slot: Slot, room: usize) {
        let place = match self.places.get(&slot.host) {
            Some(place) => *place,
            None if self.slots.len() < room => {
                self.places.insert(slot.host.clone(), self.slots.len());
                self.slots.push(slot);
                return;
            }
            None => self.freed(),
        };
        self.places.insert(slot.host.clone(), place);
        self.slots[place] = slot;
    }

    /// The place of a host that was not asked for lately, which is forgotten.
    fn freed(&mut self) -> usize {
        loop {
            let place = self.hand;
            self.hand = (self.hand + 1) % self.slots.len();
            let slot = &mut self.slots[place];
            if !std::mem::take(&mut slot.asked) {
                self.places.remove(&slot.host);
                return place;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ca::tests::made;
    use super::*;
    use jiff::SignedDuration;
    use std::sync::Barrier;

    fn authority(name: &str) -> Arc<Authority> {
        Arc::new(made(name, &["bank.example"]).authority().expect("ready"))
    }

    fn host(name: &str) -> Host {
        Host::parse(name).expect("a host")
    }

    #[test]
    fn a_hundred_who_ask_at_once_get_the_one_leaf() {
        let (leaves, now, all) = (Leaves::new(authority("a")).expect("leaves"), Timestamp::now(), Barrier::new(100));
        let got: Vec<_> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..100)
                .map(|_| {
                    scope.spawn(|| {
                        all.wait();
                        leaves.of(&host("news.example"), now).expect("minted")
                    })
                })
                .collect();
            asking.into_iter().map(|one| one.join().expect("no panic")).collect()
        });
        assert!(got.iter().all(|one| Arc::ptr_eq(one, &got[0])), "minted once");
        assert_eq!(leaves.len(), 1);
        assert!(leaves.kept(&host("news.example"), now).is_some() && leaves.kept(&host("other.example"), now).is_none());
    }

    #[test]
    fn nobody_waits_for_a_leaf_that_another_is_minting() {
        let (leaves, now, news) = (Leaves::new(authority("a")).expect("leaves"), Timestamp::now(), host("news.example"));
        leaves.of(&news, now).expect("minted");
        let minting = leaves.part(&news).lock();
        assert!(leaves.kept(&news, now).is_none(), "and no wait");
        drop(minting);
        assert!(leaves.kept(&news, now).is_some() && !leaves.is_slow());
    }

    #[test]
    fn there_are_never_more_than_there_is_room_for_and_the_busy_ones_stay() {
        let (leaves, now) = (Leaves::with_room(authority("a"), 64).expect("leaves"), Timestamp::now());
        let busy = host("busy.example");
        let first = leaves.of(&busy, now).expect("minted");
        for number in 0..500 {
            leaves.of(&host(&format!("site-{number}.example")), now).expect("minted");
            assert!(Arc::ptr_eq(&first, &leaves.of(&busy, now).expect("kept")), "after {number}");
            assert!(leaves.len() <= 64);
        }
        assert_eq!(leaves.len(), 64);
    }

    #[test]
    fn a_leaf_is_minted_anew_at_half_of_its_life() {
        let (leaves, now, news) = (Leaves::new(authority("a")).expect("leaves"), Timestamp::now(), host("news.example"));
        let hours = |hours: i64| now + SignedDuration::from_hours(hours);
        let first = leaves.of(&news, now).expect("minted");
        assert!(Arc::ptr_eq(&first, &leaves.of(&news, hours(83)).expect("kept")));
        assert!(leaves.kept(&news, hours(85)).is_none());
        let second = leaves.of(&news, hours(85)).expect("minted");
        assert!(!Arc::ptr_eq(&first, &second) && leaves.len() == 1);
    }

    #[test]
    fn another_authority_clears_all() {
        let (leaves, now, news) = (Leaves::new(authority("a")).expect("leaves"), Timestamp::now(), host("news.example"));
        let first = leaves.of(&news, now).expect("minted");
        leaves.replace(authority("b")).expect("replaced");
        assert!(leaves.is_empty());
        let second = leaves.of(&news, now).expect("minted");
        assert!(!Arc::ptr_eq(&first, &second) && !Arc::ptr_eq(&first.ticketer, &second.ticketer), "sessions of the first are not resumed");
    }

    #[test]
    fn what_cannot_be_minted_is_not_kept() {
        let leaves = Leaves::new(authority("a")).expect("leaves");
        assert!(matches!(leaves.of(&host("www.bank.example"), Timestamp::now()), Err(MintError::Barred(_))));
        assert!(leaves.is_empty());
    }

    #[test]
    fn all_hosts_share_what_can_be_shared() {
        let (leaves, now) = (Leaves::new(authority("a")).expect("leaves"), Timestamp::now());
        let (one, other) = (leaves.of(&host("a.example"), now).expect("minted"), leaves.of(&host("b.example"), now).expect("minted"));
        assert!(Arc::ptr_eq(&one.ticketer, &other.ticketer) && one.ticketer.enabled());
        assert_eq!(one.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
        assert_eq!(one.max_early_data_size, 0, "what is sent early can be sent again by others");
    }
}
