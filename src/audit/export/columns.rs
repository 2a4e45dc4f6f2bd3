//! The columns of an export: one table that CSV and Parquet are both written from.

use super::Row;
use std::borrow::Cow;

/// What is in a column, and how it is read off a record.
pub(super) enum Column {
    /// Milliseconds since 1970, UTC.
    Time(fn(&Row) -> u64),
    /// A text that is always there.
    Text(fn(&Row) -> Cow<'_, str>),
    /// A text that may be missing.
    MaybeText(fn(&Row) -> Option<Cow<'_, str>>),
    /// A number that is always there.
    Number(fn(&Row) -> i64),
    /// A number that may be missing.
    MaybeNumber(fn(&Row) -> Option<i64>),
    /// A number with a fraction that may be missing.
    MaybeReal(fn(&Row) -> Option<f64>),
}

/// A number as Parquet has them. None of ours is near the limit.
fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

macro_rules! text {
    ($field:ident) => {
        Column::Text(|row| Cow::Borrowed(row.$field.as_str()))
    };
}

macro_rules! maybe {
    ($field:ident) => {
        Column::MaybeText(|row| row.$field.as_deref().map(Cow::Borrowed))
    };
}

/// The columns by name, in order.
pub(super) const COLUMNS: [(&str, Column); 41] = [
    ("id", text!(id)),
    ("time", Column::Time(|row| row.time_ms)),
    ("user", maybe!(user)),
    ("group", text!(group)),
    ("identity_source", text!(identity_source)),
    ("identity_confidence", text!(identity_confidence)),
    ("client", text!(client)),
    ("class", text!(class)),
    ("kind", text!(kind)),
    ("start", text!(start)),
    ("certainty", text!(certainty)),
    ("cause", maybe!(cause)),
    ("engine", maybe!(engine)),
    ("term", maybe!(term)),
    ("stage", maybe!(stage)),
    ("method", text!(method)),
    ("scheme", text!(scheme)),
    ("host", text!(host)),
    ("port", Column::Number(|row| i64::from(row.port))),
    ("path", text!(path)),
    ("categories", Column::Text(|row| Cow::Owned(row.categories.join(" ")))),
    ("verdict", text!(verdict)),
    ("reason", text!(reason)),
    ("why", text!(why)),
    ("rule", maybe!(rule)),
    ("list", Column::MaybeText(|row| row.entry.as_ref().map(|entry| Cow::Borrowed(&*entry.list)))),
    ("list_line", Column::MaybeNumber(|row| row.entry.as_ref().map(|entry| i64::from(entry.line)))),
    ("list_text", Column::MaybeText(|row| row.entry.as_ref().map(|entry| Cow::Borrowed(&*entry.text)))),
    ("snapshot", text!(snapshot)),
    ("user_agent", maybe!(user_agent)),
    ("referrer", maybe!(referrer)),
    ("fetch_dest", maybe!(fetch_dest)),
    ("fetch_mode", maybe!(fetch_mode)),
    ("fetch_user", maybe!(fetch_user)),
    ("status", Column::MaybeNumber(|row| row.status.map(i64::from))),
    ("bytes_up", Column::MaybeNumber(|row| row.bytes_up.map(whole))),
    ("bytes_down", Column::MaybeNumber(|row| row.bytes_down.map(whole))),
    ("duration_ms", Column::MaybeReal(|row| row.duration_ms)),
    ("outcome", maybe!(outcome)),
    ("upstream", maybe!(upstream)),
    ("note", maybe!(note)),
];
