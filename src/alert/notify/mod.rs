//! Telling: messages are made from the acts of the journal, handed over, and what came of it is stated there.
//!
//! ```text
//! journal: opened, worsened, raised, a digest ──▶ routes ──▶ outbox ──▶ story, rendered ──▶ mail, hook, syslog, file
//!    ▲                                                                                          │
//!    └── told, untold; raised, where nobody has read it (ladder) ◀──────────────────────────────┘
//! ```
//!
//! The journal is asked again and again for acts after the last one seen, so that those of other programs (`usher alerts close`) count as much as our own. All
//! that waits for the disk is done by the desk (`desk.rs`), on a thread where that is allowed; sending is asynchronous, a few at once, and one channel that
//! hangs holds up no other. A sending that failed is tried again after a pause, until it is given up and Usher says so.
//!
//! Where to add a channel: a variant of [`Target`], a file here, its arm in `Job::hand_over`.

mod chat;
mod desk;
mod file;
mod mail;
mod matters;
pub mod story;
mod syslog;
mod webhook;

pub use desk::DeskError;

use super::links::PATH;
use super::outbox::Message;
use super::plan::{Mail, Plan, Recipient};
use super::routes::Target;
use crate::audit::Folder;
use crate::clock::Timetable;
use crate::outputs::Clock;
use crate::reach::Roots;
use desk::Desk;
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use story::Story;
use tokio::task::JoinSet;

/// How often the journal and the outbox are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How long is waited after the journal or the outbox could not be used.
const BROKEN: Duration = Duration::from_secs(1);

/// What is in force.
#[derive(Clone, Debug)]
pub struct Book {
    /// Who is told, how, and when.
    pub plan: Plan,
    /// The school's hours.
    pub timetable: Timetable,
}

/// What is in force now.
pub type Books = Arc<dyn Fn() -> Arc<Book> + Send + Sync>;

/// All that telling needs.
#[derive(Clone)]
pub struct Around {
    /// The folder of the record.
    pub folder: Folder,
    /// The file of the outbox.
    pub outbox: PathBuf,
    /// The secret of the installation.
    pub secret: [u8; 32],
    /// What links begin with where the school has not said it: the proxy's own pages.
    pub own_pages: String,
    /// What is in force.
    pub books: Books,
    /// Whose word is taken for who a hook or a syslog server is. For mail, `ca` of its settings comes beside.
    pub roots: Roots,
    /// The time.
    pub clock: Clock,
}

/// What a receiver said when it took a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt(pub String);

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// It may be taken later; the receiver may have said when.
    #[error("{0}")]
    Later(String, Option<Duration>),
    /// It will never be.
    #[error("{0}")]
    Never(String),
}

/// A message on its way, with all that is needed to hand it over.
struct Job {
    message: Message,
    story: Story,
    /// The key of the first message of the same matter to the same recipient.
    thread: Option<String>,
    book: Arc<Book>,
    roots: Roots,
    now: Timestamp,
}

/// What came of it.
struct Outcome {
    message: Message,
    came: Result<Receipt, Unsent>,
}

impl Job {
    async fn send(self) -> Outcome {
        let message = self.message.clone();
        // A panic was told; the message is tried again like any other.
        let came = tokio::spawn(self.hand_over()).await;
        Outcome { message, came: came.unwrap_or_else(|_| Err(Unsent::Later("sending failed unexpectedly; see the log lines before".to_owned(), None))) }
    }

    async fn hand_over(self) -> Result<Receipt, Unsent> {
        let Self { message, story, thread, book, roots, now } = self;
        let plan = &book.plan;
        let gone = |what: &str, name: &str| Unsent::Later(format!("there is no {what} \"{name}\" in alerts.toml any more"), None);
        match &message.target {
            Target::Mail(_) => {
                let Some(server) = &plan.mail else {
                    return Err(Unsent::Later("there is no mail server; name one under [mail] in alerts.toml".to_owned(), None));
                };
                let letter = mail::write(server, &message, &story, thread.as_deref(), now)?;
                mail::send(server, &letter).await
            }
            Target::Hook(name) => {
                let hook = plan.hooks.iter().find(|hook| hook.name == *name).ok_or_else(|| gone("hook", name))?;
                webhook::send(hook, &message.key, &story, &roots, now).await
            }
            Target::Syslog(name) => {
                let server = plan.syslog.iter().find(|server| server.name == *name).ok_or_else(|| gone("syslog server", name))?;
                syslog::send(server, &message.key, &story, &roots, now).await
            }
            Target::File(name) => {
                let path = plan.files.iter().find(|file| file.name == *name).ok_or_else(|| gone("file", name))?.path.clone();
                let written = tokio::task::spawn_blocking(move || file::send(&path, &message.key, &story)).await;
                written.unwrap_or_else(|_| Err(Unsent::Later("writing failed unexpectedly".to_owned(), None)))
            }
        }
    }
}

/// Tells whoever is to be told, until it is dropped. What is under way then is as if Usher had been killed: it is sent again by the next start, unless it is
/// on record that it was taken.
pub async fn run(around: Around) {
    let (mut desk, mut sending, mut done) = (Desk::new(around), JoinSet::new(), Vec::new());
    loop {
        let turned = tokio::task::spawn_blocking(move || {
            let jobs = desk.turn(std::mem::take(&mut done));
            (desk, jobs, done)
        });
        // A panic was told; without its desk nobody can be told anything, which the morning message and its absence say.
        let Ok((back, jobs, none)) = turned.await else { return };
        (desk, done) = (back, none);
        for job in jobs {
            sending.spawn(job.send());
        }
        let pause = if desk.is_broken() { BROKEN } else { LOOK };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            Some(outcome) = sending.join_next(), if !sending.is_empty() => done.extend(outcome),
        }
        while let Some(outcome) = sending.try_join_next() {
            done.extend(outcome);
        }
    }
}

/// A link as messages have it.
fn address(plan: &Plan, own_pages: &str, token: &str) -> String {
    let base = plan.links.base.as_deref().unwrap_or(own_pages);
    format!("{}{PATH}{token}", base.trim_end_matches('/'))
}

/// What came of trying the way to somebody.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Who.
    pub recipient: Recipient,
    /// What came of it.
    pub came: Result<Receipt, Unsent>,
    /// How long it took.
    pub took: Duration,
}

/// Sends a message to everybody of a role who has an address, to try the way, and states what was taken. Its link can be confirmed as any other.
///
/// # Errors
/// If the outbox or the journal cannot be used.
pub async fn try_role(around: &Around, role: &str) -> Result<Vec<Tried>, DeskError> {
    let book = (around.books)();
    let mut all = Vec::new();
    for recipient in book.plan.recipients.iter().filter(|recipient| &*recipient.role == role) {
        let Some(email) = &recipient.email else { continue };
        let now = (around.clock)();
        let (desk, target, role) = (around.clone(), Target::Mail(email.clone()), role.to_owned());
        let begun = tokio::task::spawn_blocking(move || desk::begin_test(&desk, target, &role, now)).await.map_err(|_| DeskError::Panicked)??;
        let (message, story) = begun;
        let started = std::time::Instant::now();
        let came = match &book.plan.mail {
            None => Err(Unsent::Never("there is no mail server; name one under [mail] in alerts.toml".to_owned())),
            Some(server) => try_mail(server, &message, &story, now).await,
        };
        let took = started.elapsed();
        if let Ok(receipt) = came.clone() {
            let (desk, message) = (around.clone(), message.clone());
            tokio::task::spawn_blocking(move || desk::end_test(&desk, message, &receipt, now)).await.map_err(|_| DeskError::Panicked)??;
        }
        all.push(Tried { recipient: recipient.clone(), came, took });
    }
    Ok(all)
}

async fn try_mail(server: &Mail, message: &Message, story: &Story, now: Timestamp) -> Result<Receipt, Unsent> {
    let letter = mail::write(server, message, story, None, now)?;
    mail::send(server, &letter).await
}
