//! `usher alerts outbox`: what is to be told, and how far each message has come.

use super::{Desk, several};
use crate::alert::outbox::{Message, Outbox, State};
use crate::audit::incident::Act;
use crate::audit::journal::Journal;
use crate::audit::lookups::Reason;
use crate::cli::table::{safe, short, table};
use crate::cli::{Answer, print, print_json};
use crate::files;
use anyhow::bail;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

/// The most characters of what went wrong.
const WHY: usize = 100;

/// Show the messages of alerts: those that wait or were given up first, then the newest.
#[derive(Args)]
#[command(after_help = "Examples:\n  usher alerts outbox\n  usher alerts outbox retry 17\n  usher alerts outbox drop 17 --reason \"told her by telephone\"")]
pub(in crate::cli) struct ShowOutbox {
    #[command(subcommand)]
    what: Option<What>,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum What {
    /// Send a message again that was given up, or waits. A running Usher does it at once.
    Retry {
        /// Its number.
        number: u64,
    },
    /// Say of a message that was given up, or waits, that it need not be sent.
    Drop {
        /// Its number.
        number: u64,
        /// Why, in a few words. It is on record with the alert.
        #[arg(long)]
        reason: Reason,
    },
}

impl ShowOutbox {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let mut outbox = Outbox::open(&desk.config.outbox_path())?;
        match self.what {
            None => self.show(&outbox, desk),
            Some(What::Retry { number }) => {
                if !outbox.retry(number, desk.now)? {
                    bail!("no message {number} waits or was given up; see: usher alerts outbox");
                }
                print(format_args!("message {number} is sent by the running Usher now; see: usher alerts outbox"))?;
                Ok(Answer::Yes)
            }
            Some(What::Drop { number, reason }) => drop_one(&mut outbox, number, &reason, desk),
        }
    }

    fn show(&self, outbox: &Outbox, desk: &Desk) -> anyhow::Result<Answer> {
        let (messages, counts) = (outbox.newest(self.limit)?, outbox.counts()?);
        if self.json {
            messages.iter().try_for_each(|message| print_json(&as_json(message)))?;
        } else {
            if messages.is_empty() {
                print("there was nothing to tell yet")?;
            } else {
                let mut listing = table(&["number", "since", "state", "level", "alert", "to", "by", "tries", "what was said"]);
                for message in &messages {
                    listing.add_row(cells(message, desk));
                }
                print(listing)?;
            }
            let failing = if counts.failing > 0 { format!(", {} of them tried in vain so far", counts.failing) } else { String::new() };
            let waiting = usize::try_from(counts.waiting).unwrap_or(usize::MAX);
            print(format_args!("{}{failing}; {} given up", several(waiting, "waits", "wait"), counts.dead))?;
            for link in outbox.confirmed(1)? {
                if let Some((at, by)) = link.used {
                    print(format_args!("last read by {}, {}", safe(&by), time(at, desk)))?;
                }
            }
        }
        Ok(if counts.dead + counts.failing > 0 { Answer::No } else { Answer::Yes })
    }
}

fn drop_one(outbox: &mut Outbox, number: u64, reason: &Reason, desk: &Desk) -> anyhow::Result<Answer> {
    let Some(message) = outbox.numbered(number)?.filter(|message| matches!(message.state, State::Dead | State::Waiting)) else {
        bail!("no message {number} waits or was given up; see: usher alerts outbox");
    };
    let by = files::own_account();
    // On record first: a message that is dropped without a trace could have been the one that matters.
    if let Some((episode, theme)) = message.episode.clone() {
        let text = format!("The message to {} by {} need not be sent: {reason}", message.to(), message.channel());
        Journal::open(&desk.config.log())?.state_act(desk.now, &Act::Noted { episode, theme, by, text })?;
    }
    outbox.drop_numbered(number, &reason.to_string(), desk.now)?;
    print(format_args!("message {number} is dropped"))?;
    Ok(Answer::Yes)
}

fn time(at: i64, desk: &Desk) -> String {
    desk.local(Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH)).strftime("%a %-d %b %H:%M").to_string()
}

fn cells(message: &Message, desk: &Desk) -> [String; 9] {
    let is_held = message.state == State::Waiting && message.next_at > desk.now.as_millisecond();
    let state = if is_held { format!("waits until {}", time(message.next_at, desk)) } else { message.state.as_str().to_owned() };
    let alert = message.episode.as_ref().map_or_else(|| message.route.clone(), |(episode, theme)| format!("{episode} {theme}"));
    [
        message.number.to_string(),
        time(message.changed_at, desk),
        state,
        if message.episode.is_some() { message.level.as_str().to_owned() } else { String::new() },
        safe(&alert),
        safe(message.to()),
        message.channel().to_owned(),
        message.tries.to_string(),
        short(&message.why, WHY),
    ]
}

fn as_json(message: &Message) -> serde_json::Value {
    let time = |at: i64| Timestamp::from_millisecond(at).map(|at| at.to_string()).ok();
    json!({
        "number": message.number,
        "state": message.state.as_str(),
        "episode": message.episode.as_ref().map(|(episode, _)| episode.to_string()),
        "theme": message.episode.as_ref().map(|(_, theme)| theme),
        "level": message.episode.as_ref().map(|_| message.level.as_str()),
        "route": message.route,
        "step": message.step,
        "role": message.role,
        "to": message.to(),
        "channel": message.channel(),
        "begins": time(message.begins_at),
        "next": time(message.next_at),
        "changed": time(message.changed_at),
        "tries": message.tries,
        "said": message.why,
    })
}
