//! What Usher asks itself for, which is a sign of nothing. Pure.

/// What Usher asks itself for to see whether it blocks: a path that nobody without the secret of the installation can make, for one host.
#[derive(Clone)]
pub struct SelfTest([u8; 32]);

const TESTING: &str = "/usher-self-test/";

impl SelfTest {
    /// With the secret of the installation.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(blake3::derive_key("usher 2026 self-test", secret))
    }

    /// The path to ask this host for. The nonce is of letters and digits.
    #[must_use]
    pub fn path(&self, host: &str, nonce: &str) -> String {
        format!("{TESTING}{nonce}/{}", self.mac(host, nonce))
    }

    /// Whether it is one.
    #[must_use]
    pub fn is(&self, host: &str, path: &str) -> bool {
        path.strip_prefix(TESTING).and_then(|rest| rest.split_once('/')).is_some_and(|(nonce, mac)| self.mac(host, nonce) == mac)
    }

    fn mac(&self, host: &str, nonce: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(host.as_bytes()).update(&[0]).update(nonce.as_bytes());
        hasher.finalize().to_hex()[..32].to_owned()
    }
}
