//! `[tls]`: whose certificates are believed, and the sites that are an exception.

use super::reader::{Problem, Table, nearest_hint};
use crate::audit::key::hex;
use crate::host::Host;
use crate::tls::exception::{Accept, Exception, Fingerprint};
use crate::tls::origin::Settings;
use crate::tls::roots::{Files, RootsError, authorities, revocations};
use jiff::civil::Date;
use std::path::{Path, PathBuf};

/// Reads `[tls]`, and what is wrong with the files it names: that matters only where somebody's https is looked into. That an exception is over is no
/// problem: it ended by itself.
pub(super) fn read(file: &Table<'_>, folder: &Path) -> (Settings, Vec<Problem>) {
    let Some(table) = file.table("tls") else { return (Settings::default(), Vec::new()) };
    let (authorities, mut wrong) = read_files(&table, "authorities", folder, |path| authorities(path).map(drop));
    let (revoked, more) = read_files(&table, "revoked", folder, |path| revocations(path).map(drop));
    wrong.extend(more);
    let exceptions = table.tables("exception").iter().filter_map(read_exception).collect();
    table.done();
    (Settings { files: Files { authorities, revoked }, exceptions }, wrong)
}

/// The files of a key, each of which is looked at as it is when sites are visited.
fn read_files(table: &Table<'_>, key: &'static str, folder: &Path, look: impl Fn(&Path) -> Result<(), RootsError>) -> (Vec<PathBuf>, Vec<Problem>) {
    let paths: Vec<PathBuf> = table.get_or(key, Vec::<PathBuf>::new()).into_iter().map(|path| folder.join(path)).collect();
    let wrong = paths.iter().filter_map(|path| look(path).err()).map(|error| table.would_be_wrong(key, error)).collect();
    (paths, wrong)
}

fn read_exception(table: &Table<'_>) -> Option<Exception> {
    let host: Option<Host> = table.need("host", "the site, such as \"lift.school.example\"");
    let accept = read_accept(table);
    let sha256 = table.get::<String>("sha256").map(|text| {
        let read = fingerprint(&text);
        if read.is_none() {
            table.wrong("sha256", "64 digits of a SHA-256 are expected", Some("openssl x509 -in FILE -noout -fingerprint -sha256".into()));
        }
        read
    });
    let reason: Option<String> = table.need("reason", "why it is accepted, for those who look at it later");
    if reason.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
        table.wrong("reason", "the reason is empty", None);
    }
    let until: Option<Date> = table.need("until", "the last day it holds, such as 2027-04-01");
    table.done();
    // A sum that cannot be read must not make it an exception for every certificate; the problem was told.
    let sha256 = match sha256 {
        Some(read) => Some(read?),
        None => None,
    };
    Some(Exception { host: host?, accept: accept?, sha256, reason: reason?, until: until? })
}

fn read_accept(table: &Table<'_>) -> Option<Vec<Accept>> {
    let names = Accept::NAMES.map(|(name, _)| name);
    let all = names.join(", ");
    let written: Vec<String> = table.need("accept", &format!("one or more of {all}"))?;
    if written.is_empty() {
        table.wrong("accept", "it accepts nothing", Some(format!("one or more of {all}")));
    }
    let read = |text: &String| {
        let found = Accept::NAMES.iter().find(|(name, _)| name == text).map(|(_, accept)| *accept);
        if found.is_none() {
            table.wrong("accept", format!("\"{text}\" is none of {all}"), nearest_hint(text, names.to_vec()));
        }
        found
    };
    written.iter().map(read).collect()
}

/// A SHA-256 in hexadecimal digits of either case, with or without colons between them.
fn fingerprint(text: &str) -> Option<Fingerprint> {
    hex(&text.replace(':', ""))
}
