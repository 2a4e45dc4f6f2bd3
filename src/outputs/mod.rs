//! Live outputs: the record sent elsewhere as it is committed, to a syslog server or a webhook, without ever slowing the proxy.
//!
//! ```text
//! committed record ──▶ Committed::after(position) ──▶ at most BATCH of it ──▶ syslog, webhook ──▶ taken? the position moves on
//!        ▲                                                                                    └─▶ not taken: a longer and longer pause
//!        └── the recorder knows nothing of outputs
//! ```
//!
//! An output is a place in what is committed: it reads the log as any reader does, so a slow or dead receiver only falls behind, and memory holds one
//! batch. The place is kept in `data/outputs/<name>.position` and moves only when the other side has taken a batch: at least once, over restarts too.
//! What was sent and not taken is sent again. An output that is new begins with what is committed from then on.
//!
//! A record is sent once it has ended, or is [`source::SETTLE`] old: tunnels are sent while they are open.
//! Where to add a way to send: an arm of [`To`], a file here, its settings in `config/outputs.rs`.

mod deliver;
pub mod pseudonym;
mod send;
pub mod source;
pub mod standing;
pub mod statements;
pub mod syslog;
pub mod webhook;

pub use send::SendError;
pub use source::{Committed, Content, Item, Notice, Position, Records, SourceError};
pub use standing::Standing;
pub use statements::Statements;

use crate::audit::Class;
use crate::reach::Roots;
use pseudonym::Names;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// The most that is read and sent at once.
pub const BATCH: u32 = 200;

/// Tells the time. The world's clock but in tests.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// One place the record is sent to.
#[derive(Clone, Debug)]
pub struct Output {
    /// What it is called: letters, digits and hyphens.
    pub name: String,
    /// Where and how.
    pub to: To,
    /// What is sent.
    pub what: Vec<What>,
    /// Of records, only these classes; all where it is empty.
    pub only: Vec<Class>,
    /// Whether people are named.
    pub names: Naming,
    /// Whose word is taken for who the receiver is.
    pub roots: Roots,
}

/// Where and how.
#[derive(Clone, Debug)]
pub enum To {
    /// RFC 5424 over TCP or TLS.
    Syslog(syslog::Server),
    /// JSON lines over HTTP.
    Webhook(webhook::Hook),
}

impl fmt::Display for To {
    /// As in `usher.toml`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syslog(server) => {
                let scheme = match server.transport {
                    syslog::Transport::Tcp => "tcp",
                    syslog::Transport::Tls => "tls",
                };
                write!(f, "{scheme}://{}", server.host.authority(server.port))
            }
            Self::Webhook(hook) => hook.address.fmt(f),
        }
    }
}

/// What can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// Every request.
    Records,
    /// What happened to Usher itself.
    Events,
    /// The signed state of the chains.
    Checkpoints,
}

impl What {
    /// All of them, by the name they have in `usher.toml`.
    pub const NAMES: [(&str, Self); 3] = [("records", Self::Records), ("events", Self::Events), ("checkpoints", Self::Checkpoints)];

    /// As in `usher.toml`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Events => "events",
            Self::Checkpoints => "checkpoints",
        }
    }
}

/// Whether people are named to the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// As they are.
    Named,
    /// By a keyed hash, the same for the same person: only this installation can tell who it is.
    Pseudonymous,
}

/// All that outputs share.
#[derive(Clone)]
pub struct Surroundings {
    /// The folder of positions and standings: `data/outputs`.
    pub folder: PathBuf,
    /// What there is to send, by kind.
    pub sources: Vec<(What, Arc<dyn Committed>)>,
    /// The secret of the installation, for pseudonyms.
    pub secret: [u8; 32],
    /// The time.
    pub clock: Clock,
}

impl Surroundings {
    fn source(&self, what: What) -> Option<&Arc<dyn Committed>> {
        self.sources.iter().find(|(known, _)| *known == what).map(|(_, source)| source)
    }
}

/// Gives outputs that are new their place: what is committed from now on is theirs. To be called before anything is. Blocks.
pub fn prepare(outputs: &[Output], around: &Surroundings) {
    outputs.iter().for_each(|output| deliver::prepare(output, around));
}

/// Sends to all of them until it is dropped. One that cannot be sent to does not hold up another.
pub async fn run(outputs: Vec<Output>, around: Surroundings) {
    let mut sending = tokio::task::JoinSet::new();
    for output in outputs {
        let names = match output.names {
            Naming::Named => Names::Plain,
            Naming::Pseudonymous => Names::keyed(&around.secret),
        };
        sending.spawn(deliver::deliver(output, names, around.clone()));
    }
    // They never end by themselves; a panic was told, and the others go on.
    while sending.join_next().await.is_some() {}
}
