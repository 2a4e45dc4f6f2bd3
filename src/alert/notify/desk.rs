//! The part of telling that waits for the disk: journal and outbox in, jobs out; what came of them stated.

use super::matters::Matters;
use super::story::{Matter, Story};
use super::{Around, Book, Job, Outcome, Receipt, Unsent, address};
use crate::alert::links::Signer;
use crate::alert::outbox::{Message, OLDEST, Outbox, OutboxError, State, Step};
use crate::alert::plan::Plan;
use crate::alert::routes::{self, Due, Rung, Target};
use crate::alert::{digest, ladder};
use crate::audit::events::{Event, Severity, record};
use crate::audit::incident::{Act, Incident, Level, Told};
use crate::audit::journal::{Journal, JournalError, Statement, Topic};
use crate::audit::lookups::Unshown;
use crate::audit::query::{Log, Row};
use crate::audit::{Folder, RecordId};
use crate::telemetry::events::{AlertGivenUp, AlertNotTaken, TellingFailed, TellingRecovered};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many statements are read at once.
const BATCH: u32 = 500;
/// How many messages of a channel are looked at at once.
const MOST_DUE: u32 = 256;
/// How many mails are sent at once. Hooks, syslog servers and files get one after the other.
const MAILS: usize = 4;
/// How long after a message a hook gets the next: chats take one a second.
const HOOK_PAUSE: Duration = Duration::from_secs(1);
/// The most records of a matter that are read for a message.
const MOST_RECORDS: usize = 12;
/// A regular message that is older is not sent any more, in milliseconds.
const STALE: i64 = 24 * 3_600_000;
/// How often what is over is forgotten.
const FORGET: Duration = Duration::from_secs(600);

/// Why telling cannot go on for now.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The journal.
    #[error("the journal of the record cannot be used: {0}")]
    Journal(#[from] JournalError),
    /// The outbox.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// Something failed that should not, which was told.
    #[error("it failed unexpectedly; see the log lines before")]
    Panicked,
}

/// A channel, as far as only so many messages go there at once.
type Lane = Option<Target>;

fn lane(target: &Target) -> Lane {
    match target {
        Target::Mail(_) => None,
        other => Some(other.clone()),
    }
}

/// Keeps what is to be told.
pub(super) struct Desk {
    around: Around,
    signer: Signer,
    open: Option<Open>,
    /// What came of sendings and is not stated yet.
    unsettled: Vec<Outcome>,
    /// The keys of what is being sent, or not settled.
    under_way: HashSet<String>,
    lanes: HashMap<Lane, usize>,
    /// Until when a hook gets nothing.
    paused: HashMap<Lane, Instant>,
    broken: bool,
    forgotten: Option<Instant>,
}

/// Journal and outbox, and what is known from them.
struct Open {
    journal: Journal,
    outbox: Outbox,
    matters: Matters,
    /// The last statement that was looked at.
    seen: u64,
    /// The outbox's place when it was opened.
    place: u64,
}

impl Desk {
    pub(super) fn new(around: Around) -> Self {
        Self {
            signer: Signer::new(&around.secret),
            around,
            open: None,
            unsettled: Vec::new(),
            under_way: HashSet::new(),
            lanes: HashMap::new(),
            paused: HashMap::new(),
            broken: false,
            forgotten: None,
        }
    }

    /// Whether journal or outbox could not be used last time.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Settles what came of sendings, takes in what was stated, and gives out what is to be sent. What fails is told, and done the next time.
    pub(super) fn turn(&mut self, done: Vec<Outcome>) -> Vec<Job> {
        for outcome in done {
            let lane = lane(&outcome.message.target);
            if matches!(lane, Some(Target::Hook(_))) {
                self.paused.insert(lane.clone(), Instant::now() + HOOK_PAUSE);
            }
            if let Some(count) = self.lanes.get_mut(&lane) {
                *count = count.saturating_sub(1);
            }
            self.unsettled.push(outcome);
        }
        let mut jobs = Vec::new();
        match self.work(&mut jobs) {
            Ok(()) if std::mem::take(&mut self.broken) => TellingRecovered.emit(),
            Ok(()) => {}
            Err(error) => {
                if !std::mem::replace(&mut self.broken, true) {
                    TellingFailed { error: &error }.emit();
                }
                // What is half done is read again.
                self.open = None;
            }
        }
        jobs
    }

    /// What can be sent is in `jobs` even if something fails after it.
    fn work(&mut self, jobs: &mut Vec<Job>) -> Result<(), DeskError> {
        let book = (self.around.books)();
        let now = (self.around.clock)();
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::new(&self.around)?,
        };
        self.settle(&mut open, now)?;
        // While nobody is named, nothing is taken in and nothing goes out: whoever is named then is told of what came last, and what waits waits.
        if !names_somebody(&book.plan) {
            self.open = Some(open);
            return Ok(());
        }
        open.catch_up(&book, now)?;
        if open.climb(&book, now)? {
            open.catch_up(&book, now)?;
        }
        if self.forgotten.is_none_or(|at| at.elapsed() > FORGET) {
            open.outbox.forget_old(now)?;
            self.forgotten = Some(Instant::now());
        }
        self.give_out(&mut open, &book, now, jobs)?;
        self.open = Some(open);
        Ok(())
    }

    /// States what came of sendings.
    fn settle(&mut self, open: &mut Open, now: Timestamp) -> Result<(), DeskError> {
        while let Some(Outcome { message, came }) = self.unsettled.last() {
            open.settle(&self.around.folder, message, came, now)?;
            self.under_way.remove(&message.key);
            self.unsettled.pop();
        }
        Ok(())
    }

    /// What is to be sent now, as far as there is room in its lane.
    fn give_out(&mut self, open: &mut Open, book: &Arc<Book>, now: Timestamp, jobs: &mut Vec<Job>) -> Result<(), DeskError> {
        for channel in ["mail", "hook", "syslog", "file"] {
            for message in open.outbox.due(channel, now, MOST_DUE)? {
                let lane = lane(&message.target);
                let most = if lane.is_none() { MAILS } else { 1 };
                let is_paused = self.paused.get(&lane).is_some_and(|until| *until > Instant::now());
                let count = self.lanes.entry(lane).or_default();
                if is_paused || *count >= most || self.under_way.contains(&message.key) {
                    continue;
                }
                let Some(story) = open.story(&message, book, &self.around, &self.signer, now)? else { continue };
                let thread = open.thread(&message)?;
                *count += 1;
                self.under_way.insert(message.key.clone());
                jobs.push(Job { message, story, thread, book: book.clone(), roots: self.around.roots.clone(), now });
            }
        }
        Ok(())
    }
}

impl Open {
    fn new(around: &Around) -> Result<Self, DeskError> {
        let (journal, outbox) = (Journal::open(&around.folder)?, Outbox::open(&around.outbox)?);
        let place = outbox.place()?;
        Ok(Self { journal, outbox, matters: Matters::default(), seen: 0, place })
    }

    /// Takes in all that was stated since the last time.
    fn catch_up(&mut self, book: &Book, now: Timestamp) -> Result<(), DeskError> {
        loop {
            let statements = self.journal.reader().about_some(Topic::Alert, self.seen, BATCH)?;
            if statements.is_empty() {
                return Ok(());
            }
            for statement in &statements {
                if let Some(act) = statement.read::<Act>() {
                    self.matters.take(statement, &act);
                    self.take_in(statement, &act, book, now)?;
                }
                self.seen = statement.number;
            }
            self.matters.forget(now);
        }
    }

    fn take_in(&mut self, statement: &Statement, act: &Act, book: &Book, now: Timestamp) -> Result<(), DeskError> {
        let age = now.as_millisecond().saturating_sub(statement.at);
        // A new outbox beside an old journal: what is long past was told, or is of no more use.
        let is_past = self.place == 0 && age > i64::try_from(OLDEST.as_millis()).unwrap_or(i64::MAX);
        if statement.number <= self.place || is_past {
            return Ok(());
        }
        let matters = &self.matters;
        Ok(self.outbox.take_in(statement.number, |step| add(step, matters, statement, act, book, now))?)
    }

    /// States the steps of ladders that are due. Whether there were any.
    fn climb(&mut self, book: &Book, now: Timestamp) -> Result<bool, DeskError> {
        if book.plan.ladders.is_empty() {
            return Ok(false);
        }
        let mut due = Vec::new();
        for incident in self.matters.unread() {
            let rungs = rungs(book, incident);
            if rungs.is_empty() {
                continue;
            }
            let (episode, theme) = (incident.opened.episode, incident.opened.theme.clone());
            let messages = self.outbox.of_episode(episode, &theme)?;
            if let Some(rung) = ladder::due(incident, &messages, &rungs, now) {
                due.push(Act::Raised { episode, theme, level: incident.level, step: rung.step, to: rung.role.to_string(), back: incident.back() });
            }
        }
        for act in &due {
            self.journal.state_act(now, act)?;
        }
        Ok(!due.is_empty())
    }

    /// What a message says now; nothing if it need not be said any more.
    fn story(&mut self, message: &Message, book: &Book, around: &Around, signer: &Signer, now: Timestamp) -> Result<Option<Story>, DeskError> {
        let link = self.link(message, book, around, signer, now)?;
        let Some((episode, theme)) = &message.episode else {
            let story = self.regular(message, link)?;
            if story.is_none() {
                self.outbox.folded(&message.key, "what it says is no longer on record", now)?;
            }
            return Ok(story);
        };
        let Some(incident) = self.matters.get(*episode, theme).filter(|incident| incident.closed.is_none()) else {
            self.outbox.folded(&message.key, "it is closed, or no longer on record", now)?;
            return Ok(None);
        };
        let message = Message { names: message.names && may_name(&book.plan, &message.target), ..message.clone() };
        let (others, before) = self.matters.beside(incident);
        let next = next(incident, &message, &rungs(book, incident), now);
        let rows = rows(&around.folder, incident.news());
        let matter = Matter { message: &message, incident, rows: &rows, next: &next, others: &others, before, link, zone: &book.timetable.zone };
        Ok(Some(matter.story()))
    }

    fn regular(&self, message: &Message, link: Option<String>) -> Result<Option<Story>, DeskError> {
        let statement = self.journal.reader().about_some(Topic::Alert, message.statement.saturating_sub(1), 1)?.pop();
        let statement = statement.filter(|statement| statement.number == message.statement);
        Ok(statement.and_then(|statement| {
            let at = Timestamp::from_millisecond(statement.at).unwrap_or(Timestamp::UNIX_EPOCH);
            match statement.read::<Act>()? {
                Act::Digest { kind, date, text } => Some(Story::regular(&kind, &date, &text, at, link)),
                Act::Untold(told) => Some(Story::unsent(&told, at, link)),
                _ => None,
            }
        }))
    }

    /// Programs get no link: nobody reads it there.
    fn link(&mut self, message: &Message, book: &Book, around: &Around, signer: &Signer, now: Timestamp) -> Result<Option<String>, DeskError> {
        match message.target {
            Target::Syslog(_) | Target::File(_) => Ok(None),
            Target::Mail(_) | Target::Hook(_) => Ok(Some(link(&mut self.outbox, message, &book.plan, around, signer, now)?)),
        }
    }

    fn thread(&self, message: &Message) -> Result<Option<String>, DeskError> {
        let Some((episode, theme)) = &message.episode else { return Ok(None) };
        let first = self.outbox.of_episode(*episode, theme)?.into_iter().find(|other| other.target == message.target && other.state == State::Sent);
        Ok(first.map(|first| first.key))
    }

    fn settle(&mut self, folder: &Folder, message: &Message, came: &Result<Receipt, Unsent>, now: Timestamp) -> Result<(), DeskError> {
        let tries = message.tries.saturating_add(1);
        let (why, again) = match came {
            Ok(Receipt(answer)) => {
                self.journal.state_act(now, &Act::Told(told(message, tries, answer)))?;
                return Ok(self.outbox.sent(&message.key, tries, answer, now)?);
            }
            Err(Unsent::Later(why, wait)) => (why, message.again_at(now, *wait)),
            Err(Unsent::Never(why)) => (why, None),
        };
        let (channel, to) = (message.channel(), message.to());
        if let Some(again) = again {
            if message.tries == 0 {
                AlertNotTaken { channel, to, error: why }.emit();
            }
            return Ok(self.outbox.later(&message.key, tries, why, again, now)?);
        }
        AlertGivenUp { channel, to, tries, error: why }.emit();
        self.journal.state_act(now, &Act::Untold(told(message, tries, why)))?;
        self.outbox.dead(&message.key, tries, why, now)?;
        let what = message
            .episode
            .as_ref()
            .map_or_else(|| "A message of Usher's".to_owned(), |(episode, _)| format!("The alert {episode} ({})", message.level.as_str()));
        let text = format!("{what} could not be handed over to {to} by {channel}, and is given up after {tries} tries: {why}. See: usher alerts outbox");
        Ok(record(folder, &Event { at: now, kind: "alert-unsent", severity: Severity::Critical, text })?)
    }
}

/// Whether there is anybody, or any channel, to tell.
fn names_somebody(plan: &Plan) -> bool {
    !(plan.recipients.is_empty() && plan.hooks.is_empty() && plan.syslog.is_empty() && plan.files.is_empty())
}

/// The messages that an act asks for, and what it makes needless.
fn add(step: &Step<'_>, matters: &Matters, statement: &Statement, act: &Act, book: &Book, now: Timestamp) -> rusqlite::Result<()> {
    let incident = act.episode().and_then(|(episode, theme)| matters.get(episode, theme));
    let send = |all: &[Due], level: Level, rung: u8| {
        let of = incident.map(|incident| (incident.opened.episode, &*incident.opened.theme));
        all.iter().try_for_each(|due| step.add(&Message::of(due, statement.number, of, level, rung, now)))
    };
    match act {
        Act::Opened(opened) => send(&routes::due(&book.plan, opened, opened.level, now, &book.timetable), opened.level, 0),
        Act::Worsened { is_back, also, episode, theme, level, .. } => {
            step.worsened(*episode, theme, (*level, *is_back || also.is_some()), now)?;
            let Some(incident) = incident else { return Ok(()) };
            send(&routes::due(&book.plan, &incident.opened, *level, now, &book.timetable), *level, 0)
        }
        Act::Raised { level, step: number, to, .. } => {
            let Some(incident) = incident else { return Ok(()) };
            let rungs = rungs(book, incident);
            let rung = rungs.iter().find(|rung| rung.step == *number && *rung.role == **to).or_else(|| rungs.iter().find(|rung| *rung.role == **to));
            rung.map_or(Ok(()), |rung| send(&rung.due, *level, *number))
        }
        Act::Closed { episode, theme, .. } => step.closed(*episode, theme, now),
        Act::Told(told) => step.told(&told.message, told.tries, &told.answer, statement.at),
        Act::Untold(told) => {
            step.untold(&told.message, told.tries, &told.answer, statement.at)?;
            // That such a message could not be handed over either is an event, and told to nobody.
            let Some((episode, theme)) = &told.episode.zip(told.theme.as_ref()) else { return Ok(()) };
            matters.get(*episode, theme).map_or(Ok(()), |_| unsent(step, statement, book, now))
        }
        // One that is a day old tells nobody of this morning: it was stated while nobody was named.
        Act::Digest { .. } if now.as_millisecond().saturating_sub(statement.at) > STALE => Ok(()),
        Act::Digest { kind, .. } => send(&routes::regular(&book.plan, kind, &digest::roles(&book.plan.digest, kind)), Level::Concern, 0),
        Act::Joined { .. } | Act::WentOn { .. } | Act::Ended { .. } | Act::Read { .. } | Act::Noted { .. } | Act::Suppressed { .. } | Act::Freed { .. } => {
            Ok(())
        }
        Act::Limited(_) | Act::Unlimited { .. } => Ok(()),
    }
}

/// Tells those who look after Usher that a message is given up.
fn unsent(step: &Step<'_>, statement: &Statement, book: &Book, now: Timestamp) -> rusqlite::Result<()> {
    let all = routes::system(&book.plan, now, &book.timetable);
    all.iter().try_for_each(|due| step.add(&Message::of(due, statement.number, None, Level::Concern, 0, now)))
}

/// The steps of all ladders of a matter, one after the other by their time.
fn rungs(book: &Book, incident: &Incident) -> Vec<Rung> {
    let told = routes::due(&book.plan, &incident.opened, incident.level, level_since(incident), &book.timetable);
    let mut all: Vec<Rung> = Vec::new();
    let mut ladders = Vec::new();
    for route in book.plan.routes.iter().filter(|route| told.iter().any(|due| due.route == route.name || (due.ladder.is_some() && due.ladder == route.ladder)))
    {
        if route.ladder.is_none() || ladders.contains(&&route.ladder) {
            continue;
        }
        ladders.push(&route.ladder);
        all.extend(routes::rungs(&book.plan, &incident.opened, &route.name));
    }
    all.sort_by_key(|rung| rung.after);
    for (number, rung) in (1..=u8::MAX).zip(&mut all) {
        rung.step = number;
    }
    all
}

/// When it was stated that the matter is of the level that holds.
fn level_since(incident: &Incident) -> Timestamp {
    let of = ladder::since_back(incident).find(|(_, act)| match act {
        Act::Opened(opened) => opened.level == incident.level,
        Act::Worsened { level, .. } => *level == incident.level,
        _ => false,
    });
    of.and_then(|(at, _)| Timestamp::from_millisecond(at).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Who is told next, and when.
fn next(incident: &Incident, message: &Message, rungs: &[Rung], now: Timestamp) -> Vec<(String, Timestamp)> {
    let told = ladder::since_back(incident).find_map(|(at, act)| match act {
        Act::Told(told) if told.level == Some(incident.level) => Timestamp::from_millisecond(at).ok(),
        _ => None,
    });
    let since = told.unwrap_or(now);
    let later = rungs.iter().filter(|rung| rung.step > message.step && !rung.due.is_empty());
    later.filter_map(|rung| Some((rung.role.to_string(), since.checked_add(rung.after).ok()?))).collect()
}

/// Whether names may go there at all, by the settings of now.
fn may_name(plan: &Plan, target: &Target) -> bool {
    match target {
        Target::Mail(_) => true,
        Target::Hook(name) => plan.hooks.iter().any(|hook| hook.name == *name && hook.names),
        Target::Syslog(name) => plan.syslog.iter().any(|server| server.name == *name && server.names),
        Target::File(name) => plan.files.iter().any(|file| file.name == *name && file.names),
    }
}

/// The records of a matter, as far as they can be read.
fn rows(folder: &Folder, records: &[RecordId]) -> Vec<Row> {
    let Ok(log) = Log::open(folder) else { return Vec::new() };
    let log = Unshown::of(&log);
    let mut records = records.to_vec();
    records.sort_unstable();
    // One that cannot be read is told of as missing.
    records.iter().take(MOST_RECORDS).filter_map(|record| log.find(*record).ok().flatten()).collect()
}

fn told(message: &Message, tries: u32, answer: &str) -> Box<Told> {
    let level = message.episode.as_ref().map(|_| message.level);
    let (episode, theme) = message.episode.clone().unzip();
    Box::new(Told {
        message: message.key.clone(),
        episode,
        theme,
        level,
        route: message.route.clone(),
        to: message.to().to_owned(),
        channel: message.channel().to_owned(),
        tries,
        answer: answer.to_owned(),
    })
}

fn link(outbox: &mut Outbox, message: &Message, plan: &Plan, around: &Around, signer: &Signer, now: Timestamp) -> Result<String, OutboxError> {
    let expires = now.checked_add(plan.links.lasts).unwrap_or(now);
    let (token, expires) = outbox.link(&message.key, &message.role, expires)?;
    Ok(address(plan, &around.own_pages, &signer.write(token, &message.key, &message.role, expires)))
}

/// Makes a message to try the way to somebody.
pub(super) fn begin_test(around: &Around, target: Target, role: &str, now: Timestamp) -> Result<(Message, Story), DeskError> {
    let book = (around.books)();
    let due = Due { recipient: None, target, names: false, words: false, not_before: None, route: "send-test".into(), ladder: None };
    let message = Message::of(&due, 0, None, Level::Watch, 0, now);
    let message = Message { key: format!("test/{}/{}", now.as_millisecond(), message.to()), role: role.to_owned(), ..message };
    let mut outbox = Outbox::open(&around.outbox)?;
    let link = link(&mut outbox, &message, &book.plan, around, &Signer::new(&around.secret), now)?;
    let story = Story::test(role, now, Some(link));
    Ok((message, story))
}

/// Puts on record that it was taken.
pub(super) fn end_test(around: &Around, message: Message, receipt: &Receipt, now: Timestamp) -> Result<(), DeskError> {
    Journal::open(&around.folder)?.state_act(now, &Act::Told(told(&message, 1, &receipt.0)))?;
    Ok(Outbox::open(&around.outbox)?.keep(&Message { state: State::Sent, tries: 1, why: receipt.0.clone(), ..message })?)
}
