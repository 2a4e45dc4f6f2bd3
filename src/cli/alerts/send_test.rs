//! `usher alerts send-test`: whether a message reaches the people of a role.

use super::Desk;
use crate::alert::notify::{Book, Tried, try_role};
use crate::app::telling::around;
use crate::cli::table::safe;
use crate::cli::{Answer, print};
use anyhow::bail;
use clap::Args;
use jiff::Timestamp;
use std::sync::Arc;

/// Send a message to everybody of a role who has an address, now, and say what the mail server made of it. That it arrived only its reader can say: by its link.
#[derive(Args)]
#[command(after_help = "Examples:\n  usher alerts send-test officer")]
pub(in crate::cli) struct SendTest {
    /// The role: officer, deputy, head, chair, technician, or one of the school's own.
    role: String,
}

impl SendTest {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let (plan, timetable) = (desk.rulebook.alerts.plan.clone(), desk.rulebook.school.timetable.clone());
        let book = Arc::new(Book { plan, timetable });
        let of_role = || book.plan.recipients.iter().filter(|recipient| *recipient.role == *self.role);
        if of_role().next().is_none() {
            bail!("nobody has the role \"{}\"; name them under [[recipient]] in alerts.toml", safe(&self.role));
        }
        for recipient in of_role().filter(|recipient| recipient.email.is_none()) {
            print(format_args!("{} has no address, and is told nothing", safe(&recipient.name)))?;
        }
        let shown = book.clone();
        let around = around(&desk.config, Arc::new(move || shown.clone()), desk.secret, Arc::new(Timestamp::now));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let all = runtime.block_on(try_role(&around, &self.role))?;
        let server = book.plan.mail.as_ref().map_or("", |mail| &mail.server);
        all.iter().try_for_each(|tried| print(line(tried, server)))?;
        let is_well = !all.is_empty() && all.iter().all(|tried| tried.came.is_ok());
        Ok(if is_well { Answer::Yes } else { Answer::No })
    }
}

fn line(tried: &Tried, server: &str) -> String {
    let Tried { recipient, came, took } = tried;
    let to = format!("{} ({})", safe(&recipient.name), safe(recipient.email.as_deref().unwrap_or_default()));
    match came {
        Ok(receipt) => {
            let seconds = took.as_secs_f64();
            format!("sent to {to}: taken by {server} in {seconds:.1} s as {}. Ask whether it arrived; the link in it must be pressed.", safe(&receipt.0))
        }
        Err(why) => format!("NOT sent to {to}: {}", safe(&why.to_string())),
    }
}
