//! `[restrict]` and `[volume]` of `alerts.toml`: when access is restricted by itself, and what is unusually much.

use super::{Around, minutes, number};
use crate::alert::restrict;
use crate::alert::volume::{self, Night};
use crate::audit::restrictions::Limit;
use crate::config::categories::ids;
use crate::config::reader::{Table, nearest_hint};
use crate::host::Host;

/// The fewest sites that are too many: fewer are a slip of the finger.
const FEWEST: u32 = 3;

/// When access is restricted by itself, if it ever is.
pub(super) fn restrict(file: &Table<'_>, around: &Around<'_>) -> Option<restrict::Settings> {
    let table = file.table("restrict")?;
    let blocks = number(&table, "blocks", 0, 0..=200);
    if (1..FEWEST).contains(&blocks) {
        table.wrong("blocks", "so few are a slip of the finger", Some(format!("at least {FEWEST}; or 0 to have nobody restricted by itself")));
    }
    let within = number(&table, "within", 10, 1..=120);
    let length = number(&table, "minutes", 30, 1..=1440);
    let devices = table.get_or("devices", false);
    let names = table.get_or::<Vec<String>>("only", Vec::new());
    let (categories, sites) = restrict::left(&names, |name| around.taxonomy.find(name).is_some());
    for id in categories.iter().filter(|id| around.taxonomy.find(id).is_some_and(|category| around.taxonomy.always_blocked().contains(category))) {
        table.wrong("only", format!("\"{id}\" is always blocked"), Some("take it out".into()));
    }
    let hosts = sites.iter().filter_map(|name| site(&table, name, around)).collect();
    table.done();
    let how = if names.is_empty() { Limit::Off } else { Limit::Only { categories, hosts } };
    (blocks >= FEWEST).then(|| restrict::Settings { blocks: blocks as usize, within: minutes(within), length: minutes(length), how, devices })
}

/// That access is restricted by itself, for whoever checks the settings.
pub(super) fn remark(settings: &restrict::Settings) -> String {
    let whose = if settings.devices { "users and devices where nobody is signed in" } else { "users" };
    format!(
        "[restrict] is on: after {}, the access of {whose} is restricted for {} minutes by itself, never that of staff; say so in your DPIA",
        settings.words(),
        settings.length.as_secs() / 60
    )
}

/// A site by its name; what is none is noted.
fn site(table: &Table<'_>, name: &str, around: &Around<'_>) -> Option<String> {
    match Host::parse(name) {
        Ok(host) if name.contains('.') => return Some(host.to_string()),
        Ok(_) => {
            let hint = nearest_hint(name, ids(around.taxonomy)).unwrap_or_else(|| "blocklists/categories.toml lists them; a site has a dot".into());
            table.wrong("only", format!("there is no category \"{name}\""), Some(hint));
        }
        Err(error) => table.wrong("only", format!("\"{name}\" is neither a category nor a site: {error}"), Some("such as \"ourschool.sch.uk\"".into())),
    }
    None
}

/// What is unusually much.
pub(super) fn volume(file: &Table<'_>) -> volume::Settings {
    let shipped = volume::Settings::default();
    let Some(table) = file.table("volume") else { return shipped };
    let times = number(&table, "times", shipped.times, 2..=1000);
    let least_visits = number(&table, "least_visits", shipped.least_visits, 1..=1_000_000);
    let least_mib = number(&table, "least_mib", shipped.least_mib, 1..=10_000_000);
    let night = table.table("night").and_then(|table| {
        let from = table.need("from", "such as \"23:00\"");
        let to = table.need("to", "such as \"05:00\"");
        let visits = number(&table, "visits", 30, 1..=1_000_000);
        if from.is_some() && from == to {
            table.wrong("to", "a night that ends when it begins is none", Some("such as from = \"23:00\", to = \"05:00\"; or leave [volume.night] out".into()));
        }
        table.done();
        Some(Night { from: from?, to: to?, visits })
    });
    table.done();
    volume::Settings { times, least_visits, least_mib, night }
}
