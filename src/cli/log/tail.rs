//! `usher log tail`: records as they come.

use super::reason::Why;
use super::shown::line;
use super::wanted::Wanted;
use super::{Desk, name_passed_over};
use crate::audit::RecordId;
use crate::audit::lookups::Cursor;
use crate::cli::{Answer, print, print_json};
use clap::Args;
use std::time::Duration;

/// The most records read at a time while following; if there are more, the next look comes at once.
const AT_A_LOOK: u32 = 10_000;
/// How often the end of the record is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Show records as they come. Ctrl-C ends it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher log tail\n  usher log tail --verdict blocked\n  usher log tail --last 20 --no-follow\n  usher log tail --user j.smith --reason \"he says his maths site is blocked\"\n\nWithout --reason a pseudonym stands for each person and device."
)]
pub(in crate::cli) struct Tail {
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    why: Why,
    /// Begin with so many earlier records.
    #[arg(long, default_value_t = 10)]
    last: u32,
    /// Stop after those.
    #[arg(long)]
    no_follow: bool,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Tail {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let record = desk.record()?;
        let reading = desk.reading(&record, self.wanted.filter(&desk.zone)?, &self.why)?;
        // Where none is to be shown, the newest still says what is new.
        let mut cursor = Cursor { after: None, before: None, limit: self.last.max(1), patience: Duration::MAX };
        let mut seen = RecordId(0);
        loop {
            let page = reading.page(cursor)?;
            name_passed_over(desk, &page);
            for row in page.rows.iter().rev() {
                if self.last == 0 && cursor.after.is_none() {
                } else if self.json {
                    print_json(row)?
                } else {
                    print(line(row, &desk.zone))?
                }
                seen = seen.max(row.number);
            }
            if self.no_follow {
                return Ok(Answer::Yes);
            }
            let more = cursor.after.is_some() && page.rows.len() == AT_A_LOOK as usize;
            cursor = Cursor { after: Some(seen), limit: AT_A_LOOK, ..cursor };
            if !more {
                std::thread::sleep(LOOK);
            }
        }
    }
}
