//! Who looked: nobody is shown a named person's records without saying why, and that they look is on record before they see anything.
//!
//! ```text
//! Filter + Reason ─▶ look: a signed statement in the journal ─▶ Permit ─▶ Reading::permitted ─▶ rows with names
//! Filter that names nobody ─────────────────────────────────────────────▶ Reading::of_nobody ─▶ rows with pseudonyms
//! ```
//!
//! A [`Permit`] carries the filter it was stated for, so that nothing else can be read with it. A statement cannot be changed and comes first, so it
//! does not say how many records were shown: its filter and time say which could be. If it cannot be made, nothing is shown.
//!
//! What reads the record to show it goes through [`Reading`]; what reads it for a program's own work says so with [`Unshown`]. There is no third way: to
//! search the log is not public.

use super::journal::{Journal, JournalError, Reader, Statement, Topic};
use super::pack::Packed;
use super::pseudonyms::Pseudonyms;
use super::query::people::People;
use super::query::{Filter, Log, LogError, Page, Row as Record};
use super::record::RecordId;
use crate::policy::glob::Glob;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

/// What `[log] names` says: whether records that were found without naming anybody are shown with names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// Pseudonyms, unless a reason is given.
    #[default]
    WithAReason,
    /// Names. To look for somebody by name takes a reason all the same.
    Always,
}

impl Naming {
    /// By the name they have in `usher.toml`.
    pub const NAMES: [(&str, Self); 2] = [("with-a-reason", Self::WithAReason), ("always", Self::Always)];
}

/// The fewest words of a reason.
const FEWEST_WORDS: usize = 2;
/// The fewest letters of a reason.
const FEWEST_LETTERS: usize = 8;
/// The most characters of a reason, and of the name of who looks.
const MOST_CHARACTERS: usize = 500;

/// Why somebody looks, in words of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

/// What was given is no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a reason is a few words that another person will understand later, such as \"concern raised by Ms Bell, 23 November\" (at most {MOST_CHARACTERS} characters)"
)]
pub struct NotAReason;

impl std::str::FromStr for Reason {
    type Err = NotAReason;

    fn from_str(text: &str) -> Result<Self, NotAReason> {
        let text = one_line(text);
        let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
        let fits = text.split(' ').count() >= FEWEST_WORDS && letters >= FEWEST_LETTERS && text.chars().count() <= MOST_CHARACTERS;
        if fits { Ok(Self(text)) } else { Err(NotAReason) }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text without what could change a terminal or begin a line.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Somebody who is about to look.
#[derive(Clone, Debug)]
pub struct Look {
    /// The account.
    pub who: String,
    /// The name they give, where several people share the account.
    pub name: Option<String>,
    /// What they look for. Whose records it names is told from it.
    pub filter: Filter,
    /// Why.
    pub reason: Reason,
    /// When.
    pub at: Timestamp,
}

/// What the statement says.
#[derive(Serialize, Deserialize)]
struct Body {
    who: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    filter: String,
    reason: String,
}

/// The right to be shown what a filter finds, with names. Only [`look`] gives one.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    filter: Filter,
    number: u64,
}

impl Permit {
    /// What may be read: this, or less of it.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The number of the statement it was given for.
    #[must_use]
    pub fn statement(&self) -> u64 {
        self.number
    }
}

/// Puts a look on record, and then permits it.
pub fn look(journal: &mut Journal, look: &Look) -> Result<Permit, JournalError> {
    let filter = look.filter.clone();
    let name = look.name.as_deref().map(|name| one_line(name).chars().take(MOST_CHARACTERS).collect());
    let (user, client) = (filter.user.clone(), filter.client.clone());
    let body = Body { who: look.who.clone(), name, user, client, filter: in_words(&filter), reason: look.reason.to_string() };
    let number = journal.state(look.at, Topic::Looked, &body)?;
    Ok(Permit { filter, number })
}

/// Whether a filter names somebody.
#[must_use]
pub fn names_somebody(filter: &Filter) -> bool {
    filter.user.is_some() || filter.client.is_some()
}

/// A filter as it would be typed.
#[must_use]
pub fn in_words(filter: &Filter) -> String {
    if let (Some(after), Some(before)) = (filter.after, filter.before)
        && after.0 + 2 == before.0
    {
        return format!("show {}", RecordId(after.0 + 1));
    }
    let text = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("--{name} {value}"));
    let time = |name: &str, value: Option<Timestamp>| value.map(|value| format!("--{name} {value}"));
    let parts = [
        text("user", &filter.user),
        text("group", &filter.group),
        text("host", &filter.host),
        text("category", &filter.category),
        filter.verdict.map(|verdict| format!("--verdict {}", verdict.as_str())),
        filter.kind.map(|kind| format!("--kind {}", kind.as_str())),
        filter.class.map(|class| format!("--class {}", class.as_str())),
        text("client", &filter.client),
        time("from", filter.from),
        time("to", filter.to),
        text("text", &filter.text),
        filter.before.map(|before| format!("--before {before}")),
    ];
    let words: Vec<_> = parts.into_iter().flatten().collect();
    if words.is_empty() { "everything".to_owned() } else { one_line(&words.join(" ")) }
}

/// A filter that names somebody, and nobody has said why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this reads the records of a named person. Say why with --reason \"...\": a few words. Who looked, when, at whose records and why is put on record \
     first, and shown by: usher log lookups"
)]
pub struct Unpermitted;

enum Shown {
    Names,
    Pseudonyms(Pseudonyms),
}

/// The log, as far as somebody may be shown it.
pub struct Reading<'l> {
    log: &'l Log,
    filter: Filter,
    shown: Shown,
}

/// Which page of what a filter finds.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    /// Only records after this one, the oldest first to come.
    pub after: Option<RecordId>,
    /// Only records before this one.
    pub before: Option<RecordId>,
    /// At most so many.
    pub limit: u32,
    /// How long to look.
    pub patience: Duration,
}

impl<'l> Reading<'l> {
    /// What a permit is for, with names.
    #[must_use]
    pub fn permitted(log: &'l Log, permit: Permit) -> Self {
        Self { log, filter: permit.filter, shown: Shown::Names }
    }

    /// What a filter finds that names nobody: with pseudonyms, or with names where the school has decided so.
    pub fn of_nobody(log: &'l Log, filter: Filter, naming: Naming, secret: &[u8; 32]) -> Result<Self, Unpermitted> {
        if names_somebody(&filter) {
            return Err(Unpermitted);
        }
        let shown = match naming {
            Naming::WithAReason => Shown::Pseudonyms(Pseudonyms::new(secret)),
            Naming::Always => Shown::Names,
        };
        Ok(Self { log, filter, shown })
    }

    /// Whether pseudonyms stand for names.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        matches!(self.shown, Shown::Pseudonyms(_))
    }

    /// What it looks for.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    fn cover(&self, rows: &mut [Record]) {
        match &self.shown {
            Shown::Names => {}
            Shown::Pseudonyms(pseudonyms) => rows.iter_mut().for_each(|row| pseudonyms.cover(row)),
        }
    }

    /// A page of it.
    pub fn page(&self, cursor: Cursor) -> Result<Page, LogError> {
        let (after, before) = (cursor.after.or(self.filter.after), cursor.before.or(self.filter.before));
        let mut page = self.log.search(&Filter { after, before, limit: cursor.limit, patience: cursor.patience, ..self.filter.clone() })?;
        self.cover(&mut page.rows);
        Ok(page)
    }

    /// All of it, a stretch at a time and in no order: see `Log::scan`.
    pub fn all<E: From<LogError>>(&self, mut take: impl FnMut(Vec<Record>) -> Result<(), E>) -> Result<Page, E> {
        self.log.scan(&self.filter, |mut rows| {
            self.cover(&mut rows);
            take(rows)
        })
    }

    /// Who is behind all of it.
    pub fn people(&self) -> Result<People, LogError> {
        let mut people = self.log.people(&self.filter)?;
        if let Shown::Pseudonyms(pseudonyms) = &self.shown {
            for somebody in &mut people.people {
                somebody.user = somebody.user.as_deref().map(|user| pseudonyms.of_user(user));
                somebody.client = somebody.client.as_deref().map(|client| pseudonyms.of_client(client));
            }
            // In the order of names it would say which is whose.
            people.sort();
        }
        Ok(people)
    }

    /// When the nearest records are that it would find if it asked for no time: the newest before, the oldest after.
    pub fn nearest(&self) -> Result<[Option<Timestamp>; 2], LogError> {
        let one = Filter { limit: 1, from: None, to: None, after: None, before: None, ..self.filter.clone() };
        let when = |page: Page| page.rows.first().and_then(|row| Timestamp::from_millisecond(row.time_ms.cast_signed()).ok());
        let before = match self.filter.from {
            Some(from) => when(self.log.search(&Filter { to: Some(from), ..one.clone() })?),
            None => None,
        };
        let after = match self.filter.to {
            Some(to) => when(self.log.search(&Filter { from: Some(to), after: Some(RecordId(0)), ..one })?),
            None => None,
        };
        Ok([before, after])
    }
}

/// The log for a program's own work, which shows nobody a record: deciding last week again, or sending records where the school's own settings say.
/// Whoever shows records to people goes through a [`Reading`].
pub struct Unshown<'l>(&'l Log);

impl<'l> Unshown<'l> {
    /// The log, for work that shows nobody a record.
    #[must_use]
    pub fn of(log: &'l Log) -> Self {
        Self(log)
    }

    /// A page of the records that match, newest first.
    pub fn search(&self, filter: &Filter) -> Result<Page, LogError> {
        self.0.search(filter)
    }

    /// The record with this number.
    pub fn find(&self, id: RecordId) -> Result<Option<Record>, LogError> {
        self.0.show(id)
    }

    /// Who is behind all that matches.
    pub fn people(&self, filter: &Filter) -> Result<People, LogError> {
        self.0.people(filter)
    }

    /// Hands out every record that matches, in no order. What is damaged is passed over and named in the page, which holds no rows.
    pub fn each(&self, filter: &Filter, mut take: impl FnMut(&Record)) -> Result<Page, LogError> {
        self.0.scan(filter, |rows| {
            rows.iter().for_each(&mut take);
            Ok(())
        })
    }
}

/// A look as it is on record. Serialised as `usher log lookups --json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The number of its statement.
    pub id: u64,
    /// When, in UTC.
    pub at: String,
    /// The account that looked.
    pub who: String,
    /// The name they gave.
    pub name: Option<String>,
    /// The user whose records they looked for; `*` for any characters.
    pub user: Option<String>,
    /// The address of the device whose records they looked for.
    pub client: Option<String>,
    /// What they looked for, as it would be typed.
    pub filter: String,
    /// Why.
    pub reason: String,
    /// How many records were handed out with their proof, if they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packed: Option<usize>,
}

/// Which looks to list. All that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// At the records of this user or address. A look that named nobody may have shown anybody, so it counts.
    pub whose: Option<String>,
    /// By this account, or under this name.
    pub by: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

impl Wanted {
    fn takes(&self, row: &Row, at: i64) -> bool {
        let of = |whose: &String| {
            let covers = |user: &String| Glob::new(user).matches(whose) || Glob::new(whose).matches(user);
            (row.user.is_none() && row.client.is_none()) || row.user.as_ref().is_some_and(covers) || row.client.as_ref() == Some(whose)
        };
        let by = |by: &String| Glob::new(by).matches(&row.who) || row.name.as_ref().is_some_and(|name| Glob::new(by).matches(name));
        self.whose.as_ref().is_none_or(of)
            && self.by.as_ref().is_none_or(by)
            && self.from.is_none_or(|from| at >= from.as_millisecond())
            && self.to.is_none_or(|to| at < to.as_millisecond())
    }
}

/// The looks that are on record, newest first.
pub fn list(reader: &Reader, wanted: &Wanted) -> Result<Vec<Row>, JournalError> {
    let statements = reader.about(Topic::Looked, 0)?;
    let packed: HashMap<u64, usize> =
        reader.about(Topic::Packed, 0)?.iter().filter_map(Statement::read::<Packed>).map(|packed| (packed.look, packed.records)).collect();
    let rows = statements.iter().rev().filter_map(|statement| {
        let row = row(statement)?;
        Some((Row { packed: packed.get(&row.id).copied(), ..row }, statement.at))
    });
    Ok(rows.filter(|(row, at)| wanted.takes(row, *at)).map(|(row, _)| row).collect())
}

/// The look that a statement puts on record.
pub(super) fn row(statement: &Statement) -> Option<Row> {
    let Body { who, name, user, client, filter, reason } = statement.read()?;
    let at = Timestamp::from_millisecond(statement.at).unwrap_or(Timestamp::UNIX_EPOCH);
    Some(Row { id: statement.number, at: format!("{at:.3}"), who, name, user, client, filter, reason, packed: None })
}

#[cfg(test)]
mod tests;
