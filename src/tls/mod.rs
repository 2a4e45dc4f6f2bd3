//! Inside TLS: the school's certificate authority, and the certificates that browsers are shown in its name.
//!
//! [`ca`] keeps the authority, [`mint`] signs one certificate for one host, [`leaves`] keeps those that were minted, [`install`] says how devices are
//! told to trust the authority.

pub mod ca;
mod der;
pub mod install;
pub mod leaves;
pub mod mint;

use std::sync::Arc;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};

/// The one provider of cryptography.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
