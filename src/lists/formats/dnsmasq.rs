//! Settings of dnsmasq that block names: `address=/name/`, `local=/name/`, `server=/name/`, several names between the slashes if need be.
//!
//! A name covers itself and all names below it, as there. `address` with an address that leads nowhere (`0.0.0.0`, `::`, `127.0.0.1`, `::1`,
//! `#`) or with none blocks; `local` and `server` block only with nothing after the last slash, since a server that is named answers.

use super::without_comment;
use crate::lists::entry::{self, Listed, Refusal};
use std::net::IpAddr;

/// Reads one line.
pub fn read_line(line: &str, take: &mut dyn FnMut(Result<Listed, Refusal>)) {
    // A `#` that is no comment stands after a slash, so no white space comes before it.
    let line = without_comment(line);
    if line.is_empty() {
        return;
    }
    let (setting, value) = line.split_once('=').unwrap_or((line, ""));
    let blocks: fn(&str) -> bool = match setting.trim() {
        "address" => leads_nowhere,
        "local" | "server" => str::is_empty,
        _ => return take(Err(Refusal::OtherSetting)),
    };
    let Some((names, target)) = value.trim().strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) else {
        return take(Err(Refusal::OtherSetting));
    };
    if !blocks(target) {
        return take(Err(Refusal::RealServer));
    }
    for name in names.split('/') {
        take(if name == "#" { Err(Refusal::EveryName) } else { name_of(name) });
    }
}

/// A range of addresses cannot stand between slashes, and an address is a name for nobody.
fn name_of(text: &str) -> Result<Listed, Refusal> {
    match entry::name(text)? {
        Listed::Network(_) => Err(Refusal::NotAHost),
        entry => Ok(entry),
    }
}

fn leads_nowhere(target: &str) -> bool {
    matches!(target, "" | "#") || target.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified() || address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::lists::formats::{Format, check};

    #[test]
    fn lines() {
        let name = |text: &str| Ok(Listed::Name(Host::parse(text).expect("a host")));
        check(
            Format::Dnsmasq,
            &[
                ("", &[]),
                ("# a comment", &[]),
                ("address=/games.example/", &[name("games.example")]),
                ("address=/games.example/0.0.0.0", &[name("games.example")]),
                ("address=/games.example/:: # why", &[name("games.example")]),
                ("address=/games.example/#", &[name("games.example")]),
                ("address=/a.example/b.example/127.0.0.1", &[name("a.example"), name("b.example")]),
                ("local=/games.example/", &[name("games.example")]),
                ("server=/games.example/", &[name("games.example")]),
                ("server=/*.games.example/", &[name("games.example")]),
                ("address=/games.example/203.0.113.9", &[Err(Refusal::RealServer)]),
                ("server=/games.example/127.0.0.1#5353", &[Err(Refusal::RealServer)]),
                ("server=/games.example/#", &[Err(Refusal::RealServer)]),
                ("local=/games.example/192.0.2.1", &[Err(Refusal::RealServer)]),
                ("address=/#/", &[Err(Refusal::EveryName)]),
                ("local=//", &[Err(Refusal::NotAHost)]),
                ("address=/com/", &[Err(Refusal::TopLevel)]),
                ("local=/10.0.0.1/", &[Err(Refusal::NotAHost)]),
                ("server=9.9.9.9", &[Err(Refusal::OtherSetting)]),
                ("address=games.example", &[Err(Refusal::OtherSetting)]),
                ("cache-size=1000", &[Err(Refusal::OtherSetting)]),
                ("games.example", &[Err(Refusal::OtherSetting)]),
            ],
        );
    }
}
