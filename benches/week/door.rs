//! What the proxy makes of bytes: the detectors of `usher::bypass` asked in its order, the shipped policy asked what is done, and the records that leaves.
//!
//! This stands for `src/proxy` (`gate`, `entrance`, `ways`, `ways/body`, `sockets`), whose sockets are not run here. What it judges is judged by the
//! snapshot itself; what it finds by the detectors themselves. Its records are those that the promises `ways`, `gate` and `handshakes` see of the real one:
//!
//! | what was found | on record |
//! | --- | --- |
//! | in the first bytes of a tunnel, and turned away | the `CONNECT`, let through; and at once another that is refused for it |
//! | in a request's head, and blocked | the request, blocked for it |
//! | in an answer or a body, and blocked | the request, let through; and another that is blocked for it |
//! | anywhere, and only noted | the request with a remark; of what may live long, another record that says it |
//! | in a Wisp packet | a record for each stream, judged as a tunnel |

use crate::plan::Record;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use usher::audit::remark::Remark;
use usher::audit::{Class, Opening, Verdict};
use usher::body::coding::Limits;
use usher::bypass::bodies::Body;
use usher::bypass::cloak::{Half, Leaps, is_decoy};
use usher::bypass::fingerprint::{Fingerprints, Shown};
use usher::bypass::first::First;
use usher::bypass::random::is_noise;
use usher::bypass::relay::{Relays, Role, carried};
use usher::bypass::wisp::{Beginning, Connect, Look, Side};
use usher::bypass::{Code, Finding, ech, heads, tor, wsproxy};
use usher::identity::{GroupId, Identity};
use usher::insight::{Certainty as Sure, Kind, Start};
use usher::lists::Found;
use usher::policy::through::Met;
use usher::policy::ways::{Act, Ways};
use usher::policy::{Circumstances, ConnectVerdict, Decision, Reason, RequestVerdict};
use usher::snapshot::Snapshot;
use usher::socket::{self, Heard, Reader};
use usher::tls::hello::{self, Name, Read};
use usher::tls::ja4::{Class as Program, Ja4};
use usher::url::{Scheme, Url, split_port};

/// Somebody, and where.
#[derive(Clone)]
pub struct Sitting {
    /// The login.
    pub user: Arc<str>,
    /// The group as the traffic calls it. Judged is by the first group of the shipped policy.
    pub group: Arc<str>,
    /// The device.
    pub client: IpAddr,
}

/// A request as a browser sends it.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The whole address.
    pub url: &'a str,
    /// What it is for (`Sec-Fetch-Dest`).
    pub dest: &'static str,
    /// What set it off.
    pub start: Start,
    /// Other fields.
    pub fields: &'a [(&'static str, &'a str)],
}

/// What a site answers.
#[derive(Clone, Copy, Default)]
pub struct Says<'a> {
    /// `Content-Type`.
    pub of_type: &'static str,
    /// Other fields.
    pub fields: &'a [(&'static str, &'a str)],
    /// The body.
    pub body: &'a [u8],
    /// How many bytes in all, where that is more.
    pub bytes: u64,
}

/// The proxy's door.
pub struct Door<'a> {
    school: &'a Snapshot,
    identity: Identity,
    ways: Ways,
    programs: Fingerprints,
    leaps: Leaps,
    relays: Relays,
}

impl<'a> Door<'a> {
    /// For people of the first group of the policy.
    pub fn new(school: &'a Snapshot) -> Self {
        let ways = school.policy.groups[0].ways;
        Self { school, identity: Identity::of_network(GroupId(0)), ways, programs: Fingerprints::default(), leaps: Leaps::default(), relays: Relays::default() }
    }

    /// What is decided of an address, with where the person has gone on past a warning.
    fn decided<T>(&self, url: &Url, (who, now, method): (&Sitting, u64, &str), ask: impl FnOnce(&Found, Circumstances<'_>) -> T) -> (Found, T) {
        let found = self.school.lists.look_up(url);
        let at = jiff::Timestamp::from_millisecond(now.cast_signed()).expect("a time");
        let moment = self.school.timetable.moment(at);
        // Whoever looks for a way round has clicked the warning away.
        let past = [url.host.clone()];
        let (taxonomy, lists) = (&self.school.taxonomy, &*self.school.lists);
        let around = Circumstances { identity: &self.identity, client: who.client, moment: &moment, method, past: &past, taxonomy, lists };
        let said = ask(&found, around);
        (found, said)
    }

    fn judged(&self, opening: Opening, found: &Found, verdict: Verdict, reason: &Reason) -> Opening {
        let taxonomy = &self.school.taxonomy;
        let categories = taxonomy.ids(reason.listed(found.categories)).collect::<Vec<_>>().join(" ");
        Opening { verdict, categories, reason: reason.kind(), why: reason.text(taxonomy), class: Class::of(opening.kind, verdict), ..opening }
    }

    /// A `CONNECT` to a host and a port, and the first bytes in it.
    pub fn tunnel(&mut self, (now, who): (u64, &Sitting), to: &str, agent: Option<&str>, bytes: &[u8]) -> Vec<Record> {
        let (host, port) = split_port(to).expect("a host and a port");
        let url = Url::new(Scheme::Https, usher::host::Host::parse(host).expect("a host"), port.unwrap_or(443), "");
        let (found, Decision { verdict, reason, .. }) =
            self.decided(&url, (who, now, "CONNECT"), |found, around| self.school.court().decide_connect(&url, found, around));
        let opening = Opening { host: url.host.to_string(), port: url.port, method: http::Method::CONNECT, ..opening(now, who, Kind::Resource, Start::Loaded) };
        if let ConnectVerdict::Block = verdict {
            return vec![record(self.judged(opening, &found, Verdict::Blocked, &reason))];
        }
        let mut passes = record(self.judged(opening, &found, Verdict::Allowed, &reason));
        let refused = |passes: &Record, kind: &'static str, why: String| {
            let opening = Opening { verdict: Verdict::Refused, reason: kind, why: why.into(), categories: String::new(), ..passes.opening.clone() };
            record(Opening { class: Class::of(opening.kind, opening.verdict), time_ms: now + 20, ..opening })
        };
        let mut noted = Vec::new();
        let turned_away = match hello::read(bytes) {
            Read::Hello(hello) => {
                let in_name = match &hello.name {
                    Name::Host(name) => ech::in_name(name.as_str(), url.host.as_str())
                        .or_else(|| tor::in_hello(name.as_str(), url.host.address().is_some(), || Ja4::of(&hello).to_string())),
                    Name::Unusable(_) | Name::Absent => None,
                };
                let device = who.client.to_string().bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
                let odd = self.programs.take(Shown { device, agent, class: Program::of(&hello).number(), at_ms: now });
                let findings: Vec<_> = in_name.into_iter().chain(odd).collect();
                let blocked = findings.iter().find(|finding| self.ways.act(finding) == Act::Block);
                noted.extend(findings.iter().filter(|finding| self.ways.act(finding) == Act::Note).cloned());
                blocked.map(|finding| (finding.code.as_str(), finding.why())).or_else(|| match &hello.name {
                    Name::Host(name) if *name == url.host => None,
                    Name::Absent if url.host.address().is_some() => None,
                    Name::Absent => Some(("no-name", "The TLS names no site.".to_owned())),
                    Name::Host(_) | Name::Unusable(_) => Some(("fronting", "The TLS is for another.".to_owned())),
                })
            }
            Read::NotTls(first) => {
                if first == First::Other && is_noise(bytes) {
                    passes.remarks.push(Remark::from(&Finding::new(Code::Random, "noise")));
                }
                Some(("not-tls", format!("The client does not speak TLS, but {first}.")))
            }
            Read::Malformed(why) => Some(("not-tls", why.to_string())),
            Read::More => panic!("the bytes are not whole"),
        };
        let more: Vec<_> = match turned_away {
            Some((kind, why)) => vec![refused(&passes, kind, why)],
            // On records of their own, for the tunnel's own ends with it.
            None => noted.iter().map(|finding| note(&passes.opening, finding, now + 20)).collect(),
        };
        [passes].into_iter().chain(more).collect()
    }

    /// Shows a hello for what it teaches about programs, and nothing more.
    pub fn learn(&mut self, now: u64, device: u64, agent: &str, bytes: &[u8]) {
        let Read::Hello(hello) = hello::read(bytes) else { panic!("no hello") };
        let odd = self.programs.take(Shown { device, agent: Some(agent), class: Program::of(&hello).number(), at_ms: now });
        assert_eq!(odd, None, "what all devices have");
    }

    /// A request in a connection that is looked into, and what the site answers.
    pub fn page(&mut self, (now, who): (u64, &Sitting), ask: Ask<'_>, says: Says<'_>) -> Vec<Record> {
        let (url, fields) = (Url::parse(ask.url).expect("an address"), head(&ask));
        let (opening, found, passes) = self.asked((now, who), &ask, &url, &fields);
        let mut made = record(opening);
        made.remarks = match passes {
            Some(noted) => noted.iter().map(Remark::from).collect(),
            None => return vec![made],
        };
        made.bytes_down = Some(says.bytes.max(says.body.len() as u64));
        let fields: HeaderMap = says.fields.iter().chain(&[("content-type", says.of_type)]).map(pair).collect();
        let answer = heads::Answer { host: &made.opening.host, categories: &made.opening.categories, fields: &fields };
        let read = Body::of(Some(says.of_type), !found.categories.is_empty()).and_then(|mut body| {
            // As it comes: some bytes at a time, and over where something is certain.
            let sure = says.body.chunks(1400).find_map(|piece| body.feed(piece).filter(|finding| self.ways.act(finding) == Act::Block));
            sure.or_else(|| body.end())
        });
        let mut cut = None;
        for finding in answer.findings().into_iter().chain(read) {
            let is_said = made.remarks.iter().any(|known| matches!(known, Remark::Way { code, .. } if *code == finding.code));
            match self.ways.act(&finding) {
                Act::Note if !is_said => made.remarks.push(Remark::from(&finding)),
                Act::Nothing | Act::Note => {}
                // How sure it is stands with the request, for what is blocked says only its kind.
                Act::Block => {
                    made.remarks.push(Remark::from(&finding));
                    cut = cut.or(Some(finding));
                }
            }
        }
        let cut = cut.map(|finding| {
            let reason = Reason::Way(Arc::new(finding));
            record(Opening { time_ms: now + 50, ..self.judged(made.opening.clone(), &found, Verdict::Blocked, &reason) })
        });
        [made].into_iter().chain(cut).collect()
    }

    /// The record of a request, and what its head says, if it may pass.
    fn asked(&mut self, (now, who): (u64, &Sitting), ask: &Ask<'_>, url: &Url, fields: &HeaderMap) -> (Opening, Found, Option<Vec<Finding>>) {
        let (found, Decision { verdict, reason, .. }) =
            self.decided(url, (who, now, "GET"), |found, around| self.school.court().decide_request(url, found, around));
        let kind = if ask.dest == "document" { Kind::Visit } else { Kind::Resource };
        let opening = Opening {
            host: url.host.to_string(),
            port: url.port,
            path: url.received().to_owned(),
            fetch_dest: Some(ask.dest.to_owned()),
            fetch_mode: Some(mode(ask.dest).to_owned()),
            ..opening(now, who, kind, ask.start)
        };
        match verdict {
            RequestVerdict::Block => return (self.judged(opening, &found, Verdict::Blocked, &reason), found, None),
            RequestVerdict::Warn => return (self.judged(opening, &found, Verdict::Warned, &reason), found, None),
            RequestVerdict::Forward(_) | RequestVerdict::Elsewhere(_) => {}
        }
        let (categories, taxonomy) = (found.categories, &self.school.taxonomy);
        let head = heads::Request { url, path: url.received(), method: "GET", fields, categories, taxonomy };
        let findings: Vec<_> =
            head.findings().into_iter().chain(self.leap((now, who), ask, url, &found)).chain(self.relayed((now, who), ask, url, &found)).collect();
        let (mut noted, mut refused) = (Vec::new(), None);
        for finding in findings {
            let (_, met) = self.decided(url, (who, now, "GET"), |_, around| self.school.court().meet(finding, around));
            match met {
                Met::Nothing => {}
                Met::Noted(finding) => noted.push(finding),
                Met::Warned(reason) => refused = refused.or(Some((Verdict::Warned, reason))),
                Met::Blocked(reason) => refused = Some((Verdict::Blocked, reason)),
            }
        }
        match refused {
            Some((verdict, reason)) => (self.judged(opening, &found, verdict, &reason), found, None),
            None => (self.judged(opening, &found, Verdict::Allowed, &reason), found, Some(noted)),
        }
    }

    /// One half of a page that hides behind another tab.
    fn leap(&mut self, (now, who): (u64, &Sitting), ask: &Ask<'_>, url: &Url, found: &Found) -> Option<Finding> {
        let referrer = ask.fields.iter().find(|(name, _)| *name == "referer").map(|(_, value)| *value);
        let (site, half) = match ask.dest {
            "iframe" if found.categories.is_empty() && referrer.is_none() => (url.host.to_string(), Half::Frame),
            "document" if ask.start == Start::Loaded && is_decoy(url.host.as_str()) => {
                let from = Url::parse(referrer?).ok().filter(|from| !is_decoy(from.host.as_str()))?;
                (from.host.to_string(), Half::Leap)
            }
            _ => return None,
        };
        self.leaps.see((number(&who.user), number(&site)), half, now)
    }

    /// A page of another site, or a part of one, whose address stands in this one.
    fn relayed(&mut self, (now, who): (u64, &Sitting), ask: &Ask<'_>, url: &Url, found: &Found) -> Option<Finding> {
        let (place, page) = carried(&url.host, url.received()).filter(|_| found.categories.is_empty())?;
        let role = Role::of(Some(ask.dest), &page)?;
        self.relays.see((number(&who.user), number(url.host.as_str())), (role, place, page), now)
    }

    /// A WebSocket, with the frames of either side as they are on the wire, and how many bytes came in all.
    pub fn socket(&mut self, (now, who): (u64, &Sitting), url: &str, (site, client): (&[u8], &[u8]), bytes: u64) -> Vec<Record> {
        let ask = Ask { url, dest: "websocket", start: Start::Loaded, fields: &[("upgrade", "websocket"), ("connection", "Upgrade")] };
        let (url, fields) = (Url::parse(ask.url).expect("an address"), head(&ask));
        let (opening, _, passes) = self.asked((now, who), &ask, &url, &fields);
        let mut made = vec![record(opening.clone())];
        let Some(noted) = passes else { return made };
        made[0].bytes_down = Some(bytes);
        let note = |finding: &Finding| note(&opening, finding, now + 60);
        made.extend(noted.iter().map(note));
        let (site, client) = (messages(socket::Side::Server, site), messages(socket::Side::Client, client));
        let said = client.first().map_or(&[][..], |first| first);
        // By its path alone it was found with the head.
        let by_path = wsproxy::by_path(url.received()).and_then(|finding| wsproxy::by_bytes(&finding, said).flatten());
        let begins = |side, messages: &[Vec<u8>]| {
            let mut beginning = Beginning::new(side);
            beginning.feed(messages.first()?);
            if let Look::Wisp(version) = beginning.end() { Some(version) } else { None }
        };
        let version = begins(Side::Server, &site).or_else(|| begins(Side::Client, &client));
        let wisp = version.map(|version| Finding::new(Code::Wisp, &format!("a greeting of Wisp, version {version}")));
        for finding in by_path.iter().chain(&wisp) {
            match self.ways.act(finding) {
                Act::Nothing => {}
                Act::Note => made.push(note(finding)),
                Act::Block => {
                    made[0].remarks.push(Remark::from(finding));
                    made.push(record(Opening { verdict: Verdict::Blocked, class: Class::of(opening.kind, Verdict::Blocked), ..note(finding).opening }));
                    return made;
                }
            }
        }
        if wisp.is_some() {
            let streams: Vec<_> = client.iter().filter_map(|message| Connect::parse(message)).collect();
            made.extend(streams.iter().zip(1..).map(|(stream, place)| self.stream((now + 80 * place, who), stream)));
        }
        made
    }

    /// A site that is asked for over Wisp.
    fn stream(&self, (now, who): (u64, &Sitting), connect: &Connect) -> Record {
        let host = connect.host.clone().expect("a host");
        let url = Url::new(Scheme::Https, host, connect.port, "");
        let (found, Decision { verdict, reason, .. }) =
            self.decided(&url, (who, now, "CONNECT"), |found, around| self.school.court().decide_connect(&url, found, around));
        let is_cut = matches!(verdict, ConnectVerdict::Block);
        let opening = Opening { host: url.host.to_string(), port: url.port, ..opening(now, who, Kind::Resource, Start::Clicked) };
        let judged = self.judged(opening, &found, if is_cut { Verdict::Blocked } else { Verdict::Allowed }, &reason);
        let kind = if reason.is_always_blocked() { reason.kind() } else { Code::WispStream.as_str() };
        record(Opening { reason: kind, ..judged })
    }

    /// The head of a request that stands in a connection to this host which is looked into, and is none for that host.
    pub fn misplaced(&self, (now, who): (u64, &Sitting), host: &str, head: &[u8]) -> Vec<Record> {
        let is_connect = head.starts_with(b"CONNECT ");
        let kind = if is_connect { "tunnel-inside" } else { "fronting" };
        let why: Cow<'static, str> = "The request is for another than the connection.".into();
        let opening = Opening { host: host.to_owned(), path: "/".into(), ..opening(now, who, Kind::Resource, Start::Loaded) };
        let opening = Opening { verdict: Verdict::Refused, reason: kind, why, ..opening };
        vec![record(Opening { class: Class::of(opening.kind, opening.verdict), ..opening })]
    }
}

fn number(text: &str) -> u64 {
    text.bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
}

fn record(opening: Opening) -> Record {
    Record { opening, remarks: Vec::new(), bytes_down: None, of: None }
}

/// The record of something that was found and passes.
fn note(of: &Opening, finding: &Finding, time_ms: u64) -> Record {
    record(Opening { reason: finding.code.as_str(), why: finding.why().into(), time_ms, ..of.clone() })
}

fn pair((name, value): &(&'static str, &str)) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), value.parse().expect("a value"))
}

fn mode(dest: &str) -> &'static str {
    match dest {
        "document" | "iframe" => "navigate",
        "websocket" => "websocket",
        "serviceworker" => "same-origin",
        _ => "no-cors",
    }
}

fn head(ask: &Ask<'_>) -> HeaderMap {
    let own = [("sec-fetch-dest", ask.dest), ("sec-fetch-mode", mode(ask.dest)), ("accept-encoding", "gzip, deflate, br, zstd")];
    own.iter().chain(ask.fields).map(pair).collect()
}

/// The messages of one side of a WebSocket.
fn messages(side: socket::Side, bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut reader, mut input, mut room) = (Reader::new(side, None, Limits::default()), bytes, Vec::new());
    let (mut all, mut at) = (Vec::new(), Vec::new());
    loop {
        match reader.step(&mut input, &mut room).expect("frames") {
            Heard::All => return all,
            Heard::Begins(_) => at = Vec::new(),
            Heard::Bytes => at.extend_from_slice(&room),
            Heard::Ends => all.push(std::mem::take(&mut at)),
            Heard::Control(_) => {}
        }
    }
}

/// What is known of every request.
fn opening(now: u64, who: &Sitting, kind: Kind, start: Start) -> Opening {
    Opening {
        class: Class::of(kind, Verdict::Allowed),
        kind,
        start,
        certainty: Sure::Said,
        cause: None,
        search: None,
        time_ms: now,
        user: Some(who.user.clone()),
        group: who.group.clone(),
        source: "password",
        confidence: "proved",
        client: who.client,
        method: http::Method::GET,
        scheme: "https",
        host: String::new(),
        port: 443,
        path: String::new(),
        categories: String::new(),
        verdict: Verdict::Allowed,
        reason: "unlisted",
        why: "No rule and no blocked category applies.".into(),
        rule: None,
        entry: None,
        snapshot: usher::policy::decision::SnapshotId::of(&blake3::hash(b"week")),
        agent: None,
        referrer: None,
        fetch_dest: None,
        fetch_mode: None,
        fetch_user: None,
    }
}
