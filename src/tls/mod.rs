//! TLS: what a client says first in a tunnel, and who it is by that; who an origin is, and why it is not believed.
//!
//! A new protocol told by its first bytes is a row in [`first`]; a new field of a hello is one in [`hello::Hello`]. A new reason to refuse an origin is a
//! variant of [`refusal::Refusal`]; one that the school may accept all the same is one of [`exception::Accept`].

use std::sync::{Arc, LazyLock};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};

pub mod exception;
pub mod first;
pub mod hello;
pub mod ja4;
pub mod origin;
pub mod refusal;
pub mod roots;
mod sessions;
mod verify;

/// The one provider of cryptography.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));
    PROVIDER.clone()
}
