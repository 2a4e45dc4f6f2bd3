//! Connections to origins that a client has logged in (NTLM, Negotiate: RFC 4559 section 4).
//!
//! Such a login is the connection's, not a request's: whoever asks on it next is taken for the one who logged in. So it serves the client connection
//! it was logged in from, all of whose requests must come on it, and nobody else, and ends with it.

use super::pool::Origin;
use crate::policy::decision::Destination;
use parking_lot::Mutex;
use std::fmt;

/// The most of them that one client connection keeps. Who logs in to more at once logs in again.
const MOST: usize = 4;

/// Where one leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Far {
    /// Whether it speaks TLS.
    pub secure: bool,
    /// Whether it is the parent proxy's, which is reached by leave of its own.
    pub through_parent: bool,
    /// The destination, or the parent.
    pub to: Destination,
}

/// Those of one client connection.
#[derive(Default)]
pub struct Bound(Mutex<Vec<(Far, Origin)>>);

impl Bound {
    /// The one that leads there, if it is still open.
    #[must_use]
    pub fn take(&self, leads_there: impl Fn(&Far) -> bool) -> Option<Origin> {
        let mut kept = self.0.lock();
        let place = kept.iter().position(|(far, _)| leads_there(far))?;
        let (_, origin) = kept.swap_remove(place);
        (!origin.sender.is_closed()).then_some(origin)
    }

    /// Keeps one whose answer was read to its end.
    pub fn keep(&self, far: Far, origin: Origin) {
        let mut kept = self.0.lock();
        kept.retain(|(known, origin)| *known != far && !origin.sender.is_closed());
        if kept.len() >= MOST {
            kept.remove(0);
        }
        kept.push((far, Origin { used: true, ..origin }));
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} connections", self.0.lock().len())
    }
}
