//! TLS: what a client says first in a tunnel, and the certificates it is shown.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`first`] | what a tunnel's first bytes are, if not TLS; a new protocol is a row |
//! | [`hello`] | what a ClientHello says, read whole |
//! | [`ja4`] | which program said it |
//! | [`ca`] | the school's certificate authority |
//! | [`mint`] | one certificate for one host, signed |
//! | [`leaves`] | those that were minted |
//! | [`install`] | how devices are told to trust the authority |

pub mod ca;
mod der;
pub mod first;
pub mod hello;
pub mod install;
pub mod ja4;
pub mod leaves;
pub mod mint;

use std::sync::Arc;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};

/// The one provider of cryptography.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
