//! Searching the live files: from the newest record back, until there are enough.

use super::condition::Conditions;
use super::page::{Best, Place};
use super::{LogError, Row};
use crate::audit::entry::{Decoder, Judgement, Opened, Who};
use crate::audit::folder::Folder;
use crate::audit::live::{self, LiveError, signed};
use crate::audit::record::{Class, RecordId};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

/// The live files that are not sealed yet, the newest first.
pub(super) struct LiveFiles(Vec<LiveFile>);

struct LiveFile {
    number: u64,
    connection: Connection,
}

impl LiveFiles {
    pub(super) fn open(folder: &Folder, sealed: u64) -> Result<Self, LogError> {
        let mut files = Vec::new();
        for number in folder.lives()?.into_iter().rev().filter(|number| *number > sealed) {
            match live::open_read_only(&folder.live(number)) {
                Ok(connection) => files.push(LiveFile { number, connection }),
                // It is being made.
                Err(LiveError::Form(0)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self(files))
    }

    pub(super) fn search(&self, conditions: &Conditions, best: &mut Best) -> Result<(), LogError> {
        for file in &self.0 {
            file.matching(conditions, best.direction_is_newest(), |id, _| {
                if best.would_take(id) {
                    best.take(id, Place::Live(file.number));
                    return ControlFlow::Continue(());
                }
                ControlFlow::Break(())
            })?;
        }
        Ok(())
    }

    /// Shows who asked for what matches, each record once.
    pub(super) fn each_who_of(&self, conditions: &Conditions, mut show: impl FnMut(&Who, RecordId)) -> Result<(), LogError> {
        // One that was carried over is in two files.
        let mut shown = HashSet::new();
        for file in &self.0 {
            let (mut found, mut whos) = (Vec::new(), HashMap::new());
            file.matching(conditions, false, |id, who| {
                found.push((id, who));
                ControlFlow::Continue(())
            })?;
            for (id, who) in found.into_iter().filter(|(id, _)| shown.insert(*id)) {
                if let Some(who) = file.read_once(&mut whos, who, |body| Decoder::new(body).who().ok())? {
                    show(who, id);
                }
            }
        }
        Ok(())
    }

    /// Shows every record once, in no order, without how it ended.
    pub(super) fn each(&self, mut show: impl FnMut(&Who, &Judgement, &Opened<'_>)) -> Result<(), LogError> {
        for (place, file) in self.0.iter().enumerate() {
            // Records up to this one were carried over from the file before, and are counted there.
            let before = self.0.get(place + 1).map(LiveFile::last).transpose()?.unwrap_or_default();
            file.each_after(before, &mut show)?;
        }
        Ok(())
    }

    /// Shows everybody who asked, some more than once.
    pub(super) fn each_who(&self, mut show: impl FnMut(Who)) -> Result<(), LogError> {
        for file in &self.0 {
            let mut statement = file.connection.prepare_cached("SELECT body FROM shared WHERE id IN (SELECT DISTINCT who FROM opened)")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let body = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
                Decoder::new(body).who().into_iter().for_each(&mut show);
            }
        }
        Ok(())
    }

    /// The record with this number, if this is a place in a live file.
    pub(super) fn row_at(&self, place: &Place, id: RecordId) -> Result<Option<Row>, LogError> {
        match place {
            Place::Live(file) => self.row(*file, id),
            Place::Sealed { .. } => Ok(None),
        }
    }

    /// The record with this number. Its ending may be in a later file than its opening.
    pub(super) fn row(&self, file: u64, id: RecordId) -> Result<Option<Row>, LogError> {
        let Some(file) = self.0.iter().find(|one| one.number == file) else { return Ok(None) };
        let mut ending = None;
        for later in &self.0 {
            let mut statement = later.connection.prepare_cached("SELECT body FROM closed WHERE id = ?1")?;
            ending = statement.query_row([signed(id.0)], |row| live::bytes(row, 0).map(<[u8]>::to_vec)).optional()?;
            if ending.is_some() {
                break;
            }
        }
        file.row(id, ending.as_deref())
    }

    /// How many records there are. One that was carried over is counted once.
    pub(super) fn count(&self) -> Result<u64, LogError> {
        let mut count = 0;
        for (place, file) in self.0.iter().enumerate() {
            let before = self.0.get(place + 1).map(LiveFile::last).transpose()?.unwrap_or_default();
            let sql = "SELECT count(*) FROM opened WHERE id > ?1";
            count += file.connection.query_row(sql, [signed(before.0)], |row| row.get::<_, i64>(0))?.unsigned_abs();
        }
        Ok(count)
    }
}

/// What requests share, as far as it was looked at: whether it matches.
#[derive(Default)]
struct Asked(HashMap<i64, bool>);

impl Asked {
    fn answer(&mut self, file: &LiveFile, number: i64, ask: impl FnOnce(&[u8]) -> bool) -> rusqlite::Result<bool> {
        if let Some(known) = self.0.get(&number) {
            return Ok(*known);
        }
        let answer = file.shared(number)?.is_some_and(|body| ask(&body));
        self.0.insert(number, answer);
        Ok(answer)
    }
}

impl LiveFile {
    fn shared(&self, number: i64) -> rusqlite::Result<Option<Vec<u8>>> {
        self.connection.prepare_cached("SELECT body FROM shared WHERE id = ?1")?.query_row([number], |row| live::bytes(row, 0).map(<[u8]>::to_vec)).optional()
    }

    fn each_after(&self, after: RecordId, show: &mut impl FnMut(&Who, &Judgement, &Opened<'_>)) -> Result<(), LogError> {
        let (mut whos, mut judgements) = (HashMap::new(), HashMap::new());
        let mut statement = self.connection.prepare_cached("SELECT who, judgement, body FROM opened WHERE id > ?1")?;
        let mut rows = statement.query([signed(after.0)])?;
        while let Some(row) = rows.next()? {
            let who = self.read_once(&mut whos, row.get(0)?, |body| Decoder::new(body).who().ok())?;
            let judgement = self.read_once(&mut judgements, row.get(1)?, |body| Decoder::new(body).judgement().ok())?;
            let body = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
            // A record that somebody altered beyond reading is told by `verify`.
            if let (Some(who), Some(judgement), Ok(opened)) = (who, judgement, Decoder::new(body).opened()) {
                show(who, judgement, &opened);
            }
        }
        Ok(())
    }

    fn read_once<'k, T>(&self, known: &'k mut HashMap<i64, Option<T>>, number: i64, read: impl FnOnce(&[u8]) -> Option<T>) -> rusqlite::Result<Option<&'k T>> {
        let value = match known.entry(number) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(self.shared(number)?.and_then(|body| read(&body))),
        };
        Ok(value.as_ref())
    }

    fn last(&self) -> rusqlite::Result<RecordId> {
        let last: i64 = self.connection.query_row("SELECT coalesce(max(id), 0) FROM opened", [], |row| row.get(0))?;
        Ok(RecordId(last.unsigned_abs()))
    }

    /// Which rows of `shared` are people that match, as SQL reads a list; nothing if it is not asked who.
    fn whos(&self, conditions: &Conditions) -> rusqlite::Result<Option<String>> {
        if !conditions.asks_who() {
            return Ok(None);
        }
        let mut statement = self.connection.prepare_cached("SELECT id, body FROM shared")?;
        let (mut rows, mut numbers) = (statement.query([])?, Vec::new());
        while let Some(row) = rows.next()? {
            // A verdict that reads as a person is in no row as one.
            if Decoder::new(live::bytes(row, 1)?).who().is_ok_and(|who| conditions.who(&who)) {
                numbers.push(row.get::<_, i64>(0)?.to_string());
            }
        }
        Ok(Some(numbers.join(",")))
    }

    /// Takes what matches, in order, as long as it is wanted: the number of the record, and of who asked.
    fn matching(&self, conditions: &Conditions, newest: bool, mut take: impl FnMut(RecordId, i64) -> ControlFlow<()>) -> Result<(), LogError> {
        let order = if newest { "DESC" } else { "ASC" };
        let whos = match self.whos(conditions)? {
            Some(none) if none.is_empty() => return Ok(()),
            Some(numbers) => format!("AND who IN ({numbers})"),
            None => String::new(),
        };
        let class = conditions.class.map(|class| format!("AND class = {}", class.code())).unwrap_or_default();
        let sql = format!("SELECT id, who, judgement, body FROM opened WHERE id > ?1 AND id < ?2 {whos} {class} ORDER BY id {order}");
        let mut statement = self.connection.prepare(&sql)?;
        let (after, before) = conditions.between();
        let mut rows = statement.query(params![signed(after.0), signed(before.0)])?;
        let (mut judgements, mut folded) = (Asked::default(), String::new());
        while let Some(row) = rows.next()? {
            let ask = |body: &[u8]| Decoder::new(body).judgement().is_ok_and(|judgement| conditions.judgement(&judgement));
            if conditions.asks_judgement() && !judgements.answer(self, row.get(2)?, ask)? {
                continue;
            }
            // A record that somebody altered beyond reading is told by `verify`.
            let Ok(opened) = Decoder::new(live::bytes(row, 3)?).opened() else { continue };
            let id = RecordId(row.get::<_, i64>(0)?.unsigned_abs());
            if matches(&opened, conditions, &mut folded) && take(id, row.get(1)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn row(&self, id: RecordId, ending: Option<&[u8]>) -> Result<Option<Row>, LogError> {
        let mut statement = self.connection.prepare_cached("SELECT class, who, judgement, body FROM opened WHERE id = ?1")?;
        let found =
            statement.query_row([signed(id.0)], |row| Ok((row.get::<_, u8>(0)?, row.get(1)?, row.get(2)?, live::bytes(row, 3)?.to_vec()))).optional()?;
        let Some((class, who, judgement, body)) = found else { return Ok(None) };
        let (who, judgement) = (self.shared(who)?.unwrap_or_default(), self.shared(judgement)?.unwrap_or_default());
        let read = || -> Option<Row> {
            let who: Who = Decoder::new(&who).who().ok()?;
            let judgement: Judgement = Decoder::new(&judgement).judgement().ok()?;
            let closed = ending.map(|ending| Decoder::new(ending).closed()).transpose().ok()?;
            Some(Row::of(id, Class::from_code(class)?, &who, &judgement, &Decoder::new(&body).opened().ok()?, closed.as_ref()))
        };
        Ok(read())
    }
}

fn matches(opened: &Opened<'_>, conditions: &Conditions, folded: &mut String) -> bool {
    conditions.shape(&opened.shape)
        && conditions.host(opened.host)
        && conditions.time(opened.time_ms)
        && (conditions.words.is_empty() || conditions.words(&[opened.host, opened.path, opened.term.unwrap_or_default()], folded))
}
