//! TLS: what a client says first in a tunnel, and the certificates it is shown; who an origin is, and why it is not believed.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`hello`] | what a ClientHello says, read whole |
//! | [`ja4`] | which program said it |
//! | [`ca`] | the school's certificate authority |
//! | [`mint`] | one certificate for one host, signed |
//! | [`leaves`] | those that were minted |
//! | [`install`] | how devices are told to trust the authority |
//! | [`devices`] | which devices are known to trust the authority |
//! | [`pins`] | which programs take no certificate but a site's own |
//! | [`asking`] | which sites let in only who shows a certificate |
//! | [`origin`] | a handshake with an origin |
//! | [`refusal`] | why an origin is not believed; a new reason is a variant |
//! | [`exception`] | what the school accepts all the same |
//! | [`roots`] | whose word is taken for who an origin is |

pub mod asking;
pub mod ca;
mod der;
pub mod devices;
pub mod exception;
pub mod hello;
pub mod install;
pub mod ja4;
pub mod leaves;
pub mod mint;
pub mod origin;
pub mod pins;
pub mod refusal;
pub mod roots;
mod sessions;
mod verify;

use std::sync::{Arc, LazyLock};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};

/// The one provider of cryptography.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));
    PROVIDER.clone()
}
