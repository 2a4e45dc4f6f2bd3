//! Response policy zones (draft-vixie-dnsop-dns-rpz): a DNS zone whose records say what a name server should refuse.
//!
//! | record | becomes |
//! | --- | --- |
//! | `games.example CNAME .`, `CNAME *.`, `CNAME rpz-drop.` | that name alone |
//! | `*.games.example CNAME .` | the name and all below it: most zones have both lines, and a zone with this one alone means the site |
//! | `games.example CNAME rpz-passthru.` (or itself) | an exception |
//! | `24.0.2.0.192.rpz-ip CNAME .`, `32.zz.db8.2001.rpz-ip` | a range of addresses, as it may stand in a URL in place of a name |
//! | SOA, NS, what signs the zone, `$TTL`, `$ORIGIN` | no entry |
//!
//! Refused by name: the triggers a proxy does not see (`rpz-client-ip`, `rpz-nsdname`, `rpz-nsip`), `rpz-tcp-only.`, answers of the zone's own (A,
//! AAAA, a CNAME to a real name), and names outside the zone. The zone's own name is that of its SOA record, or the first `$ORIGIN`.

use super::{LONGEST_LINE, Said};
use crate::lists::entry::{self, Listed, Refusal};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest record, all its lines together, in bytes.
const LONGEST_RECORD: usize = 4 * LONGEST_LINE;
/// Records that are about the zone itself.
const OF_THE_ZONE: [&str; 9] = ["NS", "DNSKEY", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DS", "CDS", "ZONEMD"];
/// Records that answer.
const ANSWERS: [&str; 10] = ["A", "AAAA", "TXT", "MX", "SRV", "PTR", "DNAME", "HTTPS", "SVCB", "CAA"];

type Take<'a> = dyn FnMut(u32, &str, Said) + 'a;

/// What earlier lines of a zone say about later ones.
#[derive(Default)]
pub struct Zone {
    /// What relative names are relative to, in lower case and without the final dot; not said yet: the zone itself.
    origin: Option<String>,
    /// The zone's own name, in the same spelling.
    apex: Option<String>,
    /// The owner of the record before, for records that leave theirs out.
    owner: Option<String>,
    record: Record,
}

/// A record that is being read; one in parentheses goes over several lines.
#[derive(Default)]
struct Record {
    words: Vec<String>,
    /// The line it begins on, and what is there.
    line: u32,
    text: String,
    /// White space came first, so the owner is left out.
    ownerless: bool,
    open: bool,
    bytes: usize,
}

impl Record {
    fn add(&mut self, number: u32, line: &str) {
        if !self.open {
            *self = Self { line: number, text: line.to_owned(), ownerless: line.starts_with([' ', '\t']), ..Self::default() };
        }
        self.bytes += line.len();
        if self.bytes > LONGEST_RECORD {
            self.words.clear();
        }
        let mut word = String::new();
        let mut quoted = false;
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                _ if quoted => word.push(c),
                ';' => break,
                '(' | ')' => {
                    self.open = c == '(';
                    self.end_word(&mut word);
                }
                _ if c.is_whitespace() => self.end_word(&mut word),
                _ => word.push(c),
            }
        }
        self.end_word(&mut word);
    }

    fn end_word(&mut self, word: &mut String) {
        if !word.is_empty() {
            self.words.push(std::mem::take(word));
        }
    }
}

impl Zone {
    /// Reads one line, with the white space it begins with.
    pub fn line(&mut self, number: u32, line: &str, take: &mut Take<'_>) {
        self.record.add(number, line);
        if !self.record.open {
            self.close(take);
        }
    }

    /// The end of the file: a record still open is refused.
    pub fn end(&mut self, take: &mut Take<'_>) {
        if self.record.open {
            take(self.record.line, &self.record.text, Said::Refused(Refusal::BadRecord));
        }
    }

    fn close(&mut self, take: &mut Take<'_>) {
        let record = std::mem::take(&mut self.record);
        let answer = if record.bytes > LONGEST_RECORD { Err(Refusal::TooLong) } else { self.read(&record) };
        match answer {
            Ok(Some(entry)) => take(record.line, &record.text, Said::Entry(entry)),
            Ok(None) => {}
            Err(reason) => take(record.line, &record.text, Said::Refused(reason)),
        }
    }

    fn read(&mut self, record: &Record) -> Result<Option<Listed>, Refusal> {
        let words = record.words.as_slice();
        let (owner, rest) = match words {
            [] => return Ok(None),
            [directive, arguments @ ..] if directive.starts_with('$') => return self.directive(directive, arguments).map(|()| None),
            rest if record.ownerless => (self.owner.clone().ok_or(Refusal::BadRecord)?, rest),
            [owner, rest @ ..] => (owner.to_ascii_lowercase(), rest),
        };
        self.owner = Some(owner.clone());
        let before = rest.iter().take_while(|word| is_time_to_live(word) || is_class(word)).count();
        let Some((kind, values)) = rest[before..].split_first() else { return Err(Refusal::BadRecord) };
        let kind = kind.to_ascii_uppercase();
        if kind == "SOA" {
            self.apex = Some(self.absolute(&owner)?);
            return Ok(None);
        }
        if OF_THE_ZONE.contains(&&*kind) {
            return Ok(None);
        }
        let trigger = self.trigger(&owner)?;
        match values {
            [target] if kind == "CNAME" => self.rule(&owner, &trigger, &target.to_ascii_lowercase()).map(Some),
            _ if !ANSWERS.contains(&&*kind) => Err(Refusal::BadRecord),
            _ if trigger.is_empty() => Ok(None),
            _ => Err(Refusal::LocalAnswer),
        }
    }

    fn directive(&mut self, directive: &str, arguments: &[String]) -> Result<(), Refusal> {
        match (directive.to_ascii_uppercase().as_str(), arguments) {
            ("$TTL", _) => Ok(()),
            ("$ORIGIN", [origin]) => {
                let origin = self.absolute(&origin.to_ascii_lowercase())?;
                self.apex.get_or_insert_with(|| origin.clone());
                self.origin = Some(origin);
                Ok(())
            }
            ("$INCLUDE", _) => Err(Refusal::Directive("$INCLUDE")),
            ("$GENERATE", _) => Err(Refusal::Directive("$GENERATE")),
            _ => Err(Refusal::BadRecord),
        }
    }

    /// A name with all its parents and without the final dot; of a zone that has no name, the name within it.
    fn absolute(&self, name: &str) -> Result<String, Refusal> {
        let origin = self.origin.as_deref().or(self.apex.as_deref()).unwrap_or_default();
        match name.strip_suffix('.') {
            Some(absolute) => Ok(absolute.to_owned()),
            None if name == "@" => Ok(origin.to_owned()),
            None if origin.is_empty() => Ok(name.to_owned()),
            None => Ok(format!("{name}.{origin}")),
        }
    }

    /// The part of a name that stands before the zone's own.
    fn trigger(&self, owner: &str) -> Result<String, Refusal> {
        let apex = match &self.apex {
            Some(apex) => apex.as_str(),
            None if owner.ends_with('.') => return Err(Refusal::OutsideZone),
            None => "",
        };
        let absolute = self.absolute(owner)?;
        let trigger = absolute.strip_suffix(apex).ok_or(Refusal::OutsideZone)?;
        match trigger.strip_suffix('.') {
            Some(trigger) => Ok(trigger.to_owned()),
            None if trigger.is_empty() || apex.is_empty() => Ok(trigger.to_owned()),
            None => Err(Refusal::OutsideZone),
        }
    }

    fn rule(&self, owner: &str, trigger: &str, target: &str) -> Result<Listed, Refusal> {
        let entry = triggered(trigger)?;
        match target {
            "." | "*." | "rpz-drop." => Ok(entry),
            "rpz-passthru." => Ok(Listed::Except(Box::new(entry))),
            "rpz-tcp-only." => Err(Refusal::Action("rpz-tcp-only")),
            // Before there was rpz-passthru, a name that led to itself meant it.
            itself if itself == owner || itself.strip_suffix('.') == Some(trigger) => Ok(Listed::Except(Box::new(entry))),
            _ => Err(Refusal::LocalAnswer),
        }
    }
}

/// What a trigger stands for.
fn triggered(trigger: &str) -> Result<Listed, Refusal> {
    let (before, kind) = trigger.rsplit_once('.').unwrap_or(("", trigger));
    match kind {
        "rpz-ip" => network(before).map(|net| Listed::Network(entry::canonical(net))).ok_or(Refusal::NotANetwork),
        "rpz-client-ip" => Err(Refusal::Trigger("rpz-client-ip")),
        "rpz-nsdname" => Err(Refusal::Trigger("rpz-nsdname")),
        "rpz-nsip" => Err(Refusal::Trigger("rpz-nsip")),
        _ if trigger.starts_with("*.") || trigger == "*" => entry::name(trigger),
        _ => entry::exact(trigger),
    }
}

/// `24.0.2.0.192` is 192.0.2.0/24, and `48.zz.1.db8.2001` is 2001:db8:1::/48: the length, then the address from its end; `zz` is `::`.
fn network(text: &str) -> Option<IpNet> {
    let (length, address) = text.split_once('.')?;
    let mut parts: Vec<&str> = address.split('.').collect();
    parts.reverse();
    let address: IpAddr = if parts.len() == 4 && !parts.contains(&"zz") {
        parts.join(".").parse::<Ipv4Addr>().ok()?.into()
    } else if let Some(gap) = parts.iter().position(|part| *part == "zz") {
        format!("{}::{}", parts[..gap].join(":"), parts[gap + 1..].join(":")).parse::<Ipv6Addr>().ok()?.into()
    } else {
        parts.join(":").parse::<Ipv6Addr>().ok()?.into()
    };
    IpNet::new(address, length.parse().ok()?).ok()
}

fn is_class(word: &str) -> bool {
    ["IN", "CH", "HS"].iter().any(|class| word.eq_ignore_ascii_case(class))
}

/// `3600`, `2h`, `1w2d`.
fn is_time_to_live(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit()) && word.bytes().all(|b| b.is_ascii_digit() || b"smhdwSMHDW".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::lists::formats::{Format, check};

    fn host(text: &str) -> Host {
        Host::parse(text).expect("a host")
    }

    fn exact(text: &str) -> Listed {
        Listed::Exact(host(text))
    }

    fn net(text: &str) -> Listed {
        Listed::Network(text.parse().expect("a net"))
    }

    fn except(entry: Listed) -> Listed {
        Listed::Except(Box::new(entry))
    }

    #[test]
    fn lines() {
        check(
            Format::Rpz,
            &[
                ("", &[]),
                ("; a comment", &[]),
                ("$TTL 2h", &[]),
                ("@ 3600 IN NS localhost.", &[]),
                ("games.example CNAME .", &[Ok(exact("games.example"))]),
                ("GAMES.example 3600 IN CNAME *. ; why", &[Ok(exact("games.example"))]),
                ("games.example in 1h cname rpz-drop.", &[Ok(exact("games.example"))]),
                ("*.games.example CNAME .", &[Ok(Listed::Name(host("games.example")))]),
                ("games.example CNAME rpz-passthru.", &[Ok(except(exact("games.example")))]),
                ("games.example CNAME games.example.", &[Ok(except(exact("games.example")))]),
                ("32.7.113.0.203.rpz-ip CNAME .", &[Ok(net("203.0.113.7/32"))]),
                ("24.0.2.0.192.rpz-ip CNAME rpz-passthru.", &[Ok(except(net("192.0.2.0/24")))]),
                ("128.57.zz.db8.2001.rpz-ip CNAME .", &[Ok(net("2001:db8::57/128"))]),
                ("48.zz.1.db8.2001.rpz-ip CNAME .", &[Ok(net("2001:db8:1::/48"))]),
                ("128.1.zz.rpz-ip CNAME .", &[Ok(net("::1/128"))]),
                ("128.8.7.6.5.4.3.2.1.rpz-ip CNAME .", &[Ok(net("1:2:3:4:5:6:7:8/128"))]),
                ("24.256.2.0.192.rpz-ip CNAME .", &[Err(Refusal::NotANetwork)]),
                ("33.0.2.0.192.rpz-ip CNAME .", &[Err(Refusal::NotANetwork)]),
                ("1.zz.2.zz.3.rpz-ip CNAME .", &[Err(Refusal::NotANetwork)]),
                ("rpz-ip CNAME .", &[Err(Refusal::NotANetwork)]),
                ("games.example CNAME rpz-tcp-only.", &[Err(Refusal::Action("rpz-tcp-only"))]),
                ("32.1.0.0.10.rpz-client-ip CNAME .", &[Err(Refusal::Trigger("rpz-client-ip"))]),
                ("ns.games.example.rpz-nsdname CNAME .", &[Err(Refusal::Trigger("rpz-nsdname"))]),
                ("32.1.0.0.10.rpz-nsip CNAME .", &[Err(Refusal::Trigger("rpz-nsip"))]),
                ("www.search.example CNAME safe.search.example.", &[Err(Refusal::LocalAnswer)]),
                ("games.example A 192.0.2.1", &[Err(Refusal::LocalAnswer)]),
                ("games.example AAAA 2001:db8::1", &[Err(Refusal::LocalAnswer)]),
                ("games.example TXT \"a b; c\"", &[Err(Refusal::LocalAnswer)]),
                ("@ TXT \"the zone's own\"", &[]),
                ("* CNAME .", &[Err(Refusal::EveryName)]),
                ("com CNAME .", &[Err(Refusal::TopLevel)]),
                ("games.example. CNAME .", &[Err(Refusal::OutsideZone)]),
                ("games.example", &[Err(Refusal::BadRecord)]),
                ("games.example CNAME", &[Err(Refusal::BadRecord)]),
                ("games.example CNAME . .", &[Err(Refusal::BadRecord)]),
                (" CNAME .", &[Err(Refusal::BadRecord)]),
                ("games.example CNAME (", &[Err(Refusal::BadRecord)]),
                ("$INCLUDE other.zone", &[Err(Refusal::Directive("$INCLUDE"))]),
                ("$GENERATE 1-9 a$ CNAME .", &[Err(Refusal::Directive("$GENERATE"))]),
                ("$WHAT", &[Err(Refusal::BadRecord)]),
            ],
        );
    }

    #[test]
    fn a_zone_is_read_as_a_whole() {
        let zone = "$TTL 60\n\
            $ORIGIN Rpz.School.Example.\n\
            @ IN SOA localhost. root.localhost. ( ; the zone\n\
              2026010101 1h\n\
              15m 30d 2h )\n\
            \tIN NS localhost.\n\
            games.example IN CNAME .\n\
                          IN A 192.0.2.1\n\
            chat.example.rpz.school.example. CNAME .\n\
            other.example. CNAME .\n\
            $ORIGIN example.rpz.school.example.\n\
            video CNAME (\n\
              rpz-passthru. )\n\
            @ CNAME .\n\
            radio CNAME ( .\n";
        let said = Format::Rpz.said(zone);
        let expected = [
            (7, Said::Entry(exact("games.example"))),
            (8, Said::Refused(Refusal::LocalAnswer)),
            (9, Said::Entry(exact("chat.example"))),
            (10, Said::Refused(Refusal::OutsideZone)),
            (12, Said::Entry(except(exact("video.example")))),
            (14, Said::Refused(Refusal::TopLevel)),
            (15, Said::Refused(Refusal::BadRecord)),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_zone_written_out_by_a_name_server_is_read() {
        let zone = "$ORIGIN .\nrpz.example 300 IN SOA ns. root. 1 1 1 1 1\n$ORIGIN rpz.example.\ngames.example CNAME .\n*.games.example CNAME .\n";
        let entries: Vec<_> = Format::Rpz.said(zone).into_iter().map(|(_, said)| said).collect();
        assert_eq!(entries, [Said::Entry(exact("games.example")), Said::Entry(Listed::Name(host("games.example")))]);
        let nameless = "@ SOA ns. root. 1 1 1 1 1\ngames.example CNAME .\n";
        assert_eq!(Format::Rpz.said(nameless), [(2, Said::Entry(exact("games.example")))]);
        let named_by_its_soa = "rpz.example. SOA ns. root. 1 1 1 1 1\ngames.example.rpz.example. CNAME .\nchat.example CNAME .\n";
        assert_eq!(Format::Rpz.said(named_by_its_soa), [(2, Said::Entry(exact("games.example"))), (3, Said::Entry(exact("chat.example")))]);
    }

    #[test]
    fn a_record_without_end_is_not_held() {
        let zone = format!("@ SOA (\n{})\ngames.example CNAME .\n", "word word word\n".repeat(100_000));
        assert_eq!(Format::Rpz.said(&zone), [(1, Said::Refused(Refusal::TooLong)), (100_003, Said::Entry(exact("games.example")))]);
    }
}
