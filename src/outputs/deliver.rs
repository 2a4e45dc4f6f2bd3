//! One output at work: read, send, move on; and when it is not taken, wait longer and longer.
//!
//! It holds one batch. Pauses grow from [`FIRST_PAUSE`] to [`LONGEST_PAUSE`]. The place is on disk before the next batch is read.

use super::pseudonym::Names;
use super::source::{Content, Item, SourceError};
use super::standing::{self, Positions, Standing, Trouble};
use super::{BATCH, Committed, Output, Position, SendError, Surroundings, To, What, syslog};
use crate::telemetry::events;
use jiff::Timestamp;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How often is looked for something new.
const LOOK: Duration = Duration::from_millis(250);
/// The first pause after a batch was not taken; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How often a standing that only counts on is written, in milliseconds.
const TELL_MS: i64 = 2000;

/// Why an output does not go on for now.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// The receiver has not taken it.
    #[error(transparent)]
    Send(#[from] SendError),
    /// It cannot be read here.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The place cannot be read or saved.
    #[error("its place in data/outputs cannot be kept: {0}; check that the data folder is yours to write and the disk is not full")]
    Place(#[from] io::Error),
    /// There is no such thing here.
    #[error("nothing here gives {0} yet; take it out of `what` of this output in usher.toml")]
    NoSource(&'static str),
    /// Whoever read has panicked, which was told.
    #[error("reading failed unexpectedly; see the log lines before")]
    Panicked,
}

/// Sends to an output for ever.
pub(super) async fn deliver(output: Output, names: Names, around: Surroundings) {
    let standing = Standing { name: output.name.clone(), ..Standing::default() };
    // What cannot be read is written anew.
    let standing = Standing::read(&around.folder, &output.name).ok().flatten().unwrap_or(standing);
    let mut delivery = Delivery { output, names, around, origin: syslog::origin(), places: None, standing };
    let mut pause = FIRST_PAUSE;
    loop {
        match delivery.turn().await {
            Ok(Turn::Sent) => pause = FIRST_PAUSE,
            Ok(Turn::Nothing) => {
                pause = FIRST_PAUSE;
                tokio::time::sleep(LOOK).await;
            }
            Err(error) => {
                delivery.failed(&error.to_string()).await;
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// The saved place of an output; where something is new to it, the end of what is committed now, which is saved.
fn places(output: &Output, around: &Surroundings) -> Result<Positions, Failed> {
    let saved = standing::positions(&around.folder, &output.name)?;
    let mut places = saved.clone().unwrap_or_default();
    for what in &output.what {
        if let (false, Some(source)) = (places.contains_key(what), around.source(*what)) {
            places.insert(*what, source.end()?);
        }
    }
    if saved.as_ref() != Some(&places) {
        standing::save_positions(&around.folder, &output.name, &places)?;
    }
    Ok(places)
}

/// Gives an output its place before anything more is committed. What goes wrong is told once it runs.
pub(super) fn prepare(output: &Output, around: &Surroundings) {
    drop(places(output, around));
}

/// What a turn came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Something was read and taken, or passed over.
    Sent,
    /// There was nothing.
    Nothing,
}

struct Delivery {
    output: Output,
    names: Names,
    around: Surroundings,
    origin: String,
    /// The place; not read yet.
    places: Option<Positions>,
    standing: Standing,
}

impl Delivery {
    /// A batch of each thing that is sent.
    async fn turn(&mut self) -> Result<Turn, Failed> {
        let mut places = match self.places.take() {
            Some(places) => places,
            None => self.begin().await?,
        };
        let (mut turn, mut failed) = (Turn::Nothing, None);
        for what in self.output.what.clone() {
            match self.step(what, &mut places).await {
                Ok(Turn::Sent) => turn = Turn::Sent,
                Ok(Turn::Nothing) => {}
                Err(error) => failed = Some(error),
            }
        }
        self.places = Some(places);
        if let Some(error) = failed {
            return Err(error);
        }
        self.well(turn).await;
        Ok(turn)
    }

    async fn begin(&self) -> Result<Positions, Failed> {
        let (output, around) = (self.output.clone(), self.around.clone());
        tokio::task::spawn_blocking(move || places(&output, &around)).await.map_err(|_| Failed::Panicked)?
    }

    async fn step(&mut self, what: What, places: &mut Positions) -> Result<Turn, Failed> {
        let source = self.around.source(what).ok_or(Failed::NoSource(what.as_str()))?.clone();
        let (from, now) = (places.get(&what).copied().unwrap_or_default(), (self.around.clock)());
        let items = apart(&source, move |source| source.after(from, BATCH, now)).await?;
        let Some(last) = items.last() else { return Ok(Turn::Nothing) };
        let (last, oldest) = (last.position, items.first().map(|item| item.at));
        let batch: Vec<_> = items.into_iter().filter(|item| self.wants(item)).map(|item| self.renamed(item)).collect();
        if !batch.is_empty() {
            if let Err(error) = self.send(&batch, now).await {
                self.fell_behind(&source, from, oldest, now).await;
                return Err(error.into());
            }
            self.standing.sent += batch.len() as u64;
            self.standing.sent_at = Some(now);
        }
        places.insert(what, last);
        self.save(places).await?;
        self.fell_behind(&source, last, oldest, now).await;
        Ok(Turn::Sent)
    }

    fn wants(&self, item: &Item) -> bool {
        match &item.content {
            Content::Record(class, _) => self.output.only.is_empty() || self.output.only.contains(class),
            Content::Notice(_) => true,
        }
    }

    fn renamed(&self, item: Item) -> Item {
        match item.content {
            Content::Record(class, row) => Item { content: Content::Record(class, Box::new(self.names.of(*row))), ..item },
            Content::Notice(_) => item,
        }
    }

    async fn send(&self, batch: &[Item], now: Timestamp) -> Result<(), SendError> {
        match &self.output.to {
            To::Syslog(server) => server.send(batch, &self.output.roots, &self.origin).await,
            To::Webhook(hook) => hook.send(&self.output.name, batch, &self.output.roots, now).await,
        }
    }

    /// Counts what is yet to be taken. That it cannot be counted is no reason not to go on: the next read will tell.
    async fn fell_behind(&mut self, source: &Arc<dyn Committed>, from: Position, oldest: Option<Timestamp>, now: Timestamp) {
        let due = now.as_millisecond() - self.standing.at.as_millisecond() >= TELL_MS || self.standing.trouble.is_none();
        if due && let Ok(behind) = apart(source, move |source| source.behind(from)).await {
            self.standing.behind = behind;
            let age = oldest.filter(|_| behind > 0).map_or(0, |oldest| now.duration_since(oldest).as_secs());
            self.standing.behind_seconds = age.max(0).unsigned_abs();
        }
    }

    async fn save(&self, places: &Positions) -> Result<(), Failed> {
        let (folder, name, places) = (self.around.folder.clone(), self.output.name.clone(), places.clone());
        let saved = tokio::task::spawn_blocking(move || standing::save_positions(&folder, &name, &places)).await;
        Ok(saved.map_err(|_| Failed::Panicked)??)
    }

    async fn well(&mut self, turn: Turn) {
        let was = self.standing.trouble.take();
        if let Some(trouble) = &was {
            events::OutputRecovered { output: &self.output.name, tries: trouble.tries }.emit();
        }
        if turn == Turn::Nothing {
            (self.standing.behind, self.standing.behind_seconds) = (0, 0);
        }
        let places = self.places.clone().unwrap_or_default();
        let changed = was.is_some() || self.standing.positions != places;
        let since = (self.around.clock)().as_millisecond() - self.standing.at.as_millisecond();
        if changed && (turn == Turn::Nothing || since >= TELL_MS) {
            self.standing.positions = places;
            self.tell().await;
        }
    }

    async fn failed(&mut self, error: &str) {
        let now = (self.around.clock)();
        let trouble = self.standing.trouble.take();
        if trouble.as_ref().is_none_or(|trouble| trouble.error != error) {
            events::OutputFailed { output: &self.output.name, error }.emit();
        }
        let (since, tries) = trouble.map_or((now, 0), |trouble| (trouble.since, trouble.tries));
        self.standing.trouble = Some(Trouble { since, tries: tries.saturating_add(1), error: error.to_owned() });
        self.standing.positions = self.places.clone().unwrap_or_default();
        self.tell().await;
    }

    /// Writes the standing. On a full disk nobody can read it; sending goes on as far as the place can be kept.
    async fn tell(&mut self) {
        self.standing.at = (self.around.clock)();
        let (standing, folder) = (self.standing.clone(), self.around.folder.clone());
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || standing.write(&folder)).await {
            events::OutputFailed { output: &self.output.name, error: &format!("its standing cannot be written: {error}") }.emit();
        }
    }
}

/// Asks a source on a thread where it may block.
async fn apart<T: Send + 'static>(
    source: &Arc<dyn Committed>,
    ask: impl FnOnce(&dyn Committed) -> Result<T, SourceError> + Send + 'static,
) -> Result<T, Failed> {
    let source = source.clone();
    let asked = tokio::task::spawn_blocking(move || ask(&*source)).await;
    Ok(asked.map_err(|_| Failed::Panicked)??)
}
