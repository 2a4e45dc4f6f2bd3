//! Hosts files: an address, then one or more names. Each name stands for itself alone, as in the file's own meaning.
//!
//! The addresses that block (`0.0.0.0`, `127.0.0.1`, `::`, `::1`) are taken; a line that maps a name to a real address is refused.
//! The names every hosts file has (`localhost` and its kin) are no entries.

use super::without_comment;
use crate::lists::entry::{self, Listed, Refusal};
use std::net::IpAddr;

/// Names of the machine itself, not of a site.
const OWN_NAMES: [&str; 13] = [
    "localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes",
    "ip6-allrouters", "ip6-allhosts", "0.0.0.0", "::1",
];

/// Reads one line.
pub fn read_line(line: &str, take: &mut dyn FnMut(Result<Listed, Refusal>)) {
    let mut words = without_comment(line).split_ascii_whitespace();
    let Some(address) = words.next() else { return };
    if words.clone().next().is_none() {
        return take(Err(if address.parse::<IpAddr>().is_ok() { Refusal::AddressAlone } else { Refusal::NotAHost }));
    }
    match address.split('%').next().unwrap_or_default().parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() || address.is_loopback() => {
            words.filter(|name| !OWN_NAMES.contains(name)).for_each(|name| take(entry::exact(name)));
        }
        // The entries every hosts file has for the machine itself: fe80::1%lo0, ff00::0, 255.255.255.255.
        Ok(_) if words.clone().all(|name| OWN_NAMES.contains(&name)) => {}
        Ok(_) => take(Err(Refusal::RealServer)),
        Err(_) => take(Err(Refusal::NotAHost)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::lists::formats::{Format, check};

    #[test]
    fn lines() {
        let exact = |text: &str| Ok(Listed::Exact(Host::parse(text).expect("a host")));
        check(
            Format::Hosts,
            &[
                ("", &[]),
                ("# a comment", &[]),
                ("0.0.0.0 games.example", &[exact("games.example")]),
                ("127.0.0.1\tgames.example  www.games.example # why", &[exact("games.example"), exact("www.games.example")]),
                (":: games.example", &[exact("games.example")]),
                ("127.0.0.1 localhost", &[]),
                ("fe80::1%lo0 localhost", &[]),
                ("255.255.255.255 broadcasthost", &[]),
                ("0.0.0.0 0.0.0.0", &[]),
                ("203.0.113.9 games.example", &[Err(Refusal::RealServer)]),
                ("games.example", &[Err(Refusal::NotAHost)]),
                ("0.0.0.0 com", &[Err(Refusal::TopLevel)]),
                ("203.0.113.9", &[Err(Refusal::AddressAlone)]),
                ("0.0.0.0 # why", &[Err(Refusal::AddressAlone)]),
            ],
        );
    }
}
