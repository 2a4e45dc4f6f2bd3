//! The log read again in the order in which it was recorded, as far as alerts look at it.
//!
//! Only the classes that are asked for are read: what pages drag in is nine of ten records, and few rules ask for it. Nothing is kept but a page of each class.

use super::seen::Seen;
use crate::audit::lookups::Unshown;
use crate::audit::query::{Filter, Log, LogError, Row};
use crate::audit::{Class, RecordId, Verdict};
use crate::insight::{Kind, Stage, Start};
use jiff::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How many records are read at once of each class.
const PAGE: u32 = 4096;

/// The records of some classes from a time to another, oldest first.
pub struct Past<'l> {
    log: Unshown<'l>,
    streams: Vec<Stream>,
    from: Timestamp,
    to: Timestamp,
    /// Parts of the log that could not be read, and why.
    pub passed_over: BTreeMap<String, String>,
}

/// The records of one class.
struct Stream {
    class: Class,
    rows: VecDeque<Row>,
    /// The last that was read.
    after: RecordId,
    is_over: bool,
}

impl<'l> Past<'l> {
    /// From a time, and before another.
    #[must_use]
    pub fn new(log: &'l Log, classes: &[Class], from: Timestamp, to: Timestamp) -> Self {
        let stream = |class: &Class| Stream { class: *class, rows: VecDeque::new(), after: RecordId(0), is_over: false };
        Self { log: Unshown::of(log), streams: classes.iter().map(stream).collect(), from, to, passed_over: BTreeMap::new() }
    }

    /// The next record.
    pub fn next_row(&mut self) -> Result<Option<Row>, LogError> {
        for stream in self.streams.iter_mut().filter(|stream| stream.rows.is_empty() && !stream.is_over) {
            let filter = Filter {
                class: Some(stream.class),
                from: Some(self.from),
                to: Some(self.to),
                after: Some(stream.after),
                limit: PAGE,
                patience: Duration::MAX,
                ..Filter::default()
            };
            let page = self.log.search(&filter)?;
            self.passed_over.extend(page.passed_over);
            stream.is_over = page.rows.len() < PAGE as usize;
            stream.after = page.rows.first().map_or(stream.after, |newest| newest.number);
            stream.rows.extend(page.rows.into_iter().rev());
        }
        let next = self.streams.iter_mut().filter(|stream| !stream.rows.is_empty()).min_by_key(|stream| stream.rows.front().map(|row| row.number));
        Ok(next.and_then(|stream| stream.rows.pop_front()))
    }
}

/// A record that was read, as it was when it was committed. Nothing where it holds a word that this version does not know.
#[must_use]
pub fn seen<'r>(row: &'r Row, categories: &'r mut String) -> Option<Seen<'r>> {
    fn named<T: Copy>(names: &[(&str, T)], name: &str) -> Option<T> {
        names.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
    categories.clear();
    for id in &row.categories {
        if !categories.is_empty() {
            categories.push(' ');
        }
        categories.push_str(id);
    }
    let stage = row.stage.as_deref().and_then(|stage| named(&Stage::NAMES, stage));
    let search = row.engine.as_deref().zip(row.term.as_deref()).zip(stage).map(|((engine, term), stage)| (engine, term, stage));
    Some(Seen {
        id: row.number,
        at_ms: row.time_ms,
        user: row.user.as_deref(),
        client: row.client.parse().ok()?,
        group: &row.group,
        confidence: &row.identity_confidence,
        class: named(&Class::NAMES, &row.class)?,
        kind: named(&Kind::NAMES, &row.kind)?,
        start: named(&Start::NAMES, &row.start)?,
        verdict: named(&Verdict::NAMES, &row.verdict)?,
        reason: &row.reason,
        why: &row.why,
        categories,
        host: &row.host,
        path: &row.path,
        search,
        cause: row.cause.as_deref().and_then(|cause| cause.parse().ok()),
    })
}

/// The classes that hold records of these kinds and verdicts; staff's always, since it holds all of theirs.
pub fn classes(may_hold: impl Fn(Kind, Verdict) -> bool) -> Vec<Class> {
    let pairs = || Kind::NAMES.into_iter().flat_map(|(_, kind)| Verdict::NAMES.into_iter().map(move |(_, verdict)| (kind, verdict)));
    let asked = |class: Class| pairs().any(|(kind, verdict)| Class::of(kind, verdict) == class && may_hold(kind, verdict));
    Class::NAMES.into_iter().map(|(_, class)| class).filter(|class| *class == Class::Staff || asked(*class)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_classes_that_can_hold_what_is_asked_for_are_read() {
        assert_eq!(classes(|_, verdict| verdict == Verdict::Blocked), [Class::Blocked, Class::Staff]);
        assert_eq!(classes(|kind, verdict| kind == Kind::Search && verdict == Verdict::Allowed), [Class::Search, Class::Staff]);
        assert_eq!(classes(|_, _| true).len(), Class::NAMES.len());
    }

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
        let mut room = "left over".to_owned();
        assert_eq!(seen(&row, &mut room).map(|seen| seen.categories.to_owned()), Some("games chat".into()));
        assert_eq!(seen(&Row { verdict: "pondered".into(), ..row }, &mut room), None);
    }
}
