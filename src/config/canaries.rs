//! Canaries: `blocklists/canaries.toml`, and `[canaries]` in `policy.toml`. Sites that must stay open, and sites that must stay blocked.

use super::reader::{FromToml, Problem, Source, Table};
use crate::library::judge::Canaries;
use crate::url::Url;

/// Reads a file of canaries.
pub(super) fn read(source: &Source) -> Result<Canaries, Vec<Problem>> {
    source.read(|file| Some(read_table(file)))
}

/// Reads a table of canaries.
pub(super) fn read_table(table: &Table<'_>) -> Canaries {
    let urls = |key| table.get_or::<Vec<Site>>(key, Vec::new()).into_iter().map(|site| site.0).collect();
    Canaries { open: urls("open"), blocked: urls("blocked") }
}

/// The shipped ones, and the school's own. Where the two disagree the school is right.
pub(super) fn together(shipped: Canaries, own: &Canaries) -> Canaries {
    let side = |shipped: Vec<Url>, own: &[Url], other: &[Url]| {
        let kept = shipped.into_iter().filter(|url| !other.iter().chain(own).any(|known| known.text() == url.text()));
        own.iter().cloned().chain(kept).collect()
    };
    Canaries { open: side(shipped.open, &own.open, &own.blocked), blocked: side(shipped.blocked, &own.blocked, &own.open) }
}

/// A site, asked for as plain http so that its path counts.
struct Site(Url);

impl FromToml for Site {
    fn from_toml(value: &toml::de::DeValue<'_>) -> Result<Self, String> {
        let text = String::from_toml(value)?;
        let bare = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
        Url::parse(bare).map(Self).map_err(|error| format!("\"{text}\": {error}"))
    }
}
