//! Sessions with origins that may be resumed: a few a host, of so many hosts, for a while.
//!
//! Whoever resumes a session does not look at the certificate again. So a session is forgotten after [`HOLDS`], all of them go when who is trusted
//! changes (they belong to one verifier), and none is kept for a host that has an exception (its configuration has no store).
//!
//! rustls's own store would do but for the time, and for eight sessions a host, each with the origin's whole chain: a site with a thousand names could
//! have a gigabyte kept.

use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};
use tokio_rustls::rustls::NamedGroup;
use tokio_rustls::rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use tokio_rustls::rustls::pki_types::ServerName;

/// How long a session may be resumed.
pub const HOLDS: Duration = Duration::from_hours(4);
/// The most hosts of which sessions are kept. Some 6 KiB each; at worst, with the longest chains and tickets there are, 256, which makes 128 MiB.
const MOST_HOSTS: usize = 512;
/// The most sessions of one host. In TLS 1.3 each is good for one connection, and servers hand out two with each.
const MOST_OF_ONE: usize = 2;

/// The sessions.
#[derive(Default)]
pub(super) struct Sessions(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    hosts: HashMap<ServerName<'static>, OfHost>,
    /// By when they came, the oldest first.
    order: VecDeque<ServerName<'static>>,
}

#[derive(Default)]
struct OfHost {
    group: Option<NamedGroup>,
    tls12: Option<(Instant, Tls12ClientSessionValue)>,
    tls13: VecDeque<(Instant, Tls13ClientSessionValue)>,
}

impl Kept {
    /// What is kept of a host; another host goes if there are too many.
    fn of(&mut self, host: ServerName<'static>) -> &mut OfHost {
        if !self.hosts.contains_key(&host) {
            if self.hosts.len() >= MOST_HOSTS
                && let Some(oldest) = self.order.pop_front()
            {
                self.hosts.remove(&oldest);
            }
            self.order.push_back(host.clone());
        }
        self.hosts.entry(host).or_default()
    }
}

fn holds(since: Instant) -> bool {
    since.elapsed() < HOLDS
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, host: ServerName<'static>, group: NamedGroup) {
        self.0.lock().of(host).group = Some(group);
    }

    fn kx_hint(&self, host: &ServerName<'_>) -> Option<NamedGroup> {
        self.0.lock().hosts.get(&host.to_owned())?.group
    }

    fn set_tls12_session(&self, host: ServerName<'static>, session: Tls12ClientSessionValue) {
        let mut kept = self.0.lock();
        let of_host = kept.of(host);
        // Of one version or the other: a server that is asked for both speaks the newer.
        of_host.tls13.clear();
        of_host.tls12 = Some((Instant::now(), session));
    }

    fn tls12_session(&self, host: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        let kept = self.0.lock();
        let (since, session) = kept.hosts.get(&host.to_owned())?.tls12.as_ref()?;
        holds(*since).then(|| session.clone())
    }

    fn remove_tls12_session(&self, host: &ServerName<'static>) {
        if let Some(of_host) = self.0.lock().hosts.get_mut(host) {
            of_host.tls12 = None;
        }
    }

    fn insert_tls13_ticket(&self, host: ServerName<'static>, session: Tls13ClientSessionValue) {
        let mut kept = self.0.lock();
        let of_host = kept.of(host);
        of_host.tls12 = None;
        if of_host.tls13.len() >= MOST_OF_ONE {
            of_host.tls13.pop_front();
        }
        of_host.tls13.push_back((Instant::now(), session));
    }

    fn take_tls13_ticket(&self, host: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        // Each is given out once: the newest, and if that is too old, so are the others.
        let (since, session) = self.0.lock().hosts.get_mut(host)?.tls13.pop_back()?;
        holds(since).then_some(session)
    }
}

/// Sessions hold keys, so none is shown.
impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_hosts_are_kept_and_the_oldest_goes() {
        let sessions = Sessions::default();
        let name = |at: usize| ServerName::try_from(format!("s{at}.example")).expect("a name");
        for at in 0..3 * MOST_HOSTS {
            sessions.set_kx_hint(name(at), NamedGroup::X25519);
            sessions.set_kx_hint(name(at), NamedGroup::secp256r1);
        }
        let kept = sessions.0.lock();
        assert_eq!((kept.hosts.len(), kept.order.len()), (MOST_HOSTS, MOST_HOSTS));
        drop(kept);
        assert_eq!(sessions.kx_hint(&name(0)), None);
        assert_eq!(sessions.kx_hint(&name(3 * MOST_HOSTS - 1)), Some(NamedGroup::secp256r1));
    }
}
