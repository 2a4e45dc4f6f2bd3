//! TLS: what a client says first in a tunnel, and who it is by that.
//!
//! A new protocol told by its first bytes is a row in [`first`]; a new field of a hello is one in [`hello::Hello`].

pub mod first;
pub mod hello;
pub mod ja4;
