//! One request as Usher sees it: from who asks for what, to every field of its record.

use super::calendar::Day;
use super::names::Random;
use super::people::{Device, Role, Says};
use super::sites::{Blocked, Site, Style};
use super::{Exchange, Traffic, answers};
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use usher::audit::{Class, Opening, RecordId, Verdict};
use usher::insight::{Certainty, Kind, Search, Stage, Start};
use usher::lists::Entry;
use usher::policy::decision::SnapshotId;

/// What devices ask for by themselves, and how they call themselves there.
pub const SERVICES: [(&str, &str); 9] = [
    ("update.googleapis.com", "Google Update/1.3.36.372;winhttp;cup-ecdsa"),
    ("clients4.google.com", ""),
    ("signaler-pa.clients6.google.com", ""),
    ("connectivitycheck.gstatic.com", ""),
    ("self.events.data.microsoft.com", "MSDW"),
    ("settings-win.data.microsoft.com", "WaaSMedicAgent"),
    ("gsp-ssl.ls.apple.com", "com.apple.geod/1 CFNetwork/3826.600.41 Darwin/24.6.0"),
    ("safebrowsing.googleapis.com", ""),
    ("mobile.events.data.microsoft.com", ""),
];

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The first host of a site.
    Page(usize),
    /// Any host of a site.
    Part(usize, usize),
    /// The host of another, that pages of many draw on.
    Party(usize),
    /// A blocked host of adverts and trackers.
    Tracker(usize),
    /// A blocked site.
    Harm(usize),
    /// What devices ask.
    Service(usize),
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A page somebody goes to.
    Visit,
    /// A search that is asked.
    Search,
    /// A search that is being typed.
    Suggestion,
    /// A script or a style sheet.
    Script,
    /// A font.
    Font,
    /// A picture.
    Picture,
    /// A call of a program in the page.
    Call,
    /// What is sent back about the person.
    Beacon,
    /// What a device does by itself.
    Poll,
}

/// A request in short.
pub struct Asked {
    /// When, in Unix milliseconds.
    pub now: u64,
    /// Who, if they are known.
    pub person: Option<u32>,
    /// At which device.
    pub device: u32,
    /// Where to.
    pub target: Target,
    /// Path and query.
    pub path: String,
    /// What for.
    pub purpose: Purpose,
    /// The visit that drags it in, and the site of that.
    pub cause: Option<(RecordId, u32)>,
    /// The search, if it is one.
    pub search: Option<Search>,
}

/// A time that is short mostly and long now and then, in milliseconds.
pub fn exponential(mean: u64, random: &mut Random) -> u64 {
    let share = (random.next() >> 11) as f64 / (1u64 << 53) as f64;
    (-(1.0 - share).ln() * mean as f64) as u64
}

/// The rules of a day: they change over night.
pub fn snapshot(day: &Day) -> SnapshotId {
    SnapshotId::of(&blake3::hash(day.date.to_string().as_bytes()))
}

/// A search at an engine.
pub fn search(site: &Site, term: String, stage: Stage) -> Option<Search> {
    site.engine.map(|engine| Search { engine, term, stage })
}

/// Kind, what set it off, `Sec-Fetch-Dest` and `-Mode`.
fn meaning(purpose: Purpose, random: &mut Random) -> (Kind, Start, &'static str, &'static str) {
    match purpose {
        Purpose::Visit => (Kind::Visit, if random.below(4) == 0 { Start::Typed } else { Start::Clicked }, "document", "navigate"),
        Purpose::Search => (Kind::Search, Start::Typed, "document", "navigate"),
        Purpose::Suggestion => (Kind::Search, Start::Typed, "empty", "cors"),
        Purpose::Script if random.below(3) == 0 => (Kind::Resource, Start::Loaded, "style", "no-cors"),
        Purpose::Script => (Kind::Resource, Start::Loaded, "script", "no-cors"),
        Purpose::Font => (Kind::Resource, Start::Loaded, "font", "cors"),
        Purpose::Picture => (Kind::Resource, Start::Loaded, "image", "no-cors"),
        Purpose::Call | Purpose::Beacon => (Kind::Resource, Start::Loaded, "empty", "cors"),
        Purpose::Poll => (Kind::Background, Start::Background, "", ""),
    }
}

impl Traffic {
    /// The request, with all its record holds.
    pub(super) fn ask(&mut self, asked: Asked) -> Exchange {
        self.last = RecordId::first_of(asked.now).0.max(self.last + 1);
        let id = RecordId(self.last);
        let (kind, start, dest, mode) = meaning(asked.purpose, &mut self.random);
        let (host, blocked, closed) = self.place(&asked);
        let person = asked.person.map(|number| &self.school.people[number as usize]);
        let device = &self.school.devices[asked.device as usize];
        let group: Arc<str> = person.map_or_else(|| "unknown".into(), |person| person.group.clone());
        let verdict = if blocked.is_some() { Verdict::Blocked } else { Verdict::Allowed };
        let staff = person.is_some_and(|person| matches!(person.role, Role::Staff { .. }));
        let (reason, why, entry) = why(blocked, &group);
        let (says, agent) = agent(device, asked.target, closed);
        let field = |text: &str| (says == Says::What && !text.is_empty()).then(|| text.to_owned());
        let referrer = asked.cause.filter(|_| !closed).map(|(_, site)| self.web.sites[site as usize].hosts[0].clone());
        let address = address(host);
        let opening = Opening {
            class: if staff { Class::Staff } else { Class::of(kind, verdict) },
            kind,
            start,
            certainty: if says == Says::What && asked.purpose != Purpose::Poll { Certainty::Said } else { Certainty::Inferred },
            cause: asked.cause.map(|(id, _)| id),
            time_ms: asked.now,
            user: person.map(|person| person.user.clone()),
            group,
            source: if person.is_some() { "password" } else { "network" },
            confidence: if person.is_some() { "proved" } else { "place" },
            client: device.address,
            method: method(asked.purpose, closed),
            scheme: if asked.now % 100 < 3 && !closed { "http" } else { "https" },
            port: if asked.now % 100 < 3 && !closed { 80 } else { 443 },
            categories: self.categories(asked.target).to_owned(),
            host: host.to_owned(),
            path: if closed { String::new() } else { asked.path },
            search: asked.search,
            verdict,
            reason,
            why,
            rule: None,
            entry,
            snapshot: self.snapshot,
            agent,
            referrer,
            fetch_dest: field(dest),
            fetch_mode: field(mode),
            fetch_user: if start == Start::Clicked { field("?1") } else { None },
        };
        let ending = answers::ending(id, &opening, address, &mut self.random);
        Exchange { id, opening: Box::new(opening), ending }
    }

    /// The host, what blocks it, and whether only the host is seen.
    fn place(&self, asked: &Asked) -> (&str, Option<&Blocked>, bool) {
        let closed = |site: &Site| site.style == Style::Closed;
        match asked.target {
            Target::Page(site) => (&self.web.sites[site].hosts[0], None, closed(&self.web.sites[site])),
            Target::Part(site, host) => (&self.web.sites[site].hosts[host], None, closed(&self.web.sites[site])),
            Target::Party(party) => (&self.web.parties[party].host, None, false),
            Target::Tracker(number) => (&self.web.trackers[number].host, Some(&self.web.trackers[number]), false),
            Target::Harm(number) => (&self.web.blocked[number].host, Some(&self.web.blocked[number]), false),
            Target::Service(number) => (SERVICES[number].0, None, false),
        }
    }

    fn categories(&self, target: Target) -> &'static str {
        match target {
            Target::Page(site) | Target::Part(site, _) => self.web.sites[site].categories,
            Target::Party(_) => "",
            Target::Tracker(_) => "ads-trackers",
            Target::Harm(number) => self.web.blocked[number].category.0,
            Target::Service(_) => "software-updates",
        }
    }
}

fn method(purpose: Purpose, closed: bool) -> http::Method {
    match purpose {
        _ if closed => http::Method::CONNECT,
        Purpose::Beacon => http::Method::POST,
        Purpose::Visit | Purpose::Search | Purpose::Suggestion | Purpose::Script | Purpose::Font | Purpose::Picture | Purpose::Call | Purpose::Poll => {
            http::Method::GET
        }
    }
}

fn why(blocked: Option<&Blocked>, group: &str) -> (&'static str, Cow<'static, str>, Option<Entry>) {
    match blocked {
        None => ("unlisted", Cow::Borrowed("No rule and no blocked category applies."), None),
        Some(Blocked { category: (_, name), entry, .. }) => ("category", format!("{name} is blocked for {group}.").into(), Some(entry.clone())),
    }
}

/// What the browser calls itself, and whether it says what a request is for. In a tunnel nothing is seen of that.
fn agent(device: &Device, target: Target, closed: bool) -> (Says, Option<String>) {
    match target {
        Target::Service(number) if !SERVICES[number].1.is_empty() => (Says::Nothing, Some(SERVICES[number].1.to_owned())),
        _ if closed => (Says::Nothing, Some(device.agent.as_ref().to_owned())),
        Target::Page(_) | Target::Part(..) | Target::Party(_) | Target::Tracker(_) | Target::Harm(_) | Target::Service(_) => {
            (device.says, Some(device.agent.as_ref().to_owned()))
        }
    }
}

/// The address a host has, always the same.
fn address(host: &str) -> SocketAddr {
    let mixed = host.bytes().fold(0xcbf2_9ce4_8422_2325u64, |mixed, byte| (mixed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let [.., a, b, c, d] = (mixed >> 16).to_be_bytes();
    (IpAddr::from(Ipv4Addr::new(13 + a % 200, b, c, d)), 443).into()
}
