//! One message to one recipient on one channel: what it is known by, how far it has come, and when it is tried again. Pure.

use crate::alert::routes::{Due, Target};
use crate::audit::RecordId;
use crate::audit::incident::Level;
use jiff::Timestamp;
use std::time::Duration;

/// How long a message waits after each try in vain; the last again and again.
const PAUSES: [u64; 6] = [5, 15, 45, 120, 300, 600];
/// How long it is tried.
const TRIED: Duration = Duration::from_secs(24 * 3600);
/// How long danger is.
const TRIED_DANGER: Duration = Duration::from_secs(72 * 3600);

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It is to be handed over, or tried again.
    Waiting,
    /// It was taken.
    Sent,
    /// It is given up until somebody says otherwise.
    Dead,
    /// Another message says it, or it need not be said any more.
    Folded,
    /// Somebody has said that it need not be sent.
    Dropped,
}

impl State {
    /// All of them, by name.
    pub const NAMES: [(&str, Self); 5] =
        [("waiting", Self::Waiting), ("sent", Self::Sent), ("dead", Self::Dead), ("folded", Self::Folded), ("dropped", Self::Dropped)];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES[self as usize].0
    }
}

/// One message to one recipient on one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number here.
    pub number: u64,
    /// What it is known by: the statement, the channel and the address. It stays the same however often it is sent.
    pub key: String,
    /// The statement it tells of.
    pub statement: u64,
    /// The episode it tells of: its first record and theme. None for what Usher says of itself.
    pub episode: Option<(RecordId, String)>,
    /// How grave that is.
    pub level: Level,
    /// Which step of the ladder it is; 0 for those who are told first.
    pub step: u8,
    /// By which route.
    pub route: String,
    /// The role of who gets it; the channel's name where it is nobody in particular.
    pub role: String,
    /// Where it goes.
    pub target: Target,
    /// Whether it says who it is.
    pub names: bool,
    /// Whether it holds the words of searches.
    pub words: bool,
    /// Since when it is to be sent, in Unix milliseconds.
    pub begins_at: i64,
    /// Before when it is not tried, in Unix milliseconds.
    pub next_at: i64,
    /// How often it was tried.
    pub tries: u32,
    /// How far it has come.
    pub state: State,
    /// Since when it is in that state, or was last tried, in Unix milliseconds.
    pub changed_at: i64,
    /// How many other messages it stands for.
    pub more: u32,
    /// What went wrong, or what the other side said.
    pub why: String,
}

impl Message {
    /// A message that is due.
    #[must_use]
    pub fn of(due: &Due, statement: u64, episode: Option<(RecordId, &str)>, level: Level, step: u8, at: Timestamp) -> Self {
        let begins_at = due.not_before.unwrap_or(at).max(at).as_millisecond();
        let (channel, destination) = parts(&due.target);
        Self {
            number: 0,
            key: format!("{statement}/{channel}/{destination}"),
            statement,
            episode: episode.map(|(record, theme)| (record, theme.to_owned())),
            level,
            step,
            route: due.route.to_string(),
            role: due.recipient.as_ref().map_or(destination, |recipient| &recipient.role).to_owned(),
            target: due.target.clone(),
            names: due.names,
            words: due.words,
            begins_at,
            next_at: begins_at,
            tries: 0,
            state: State::Waiting,
            changed_at: at.as_millisecond(),
            more: 0,
            why: String::new(),
        }
    }

    /// The channel's kind: `mail`, `hook`, `syslog` or `file`.
    #[must_use]
    pub fn channel(&self) -> &'static str {
        parts(&self.target).0
    }

    /// The address, or the channel's name.
    #[must_use]
    pub fn to(&self) -> &str {
        parts(&self.target).1
    }

    /// When it is tried again after one more try in vain at `now`; nothing if it is given up.
    #[must_use]
    pub fn again_at(&self, now: Timestamp, asked: Option<Duration>) -> Option<Timestamp> {
        let tried = if self.level == Level::Danger { TRIED_DANGER } else { TRIED };
        let pause = PAUSES[(self.tries as usize).min(PAUSES.len() - 1)];
        // Whoever asks for more time gets it, within bounds.
        let pause = asked.map_or(pause, |asked| asked.as_secs().clamp(pause, PAUSES[PAUSES.len() - 1]));
        let again = now.checked_add(Duration::from_secs(pause)).ok()?;
        (again.as_millisecond() - self.begins_at <= i64::try_from(tried.as_millis()).unwrap_or(i64::MAX)).then_some(again)
    }
}

fn parts(target: &Target) -> (&'static str, &str) {
    match target {
        Target::Mail(address) => ("mail", address),
        Target::Hook(name) => ("hook", name),
        Target::Syslog(name) => ("syslog", name),
        Target::File(name) => ("file", name),
    }
}
