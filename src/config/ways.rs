//! `ways` of a group in `policy.toml`: what is done about ways round the filter.

use super::reader::{Table, nearest_hint};
use crate::bypass::Code;
use crate::policy::Ways;
use crate::policy::ways::{Act, Wisp};

/// Reads what a group says of them.
pub(super) fn read(group: &Table<'_>) -> Ways {
    let shipped = Ways::default();
    let Some(table) = group.table("ways") else { return shipped };
    let near = table.choice("near", &Act::OF_NEAR, Some(shipped.near)).unwrap_or(shipped.near);
    let scores = table.choice("scores", &Act::OF_SCORES, Some(shipped.scores)).unwrap_or(shipped.scores);
    let wisp = table.choice("wisp", &Wisp::NAMES, Some(shipped.wisp)).unwrap_or_default();
    let allow = table.get_or::<Vec<String>>("allow", Vec::new()).iter().filter_map(|name| code(&table, name)).collect();
    table.done();
    Ways { near, scores, wisp, allow }
}

fn code(table: &Table<'_>, name: &str) -> Option<Code> {
    let found = Code::named(name);
    match found {
        // What is asked for through a web proxy is settled with it.
        Some(Code::WispStream) => table.wrong("allow", "\"wisp-stream\" is settled by `wisp`", Some("write wisp = \"note\"".into())),
        Some(_) => return found,
        None => table.wrong("allow", format!("there is no way round of the name \"{name}\""), nearest_hint(name, Code::all().map(Code::as_str).collect())),
    }
    None
}
