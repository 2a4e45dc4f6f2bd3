//! What is looked into as it passes, what is kept of that and where it is sent, in the sentences of the sheet for a DPIA: only what is in force.

use super::restricted::restricted;
use crate::antivirus::{Settings, clamd, icap};
use crate::config::{Config, Rulebook};
use crate::policy::Group;
use crate::policy::gate::Pinned;
use crate::policy::inspect::Mode;
use crate::policy::safesearch::Level;
use crate::policy::words::OnHit;
use crate::tls::pins::Folder;
use crate::tls::pins::book::{AGAIN, MOST_PINS, TAKES};
use jiff::SignedDuration;
use std::net::IpAddr;

/// What is looked into and changed on its way, and what is kept of it.
pub(super) fn passing(config: &Config, rulebook: &Rulebook) -> Vec<String> {
    let mut all = encrypted(rulebook);
    all.extend(words(rulebook));
    all.push(chats(rulebook));
    all.extend(config.antivirus.as_ref().map(scanned));
    all.extend(pinned(config, rulebook));
    all.extend(told(rulebook));
    all.extend(restricted(rulebook));
    all
}

/// Where what passes is sent beside the sites, though it is no record.
pub(super) fn sent(config: &Config) -> Vec<String> {
    let Some(settings) = &config.antivirus else { return Vec::new() };
    let places = places(settings);
    let away = places.into_iter().filter(|place| !place.is_here);
    away.map(|Shown { what, place, with, .. }| {
        format!("{what} are sent over the network to {place}{with}. What is kept there, and for how long, is for that place to say.")
    })
    .collect()
}

/// What is not seen.
pub(super) fn unseen(rulebook: &Rulebook) -> Vec<String> {
    let mut all = Vec::new();
    let sealed = names(rulebook, |group| group.inspect == Mode::None);
    let named = "of them the name of the site, the time and the amount are recorded, no page, search or message.";
    if rulebook.school.policy.inspected().next().is_none() {
        all.push(format!("Encrypted connections (https) are not opened: {named}"));
    } else {
        all.extend(sealed.map(|names| format!("Encrypted connections (https) of people in {names} are not opened: {named}")));
        all.push(format!("Where encrypted connections are opened for some sites only, or never for some, the others stay closed: {named}"));
    }
    let over = if rulebook.school.policy.reads_words() { ", and for the phrases seen where a text went over a threshold" } else { "" };
    all.push(format!(
        "What pages say is not recorded, nor what people send, but for what stands in the address of requests that are seen, for what chat services are asked{over}."
    ));
    all.push("Only what passes through Usher is recorded. What devices do elsewhere is not.".to_owned());
    all
}

/// The groups of which this holds.
fn names(rulebook: &Rulebook, holds: impl Fn(&Group) -> bool) -> Option<String> {
    let names: Vec<_> = rulebook.school.policy.groups.iter().filter(|group| holds(group)).map(|group| &*group.name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn days(time: SignedDuration) -> i64 {
    time.as_hours() / 24
}

fn encrypted(rulebook: &Rulebook) -> Vec<String> {
    let never: Vec<_> = rulebook.school.policy.inspection.never.iter().map(|category| &*rulebook.taxonomy.info(category).name).collect();
    let but = if never.is_empty() { String::new() } else { format!(" It is never opened at sites of these kinds: {}.", never.join(", ")) };
    let said = |mode, places: &str| {
        let names = names(rulebook, |group| group.inspect == mode)?;
        Some(format!(
            "Of people in {names} https is opened {places}: whole addresses are on record there, and pages are read by the machine as they pass.{but}"
        ))
    };
    let most = rulebook.school.policy.mode(crate::identity::Standing::Unknown);
    let unknown = (most > Mode::None).then(|| "Of people in no group as much https is opened as of any group.".to_owned());
    [said(Mode::All, "everywhere"), said(Mode::Search, "at search engines, chat services and the sites the school names for it"), unknown]
        .into_iter()
        .flatten()
        .collect()
}

fn words(rulebook: &Rulebook) -> Vec<String> {
    let policy = &rulebook.school.policy;
    let mut all: Vec<_> = policy
        .groups
        .iter()
        .filter_map(|group| {
            let phrases = group.phrases.as_ref()?;
            let done = |on_hit| match on_hit {
                OnHit::Note => "is noted",
                OnHit::Cut => "is cut",
                OnHit::Withhold => "is withheld",
            };
            let themes = phrases.themes.iter().map(|(theme, on_hit)| format!("; of {theme} it {}", done(*on_hit))).collect::<String>();
            let uploads = done(phrases.uploads.min(phrases.themes.iter().map(|(_, on_hit)| *on_hit).fold(phrases.on_hit, OnHit::max)));
            let sockets = if phrases.sockets { "Messages over WebSockets are scored as well" } else { "Messages over WebSockets are not scored" };
            Some(format!(
                "What people in {} read and send (pages, chats, forms, data, text files) is scored by phrases as it passes, over http and where https is \
                 opened. What reaches {} points of one theme {}{themes}. What they send {uploads} at most. {sockets}.",
                group.name,
                phrases.threshold,
                done(phrases.on_hit),
            ))
        })
        .collect();
    if policy.reads_words() {
        all.push(
            "Of a text that is scored nothing is kept but this, and only where it goes over the threshold: the theme, the points and the phrases that were seen. \
             Of WebSockets that are read the number and size of their messages is on record."
                .to_owned(),
        );
    }
    all
}

fn chats(rulebook: &Rulebook) -> String {
    let place = match names(rulebook, |group| group.inspect > Mode::None) {
        Some(names) => format!("over http, and over https of people in {names} where it is opened"),
        None => "over http only, for https is not opened; most services speak https only".to_owned(),
    };
    format!(
        "What people ask chat services (ChatGPT and others), in requests and over WebSockets, is on record in their words, as searches are, the first {} characters of each: {place}. \
         It is on record also where it was withheld from the service. What a service answers is not kept.",
        crate::insight::ai::LONGEST
    )
}

/// Somebody who is shown what passes.
struct Shown {
    what: &'static str,
    place: String,
    with: &'static str,
    is_here: bool,
}

fn places(settings: &Settings) -> Vec<Shown> {
    let clamd = settings.clamd.as_ref().map(|place| {
        let (place, is_here) = match place {
            clamd::Place::Unix(path) => (path.display().to_string(), true),
            clamd::Place::Tcp(address) => (address.clone(), is_here(address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host))),
        };
        Shown { what: "The files people fetch", place: format!("clamd at {place}"), with: "", is_here }
    });
    let service = |what, address: &Option<icap::Address>| {
        address.as_ref().map(|address| Shown {
            what,
            place: address.to_string(),
            with: ", with the address and the fields of the request",
            is_here: is_here(&address.host),
        })
    };
    [clamd, service("The files people fetch", &settings.answers), service("The bodies of what people send", &settings.requests)].into_iter().flatten().collect()
}

/// Whether a host is certainly this machine.
fn is_here(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn scanned(settings: &Settings) -> String {
    let shown: Vec<_> = places(settings)
        .into_iter()
        .map(|Shown { what, place, is_here, .. }| format!("{what} are shown to {place} ({}).", if is_here { "on this machine" } else { "over the network" }))
        .collect();
    format!(
        "Viruses are looked for. {} Until there is a verdict it each lies in the data folder, without a name, and then it is gone. On record is what was found.",
        shown.join(" ")
    )
}

fn pinned(config: &Config, rulebook: &Rulebook) -> Vec<String> {
    if rulebook.school.policy.inspected().next().is_none() {
        return Vec::new();
    }
    // What cannot be read is nothing known, and `usher tls pins` tells of it.
    let listed = Folder::at(config.pins_path()).read().map_or(0, |kept| kept.pins.len());
    let mut all = vec![format!(
        "Programs that take no certificate but a site's own are listed in the data folder, beside the record: the site, the program's fingerprint, how often, and \
         the group it was last seen in; no person and no device. There are {listed} now and {MOST_PINS} at most. One that is not seen again is forgotten after {} days \
         (usher tls pins). Whose they were, the record says, and purges and erasures of it leave nothing of that here.",
        days(TAKES)
    )];
    let said = |pinned, what: &str| {
        names(rulebook, |group| group.inspect > Mode::None && group.gate.pinned == pinned).map(|names| format!("Of people in {names} such a program {what}."))
    };
    let learnt = format!("is passed closed at that site, for {} days at a time", days(AGAIN));
    all.extend(said(Pinned::Learn, &learnt));
    all.extend(said(Pinned::Ask, "is passed closed at that site once a technician says so"));
    all.extend(said(Pinned::Never, "is not passed"));
    all
}

/// What sites are told that the browser does not say.
fn told(rulebook: &Rulebook) -> Vec<String> {
    let safe = [Level::Strict, Level::Moderate].into_iter().filter_map(|level| {
        let names = names(rulebook, |group| group.safe_search == level)?;
        Some(format!("Search engines and YouTube are asked to keep back what is not for children ({}) for people in {names}.", level.as_str()))
    });
    let whose = |who, is_said: fn(&Group) -> bool| {
        let names = names(rulebook, is_said)?;
        Some(format!("{who} is told whose accounts may be used (the names the school gave, no person's) in requests of people in {names}."))
    };
    let tenants = [whose("Google", |group| group.tenants.google.is_some()), whose("Microsoft", |group| group.tenants.microsoft.is_some())];
    safe.chain(tenants.into_iter().flatten()).collect()
}
