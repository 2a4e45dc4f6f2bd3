//! Reads TOML so that every problem is found at once, each with its file, line and a hint.
//!
//! serde stops at the first problem; a person who has made three mistakes wants to hear of three. A [`Table`] hands out typed values, notes what is
//! wrong, and [`Table::done`] notes every key nobody asked for, with the nearest one that was.

use std::cell::RefCell;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = if self.line > 0 { format!(":{}", self.line) } else { String::new() };
        write!(f, "{}{line}: {}", self.file.display(), self.what)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\n  hint: {hint}"))
    }
}

/// All that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}

/// A file and what was found wrong with it.
pub struct Source {
    path: PathBuf,
    text: String,
    problems: RefCell<Vec<Problem>>,
}

impl Source {
    /// Reads the file's text.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Self { path: path.to_owned(), text, problems: RefCell::default() }),
            Err(error) => {
                let hint = "run usher from its own folder, or name the file with --config".to_owned();
                Err(Problem { file: path.to_owned(), line: 0, what: format!("cannot be read: {error}"), hint: Some(hint) })
            }
        }
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reads the file with `read`, and returns what it made of it, or every problem.
    pub fn read<T>(&self, read: impl FnOnce(&Table<'_>) -> Option<T>) -> Result<T, Vec<Problem>> {
        match self.read_as_far_as_possible(read) {
            (Some(value), problems) if problems.is_empty() => Ok(value),
            (_, problems) => Err(problems),
        }
    }

    /// Reads the file with `read`, and returns what it made of it and every problem. Without a value there is a problem.
    pub fn read_as_far_as_possible<T>(&self, read: impl FnOnce(&Table<'_>) -> Option<T>) -> (Option<T>, Vec<Problem>) {
        let (table, errors) = DeTable::parse_recoverable(&self.text);
        for error in errors {
            self.problem(error.span(), error.message(), None);
        }
        let table = Table::new(self, table.get_ref(), None, String::new());
        // What a file with broken syntax means cannot be told, so only the syntax is.
        let sound = self.problems.borrow().is_empty();
        let value = if sound { read(&table) } else { None };
        if sound {
            table.done();
        }
        let mut problems = self.problems.take();
        problems.sort_by_key(|problem| problem.line);
        if value.is_none() && problems.is_empty() {
            problems.push(Problem { file: self.path.clone(), line: 0, what: "cannot be used".to_owned(), hint: None });
        }
        (value, problems)
    }

    fn problem(&self, at: Option<Range<usize>>, what: impl Into<String>, hint: Option<String>) {
        let problem = self.problem_at(at, what, hint);
        self.problems.borrow_mut().push(problem);
    }

    fn problem_at(&self, at: Option<Range<usize>>, what: impl Into<String>, hint: Option<String>) -> Problem {
        let line = at.map_or(0, |span| self.text[..span.start.min(self.text.len())].matches('\n').count() + 1);
        Problem { file: self.path.clone(), line, what: what.into(), hint }
    }
}

/// A table of a file.
pub struct Table<'a> {
    source: &'a Source,
    table: &'a DeTable<'a>,
    span: Option<Range<usize>>,
    name: String,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Table<'a> {
    fn new(source: &'a Source, table: &'a DeTable<'a>, span: Option<Range<usize>>, name: String) -> Self {
        Self { source, table, span, name, known: RefCell::default() }
    }

    fn find(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.borrow_mut().push(key);
        self.table.iter().find(|(name, _)| &**name.get_ref() == key).map(|(_, value)| value)
    }

    /// Whether a key is there.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.table.iter().any(|(name, _)| &**name.get_ref() == key)
    }

    /// The value of a key, if it is there and right. What is wrong is noted.
    pub fn get<T: FromToml>(&self, key: &'static str) -> Option<T> {
        let value = self.find(key)?;
        T::from_toml(value.get_ref()).map_err(|wrong| self.source.problem(Some(value.span()), format!("{}: {wrong}", self.path(key)), None)).ok()
    }

    /// The value of a key, or `default` if it is not there. What is wrong is noted.
    pub fn get_or<T: FromToml>(&self, key: &'static str, default: T) -> T {
        self.get(key).unwrap_or(default)
    }

    /// The value of a key that must be there.
    pub fn need<T: FromToml>(&self, key: &'static str, hint: &str) -> Option<T> {
        if self.find(key).is_none() {
            self.missing(key, hint);
            return None;
        }
        self.get(key)
    }

    fn missing(&self, key: &str, hint: &str) {
        let owner = if self.name.is_empty() { String::new() } else { format!("{} has no ", self.name) };
        let what = if owner.is_empty() { format!("`{key}` is missing") } else { format!("{owner}`{key}`") };
        self.source.problem(self.span.clone(), what, Some(hint.to_owned()));
    }

    /// The value of a key that is one of a few names.
    pub fn choice<T: Copy>(&self, key: &'static str, names: &[(&str, T)], default: Option<T>) -> Option<T> {
        let Some(value) = self.find(key) else {
            if default.is_none() {
                let all: Vec<_> = names.iter().map(|(name, _)| *name).collect();
                self.missing(key, &format!("it is one of {}", all.join(", ")));
            }
            return default;
        };
        let text: String = self.get(key)?;
        let found = names.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice);
        if found.is_none() {
            let all: Vec<_> = names.iter().map(|(name, _)| *name).collect();
            self.source.problem(Some(value.span()), format!("{}: \"{text}\" is none of {}", self.path(key), all.join(", ")), nearest_hint(&text, all));
        }
        found
    }

    /// The table under a key; an empty one if it is not there.
    pub fn table(&self, key: &'static str) -> Option<Table<'a>> {
        let value = self.find(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Table::new(self.source, table, Some(value.span()), format!("[{}]", self.path(key)))),
            other => {
                self.source.problem(Some(value.span()), format!("{}: a table is expected, not {}", self.path(key), kind(other)), None);
                None
            }
        }
    }

    /// The tables of an array under a key. `label` names one for people, by its `name` if it has one.
    pub fn tables(&self, key: &'static str) -> Vec<Table<'a>> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.source.problem(Some(value.span()), format!("{}: a list of tables is expected; write [[{}]]", self.path(key), self.path(key)), None);
            return Vec::new();
        };
        let table = |element: &'a Spanned<DeValue<'a>>| match element.get_ref() {
            DeValue::Table(table) => {
                let name = table.iter().find(|(name, _)| name.get_ref() == "name").and_then(|(_, value)| value.get_ref().as_str());
                let label = name.map_or_else(|| format!("[[{}]]", self.path(key)), |name| format!("{} \"{name}\"", self.path(key)));
                Some(Table::new(self.source, table, Some(element.span()), label))
            }
            other => {
                self.source.problem(Some(element.span()), format!("{}: a table is expected, not {}", self.path(key), kind(other)), None);
                None
            }
        };
        array.iter().filter_map(table).collect()
    }

    /// Every key with its text list, for tables whose keys are data. Nothing in it is unknown.
    pub fn entries<T: FromToml>(&self) -> Vec<(String, T, Range<usize>)> {
        let read = |(key, value): (&'a Spanned<std::borrow::Cow<'a, str>>, &'a Spanned<DeValue<'a>>)| match T::from_toml(value.get_ref()) {
            Ok(read) => Some((key.get_ref().to_string(), read, value.span())),
            Err(wrong) => {
                self.source.problem(Some(value.span()), format!("{}: {wrong}", key.get_ref()), None);
                None
            }
        };
        self.table.iter().filter_map(read).collect()
    }

    /// Every key with its table, for tables whose keys are data and whose values are tables.
    pub fn named_tables(&self) -> Vec<(String, Table<'a>)> {
        let read = |(key, value): (&'a Spanned<std::borrow::Cow<'a, str>>, &'a Spanned<DeValue<'a>>)| match value.get_ref() {
            DeValue::Table(table) => {
                let name = format!("[{}]", self.path(key.get_ref()));
                Some((key.get_ref().to_string(), Table::new(self.source, table, Some(key.span()), name)))
            }
            other => {
                self.source.problem(Some(value.span()), format!("{}: a table is expected, not {}", self.path(key.get_ref()), kind(other)), None);
                None
            }
        };
        self.table.iter().filter_map(read).collect()
    }

    /// Every key with its list of tables, for tables whose keys are data.
    pub fn named_lists(&self) -> Vec<(String, Vec<Table<'a>>, Range<usize>)> {
        let read = |(key, value): (&'a Spanned<std::borrow::Cow<'a, str>>, &'a Spanned<DeValue<'a>>)| {
            let wrong = |at: Range<usize>, other: &DeValue<'_>| {
                self.source.problem(Some(at), format!("{}: a list of tables is expected, not {}", self.path(key.get_ref()), kind(other)), None);
            };
            let Some(array) = value.get_ref().as_array() else {
                wrong(value.span(), value.get_ref());
                return None;
            };
            let table = |element: &'a Spanned<DeValue<'a>>| match element.get_ref() {
                DeValue::Table(table) => Some(Table::new(self.source, table, Some(element.span()), format!("[{}]", self.path(key.get_ref())))),
                other => {
                    wrong(element.span(), other);
                    None
                }
            };
            Some((key.get_ref().to_string(), array.iter().filter_map(table).collect(), key.span()))
        };
        self.table.iter().filter_map(read).collect()
    }

    /// Notes a problem with the value of a key.
    pub fn wrong(&self, key: &'static str, what: impl fmt::Display, hint: Option<String>) {
        let span = self.find(key).map_or_else(|| self.span.clone(), |value| Some(value.span()));
        self.source.problem(span, format!("{}: {what}", self.path(key)), hint);
    }

    /// A problem with the value of a key that is one only where something else is so: not noted here.
    #[must_use]
    pub fn would_be_wrong(&self, key: &'static str, what: impl fmt::Display) -> Problem {
        let span = self.find(key).map_or_else(|| self.span.clone(), |value| Some(value.span()));
        self.source.problem_at(span, format!("{}: {what}", self.path(key)), None)
    }

    /// Notes a problem at a place that [`Self::entries`] gave.
    pub fn wrong_at(&self, span: Range<usize>, what: impl fmt::Display, hint: Option<String>) {
        self.source.problem(Some(span), what.to_string(), hint);
    }

    /// What the table is called in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() || self.name.starts_with('[') && !self.name.starts_with("[[") {
            let owner = self.name.trim_matches(['[', ']']);
            return if owner.is_empty() { key.to_owned() } else { format!("{owner}.{key}") };
        }
        format!("{}, {key}", self.name)
    }

    /// Notes every key that nobody asked for.
    pub fn done(&self) {
        let known = self.known.borrow();
        for (key, _) in self.table.iter().filter(|(key, _)| !known.iter().any(|known| *known == key.get_ref())) {
            let owner = if self.name.is_empty() { String::new() } else { format!(" in {}", self.name) };
            let hint = nearest_hint(key.get_ref(), known.iter().copied().collect());
            self.source.problem(Some(key.span()), format!("`{}`{owner} is no setting", key.get_ref()), hint);
        }
    }
}

/// "did you mean", if one of the names is near.
#[must_use]
pub fn nearest_hint(typed: &str, names: Vec<&str>) -> Option<String> {
    let near = names.into_iter().map(|name| (strsim::damerau_levenshtein(typed, name), name)).min()?;
    let close = near.0 <= 2.max(typed.len() / 3);
    close.then(|| format!("did you mean \"{}\"?", near.1))
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// What can be read from a TOML value. The error says what is wrong, without the key.
pub trait FromToml: Sized {
    /// Reads a value.
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String>;
}

fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, String> {
    value.as_str().ok_or_else(|| format!("a text in quotes is expected, not {}", kind(value)))
}

impl FromToml for String {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        text(value).map(str::to_owned)
    }
}

impl FromToml for PathBuf {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        text(value).map(Self::from)
    }
}

impl FromToml for bool {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| format!("true or false is expected, not {}", kind(value)))
    }
}

impl<T: FromToml> FromToml for Vec<T> {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let array = value.as_array().ok_or_else(|| format!("a list in [ ] is expected, not {}", kind(value)))?;
        array.iter().map(|element| T::from_toml(element.get_ref())).collect()
    }
}

impl FromToml for u64 {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let number = value.as_integer().and_then(|number| Self::from_str_radix(number.as_str(), number.radix()).ok());
        number.ok_or_else(|| "a whole number is expected".to_owned())
    }
}

macro_rules! narrower {
    ($($number:ty: $what:literal),*) => {$(
        impl FromToml for $number {
            fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
                u64::from_toml(value).ok().and_then(|number| <$number>::try_from(number).ok()).ok_or_else(|| $what.to_owned())
            }
        }
    )*};
}
narrower!(u8: "a number from 0 to 255 is expected", u16: "a number from 0 to 65535 is expected", u32: "a whole number is expected", usize: "a whole number is expected");

impl FromToml for NonZeroU32 {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        u32::from_toml(value).ok().and_then(Self::new).ok_or_else(|| "a whole number above 0 is expected".to_owned())
    }
}

macro_rules! parsed {
    ($($value:ty: $what:literal),*) => {$(
        impl FromToml for $value {
            fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
                let text = text(value)?;
                text.parse().map_err(|_| format!("\"{text}\" is not {}", $what))
            }
        }
    )*};
}
parsed!(
    SocketAddr: "an address with a port, such as 127.0.0.1:3128",
    std::net::IpAddr: "an IP address",
    jiff::civil::Time: "a time, such as 12:30"
);

impl FromToml for ipnet::IpNet {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        let single = || text.parse::<std::net::IpAddr>().map(Self::from);
        text.parse::<Self>().map(|net| net.trunc()).or_else(|_| single()).map_err(|_| format!("\"{text}\" is not a range of addresses, such as 10.7.0.0/16"))
    }
}

impl FromToml for crate::host::Host {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        Self::parse(text).map_err(|error| format!("\"{text}\": {error}"))
    }
}

impl FromToml for jiff::civil::Date {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let text = value.as_datetime().map(ToString::to_string).or_else(|| value.as_str().map(str::to_owned)).unwrap_or_default();
        text.parse().map_err(|_| "a date is expected, such as 2027-01-10".to_owned())
    }
}
