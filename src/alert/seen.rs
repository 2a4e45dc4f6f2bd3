//! A record, as far as alerts look at it.

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
        }
    }
}
