//! The log read again in the order in which it was recorded, as far as alerts look at it.
//!
//! Only the classes that are asked for are read: what pages drag in is nine of ten records, and few rules ask for it. Nothing is kept but a page of each class.

use crate::audit::lookups::Unshown;
use crate::audit::query::{Filter, Log, LogError, Row};
use crate::audit::{Class, RecordId, Verdict};
use crate::insight::Kind;
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
}
