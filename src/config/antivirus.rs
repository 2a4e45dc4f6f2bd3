//! `[antivirus]`: the virus scanners, what they are shown, and what happens when they cannot say.

use super::files::classes;
use super::reader::Table;
use crate::antivirus::{Settings, Unscanned, clamd, icap};
use crate::kinds::Class;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is scanned where the school does not say.
const SCANNED: [Class; 9] =
    [Class::Executable, Class::Script, Class::Extension, Class::Archive, Class::Encrypted, Class::DiskImage, Class::Macros, Class::Document, Class::Disguised];
/// The largest file that may be asked to be scanned, in MiB: clamd takes no larger ones.
const MOST_MIB: u64 = 4000;

/// Reads `[antivirus]`; none where there is no scanner.
pub(super) fn read(file: &Table<'_>, folder: &Path) -> Option<Settings> {
    let table = file.table("antivirus")?;
    let clamd = table.get::<String>("clamd").and_then(|text| place(&table, &text, folder));
    let answers = address(&table, "icap");
    let requests = address(&table, "icap_requests");
    let on_error = table.choice("on_error", &Unscanned::NAMES, Some(Unscanned::Block)).unwrap_or(Unscanned::Block);
    let larger = table.choice("larger", &Unscanned::NAMES, Some(Unscanned::Block)).unwrap_or(Unscanned::Block);
    let largest = table.get_or::<u64>("largest_mib", 100);
    if !(1..=MOST_MIB).contains(&largest) {
        table.wrong("largest_mib", format!("it must be from 1 to {MOST_MIB}"), None);
    }
    let seconds = table.get_or::<u64>("seconds", 60);
    if !(1..=600).contains(&seconds) {
        table.wrong("seconds", "it must be from 1 to 600", None);
    }
    let (mut scan, mut scan_other) = (SCANNED.into_iter().collect(), true);
    if let Some(names) = table.get::<Vec<String>>("scan") {
        scan_other = names.iter().any(|name| name == "other");
        let named: Vec<_> = names.into_iter().filter(|name| name != "other").collect();
        scan = classes(&table, "scan", &named);
        if scan.is_empty() && !scan_other {
            table.wrong("scan", "nothing is scanned", Some("such as [\"executable\", \"archive\", \"document\", \"other\"]".into()));
        }
    }
    if clamd.is_none() && answers.is_none() && requests.is_none() && ["clamd", "icap", "icap_requests"].iter().all(|key| table.get::<String>(key).is_none()) {
        table.wrong("clamd", "there is no scanner", Some("such as clamd = \"/run/clamav/clamd.ctl\", or leave [antivirus] out".into()));
    }
    table.done();
    Some(Settings { clamd, answers, requests, on_error, largest: largest << 20, larger, scan, scan_other, time: Duration::from_secs(seconds) })
}

fn place(table: &Table<'_>, text: &str, folder: &Path) -> Option<clamd::Place> {
    if let Some(address) = text.strip_prefix("tcp://") {
        let is_sound = crate::url::split_port(address).is_ok_and(|(host, port)| !host.is_empty() && port.is_some());
        if !is_sound {
            table.wrong("clamd", format!("\"{text}\" has no host and port"), Some("such as \"tcp://127.0.0.1:3310\"".into()));
            return None;
        }
        return Some(clamd::Place::Tcp(address.to_owned()));
    }
    if text.is_empty() || text.contains("://") {
        table.wrong("clamd", format!("\"{text}\" is no socket"), Some("such as \"/run/clamav/clamd.ctl\" or \"tcp://127.0.0.1:3310\"".into()));
        return None;
    }
    Some(clamd::Place::Unix(folder.join(PathBuf::from(text))))
}

fn address(table: &Table<'_>, key: &'static str) -> Option<icap::Address> {
    let text: String = table.get(key)?;
    match text.parse() {
        Ok(address) => Some(address),
        Err(why) => {
            table.wrong(key, format!("\"{text}\" is {why}"), None);
            None
        }
    }
}
