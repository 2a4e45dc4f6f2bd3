//! The outbox: which messages are to be handed over, to whom, and how far each has come. On disk, beside the record.
//!
//! Each message is to one recipient on one channel, so that one bad address holds up nobody else. Nothing is in it but keys, addresses, and what the other
//! side said: what a message says is read from the journal and the record when it is sent.
//!
//! ```text
//! statement of the journal ──▶ waiting ──▶ sent            (stated: told)
//!                                 │  └───▶ dead ──▶ retry, or dropped with a reason      (stated: untold)
//!                                 └──────▶ folded: something newer says it, or somebody has closed the matter
//! ```
//!
//! A statement's messages and its number are written in one transaction, so that none is forgotten and none is made twice, whenever Usher is killed. If the
//! file is lost it is made anew from the journal; what the journal says was told is not told again, nor is what is older than [`OLDEST`].

mod message;

use super::links::Token;
use super::routes::Target;
use crate::audit::RecordId;
use crate::audit::incident::Level;
use crate::files;
use jiff::Timestamp;
pub use message::{Message, State};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The most messages that wait. Beyond it concern of one recipient becomes one message; danger never does.
pub const MOST_WAITING: u64 = 10_000;
/// From what is older than this no message is made any more.
pub const OLDEST: Duration = Duration::from_secs(72 * 3600);
/// How long what is done with is kept, for `usher alerts outbox`.
const KEPT: Duration = Duration::from_secs(30 * 86_400);
/// How long is waited for another program that holds the file.
const BUSY: Duration = Duration::from_secs(10);
/// The longest text that is kept of what went wrong, in bytes.
const LONGEST_WHY: usize = 300;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS message (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        statement INTEGER NOT NULL,
        episode INTEGER,
        theme TEXT,
        level INTEGER NOT NULL,
        step INTEGER NOT NULL,
        route TEXT NOT NULL,
        role TEXT NOT NULL,
        channel TEXT NOT NULL,
        destination TEXT NOT NULL,
        names INTEGER NOT NULL,
        words INTEGER NOT NULL,
        begins_at INTEGER NOT NULL,
        next_at INTEGER NOT NULL,
        tries INTEGER NOT NULL,
        state TEXT NOT NULL,
        changed_at INTEGER NOT NULL,
        more INTEGER NOT NULL,
        why TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS message_due ON message (state, channel, next_at);
    CREATE INDEX IF NOT EXISTS message_episode ON message (episode, theme);
    CREATE TABLE IF NOT EXISTS link (
        id BLOB PRIMARY KEY,
        message TEXT NOT NULL UNIQUE,
        role TEXT NOT NULL,
        expires INTEGER NOT NULL,
        used_at INTEGER,
        used_by TEXT,
        is_void INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), statement INTEGER NOT NULL);
    INSERT OR IGNORE INTO place VALUES (1, 0);
";

const COLUMNS: &str = "number, key, statement, episode, theme, level, step, route, role, channel, destination, names, words, begins_at, next_at, tries, state, changed_at, more, why";

/// Why the outbox cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The folder cannot be made.
    #[error("the outbox of alerts cannot be made: {0}")]
    Io(#[from] std::io::Error),
    /// SQLite says no.
    #[error("the outbox of alerts cannot be used: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// A link as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The message it is in.
    pub message: String,
    /// The role of who got it.
    pub role: String,
    /// When it ends, in Unix milliseconds.
    pub expires: i64,
    /// When it was used and by whom.
    pub used: Option<(i64, String)>,
    /// Whether something newer has taken its place.
    pub is_void: bool,
}

/// How many messages are how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// To be handed over.
    pub waiting: u64,
    /// Of these: tried in vain at least once.
    pub failing: u64,
    /// Given up.
    pub dead: u64,
}

/// The outbox, open.
pub struct Outbox {
    connection: Connection,
}

impl Outbox {
    /// Opens it, made if need be.
    pub fn open(path: &Path) -> Result<Self, OutboxError> {
        if let Some(folder) = path.parent() {
            files::private_folder(folder)?;
        }
        // SQLite gives its other files the rights of the first.
        files::private_file(path)?;
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(TABLES)?;
        Ok(Self { connection })
    }

    /// The number of the last statement whose messages are in it.
    pub fn place(&self) -> Result<u64, OutboxError> {
        Ok(self.connection.query_row("SELECT statement FROM place", [], |row| row.get::<_, i64>(0))?.unsigned_abs())
    }

    /// Does all that a statement asks for, and moves the place to it: both or neither. Nothing, if that was done before.
    pub fn take_in(&mut self, statement: u64, work: impl FnOnce(&Step<'_>) -> rusqlite::Result<()>) -> Result<(), OutboxError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let place: i64 = transaction.query_row("SELECT statement FROM place", [], |row| row.get(0))?;
        if place.unsigned_abs() < statement {
            work(&Step(&transaction))?;
            transaction.execute("UPDATE place SET statement = ?1", [signed(statement)])?;
            transaction.commit()?;
        }
        Ok(())
    }

    /// The messages of a channel that are to be tried now, danger first, at most so many.
    pub fn due(&self, channel: &str, now: Timestamp, limit: u32) -> Result<Vec<Message>, OutboxError> {
        let order = "WHERE state = 'waiting' AND channel = ?1 AND next_at <= ?2 ORDER BY level DESC, next_at, number LIMIT ?3";
        self.select(order, params![channel, now.as_millisecond(), limit])
    }

    /// All messages of an episode.
    pub fn of_episode(&self, episode: RecordId, theme: &str) -> Result<Vec<Message>, OutboxError> {
        self.select("WHERE episode = ?1 AND theme = ?2 ORDER BY number", params![signed(episode.0), theme])
    }

    /// The newest messages, newest first; those that are not done with before all others.
    pub fn newest(&self, limit: u32) -> Result<Vec<Message>, OutboxError> {
        self.select("ORDER BY state NOT IN ('waiting', 'dead'), number DESC LIMIT ?1", [limit])
    }

    /// The message with this number.
    pub fn numbered(&self, number: u64) -> Result<Option<Message>, OutboxError> {
        Ok(self.select("WHERE number = ?1", [signed(number)])?.pop())
    }

    /// The message with this key.
    pub fn keyed(&self, key: &str) -> Result<Option<Message>, OutboxError> {
        Ok(self.select("WHERE key = ?1", [key])?.pop())
    }

    fn select(&self, rest: &str, values: impl rusqlite::Params) -> Result<Vec<Message>, OutboxError> {
        let mut statement = self.connection.prepare_cached(&format!("SELECT {COLUMNS} FROM message {rest}"))?;
        let rows = statement.query_map(values, read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many messages are how far.
    pub fn counts(&self) -> Result<Counts, OutboxError> {
        let sql = "SELECT coalesce(sum(state = 'waiting'), 0), coalesce(sum(state = 'waiting' AND tries > 0), 0), coalesce(sum(state = 'dead'), 0) FROM message WHERE state IN ('waiting', 'dead')";
        let number = |row: &Row<'_>, column| row.get::<_, i64>(column).map(i64::unsigned_abs);
        Ok(self.connection.query_row(sql, [], |row| Ok(Counts { waiting: number(row, 0)?, failing: number(row, 1)?, dead: number(row, 2)? }))?)
    }

    /// When each address last took a mail, by the address in small letters.
    pub fn last_taken(&self) -> Result<BTreeMap<String, Timestamp>, OutboxError> {
        let sql = "SELECT lower(destination), max(changed_at) FROM message WHERE state = 'sent' AND channel = 'mail' GROUP BY lower(destination)";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, Timestamp::from_millisecond(row.get(1)?).unwrap_or(Timestamp::UNIX_EPOCH))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A message was taken, and the other side said this.
    pub fn sent(&mut self, key: &str, tries: u32, answer: &str, now: Timestamp) -> Result<(), OutboxError> {
        self.change(key, State::Sent, tries, now, now, answer)
    }

    /// A message was not taken, and is tried again.
    pub fn later(&mut self, key: &str, tries: u32, why: &str, again: Timestamp, now: Timestamp) -> Result<(), OutboxError> {
        self.change(key, State::Waiting, tries, again, now, why)
    }

    /// A message is given up.
    pub fn dead(&mut self, key: &str, tries: u32, why: &str, now: Timestamp) -> Result<(), OutboxError> {
        self.change(key, State::Dead, tries, now, now, why)
    }

    /// A message need not be sent any more.
    pub fn folded(&mut self, key: &str, why: &str, now: Timestamp) -> Result<(), OutboxError> {
        let sql = "UPDATE message SET state = 'folded', changed_at = ?2, why = ?3 WHERE key = ?1 AND state = 'waiting'";
        Ok(self.connection.execute(sql, params![key, now.as_millisecond(), why]).map(drop)?)
    }

    fn change(&mut self, key: &str, state: State, tries: u32, next: Timestamp, now: Timestamp, why: &str) -> Result<(), OutboxError> {
        let sql = "UPDATE message SET state = ?2, tries = ?3, next_at = ?4, changed_at = ?5, why = ?6 WHERE key = ?1 AND state <> 'sent'";
        let why = &why[..why.floor_char_boundary(LONGEST_WHY)];
        self.connection.execute(sql, params![key, state.as_str(), tries, next.as_millisecond(), now.as_millisecond(), why])?;
        Ok(())
    }

    /// Has a message that is dead, or waits, sent now. Whether there is such a message.
    pub fn retry(&mut self, number: u64, now: Timestamp) -> Result<bool, OutboxError> {
        let sql = "UPDATE message SET state = 'waiting', begins_at = ?2, next_at = ?2, changed_at = ?2 WHERE number = ?1 AND state IN ('dead', 'waiting')";
        Ok(self.connection.execute(sql, params![signed(number), now.as_millisecond()])? > 0)
    }

    /// Says of a message that is dead, or waits, that it need not be sent. Whether there is such a message.
    pub fn drop_numbered(&mut self, number: u64, why: &str, now: Timestamp) -> Result<bool, OutboxError> {
        let sql = "UPDATE message SET state = 'dropped', changed_at = ?2, why = ?3 WHERE number = ?1 AND state IN ('dead', 'waiting')";
        Ok(self.connection.execute(sql, params![signed(number), now.as_millisecond(), why])? > 0)
    }

    /// Keeps a message that was handed over without waiting here, such as one to try the way.
    pub fn keep(&mut self, message: &Message) -> Result<(), OutboxError> {
        Ok(insert(&self.connection, message).map(drop)?)
    }

    /// Forgets what has long been done with.
    pub fn forget_old(&mut self, now: Timestamp) -> Result<(), OutboxError> {
        let before = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN).as_millisecond();
        self.connection.execute("DELETE FROM message WHERE state IN ('sent', 'folded', 'dropped') AND changed_at < ?1", [before])?;
        self.connection.execute("DELETE FROM link WHERE expires < ?1", [before])?;
        Ok(())
    }

    /// The token of the link of a message: the same however often it is asked for, until it ends.
    pub fn link(&mut self, message: &str, role: &str, expires: Timestamp) -> Result<(Token, i64), OutboxError> {
        let fresh: [u8; 16] = files::random()?;
        let sql = "INSERT INTO link VALUES (?1, ?2, ?3, ?4, NULL, NULL, 0) ON CONFLICT (message) DO UPDATE SET message = message RETURNING id, expires";
        let values = params![fresh, message, role, expires.as_millisecond()];
        Ok(self.connection.query_row(sql, values, |row| Ok((Token(row.get(0)?), row.get(1)?)))?)
    }

    /// The link with this token.
    pub fn find_link(&self, token: Token) -> Result<Option<Link>, OutboxError> {
        let sql = "SELECT message, role, expires, used_at, used_by, is_void FROM link WHERE id = ?1";
        Ok(self.connection.query_row(sql, [token.0], read_link).optional()?)
    }

    /// The links that were used, newest first: who has confirmed which message.
    pub fn confirmed(&self, limit: u32) -> Result<Vec<Link>, OutboxError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT message, role, expires, used_at, used_by, is_void FROM link WHERE used_at IS NOT NULL ORDER BY used_at DESC LIMIT ?1")?;
        let rows = statement.query_map([limit], read_link)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Uses a link up, once `state` has put that on record; neither if that fails. Whether it could still be used: two at once cannot.
    pub fn use_link<E: From<OutboxError>>(&mut self, token: Token, by: &str, now: Timestamp, state: impl FnOnce() -> Result<(), E>) -> Result<bool, E> {
        let fail = |error: rusqlite::Error| E::from(OutboxError::from(error));
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
        let sql = "UPDATE link SET used_at = ?2, used_by = ?3 WHERE id = ?1 AND used_at IS NULL AND is_void = 0 AND expires > ?2";
        let changed = transaction.execute(sql, params![token.0, now.as_millisecond(), by]).map_err(fail)?;
        if changed == 0 {
            return Ok(false);
        }
        // Killed after this and before the commit, the link still works; what it says is on record.
        state()?;
        transaction.commit().map_err(fail)?;
        Ok(true)
    }
}

/// What a statement asks for, in its transaction.
pub struct Step<'a>(&'a Transaction<'a>);

impl Step<'_> {
    /// Adds a message, unless it is there. Where very many wait, one of concern is counted to another of the same recipient.
    pub fn add(&self, message: &Message) -> rusqlite::Result<()> {
        if message.level < Level::Danger {
            let waiting: i64 = self.0.query_row("SELECT count(*) FROM message WHERE state = 'waiting'", [], |row| row.get(0))?;
            let sql = "UPDATE message SET more = more + 1 WHERE number = (SELECT number FROM message WHERE state = 'waiting' AND level < 2 AND channel = ?1 \
                       AND destination = ?2 AND key <> ?3 ORDER BY number DESC LIMIT 1)";
            if waiting.unsigned_abs() >= MOST_WAITING && self.0.execute(sql, params![message.channel(), message.to(), message.key])? > 0 {
                let folded = Message { state: State::Folded, why: "very many waited: counted in another message".into(), ..message.clone() };
                return insert(self.0, &folded).map(drop);
            }
        }
        insert(self.0, message).map(drop)
    }

    /// The episode is of this level now, or is back: what waits to be told of less, or of before, goes no more, and earlier links say so.
    pub fn worsened(&self, episode: RecordId, theme: &str, (level, is_back): (Level, bool), now: Timestamp) -> rusqlite::Result<()> {
        // Of what is back all that was is old, and so it is of what is of another theme too.
        let below = rank(level) + u8::from(is_back);
        let values = params![signed(episode.0), theme, below, now.as_millisecond()];
        self.0.execute(
            "UPDATE message SET state = 'folded', changed_at = ?4, why = 'it got worse, or came back: a newer message says so' \
             WHERE episode = ?1 AND theme = ?2 AND level < ?3 AND state = 'waiting'",
            values,
        )?;
        let values = params![signed(episode.0), theme, below];
        let sql = "UPDATE link SET is_void = 1 WHERE used_at IS NULL AND message IN (SELECT key FROM message WHERE episode = ?1 AND theme = ?2 AND level < ?3)";
        self.0.execute(sql, values).map(drop)
    }

    /// The episode is closed: nothing more of it goes out, and its links do nothing more.
    pub fn closed(&self, episode: RecordId, theme: &str, now: Timestamp) -> rusqlite::Result<()> {
        let values = params![signed(episode.0), theme, now.as_millisecond()];
        let sql =
            "UPDATE message SET state = 'folded', changed_at = ?3, why = 'somebody has closed it' WHERE episode = ?1 AND theme = ?2 AND state = 'waiting'";
        self.0.execute(sql, values)?;
        let sql = "UPDATE link SET is_void = 1 WHERE used_at IS NULL AND message IN (SELECT key FROM message WHERE episode = ?1 AND theme = ?2)";
        self.0.execute(sql, params![signed(episode.0), theme]).map(drop)
    }

    /// The journal says that this message was told.
    pub fn told(&self, key: &str, tries: u32, answer: &str, at: i64) -> rusqlite::Result<()> {
        let sql = "UPDATE message SET state = 'sent', tries = ?2, changed_at = ?3, why = ?4 WHERE key = ?1 AND state <> 'sent'";
        self.0.execute(sql, params![key, tries, at, answer]).map(drop)
    }

    /// The journal says that this message was given up after so many tries.
    pub fn untold(&self, key: &str, tries: u32, why: &str, at: i64) -> rusqlite::Result<()> {
        let sql = "UPDATE message SET state = 'dead', tries = ?2, changed_at = ?3, why = ?4 WHERE key = ?1 AND state = 'waiting' AND tries < ?2";
        self.0.execute(sql, params![key, tries, at, why]).map(drop)
    }
}

fn insert(connection: &Connection, message: &Message) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO message (key, statement, episode, theme, level, step, route, role, channel, destination, names, words, begins_at, next_at, tries, \
               state, changed_at, more, why) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19) \
               ON CONFLICT (key) DO NOTHING";
    let values = params![
        message.key,
        signed(message.statement),
        message.episode.as_ref().map(|(episode, _)| signed(episode.0)),
        message.episode.as_ref().map(|(_, theme)| theme),
        rank(message.level),
        message.step,
        message.route,
        message.role,
        message.channel(),
        message.to(),
        message.names,
        message.words,
        message.begins_at,
        message.next_at,
        message.tries,
        message.state.as_str(),
        message.changed_at,
        message.more,
        message.why
    ];
    connection.execute(sql, values)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Message> {
    let number = |column: usize| row.get::<_, i64>(column).map(i64::unsigned_abs);
    let (episode, theme): (Option<i64>, Option<String>) = (row.get(3)?, row.get(4)?);
    let (channel, destination, state): (String, String, String) = (row.get(9)?, row.get(10)?, row.get(16)?);
    let destination = destination.into_boxed_str();
    Ok(Message {
        number: number(0)?,
        key: row.get(1)?,
        statement: number(2)?,
        episode: episode.map(|episode| RecordId(episode.unsigned_abs())).zip(theme),
        level: match row.get::<_, i64>(5)? {
            0 => Level::Watch,
            1 => Level::Concern,
            _ => Level::Danger,
        },
        step: row.get(6)?,
        route: row.get(7)?,
        role: row.get(8)?,
        target: match channel.as_str() {
            "hook" => Target::Hook(destination),
            "syslog" => Target::Syslog(destination),
            "file" => Target::File(destination),
            _ => Target::Mail(destination),
        },
        names: row.get(11)?,
        words: row.get(12)?,
        begins_at: row.get(13)?,
        next_at: row.get(14)?,
        tries: row.get(15)?,
        state: State::NAMES.iter().find(|(name, _)| *name == state).map_or(State::Waiting, |(_, state)| *state),
        changed_at: row.get(17)?,
        more: row.get(18)?,
        why: row.get(19)?,
    })
}

fn read_link(row: &Row<'_>) -> rusqlite::Result<Link> {
    let (used_at, used_by): (Option<i64>, Option<String>) = (row.get(3)?, row.get(4)?);
    Ok(Link { message: row.get(0)?, role: row.get(1)?, expires: row.get(2)?, used: used_at.map(|at| (at, used_by.unwrap_or_default())), is_void: row.get(5)? })
}

fn rank(level: Level) -> u8 {
    match level {
        Level::Watch => 0,
        Level::Concern => 1,
        Level::Danger => 2,
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
