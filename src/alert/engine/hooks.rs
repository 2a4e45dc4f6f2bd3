//! What else has a say while records are weighed.

use crate::alert::seen::Seen;
use crate::alert::signal::Signal;
use crate::alert::suppress::Held;
use crate::alert::theme::Theme;
use crate::audit::erasure::gone::Gone;
use crate::audit::incident::{Act, Level, Person};
use std::net::IpAddr;
use std::time::Duration;

/// What else has a say. The default says nothing.
pub trait Hooks: Send {
    /// This is stated; at the start all that ever was.
    fn stated(&mut self, _number: u64, _at_ms: i64, _act: &Act) {}

    /// How far a signal is held back, if it is.
    fn held(&mut self, _seen: &Seen<'_>, _signal: &Signal) -> Option<Held> {
        None
    }

    /// The school's rules that hold now, with what they come to.
    fn rules(&mut self, _seen: &Seen<'_>) -> Vec<(Theme, Level, Box<str>)> {
        Vec::new()
    }

    /// That somebody's access is to be restricted, if this record is one too many.
    fn limits(&mut self, _seen: &Seen<'_>) -> Option<Act> {
        None
    }

    /// How far back rules and limits look: after a start they are shown so much of the record again, at most two hours.
    fn looks_back(&self) -> Duration {
        Duration::ZERO
    }

    /// A person's records are erased: nothing is remembered of them any more. Who it is, `is_it` knows.
    fn erased(&mut self, _is_it: &dyn Fn(&Person) -> bool, _gone: &Gone) {}

    /// Whether whoever is told of matters of one theme is told of those of the other, in the same way.
    fn tells_alike(&self, _one: Theme, _other: Theme) -> bool {
        true
    }

    /// Where this address is.
    fn place(&self, _client: IpAddr) -> Option<String> {
        None
    }
}

/// Has no say.
pub struct NoHooks;

impl Hooks for NoHooks {}
