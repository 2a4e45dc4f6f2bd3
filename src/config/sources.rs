//! `blocklists/sources.toml`: where lists come from. `data/lists/imported.toml` is read by the same code.

use super::categories::{ids, read_folders};
use super::reader::{FromToml, Problem, Source as File, Table, nearest_hint};
use crate::category::{Category, Taxonomy};
use crate::library::fetch::{Address, Caps};
use crate::library::source::{Age, Bounds, Schedule, Source};
use crate::library::trust::Check;
use crate::lists::formats::Format;
use crate::lists::store::FolderNames;
use jiff::SignedDuration;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The most a list may weigh where its source does not say, in MiB.
const LARGEST_MIB: u64 = 256;
/// How long fetching may take where the source does not say, in minutes.
const LONGEST_MINUTES: u64 = 30;
/// What a source is red after where it does not say, in days.
const RED_DAYS: u32 = 7;

/// Reads one file of sources. Relative paths in it are relative to it.
pub(super) fn read(file: &File, path: &Path, taxonomy: &Taxonomy) -> Result<Vec<Source>, Vec<Problem>> {
    let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
    let mut others = Vec::new();
    let read = file.read(|table| {
        let mut sources: Vec<Source> = Vec::new();
        for table in table.tables("source") {
            let Some(source) = Reading { table: &table, folder: &folder, taxonomy, others: &mut others }.source() else { continue };
            if sources.iter().any(|known| known.name == source.name) {
                table.wrong("name", format!("there are two sources \"{}\"", source.name), Some("give one another name".into()));
                continue;
            }
            sources.push(source);
        }
        Some(sources)
    });
    match read {
        Ok(sources) if others.is_empty() => Ok(sources),
        Ok(_) => Err(others),
        Err(mut problems) => {
            problems.extend(others);
            Err(problems)
        }
    }
}

struct Reading<'a> {
    table: &'a Table<'a>,
    folder: &'a Path,
    taxonomy: &'a Taxonomy,
    others: &'a mut Vec<Problem>,
}

impl Reading<'_> {
    /// The source, if it is one and is switched on.
    fn source(mut self) -> Option<Source> {
        let table = self.table;
        let name = self.name();
        let address = self.address();
        let format = self.format();
        let category = self.category();
        let folders = self.folders();
        let schedule = table.get_or("schedule", Schedule::ByHand);
        let licence = table.get_or("licence", String::new());
        let check = self.check();
        let bounds = Bounds { shrink: self.share("shrink", Bounds::default().shrink, 1.0), grow: self.share("grow", Bounds::default().grow, 1000.0) };
        let caps = self.caps();
        let age = self.age(schedule);
        let on = table.get_or("on", true);
        table.done();
        let source = Source { name: name?, address: address?, format, category, folders, schedule, licence, check, bounds, caps, age };
        on.then_some(source)
    }

    fn name(&self) -> Option<String> {
        let name: String = self.table.need("name", "the name people are shown, such as \"ut1\"")?;
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ');
        if name.is_empty() || name.len() > 60 || !name.chars().all(fine) || name.trim() != name {
            self.table.wrong("name", format!("\"{name}\" is no name for a source"), Some("letters, digits, hyphens and spaces, such as \"our own\"".into()));
            return None;
        }
        Some(name)
    }

    fn address(&self) -> Option<Address> {
        let text: String = self.table.need("address", "an address such as \"https://…\", or a file or folder")?;
        Address::parse(&text, self.folder).map_err(|error| self.table.wrong("address", error, None)).ok()
    }

    fn format(&self) -> Option<Format> {
        let detected = [("auto", None)].into_iter();
        let names: Vec<_> = detected.chain(Format::NAMES.iter().map(|(name, format)| (*name, Some(*format)))).collect();
        self.table.choice("format", &names, Some(None)).flatten()
    }

    fn category(&self) -> Option<Category> {
        let id: String = self.table.get("category")?;
        let found = self.taxonomy.find(&id);
        if found.is_none() {
            self.table.wrong("category", format!("there is no category \"{id}\""), nearest_hint(&id, ids(self.taxonomy)));
        }
        found
    }

    /// What the publisher's folders are called here, from a file of their own.
    fn folders(&mut self) -> Arc<FolderNames> {
        let Some(name) = self.table.get::<std::path::PathBuf>("folders") else { return Arc::default() };
        let read = File::open(&self.folder.join(name)).map_err(|problem| vec![problem]).and_then(|file| read_folders(&file, self.taxonomy));
        read.map_err(|problems| self.others.extend(problems)).map(Arc::new).unwrap_or_default()
    }

    fn check(&self) -> Option<Check> {
        let text: String = self.table.get("check")?;
        Check::parse(&text, self.folder).map_err(|error| self.table.wrong("check", error, None)).ok()
    }

    fn share(&self, key: &'static str, default: f64, most: f64) -> f64 {
        let share = self.table.get_or(key, Share(default)).0;
        if !(0.0..=most).contains(&share) {
            self.table.wrong(key, format!("a share from 0 to {most} is expected"), None);
        }
        share
    }

    fn caps(&self) -> Caps {
        let mib = self.table.get_or("largest_mib", LARGEST_MIB);
        let minutes = self.table.get_or("longest_minutes", LONGEST_MINUTES);
        for (key, value) in [("largest_mib", mib), ("longest_minutes", minutes)] {
            if !(1..=100_000).contains(&value) {
                self.table.wrong(key, "a number from 1 to 100000 is expected", None);
            }
        }
        Caps { bytes: mib << 20, time: Duration::from_secs(60 * minutes), ..Caps::default() }
    }

    /// Amber after two rounds missed, red after a week or four rounds, whichever is longer, unless it is said.
    fn age(&self, schedule: Schedule) -> Age {
        let days = |days: u32| SignedDuration::from_hours(24 * i64::from(days));
        let period = schedule.period().unwrap_or(days(30));
        let amber = self.table.get("amber_days").map_or_else(|| period.saturating_mul(2), days);
        let red = self.table.get("red_days").map_or_else(|| days(RED_DAYS).max(period.saturating_mul(4)), days);
        if red < amber {
            self.table.wrong("red_days", "a source is red later than it is amber", None);
        }
        Age { amber, red }
    }
}

/// A share such as 0.3.
struct Share(f64);

impl FromToml for Share {
    fn from_toml(value: &toml::de::DeValue<'_>) -> Result<Self, String> {
        let float = value.as_float().and_then(|float| float.as_str().parse().ok());
        let whole = || value.as_integer().and_then(|number| number.as_str().parse().ok());
        float.or_else(whole).map(Self).ok_or_else(|| "a share such as 0.3 is expected".to_owned())
    }
}

impl FromToml for Schedule {
    fn from_toml(value: &toml::de::DeValue<'_>) -> Result<Self, String> {
        String::from_toml(value)?.parse().map_err(|error: crate::library::source::NoSchedule| error.to_string())
    }
}
