//! Which files of a tree are read, as what, and for which category. Pure: from what is there and what the configuration says.
//!
//! - The folder a file lies in says its category, by our name or by the publisher's mapped to ours; of a link and the folder it leads to, the
//!   first that has a category counts, so that each file is read once. A folder that is skipped by name is not read, nor is one that nobody
//!   mapped.
//! - A folder whose `usage` says `white` alone is for allowing. It is not read, unless the mapping names it: whoever maps it says what its sites
//!   are, which is no word on whether they are blocked.
//! - In a folder of a category a file is read by its own name. Elsewhere a file is read if the source has a category, or if the file says its
//!   categories itself.

use super::Source;
use super::tree::Survey;
use crate::category::{Category, Taxonomy};
use crate::lists::formats::Format;
use crate::lists::formats::detect::by_name;
use crate::lists::report::Known;
use std::collections::{BTreeMap, HashMap};

/// How many links may lead to one another.
const LONGEST_CHAIN: usize = 8;
/// How many names of one file are looked at.
const MOST_NAMES: usize = 16;
/// What says of a folder whether it is for blocking.
const USAGE: &str = "usage";
/// Files that are part of a tree, and no lists.
const NO_LISTS: [&str; 7] = ["global_usage", "README", "README.md", "LICENSE", "LICENSE.pdf", "COPYING", "CATEGORIES"];
const FOR_ALLOWING: &str =
    "for allowing, as its file usage says, so it is not loaded for blocking; name a category for it in the mapping to load it all the same";
/// How e2guardian calls its lists of what is let through.
const ALLOWING: [&str; 2] = ["exception", "grey"];
const ALLOWED_BY_NAME: &str = "for allowing, by its name";
const UNNAMED: &str = "no list by its name; lists are called domains, urls, expressions, words, phrases, networks or hosts";
const UNMAPPED: &str = "no category has this name; name one for it under [map] in blocklists/ut1.toml";

/// A file that is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The name people are shown, after the source's.
    pub shown: String,
    /// How it is read, if that is known before it is opened.
    pub format: Option<(Format, Known)>,
    /// What its entries are, if the file does not say it.
    pub category: Option<Category>,
    /// What to do if it is no list.
    pub if_no_list: IfNoList,
}

/// What to do with a file that turns out to be no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfNoList {
    /// It should be one: nothing is loaded.
    Fail,
    /// It may be anything: it is left out, and said so.
    Skip,
}

/// What is to be read, by path, and what is not, each with the reason.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The files.
    pub files: BTreeMap<String, Planned>,
    /// The rest, by the name people are shown.
    pub skipped: Vec<(String, String)>,
    /// The folder all others lie in, such as `blacklists`, with a final slash; people are not shown it.
    pub wrapper: String,
}

/// What a folder's name says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// This category, by a name of ours.
    Ours(Category),
    /// This category, as the mapping says.
    Mapped(Category),
    /// Left out, for this reason.
    Skip(String),
    /// Nothing.
    Unknown,
}

/// Something that is not read: its path, and why.
type Skipped = (String, String);

/// Makes the plan.
pub fn plan(source: &Source, taxonomy: &Taxonomy, survey: &Survey) -> Plan {
    let names = Names::new(source, taxonomy, survey);
    let mut plan = Plan { wrapper: names.wrapper.clone(), ..Plan::default() };
    // A folder is told of once, whatever it holds.
    let mut skipped = BTreeMap::new();
    for file in survey.files.iter().filter(|file| own_name(file) != USAGE) {
        match names.judge(file) {
            Ok((place, planned)) => {
                let shown = plan.shown(&place);
                plan.files.insert(file.clone(), Planned { shown, ..planned });
            }
            Err((path, reason)) => drop(skipped.insert(plan.shown(&path), reason)),
        }
    }
    plan.skipped.extend(skipped);
    let aliases = survey.aliases.iter().map(|(alias, target)| (plan.shown(alias), format!("another name of {}", plan.shown(target))));
    let aliases: Vec<_> = aliases.collect();
    plan.skipped.extend(aliases);
    plan.skipped.extend(survey.refused.iter().cloned());
    plan
}

fn own_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, own)| own)
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl Plan {
    fn shown(&self, path: &str) -> String {
        path.strip_prefix(&self.wrapper).unwrap_or(path).to_owned()
    }

    /// How a file that another one includes is read.
    #[must_use]
    pub fn included(&self, path: &str, format: Format, category: Option<Category>) -> Planned {
        Planned { shown: self.shown(path), format: Some((format, Known::Named)), category, if_no_list: IfNoList::Fail }
    }
}

/// What folders are called.
struct Names<'a> {
    source: &'a Source,
    taxonomy: &'a Taxonomy,
    survey: &'a Survey,
    /// The other names of what links lead to.
    aliases: HashMap<String, Vec<&'a str>>,
    wrapper: String,
}

impl<'a> Names<'a> {
    fn new(source: &'a Source, taxonomy: &'a Taxonomy, survey: &'a Survey) -> Self {
        let targets: HashMap<&str, &str> = survey.aliases.iter().map(|(name, target)| (name.as_str(), target.as_str())).collect();
        let mut aliases: HashMap<String, Vec<&str>> = HashMap::new();
        for (name, target) in &survey.aliases {
            let mut real = target.as_str();
            for _ in 0..LONGEST_CHAIN {
                real = targets.get(real).copied().unwrap_or(real);
            }
            aliases.entry(real.to_owned()).or_default().push(name);
        }
        let mut names = Self { source, taxonomy, survey, aliases, wrapper: String::new() };
        names.wrapper = names.common_folder().unwrap_or_default();
        names
    }

    /// The folder that all files lie in, if it says nothing by its name and has folders in it.
    fn common_folder(&self) -> Option<String> {
        let folder = self.survey.files.first()?.split_once('/')?.0;
        let prefix = format!("{folder}/");
        let inside = |file: &String| file.strip_prefix(&prefix).map(|rest| rest.contains('/'));
        let deeper: Option<Vec<bool>> = self.survey.files.iter().map(inside).collect();
        (deeper?.contains(&true) && self.verdict_of(folder) == Verdict::Unknown).then_some(prefix)
    }

    /// How a file is read and under which of its names, or what is left out and why.
    fn judge(&self, file: &str) -> Result<(String, Planned), Skipped> {
        let list = own_name(file).strip_suffix(".gz").unwrap_or(own_name(file));
        if NO_LISTS.contains(&list) {
            return Err((file.to_owned(), "no list".to_owned()));
        }
        let (place, verdict) = self.best_place(file);
        let said = self.source.format.map(|format| (format, Known::Said));
        let format = said.or_else(|| by_name(list).map(|format| (format, Known::Named)));
        if by_name(list).is_none() && ALLOWING.iter().any(|start| list.starts_with(start)) && list.ends_with("list") {
            return Err((file.to_owned(), ALLOWED_BY_NAME.to_owned()));
        }
        let planned = |category, if_no_list| Planned { shown: String::new(), format, category, if_no_list };
        match verdict {
            Verdict::Skip(reason) => Err((folder_of(file).to_owned(), reason)),
            Verdict::Ours(_) if self.is_for_allowing(file) => Err((folder_of(file).to_owned(), FOR_ALLOWING.to_owned())),
            Verdict::Ours(_) | Verdict::Mapped(_) if format.is_none() => Err((file.to_owned(), UNNAMED.to_owned())),
            Verdict::Ours(category) | Verdict::Mapped(category) => Ok((place, planned(Some(category), IfNoList::Fail))),
            Verdict::Unknown => self.judge_unmapped(file, format).map(|if_no_list| (place, planned(self.source.category, if_no_list))),
        }
    }

    fn is_for_allowing(&self, file: &str) -> bool {
        self.survey.allow_lists.contains(folder_of(file)) && self.source.category.is_none()
    }

    /// A file in no folder of a category. The source may have a category, or the file may say it itself.
    fn judge_unmapped(&self, file: &str, format: Option<(Format, Known)>) -> Result<IfNoList, Skipped> {
        let folder = folder_of(file);
        let says_itself = format.is_some_and(|(format, _)| format.names_categories());
        let has_category = self.source.category.is_some();
        match format {
            _ if self.survey.files.len() == 1 => Ok(IfNoList::Fail),
            Some(_) if says_itself || has_category => Ok(IfNoList::Fail),
            Some(_) | None if has_category => Ok(IfNoList::Skip),
            Some(_) | None if folder.is_empty() || format!("{folder}/") == self.wrapper => Ok(IfNoList::Skip),
            Some(_) | None => Err((folder.to_owned(), UNMAPPED.to_owned())),
        }
    }

    /// Of a file's own path and those that links give it, the first that has a category, or is skipped by name, or its own.
    fn best_place(&self, file: &str) -> (String, Verdict) {
        let mut places: Vec<_> = self.places(file).take(MOST_NAMES).map(|place| (self.verdict(&place), place)).collect();
        let category = places.iter().position(|(verdict, _)| matches!(verdict, Verdict::Ours(_) | Verdict::Mapped(_)));
        let skipped = || places.iter().position(|(verdict, _)| matches!(verdict, Verdict::Skip(_)));
        let best = category.or_else(skipped).unwrap_or(0);
        let (verdict, place) = places.swap_remove(best);
        (place, verdict)
    }

    /// A file's own path, and those that links give it.
    fn places<'s>(&'s self, file: &'s str) -> impl Iterator<Item = String> + 's {
        let ends = file.match_indices('/').map(|(at, _)| at).chain([file.len()]);
        let others = ends.flat_map(move |end| self.aliases.get(&file[..end]).into_iter().flatten().map(move |alias| format!("{alias}{}", &file[end..])));
        std::iter::once(file.to_owned()).chain(others)
    }

    /// What the folders of a path say: the innermost that says anything.
    fn verdict(&self, path: &str) -> Verdict {
        let mut rest = path;
        while let Some((folder, _)) = rest.rsplit_once('/') {
            let own = folder.rsplit_once('/').map_or(folder, |(_, own)| own);
            match self.verdict_of(own) {
                Verdict::Unknown => rest = folder,
                verdict => return verdict,
            }
        }
        Verdict::Unknown
    }

    fn verdict_of(&self, folder: &str) -> Verdict {
        let folders = &self.source.folders;
        match (folders.map.get(folder), folders.skip.get(folder), self.taxonomy.find(folder)) {
            (Some(category), _, _) => Verdict::Mapped(*category),
            (None, Some(reason), _) => Verdict::Skip(reason.clone()),
            (None, None, Some(category)) => Verdict::Ours(category),
            (None, None, None) => Verdict::Unknown,
        }
    }
}
