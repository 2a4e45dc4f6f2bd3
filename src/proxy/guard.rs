//! Which addresses a pupil's request may be connected to. Pure.
//!
//! The address that is connected to is checked, after the name was resolved, so a name that points inside the school (DNS rebinding) gains
//! nothing. Refused: this machine, private and shared ranges, link-local (cloud metadata lives there), multicast, documentation and other
//! special-purpose ranges (IANA's registries, RFC 6890), and IPv6 forms that carry such an IPv4 address. A school allows its own
//! servers by range in `usher.toml`. Usher's own listeners are refused whatever is allowed.

use ipnet::IpNet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// Usher itself.
    #[error("{0} is Usher itself")]
    Own(SocketAddr),
    /// In a special range.
    #[error("{0} is {1}, which is not open from here; a technician can allow it under [destinations] in usher.toml")]
    Special(IpAddr, &'static str),
}

/// Decides about addresses.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    allow: Vec<IpNet>,
    own: Vec<SocketAddr>,
}

impl Guard {
    /// A guard that allows these ranges and protects these listeners.
    #[must_use]
    pub fn new(allow: Vec<IpNet>, own: Vec<SocketAddr>) -> Self {
        Self { allow, own }
    }

    /// Whether a connection to this address may be made.
    pub fn check(&self, address: SocketAddr) -> Result<(), Forbidden> {
        self.check_own(address)?;
        let ip = address.ip().to_canonical();
        if self.allow.iter().any(|net| net.contains(&ip)) {
            return Ok(());
        }
        special(ip).map_or(Ok(()), |what| Err(Forbidden::Special(ip, what)))
    }

    /// Whether an address is another's than Usher's own.
    pub fn check_own(&self, address: SocketAddr) -> Result<(), Forbidden> {
        let ip = address.ip().to_canonical();
        let here = |own: &SocketAddr| own.port() == address.port() && (own.ip().to_canonical() == ip || own.ip().is_unspecified() && ip.is_loopback());
        if self.own.iter().any(here) { Err(Forbidden::Own(address)) } else { Ok(()) }
    }

    /// Whether a connection that was made leads to this machine's own listener: the far end has our own address and a port we listen on at
    /// any address. Known only once it is made.
    pub fn check_made(&self, near: impl FnOnce() -> io::Result<SocketAddr>, far: SocketAddr) -> Result<(), Forbidden> {
        let ours = self.own.iter().any(|own| own.ip().is_unspecified() && own.port() == far.port());
        // Asked only where it matters; who cannot tell the near end is not trusted with the far one.
        if ours && near().map_or(true, |near| near.ip() == far.ip()) { Err(Forbidden::Own(far)) } else { Ok(()) }
    }
}

/// What is special about an address, if anything is.
fn special(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => special_v4(ip),
        IpAddr::V6(ip) => special_v6(ip),
    }
}

fn special_v4(ip: Ipv4Addr) -> Option<&'static str> {
    match ip.octets() {
        [0, ..] => Some("an address of this network"),
        [127, ..] => Some("this machine"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("a private address"),
        [100, 64..=127, ..] => Some("a shared address"),
        [169, 254, ..] => Some("a link-local address"),
        [192, 0, 0, _] | [192, 88, 99, _] => Some("a protocol address"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Some("a documentation address"),
        [198, 18..=19, ..] => Some("a benchmark address"),
        [224..=239, ..] => Some("a multicast address"),
        [240..=255, ..] => Some("a reserved address"),
        _ => None,
    }
}

fn special_v6(ip: Ipv6Addr) -> Option<&'static str> {
    let embedded = |a: u16, b: u16| special_v4(Ipv4Addr::from(u32::from(a) << 16 | u32::from(b)));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("an unspecified address"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("this machine"),
        // IPv4-compatible (RFC 4291, deprecated), NAT64 (RFC 6052) and 6to4 (RFC 3056) lead to the IPv4 address they carry.
        [0, 0, 0, 0, 0, 0, a, b] | [0x64, 0xff9b, 0, 0, 0, 0, a, b] | [0x2002, a, b, ..] => embedded(a, b),
        [0x64, 0xff9b, 1, ..] => Some("a local translation address"),
        [0x100, 0, 0, 0, ..] => Some("a discard address"),
        [0x2001, 0..=0x1ff, ..] => Some("a protocol address"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some("a documentation address"),
        [0xfc00..=0xfdff, ..] => Some("a private address"),
        [0xfe80..=0xfebf, ..] => Some("a link-local address"),
        [0xfec0..=0xfeff, ..] => Some("a site-local address"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn inside_addresses_are_refused_in_every_form() {
        let guard = Guard::default();
        for refused in [
            "127.0.0.1:80", "127.9.9.9:80", "0.0.0.0:80", "10.0.0.1:80", "172.16.0.1:80", "172.31.255.255:80", "192.168.1.1:80", "169.254.169.254:80",
            "100.64.0.1:80", "192.0.2.1:80", "198.18.0.1:80", "224.0.0.1:80", "255.255.255.255:80", "[::]:80", "[::1]:80", "[::ffff:127.0.0.1]:80",
            "[::ffff:169.254.169.254]:80", "[::7f00:1]:80", "[64:ff9b::10.0.0.1]:80", "[2002:a00:1::1]:80", "[2001::1]:80", "[2001:db8::1]:80",
            "[fd00:ec2::254]:80", "[fe80::1]:80", "[fec0::1]:80", "[ff02::1]:80",
        ] {
            assert!(guard.check(address(refused)).is_err(), "{refused}");
        }
        for open in
            ["93.184.216.34:80", "172.15.0.1:80", "172.32.0.1:80", "100.63.0.1:80", "[2606:4700::1111]:443", "[64:ff9b::8.8.8.8]:80", "[2001:4860::1]:80"]
        {
            assert_eq!(guard.check(address(open)), Ok(()), "{open}");
        }
    }

    #[test]
    fn a_school_opens_its_own_servers_but_never_the_proxy() {
        let guard = Guard::new(
            vec!["10.1.0.0/16".parse().expect("a range"), "127.0.0.0/8".parse().expect("a range")],
            vec![address("127.0.0.1:3128"), address("0.0.0.0:3129")],
        );
        assert_eq!(guard.check(address("10.1.2.3:80")), Ok(()));
        assert!(guard.check(address("10.2.2.3:80")).is_err());
        assert_eq!(guard.check(address("127.0.0.1:80")), Ok(()));
        for own in ["127.0.0.1:3128", "127.0.0.1:3129", "[::ffff:127.0.0.1]:3128"] {
            assert_eq!(guard.check(address(own)), Err(Forbidden::Own(address(own))), "{own}");
        }
        let near = || Ok(address("10.1.0.5:50000"));
        assert!(guard.check_made(near, address("10.1.0.5:3129")).is_err());
        assert_eq!(guard.check_made(near, address("10.1.0.6:3129")), Ok(()));
    }
}
