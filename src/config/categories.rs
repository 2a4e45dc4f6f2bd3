//! `blocklists/categories.toml` and `blocklists/ut1.toml`.

use super::reader::{Problem, Source, Table, nearest_hint};
use crate::category::{CategoryInfo, Page, Taxonomy, Theme};
use crate::lists::store::FolderNames;

/// Reads the categories.
pub fn read(source: &Source) -> Result<Taxonomy, Vec<Problem>> {
    source.read(|file| {
        let infos: Vec<_> = file.tables("category").iter().filter_map(category).collect();
        Taxonomy::new(infos).map_err(|error| file.wrong("category", error, Some("each is a table [[category]] with an id".into()))).ok()
    })
}

fn category(table: &Table<'_>) -> Option<CategoryInfo> {
    let id: Option<String> = table.need("id", "lower-case letters, digits and hyphens, such as \"games\"");
    let well_formed = |id: &String| !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if id.as_ref().is_some_and(|id| !well_formed(id)) {
        table.wrong("id", "only lower-case letters, digits and hyphens", None);
    }
    let name = table.need("name", "the name people read, such as \"Games\"");
    let covers = table.need("covers", "one sentence that says what it covers");
    let theme = table.choice("theme", &Theme::NAMES, None);
    let severity: u8 = table.get_or("severity", 0);
    if severity > 5 {
        table.wrong("severity", "at most 5", None);
    }
    let heading = table.get("heading");
    let page = table.choice("page", &[("block", Page::Block), ("help", Page::Help)], Some(Page::Block));
    table.done();
    Some(CategoryInfo { id: id?, name: name?, covers: covers?, theme: theme?, severity, heading, page: page? })
}

/// Reads what the folders of published trees are called here.
pub fn read_folders(source: &Source, taxonomy: &Taxonomy) -> Result<FolderNames, Vec<Problem>> {
    source.read(|file| {
        let mut names = FolderNames::default();
        if let Some(map) = file.table("map") {
            for (folder, id, span) in map.entries::<String>() {
                match taxonomy.find(&id) {
                    Some(category) => drop(names.map.insert(folder, category)),
                    None => map.wrong_at(span, format!("{folder}: there is no category \"{id}\""), nearest_hint(&id, ids(taxonomy))),
                }
            }
        }
        if let Some(skip) = file.table("skip") {
            names.skip = skip.entries::<String>().into_iter().map(|(folder, reason, _)| (folder, reason)).collect();
        }
        Some(names)
    })
}

/// The ids of all categories.
pub(super) fn ids(taxonomy: &Taxonomy) -> Vec<&str> {
    taxonomy.iter().map(|(_, info)| info.id.as_str()).collect()
}
