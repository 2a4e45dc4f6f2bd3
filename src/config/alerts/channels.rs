//! Whom messages go to and how: `[[recipient]]`, `[mail]`, `[[hook]]`, `[[syslog]]`, `[[file]]`, `[links]`, `[[place]]`.

use super::number;
use crate::alert::plan::{Hook, LineFile, Links, Mail, Place, Plan, Recipient, Security, Shape, Syslog};
use crate::config::reader::Table;
use crate::config::upstream::{Unusable, read_password};
use crate::host::Host;
use crate::library::fetch::Web;
use crate::outputs::syslog::{Server, Transport};
use crate::outputs::webhook::Secret;
use crate::tls::roots::authorities;
use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// The longest word that is a role or the name of a channel.
const LONGEST_WORD: usize = 40;
/// The most recipients, and the most channels of a kind.
const MOST: usize = 200;

/// Reads everything but routes.
pub(super) fn read(file: &Table<'_>, folder: &Path) -> Plan {
    let plan = Plan {
        recipients: recipients(file),
        mail: mail(file, folder),
        hooks: each(file, "hook", |table| hook(table, folder)),
        syslog: each(file, "syslog", syslog),
        files: each(file, "file", |table| line_file(table, folder)),
        links: links(file),
        places: places(file),
        ..Plan::default()
    };
    let mut taken: Vec<(&str, &str)> = Vec::new();
    let hooks = plan.hooks.iter().map(|one| ("hook", &*one.name));
    let all = hooks.chain(plan.syslog.iter().map(|one| ("syslog", &*one.name))).chain(plan.files.iter().map(|one| ("file", &*one.name)));
    for (kind, name) in all {
        if taken.iter().any(|(_, known)| *known == name) {
            file.wrong(kind, format!("two hooks, syslog servers or files are called \"{name}\""), Some("routes could not tell them apart; rename one".into()));
        } else if plan.recipients.iter().any(|one| *one.role == *name) || crate::alert::routes::ROLES.contains(&name) {
            file.wrong(kind, format!("\"{name}\" is a role; routes could not tell them apart"), Some("give it another name".into()));
        }
        taken.push((kind, name));
    }
    if !plan.recipients.is_empty() && plan.mail.is_none() && !file.has("mail") {
        file.wrong("recipient", "there is no [mail], so no recipient can be told", Some("say which mail server takes messages; see [mail]".into()));
    }
    plan
}

fn each<T>(file: &Table<'_>, key: &'static str, read: impl Fn(&Table<'_>) -> Option<T>) -> Vec<T> {
    let tables = file.tables(key);
    if tables.len() > MOST {
        file.wrong(key, format!("there are more than {MOST}"), None);
    }
    let one = |table: &Table<'_>| {
        let one = read(table);
        table.done();
        one
    };
    tables.iter().filter_map(one).collect()
}

/// A word that routes use: a role, or the name of a channel.
fn word(table: &Table<'_>, key: &'static str, hint: &str) -> Option<Box<str>> {
    let text = table.need::<String>(key, hint)?;
    let sound = !text.is_empty() && text.len() <= LONGEST_WORD && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !sound {
        table.wrong(key, format!("\"{text}\" cannot be used in a route"), Some("use lower-case letters, digits and hyphens".into()));
    }
    sound.then(|| text.into())
}

fn recipients(file: &Table<'_>) -> Vec<Recipient> {
    let mut all: Vec<Recipient> = Vec::new();
    for table in file.tables("recipient") {
        let one = recipient(&table);
        table.done();
        let Some(one) = one else { continue };
        if all.iter().any(|known| known.role == one.role && known.email == one.email) {
            table.wrong("email", format!("the role {} has this address twice", one.role), Some("take one out".into()));
        }
        all.push(one);
    }
    if all.len() > MOST {
        file.wrong("recipient", format!("there are more than {MOST}"), None);
    }
    all
}

fn recipient(table: &Table<'_>) -> Option<Recipient> {
    let role = word(table, "role", "officer, deputy, head, chair, technician, or a word of your own");
    let name = table.need::<String>("name", "what they are called, such as \"Ms Bell\"");
    let email = table.need::<String>("email", "where their messages go, such as \"dsl@school.example\"");
    let user = table.get::<String>("user");
    if let Some(name) = &name
        && (name.trim().is_empty() || name.contains(char::is_control))
    {
        table.wrong("name", format!("{name:?} is no name"), None);
    }
    let email = email.filter(|email| {
        let fits = is_address(email);
        if !fits {
            table.wrong("email", format!("\"{email}\" is no address"), Some("such as \"dsl@school.example\"".into()));
        }
        fits
    });
    if user.as_ref().is_some_and(|user| user.trim().is_empty() || user.contains('*')) {
        table.wrong("user", "it is the whole name they sign in with", Some("such as \"staff-bell\"".into()));
    }
    Some(Recipient { role: role?, name: name?.into(), email: Some(email?.into()), user: user.map(Into::into) })
}

/// Whether a text is one mail address, and nothing that could be more than one.
fn is_address(text: &str) -> bool {
    let Some((before, host)) = text.rsplit_once('@') else { return false };
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '@' | ',' | ';' | ':' | '<' | '>' | '"' | '(' | ')' | '[' | ']' | '\\');
    !before.is_empty() && before.len() <= 64 && before.chars().all(fits) && Host::parse(host).is_ok_and(|host| host.as_str().contains('.') || is_here(&host))
}

/// Whether a host is this machine.
fn is_here(host: &Host) -> bool {
    host.address().map_or(host.as_str() == "localhost", |address| address.is_loopback())
}

fn secret(table: &Table<'_>, key: &'static str, folder: &Path) -> Option<Secret> {
    let path: PathBuf = table.get(key)?;
    match read_password(&folder.join(path)) {
        Ok(secret) => Some(Secret(secret)),
        Err(Unusable { what, hint }) => {
            table.wrong(key, what, hint.or_else(|| Some("it names a file that holds it, and that only its owner may read".into())));
            None
        }
    }
}

fn mail(file: &Table<'_>, folder: &Path) -> Option<Mail> {
    let table = file.table("mail")?;
    let server = table.need::<Host>("server", "such as \"smtp.school.example\"");
    let ways = [("starttls", Security::StartTls), ("tls", Security::Tls), ("none", Security::None)];
    let security = table.choice("security", &ways, Some(Security::StartTls)).unwrap_or(Security::StartTls);
    let usual = match security {
        Security::StartTls => 587,
        Security::Tls => 465,
        Security::None => 25,
    };
    let port = table.get_or("port", usual);
    if port == 0 {
        table.wrong("port", "it must be above 0", None);
    }
    if security == Security::None && server.as_ref().is_some_and(|server| !is_here(server)) {
        table.wrong(
            "security",
            "in the clear everybody on the way can read it; \"none\" is for a server on this machine",
            Some("write \"starttls\" or \"tls\"".into()),
        );
    }
    let user = table.get::<String>("user");
    let password = secret(&table, "password_file", folder);
    if user.is_some() != table.has("password_file") {
        table.wrong("user", "`user` and `password_file` go together", Some("give both, or none".into()));
    }
    let from = table.need::<String>("from", "such as \"Usher <usher@school.example>\"");
    if let Some(from) = &from {
        let address = from.rsplit_once('<').map_or(Some(&**from), |(_, rest)| rest.strip_suffix('>'));
        if from.contains(char::is_control) || !address.is_some_and(is_address) {
            table.wrong("from", format!("{from:?} is no sender"), Some("such as \"Usher <usher@school.example>\"".into()));
        }
    }
    let ca = table.get::<PathBuf>("ca").map(|path| folder.join(path));
    if let Some(path) = &ca
        && let Err(error) = authorities(path)
    {
        table.wrong("ca", error, Some("it is a PEM file with the authority's certificate".into()));
    }
    let seconds = number(&table, "seconds", 60, 1..=600);
    table.done();
    let login = user.map(Into::into).zip(password);
    Some(Mail { server: server?.as_str().into(), port, security, login, from: from?.into(), ca, timeout: Duration::from_secs(seconds.into()) })
}

fn hook(table: &Table<'_>, folder: &Path) -> Option<Hook> {
    let name = word(table, "name", "what routes call it, such as \"chat\"");
    let address = table.need::<String>("address", "such as \"https://hooks.school.example/usher\"");
    let shapes = [("json", Shape::Json), ("teams", Shape::Teams), ("slack", Shape::Slack), ("google-chat", Shape::GoogleChat)];
    let shape = table.choice("shape", &shapes, None);
    let names = table.get_or("names", false);
    let secret = secret(table, "secret", folder);
    match shape {
        Some(Shape::Json) if !table.has("secret") => table.wrong(
            "secret",
            "a \"json\" message is signed, so that its receiver knows whose it is",
            Some("name a file that holds the secret, and that only its owner may read".into()),
        ),
        Some(Shape::Teams | Shape::Slack | Shape::GoogleChat) if table.has("secret") => {
            table.wrong("secret", "only \"json\" is signed", Some("take it out".into()));
        }
        Some(_) | None => {}
    }
    // What is wrong with it is told without it: who knows the address may send there.
    let is_sound = address.as_ref().is_some_and(|address| match address_problem(address) {
        Some((what, hint)) => {
            table.wrong("address", what, Some(hint.into()));
            false
        }
        None => true,
    });
    let address = address.filter(|_| is_sound)?;
    Some(Hook { name: name?, address: Secret(address), shape: shape?, names, secret })
}

fn address_problem(address: &str) -> Option<(&'static str, &'static str)> {
    let here = |url: &Url| url.host_str().and_then(|host| Host::parse(host).ok()).is_some_and(|host| is_here(&host));
    let hint = "such as https://hooks.school.example/usher";
    match (Web::parse(address), Url::parse(address)) {
        (Err(_), _) | (_, Err(_)) => Some(("it is no web address", hint)),
        (Ok(_), Ok(url)) if url.scheme() != "https" && !here(&url) => Some(("it has no https, so everybody on the way can read what is sent", hint)),
        (Ok(_), Ok(url)) if !url.username().is_empty() || url.password().is_some() => Some(("it holds a name or a password", hint)),
        (Ok(_), Ok(_)) => None,
    }
}

fn syslog(table: &Table<'_>) -> Option<Syslog> {
    let name = word(table, "name", "what routes call it, such as \"siem\"");
    let address = table.need::<String>("address", "such as \"tls://syslog.school.example:6514\"")?;
    let names = table.get_or("names", false);
    match Server::parse(&address) {
        None => table.wrong("address", format!("\"{address}\" is no syslog server"), Some("write tls://host:6514 or tcp://host:601".into())),
        Some(server) if server.transport == Transport::Tcp && names && !is_here(&server.host) => {
            table.wrong("address", "names would go there in the clear", Some("write tls://…, or names = false".into()));
        }
        Some(_) => return Some(Syslog { name: name?, address: address.into(), names }),
    }
    None
}

fn line_file(table: &Table<'_>, folder: &Path) -> Option<LineFile> {
    let name = word(table, "name", "what routes call it, such as \"lines\"");
    let path = table.need::<PathBuf>("path", "such as \"../data/alerts.jsonl\"").map(|path| folder.join(path));
    let names = table.get_or("names", false);
    if path.as_ref().is_some_and(|path| path.is_dir()) {
        table.wrong("path", "it is a folder", Some("such as \"../data/alerts.jsonl\"".into()));
    }
    Some(LineFile { name: name?, path: path?, names })
}

fn links(file: &Table<'_>) -> Links {
    let usual = 72;
    let Some(table) = file.table("links") else { return Links { base: None, listen: None, lasts: Duration::from_secs(3600 * usual) } };
    let base = table.get::<String>("base");
    if let Some(base) = &base {
        let sound = Url::parse(base).is_ok_and(|url| url.scheme() == "https" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty());
        if !sound {
            table.wrong("base", format!("\"{base}\" is no https address that links can begin with"), Some("such as \"https://usher.school.example\"".into()));
        }
    }
    let listen = table.get::<SocketAddr>("listen");
    if listen.is_some() && base.is_none() {
        table.wrong("listen", "links do not lead there without `base`", Some("say under which https address your web server passes it on".into()));
    }
    let hours = number(&table, "hours", 72, 1..=24 * 30);
    table.done();
    Links { base: base.map(|base| base.trim_end_matches('/').into()), listen, lasts: Duration::from_secs(3600 * u64::from(hours)) }
}

fn places(file: &Table<'_>) -> Vec<Place> {
    let mut all: Vec<Place> = Vec::new();
    for table in file.tables("place") {
        let name = table.need::<String>("name", "such as \"Room 12\"");
        let networks = table.need::<Vec<IpNet>>("networks", "such as [\"10.1.12.0/24\"]");
        table.done();
        let (Some(name), Some(networks)) = (name, networks) else { continue };
        if networks.is_empty() {
            table.wrong("networks", "nothing is there", Some("such as [\"10.1.12.0/24\"]".into()));
        }
        for net in networks.iter().filter(|net| all.iter().any(|place| place.networks.contains(net))) {
            table.wrong("networks", format!("{net} is another place too"), Some("a range can be in one place only".into()));
        }
        all.push(Place { name: name.into(), networks });
    }
    all
}
