//! Events and checkpoints, from the journal.

use super::What;
use super::source::{Committed, Content, Item, MOST_COUNTED, Notice, Position, SourceError};
use crate::audit::Folder;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::events::{self, Severity};
use crate::audit::journal::{Reader, Statement, Topic};
use crate::audit::query::LogError;
use jiff::Timestamp;

/// The statements of a journal about one topic.
pub struct Statements {
    folder: Folder,
    topic: Topic,
}

impl Statements {
    /// What happened to Usher itself.
    #[must_use]
    pub fn events(folder: Folder) -> Self {
        Self { folder, topic: Topic::Event }
    }

    /// The heads of the chains, signed.
    #[must_use]
    pub fn checkpoints(folder: Folder) -> Self {
        Self { folder, topic: Topic::Checkpoint }
    }

    fn reader(&self) -> Result<Reader, SourceError> {
        Ok(Reader::open(&self.folder).map_err(LogError::from)?)
    }

    fn item(&self, reader: &Reader, statement: &Statement) -> Result<Option<Item>, SourceError> {
        let notice = if self.topic == Topic::Checkpoint {
            let key = reader.key().map_err(LogError::from)?;
            Checkpoint::of(statement, key).map(|checkpoint| of_checkpoint(&checkpoint))
        } else {
            events::row(statement).map(of_event)
        };
        let at = Timestamp::from_millisecond(statement.at).unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(notice.map(|notice| Item { position: Position(statement.number), at, content: Content::Notice(notice) }))
    }
}

fn of_event(row: events::Row) -> Notice {
    let severity = Severity::NAMES.iter().find(|(name, _)| *name == row.severity).map_or(Severity::Info, |(_, severity)| *severity);
    Notice { what: What::Events, kind: row.kind, severity, text: row.text, fields: Vec::new() }
}

fn of_checkpoint(checkpoint: &Checkpoint) -> Notice {
    let text = format!("Checkpoint {}: keep this line; usher log verify --checkpoints holds the log against it.", checkpoint.name());
    Notice { what: What::Checkpoints, kind: "checkpoint".to_owned(), severity: Severity::Info, text, fields: vec![("line", checkpoint.line())] }
}

impl Committed for Statements {
    fn after(&self, position: Position, limit: u32, _now: Timestamp) -> Result<Vec<Item>, SourceError> {
        let reader = self.reader()?;
        let statements = reader.about_some(self.topic, position.0, limit).map_err(LogError::from)?;
        let items = statements.iter().map(|statement| self.item(&reader, statement)).collect::<Result<Vec<_>, _>>()?;
        Ok(items.into_iter().flatten().collect())
    }

    fn end(&self) -> Result<Position, SourceError> {
        if !self.folder.exists() {
            return Ok(Position(0));
        }
        let newest = self.reader()?.newest(self.topic, 1).map_err(LogError::from)?;
        Ok(Position(newest.first().map_or(0, |statement| statement.number)))
    }

    fn behind(&self, position: Position) -> Result<u32, SourceError> {
        let waiting = self.reader()?.about_some(self.topic, position.0, MOST_COUNTED).map_err(LogError::from)?;
        Ok(u32::try_from(waiting.len()).unwrap_or(MOST_COUNTED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::events::Event;
    use crate::audit::journal::Journal;
    use crate::audit::{Recorder, Settings, checkpoint};

    #[test]
    fn events_and_checkpoints_are_sent_in_their_order_each_by_itself() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(place.path().join("log"));
        let recorder = Recorder::start(&folder, Settings::default()).expect("started");
        let now = Timestamp::now();
        for text in ["one", "two"] {
            events::record(&folder, &Event { at: now, kind: "a", severity: Severity::Warning, text: text.to_owned() }).expect("recorded");
        }
        let mut journal = Journal::open(&folder).expect("opened");
        let made = checkpoint::make(&folder, &mut journal, now).expect("made").expect("there is a log");
        let (events, checkpoints) = (Statements::events(folder.clone()), Statements::checkpoints(folder.clone()));
        let sent = events.after(Position(0), 10, now).expect("read");
        assert_eq!(sent.len(), 2);
        assert_eq!(events.after(sent[0].position, 10, now).expect("read").len(), 1);
        assert_eq!((events.end().expect("read"), events.behind(Position(0)).expect("read")), (sent[1].position, 2));
        let sent = checkpoints.after(Position(0), 10, now).expect("read");
        let Content::Notice(notice) = &sent[0].content else { panic!("{sent:?}") };
        assert_eq!(Checkpoint::parse(&notice.fields[0].1), Ok(made));
        recorder.finish();
    }
}
