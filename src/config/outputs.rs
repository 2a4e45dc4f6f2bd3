//! `[[output]]`: where the record is sent as it is committed.

use super::reader::{FromToml, Table};
use super::upstream::{Unusable, read_password};
use crate::audit::Class;
use crate::library::fetch::Web;
use crate::outputs::syslog::Server;
use crate::outputs::webhook::{Hook, Secret};
use crate::outputs::{Naming, Output, To, What};
use crate::reach::Roots;
use crate::tls::roots::authorities;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::rustls::RootCertStore;
use toml::de::DeValue;

/// The longest name.
const LONGEST_NAME: usize = 40;

/// How records are sent, as `kind` says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Syslog,
    Webhook,
}

/// Reads every `[[output]]`. What is wrong is noted; an output with something wrong is left out.
pub(super) fn read(file: &Table<'_>, folder: &Path) -> Vec<Output> {
    let mut all: Vec<Output> = Vec::new();
    for table in file.tables("output") {
        let output = read_one(&table, folder);
        table.done();
        let Some(output) = output else { continue };
        if all.iter().any(|known| known.name == output.name) {
            table.wrong("name", format!("there are two outputs \"{}\"", output.name), Some("give one of them another name".into()));
        }
        all.push(output);
    }
    all
}

fn read_one(table: &Table<'_>, folder: &Path) -> Option<Output> {
    let name = table.need::<Name>("name", "such as \"siem\"");
    let kind = table.choice("kind", &[("syslog", Kind::Syslog), ("webhook", Kind::Webhook)], None);
    let address = table.need::<String>("address", "such as \"tls://syslog.school.example:6514\"");
    let secret = read_secret(table, folder);
    let roots = table.get::<PathBuf>("ca").map_or(Some(Roots::System), |path| read_roots(table, &folder.join(path)));
    let what = table.get_or("what", vec![What::Records]);
    if what.is_empty() {
        table.wrong("what", "nothing would be sent", Some("such as [\"records\"]".into()));
    }
    let only = table.get_or("only", Vec::new());
    let names = if table.get_or("pseudonymous", false) { Naming::Pseudonymous } else { Naming::Named };
    let to = read_to(table, kind?, &address?, secret)?;
    Some(Output { name: name?.0, to, what, only, names, roots: roots? })
}

fn read_to(table: &Table<'_>, kind: Kind, address: &str, secret: Option<Secret>) -> Option<To> {
    match kind {
        Kind::Syslog => {
            if secret.is_some() {
                table.wrong("secret", "syslog signs nothing", Some("leave it out, or send to a webhook".into()));
            }
            let server = Server::parse(address);
            if server.is_none() {
                table.wrong("address", format!("\"{address}\" is no syslog server"), Some("write tls://host:6514 or tcp://host:601".into()));
            }
            server.map(To::Syslog)
        }
        Kind::Webhook => match Web::parse(address) {
            Ok(web) => Some(To::Webhook(Hook { address: web, secret })),
            Err(error) => {
                table.wrong("address", format!("\"{address}\": {error}"), Some("such as https://siem.school.example/usher".into()));
                None
            }
        },
    }
}

fn read_secret(table: &Table<'_>, folder: &Path) -> Option<Secret> {
    let path: PathBuf = table.get("secret")?;
    match read_password(&folder.join(path)) {
        Ok(secret) => Some(Secret(secret)),
        Err(Unusable { what, hint }) => {
            table.wrong("secret", what, hint.or_else(|| Some("it names a file with the secret in it".into())));
            None
        }
    }
}

/// The authorities of a PEM file.
fn read_roots(table: &Table<'_>, path: &Path) -> Option<Roots> {
    match authorities(path) {
        Ok(found) => {
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(found);
            Some(Roots::Only(Arc::new(store)))
        }
        Err(error) => {
            table.wrong("ca", error, Some("it is a PEM file with the authority's certificate".into()));
            None
        }
    }
}

/// What an output is called: its files have the name too.
struct Name(String);

impl FromToml for Name {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let text = String::from_toml(value)?;
        let sound = !text.is_empty() && text.len() <= LONGEST_NAME && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if sound { Ok(Self(text)) } else { Err(format!("\"{text}\" is no name for an output; it has letters, digits and hyphens")) }
    }
}

impl FromToml for What {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        one_of(&Self::NAMES, value)
    }
}

impl FromToml for Class {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        one_of(&Self::NAMES, value)
    }
}

fn one_of<T: Copy>(names: &[(&str, T)], value: &DeValue<'_>) -> Result<T, String> {
    let text = String::from_toml(value)?;
    let found = names.iter().find(|(name, _)| *name == text).map(|(_, one)| *one);
    found.ok_or_else(|| format!("\"{text}\" is none of {}", names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")))
}
