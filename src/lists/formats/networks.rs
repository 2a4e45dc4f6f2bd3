//! Addresses and ranges of them, IPv4 and IPv6: `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `203.0.113.7`, `10.0.0.1-10.0.0.9`.
//!
//! A range from one address to another becomes the fewest networks that are together just that. Comments begin with `#` or `;`. What is listed
//! is an address that stands in a URL in place of a name; which addresses a name leads to is no matter of lists.

use super::without_comment;
use crate::lists::entry::{self, Listed, Refusal};
use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Subnets};
use std::net::{IpAddr, Ipv4Addr};

/// Reads one line.
pub fn read_line(line: &str, take: &mut dyn FnMut(Result<Listed, Refusal>)) {
    let line = without_comment(line.split(';').next().unwrap_or_default());
    if line.is_empty() {
        return;
    }
    match networks(line) {
        Ok(networks) => networks.into_iter().for_each(|net| take(Ok(Listed::Network(entry::canonical(net))))),
        Err(reason) => take(Err(reason)),
    }
}

/// The networks a text stands for.
pub fn networks(text: &str) -> Result<Vec<IpNet>, Refusal> {
    if let Ok(net) = text.parse::<IpNet>() {
        return Ok(vec![net]);
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(vec![address.into()]);
    }
    if let Some((from, to)) = text.split_once('-') {
        return range(from.trim(), to.trim());
    }
    masked(text).map(|net| vec![net]).ok_or(Refusal::NotANetwork)
}

fn range(from: &str, to: &str) -> Result<Vec<IpNet>, Refusal> {
    let address = |text: &str| text.parse::<IpAddr>().map(|address| address.to_canonical()).map_err(|_| Refusal::NotANetwork);
    match (address(from)?, address(to)?) {
        (IpAddr::V4(from), IpAddr::V4(to)) if from <= to => Ok(Ipv4Subnets::new(from, to, 0).map(IpNet::from).collect()),
        (IpAddr::V6(from), IpAddr::V6(to)) if from <= to => Ok(Ipv6Subnets::new(from, to, 0).map(IpNet::from).collect()),
        (IpAddr::V4(_) | IpAddr::V6(_), _) => Err(Refusal::BackwardRange),
    }
}

/// `10.0.0.0/255.0.0.0`.
fn masked(text: &str) -> Option<IpNet> {
    let (address, mask) = text.split_once('/')?;
    Ipv4Net::with_netmask(address.parse::<Ipv4Addr>().ok()?, mask.parse().ok()?).ok().map(IpNet::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::formats::{Format, check};

    #[test]
    fn lines() {
        let net = |text: &str| Ok(Listed::Network(text.parse().expect("a net")));
        check(
            Format::Networks,
            &[
                ("", &[]),
                ("# a comment", &[]),
                ("; a comment", &[]),
                ("203.0.113.7", &[net("203.0.113.7/32")]),
                ("203.0.113.0/24 ; SBL123", &[net("203.0.113.0/24")]),
                ("203.0.113.9/24 # why", &[net("203.0.113.0/24")]),
                ("10.0.0.0/255.0.0.0", &[net("10.0.0.0/8")]),
                ("2001:db8::1", &[net("2001:db8::1/128")]),
                ("2001:db8::/32", &[net("2001:db8::/32")]),
                ("::ffff:10.0.0.1", &[net("10.0.0.1/32")]),
                ("10.0.0.1-10.0.0.4", &[net("10.0.0.1/32"), net("10.0.0.2/31"), net("10.0.0.4/32")]),
                ("10.0.0.0 - 10.0.1.255", &[net("10.0.0.0/23")]),
                ("10.0.0.7-10.0.0.7", &[net("10.0.0.7/32")]),
                ("2001:db8::-2001:db8::ffff", &[net("2001:db8::/112")]),
                ("10.0.0.9-10.0.0.1", &[Err(Refusal::BackwardRange)]),
                ("10.0.0.1-2001:db8::1", &[Err(Refusal::BackwardRange)]),
                ("10.0.0.1-", &[Err(Refusal::NotANetwork)]),
                ("10.0.0.0/33", &[Err(Refusal::NotANetwork)]),
                ("10.0.0.0/255.0.255.0", &[Err(Refusal::NotANetwork)]),
                ("127.1", &[Err(Refusal::NotANetwork)]),
                ("games.example", &[Err(Refusal::NotANetwork)]),
                ("my-games.example", &[Err(Refusal::NotANetwork)]),
            ],
        );
    }
}
