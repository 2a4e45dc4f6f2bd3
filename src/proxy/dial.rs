//! From a destination to a connection: resolve once, check every address, connect to a checked one.
//!
//! Addresses of both families are tried in turn, the next 250 ms after the last (RFC 8305), and the first that answers is used.

use super::guard::{Forbidden, Guard};
use super::limits::{ADDRESSES, NEXT_ADDRESS};
use super::names::{KnownNames, Names};
use crate::host::Host;
use crate::policy::decision::Destination;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Why no connection was made.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The name leads to no address.
    #[error("the name {host} cannot be resolved: {error}")]
    Resolve {
        /// The name.
        host: Host,
        /// What the resolver said.
        error: String,
    },
    /// Every address it leads to is refused.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// No address answered.
    #[error("{host} cannot be reached: {error}")]
    Connect {
        /// The host.
        host: Host,
        /// What the last attempt said.
        error: io::Error,
    },
    /// It took too long.
    #[error("{0} did not answer in time")]
    TimedOut(Host),
}

/// A connection to an origin.
pub struct Dialled {
    /// The connection.
    pub tcp: TcpStream,
    /// The address at its far end.
    pub address: SocketAddr,
}

/// Makes connections.
pub struct Dialer {
    names: Names,
    guard: Guard,
    limit: Duration,
}

impl Dialer {
    /// A dialer that asks the system's name servers for what is not in `names`.
    ///
    /// # Errors
    /// If the system's resolver settings cannot be read.
    pub fn new(names: Arc<KnownNames>, guard: Guard, limit: Duration) -> Result<Self, String> {
        Ok(Self { names: Names::new(names, limit)?, guard, limit })
    }

    /// Connects to a destination that was decided on: to an address of the name it is looked up as, and to none else if that name has none.
    pub async fn dial(&self, to: &Destination) -> Result<Dialled, DialError> {
        timeout(self.limit, self.dial_unlimited(to)).await.unwrap_or_else(|_| Err(DialError::TimedOut(to.host.clone())))
    }

    async fn dial_unlimited(&self, to: &Destination) -> Result<Dialled, DialError> {
        let addresses = self.checked(&self.names.resolve(to.looked_up()).await?, to.port)?;
        self.connect_checked(to, addresses).await
    }

    /// Connects to the parent proxy: whoever set it may set it to any address but Usher's own.
    pub(super) async fn dial_parent(&self, parent: &Destination) -> Result<Dialled, DialError> {
        timeout(self.limit, self.dial_parent_unlimited(parent)).await.unwrap_or_else(|_| Err(DialError::TimedOut(parent.host.clone())))
    }

    async fn dial_parent_unlimited(&self, parent: &Destination) -> Result<Dialled, DialError> {
        let found = self.names.resolve(&parent.host).await?;
        let addresses: Vec<_> = found.iter().take(ADDRESSES).map(|ip| SocketAddr::new(ip.to_canonical(), parent.port)).collect();
        for address in &addresses {
            self.guard.check_own(*address)?;
        }
        self.connect_checked(parent, addresses).await
    }

    async fn connect_checked(&self, to: &Destination, addresses: Vec<SocketAddr>) -> Result<Dialled, DialError> {
        let fail = |error| DialError::Connect { host: to.host.clone(), error };
        let (tcp, address) = race(addresses).await.map_err(fail)?;
        self.guard.check_made(|| tcp.local_addr(), address)?;
        // Without it small writes wait for acknowledgements; failing to set it only costs time.
        let _ = tcp.set_nodelay(true);
        Ok(Dialled { tcp, address })
    }

    /// The addresses of a host that are known without asking anybody; empty if none is.
    pub(super) fn known(&self, host: &Host) -> Arc<[IpAddr]> {
        self.names.known(host)
    }

    /// Whether somebody else may be asked to connect to these addresses: not if every one of them is refused.
    pub(super) fn check_known(&self, known: &[IpAddr], port: u16) -> Result<(), Forbidden> {
        self.checked(known, port).map(drop)
    }

    /// The addresses that may be connected to, the families in turn, IPv6 first; an error if there are none.
    fn checked(&self, addresses: &[IpAddr], port: u16) -> Result<Vec<SocketAddr>, Forbidden> {
        let mut refused = None;
        let (mut v6, mut v4) = (Vec::new(), Vec::new());
        for ip in addresses {
            let address = SocketAddr::new(ip.to_canonical(), port);
            match self.guard.check(address) {
                Ok(()) if address.is_ipv6() => v6.push(address),
                Ok(()) => v4.push(address),
                Err(why) => refused = Some(why),
            }
        }
        let mut turns = Vec::new();
        let (mut v6, mut v4) = (v6.into_iter(), v4.into_iter());
        loop {
            let pair = [v6.next(), v4.next()];
            if pair == [None, None] || turns.len() >= ADDRESSES {
                break;
            }
            turns.extend(pair.into_iter().flatten());
        }
        match refused {
            Some(why) if turns.is_empty() => Err(why),
            Some(_) | None => Ok(turns),
        }
    }
}

async fn connect(address: SocketAddr) -> io::Result<(TcpStream, SocketAddr)> {
    Ok((TcpStream::connect(address).await?, address))
}

/// Connects to the first address that answers.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<(TcpStream, SocketAddr)> {
    if let [only] = addresses[..] {
        return connect(only).await;
    }
    let mut attempts = JoinSet::new();
    let mut left = addresses.into_iter();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name leads to no address");
    loop {
        let more = match left.next() {
            Some(address) => {
                attempts.spawn(connect(address));
                true
            }
            None => false,
        };
        tokio::select! {
            Some(done) = attempts.join_next() => match done {
                Ok(Ok(made)) => return Ok(made),
                Ok(Err(error)) => last = error,
                Err(error) => last = io::Error::other(error),
            },
            () = sleep(NEXT_ADDRESS), if more => {}
            else => return Err(last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn dialer(names: &[(&str, &[&str])], allow: &[&str]) -> Dialer {
        let names = names.iter().map(|(name, ips)| (Host::parse(name).expect("a host"), ips.iter().map(|ip| ip.parse().expect("an address")).collect()));
        let guard = Guard::new(allow.iter().map(|net| net.parse().expect("a range")).collect(), vec![]);
        Dialer::new(Arc::new(KnownNames::new(names.collect())), guard, Duration::from_secs(5)).expect("a dialer")
    }

    fn to(host: &str, port: u16) -> Destination {
        Destination::new(Host::parse(host).expect("a host"), port)
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_and_a_mixed_one_leads_outside() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let port = listener.local_addr().expect("an address").port();
        let closed = dialer(&[("rebind.example", &["127.0.0.1"])], &[]);
        assert!(matches!(closed.dial(&to("rebind.example", port)).await, Err(DialError::Forbidden(_))));
        assert!(matches!(closed.dial(&to("127.0.0.1", port)).await, Err(DialError::Forbidden(_))));
        let open = dialer(&[("mixed.example", &["10.0.0.1", "169.254.169.254", "127.0.0.1"])], &["127.0.0.0/8"]);
        let made = open.dial(&to("mixed.example", port)).await.expect("the checked address is used");
        assert_eq!(made.address.port(), port);
    }

    #[tokio::test]
    async fn an_address_that_does_not_answer_gives_way_to_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let port = listener.local_addr().expect("an address").port();
        // Nothing listens on the IPv6 address; the IPv4 one answers.
        let both = dialer(&[("both.example", &["::1", "127.0.0.1"])], &["127.0.0.0/8", "::1/128"]);
        let made = both.dial(&to("both.example", port)).await.expect("connected");
        assert!(made.address.is_ipv4());
        let nothing = dialer(&[("down.example", &["127.0.0.1", "127.0.0.2"])], &["127.0.0.0/8"]);
        drop(listener);
        assert!(matches!(nothing.dial(&to("down.example", port)).await, Err(DialError::Connect { .. })));
    }

    #[tokio::test]
    async fn a_destination_is_reached_as_what_it_is_looked_up_as_or_not_at_all() {
        let listener = TcpListener::bind("127.0.0.2:0").await.expect("bound");
        let port = listener.local_addr().expect("an address").port();
        let names: [(&str, &[&str]); 4] =
            [("engine.example", &["127.0.0.1"]), ("safe.engine.example", &["127.0.0.2"]), ("gone.example", &[]), ("inside.example", &["10.0.0.1"])];
        let dialer = dialer(&names, &["127.0.0.0/8"]);
        let led = |name: &str| Destination { resolve_as: Some(Box::new(Host::parse(name).expect("a host"))), ..to("engine.example", port) };
        let made = dialer.dial(&led("safe.engine.example")).await.expect("the safe address");
        assert_eq!(made.address.to_string(), format!("127.0.0.2:{port}"));
        // The engine's own addresses are no way out where the safe name leads nowhere, or inside.
        let own = TcpListener::bind(("127.0.0.1", port)).await.expect("bound");
        assert!(dialer.dial(&to("engine.example", port)).await.is_ok());
        assert!(matches!(dialer.dial(&led("gone.example")).await, Err(DialError::Connect { .. })));
        assert!(matches!(dialer.dial(&led("inside.example")).await, Err(DialError::Forbidden(_))));
        drop(own);
    }

    #[test]
    fn families_take_turns() {
        let open = dialer(&[], &["::/0", "0.0.0.0/0"]);
        let ips = ["10.0.0.1", "10.0.0.2", "2001:db8::1"].map(|ip| ip.parse().expect("an address"));
        let turns = open.checked(&ips, 80).expect("allowed");
        assert_eq!(turns.iter().map(ToString::to_string).collect::<Vec<_>>(), ["[2001:db8::1]:80", "10.0.0.1:80", "10.0.0.2:80"]);
    }
}
