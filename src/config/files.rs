//! `files` of a group: which files its members may not have.

use super::reader::{Table, nearest_hint};
use crate::kinds::{Class, Classes};
use crate::policy::files::Rules;

/// Reads `files` of a group; without it every file may pass.
pub(super) fn read(group: &Table<'_>) -> Rules {
    let Some(table) = group.table("files") else { return Rules::default() };
    let mut rules = Rules::default();
    for name in table.get_or::<Vec<String>>("block", Vec::new()) {
        match name.strip_prefix('.') {
            Some(ending) if is_ending(ending) => rules.endings.push(ending.to_lowercase().into()),
            Some(_) => table.wrong("block", format!("\"{name}\" is not an ending"), Some("such as \".scr\" or \".tar.gz\"".into())),
            None => rules.block = class(&table, "block", &name).map_or(rules.block, |class| rules.block.with(class)),
        }
    }
    for name in table.get_or::<Vec<String>>("types", Vec::new()) {
        let name = name.to_lowercase();
        match name.split_once('/') {
            Some((kind, sub)) if is_token(kind) && (sub == "*" || is_token(sub)) => rules.types.push(name.into()),
            _ => table.wrong("types", format!("\"{name}\" is not a media type"), Some("such as \"application/x-msdownload\" or \"video/*\"".into())),
        }
    }
    rules.largest_mib = table.get("largest_mib");
    if rules.largest_mib == Some(0) {
        table.wrong("largest_mib", "it must be above 0", Some("leave it out for no limit".into()));
    }
    rules.archives = table.get_or("archives", true);
    rules.uploads = table.get_or("uploads", false);
    rules.except = table.get_or("except", Vec::new());
    if rules.is_empty() {
        table.wrong("block", format!("{} blocks nothing", table.name()), Some("such as block = [\"executable\"], or leave `files` out".into()));
    }
    table.done();
    rules
}

/// Kinds by their names.
pub(super) fn classes(table: &Table<'_>, key: &'static str, names: &[String]) -> Classes {
    names.iter().filter_map(|name| class(table, key, name)).collect()
}

fn class(table: &Table<'_>, key: &'static str, name: &str) -> Option<Class> {
    let found = Class::named(name);
    if found.is_none() {
        let names: Vec<_> = Class::NAMES.iter().map(|(name, ..)| *name).collect();
        let hint = nearest_hint(name, names.clone()).unwrap_or_else(|| format!("an ending such as \".scr\", or one of {}", names.join(", ")));
        table.wrong(key, format!("there is no kind of file \"{name}\""), Some(hint));
    }
    found
}

fn is_ending(text: &str) -> bool {
    !text.is_empty() && !text.contains(['/', '\\', '*', ' ']) && !text.starts_with('.') && !text.ends_with('.')
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
}
