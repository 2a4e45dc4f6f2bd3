//! A record, as far as alerts look at it.

use crate::audit::incident::Person;
use crate::audit::query::Row;
use crate::audit::remark::{Remark, Remarks};
use crate::audit::{Class, Opening, RecordId, Verdict};
use crate::insight::{Kind, Stage, Start};
use std::net::IpAddr;

/// What is looked at of a record when it is opened: the same whether it has just been committed or is read again from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen<'a> {
    /// Its number.
    pub id: RecordId,
    /// When, in Unix milliseconds.
    pub at_ms: u64,
    /// The user, if one is known.
    pub user: Option<&'a str>,
    /// The device's address.
    pub client: IpAddr,
    /// The group's name, or `unknown`.
    pub group: &'a str,
    /// How sure it is who it is.
    pub confidence: &'a str,
    /// How long it is kept: tells staff.
    pub class: Class,
    /// What it is.
    pub kind: Kind,
    /// What set it off.
    pub start: Start,
    /// What was answered.
    pub verdict: Verdict,
    /// The kind of reason.
    pub reason: &'a str,
    /// The reason in words.
    pub why: &'a str,
    /// The ids of the categories, a space between.
    pub categories: &'a str,
    /// The host.
    pub host: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// The search: engine, words, how far it had come. What an AI was asked is one too; its engine is the service.
    pub search: Option<(&'a str, &'a str, Stage)>,
    /// The visit that caused it.
    pub cause: Option<RecordId>,
    /// What the answer is for, as the browser says it (`Sec-Fetch-Dest`).
    pub dest: Option<&'a str>,
    /// How it is asked for (`Sec-Fetch-Mode`).
    pub mode: Option<&'a str>,
}

impl<'a> Seen<'a> {
    /// Of a record that was committed.
    #[must_use]
    pub fn of(id: RecordId, opening: &'a Opening) -> Self {
        Self {
            id,
            at_ms: opening.time_ms,
            user: opening.user.as_deref(),
            client: opening.client,
            group: &opening.group,
            confidence: opening.confidence,
            class: opening.class,
            kind: opening.kind,
            start: opening.start,
            verdict: opening.verdict,
            reason: opening.reason,
            why: &opening.why,
            categories: &opening.categories,
            host: &opening.host,
            path: &opening.path,
            search: opening.search.as_ref().map(|search| (search.engine, search.term.as_str(), search.stage)),
            cause: opening.cause,
            dest: opening.fetch_dest.as_deref(),
            mode: opening.fetch_mode.as_deref(),
        }
    }

    /// Of whom it is.
    #[must_use]
    pub fn person(&self) -> Person {
        self.user.map_or_else(|| Person::Device(self.client.to_string()), |user| Person::User(user.to_lowercase()))
    }
}

/// A record as it is read, to be looked at like one that was just committed.
pub struct Read {
    row: Row,
    client: IpAddr,
    class: Class,
    kind: Kind,
    start: Start,
    verdict: Verdict,
    stage: Stage,
    categories: String,
    cause: Option<RecordId>,
}

fn named<T: Copy>(names: &[(&str, T)], name: &str) -> Option<T> {
    names.iter().find(|(known, _)| *known == name).map(|(_, one)| *one)
}

impl Read {
    /// Of a row. Nothing if it says what no record can, or a word that this version does not know.
    #[must_use]
    pub fn of(row: Row) -> Option<Self> {
        Some(Self {
            client: row.client.parse().ok()?,
            class: named(&Class::NAMES, &row.class)?,
            kind: named(&Kind::NAMES, &row.kind)?,
            start: named(&Start::NAMES, &row.start)?,
            verdict: named(&Verdict::NAMES, &row.verdict)?,
            stage: row.stage.as_ref().map_or(Some(Stage::Asked), |stage| named(&Stage::NAMES, stage))?,
            categories: row.categories.join(" "),
            cause: row.cause.as_ref().and_then(|cause| cause.parse().ok()),
            row,
        })
    }

    /// What is looked at of it.
    #[must_use]
    pub fn seen(&self) -> Seen<'_> {
        let row = &self.row;
        Seen {
            id: row.number,
            at_ms: row.time_ms,
            user: row.user.as_deref(),
            client: self.client,
            group: &row.group,
            confidence: &row.identity_confidence,
            class: self.class,
            kind: self.kind,
            start: self.start,
            verdict: self.verdict,
            reason: &row.reason,
            why: &row.why,
            categories: &self.categories,
            host: &row.host,
            path: &row.path,
            search: row.engine.as_deref().zip(row.term.as_deref()).map(|(engine, term)| (engine, term, self.stage)),
            cause: self.cause,
            dest: row.fetch_dest.as_deref(),
            mode: row.fetch_mode.as_deref(),
        }
    }

    /// How many bytes went to who asked, once it is over.
    #[must_use]
    pub fn bytes_down(&self) -> Option<u64> {
        self.row.bytes_down.filter(|_| !self.is_open())
    }

    /// What was remarked of it.
    #[must_use]
    pub fn remarks(&self) -> Remarks {
        self.row.remarks.iter().filter_map(|remark| Remark::split(&format!("{remark} ")).0.pop()).collect()
    }

    /// Whether it is not closed yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.row.outcome.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_later_version_is_no_record_that_is_looked_at() {
        let row = Row {
            client: "10.7.0.1".into(),
            class: "visit".into(),
            kind: "visit".into(),
            start: "typed".into(),
            verdict: "allowed".into(),
            categories: vec!["games".into(), "chat".into()],
            ..Row::default()
        };
        assert_eq!(Read::of(row.clone()).map(|read| read.seen().categories.to_owned()), Some("games chat".into()));
        assert!(Read::of(Row { verdict: "pondered".into(), ..row }).is_none());
    }
}
