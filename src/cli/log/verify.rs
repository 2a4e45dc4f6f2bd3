//! `usher log verify` and `usher log checkpoint`: whether the log is as it was written.

use super::pack::{self, Shown};
use super::{Desk, say};
use crate::audit::checkpoint::{self, Checkpoint};
use crate::audit::journal::Journal;
use crate::audit::key::PublicKey;
use crate::audit::verify::{Against, Report, verify};
use crate::cli::serve::thousands;
use crate::cli::table::safe;
use crate::cli::{Answer, print, print_json};
use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Look whether any record was altered, removed or inserted, in the log or in an evidence pack. Exit code 1 if one was.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher log verify\n  usher log verify --checkpoints /mnt/elsewhere/checkpoints.jsonl\n  usher log verify --key 3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29\n  usher log verify --pack j.smith.zip\n\nBy itself the log shows every change made by somebody without its key. Checkpoints kept elsewhere also show what was written anew with it.\nTo check a pack nothing is needed but the file: no log, no configuration, no network."
)]
pub(in crate::cli) struct Verify {
    /// Check this evidence pack, as `usher log pack` made it, and nothing else.
    #[arg(long, value_name = "FILE", conflicts_with = "checkpoints")]
    pack: Option<PathBuf>,
    /// The key that is known to sign, as an earlier `usher log verify` at the school showed it.
    #[arg(long, value_name = "HEX", value_parser = key)]
    key: Option<PublicKey>,
    /// Checkpoints kept elsewhere: a file with one a line. May be given more than once.
    #[arg(long, value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Say nothing but what is wrong.
    #[arg(long)]
    quiet: bool,
}

fn key(text: &str) -> Result<PublicKey, String> {
    PublicKey::parse(text).ok_or_else(|| "a key is 64 hexadecimal digits".to_owned())
}

impl Verify {
    /// What comes of it, if it is a pack that is to be looked at.
    pub(super) fn pack(&self) -> Option<anyhow::Result<Answer>> {
        let shown = match (self.json, self.quiet) {
            (true, _) => Shown::Json,
            (false, true) => Shown::Problems,
            (false, false) => Shown::All,
        };
        self.pack.as_ref().map(|path| pack::verify(path, self.key, shown))
    }

    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let mut against = Against { key: self.key, checkpoints: Vec::new() };
        for path in &self.checkpoints {
            against.checkpoints.extend(read_checkpoints(path)?);
        }
        let bar = self.bar();
        let report = verify(&desk.config.log(), &against, &mut |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        })?;
        bar.finish_and_clear();
        if self.json {
            print_json(&report)?;
        } else {
            self.show(&report, against.checkpoints.len())?;
        }
        Ok(if report.problems.is_empty() { Answer::Yes } else { Answer::No })
    }

    fn bar(&self) -> ProgressBar {
        if self.json || self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        // The template is known to be sound.
        let style = ProgressStyle::with_template("verifying {bar:40} {bytes} of {total_bytes}, {eta} left").unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::new(0).with_style(style)
    }

    fn show(&self, report: &Report, checkpoints: usize) -> anyhow::Result<()> {
        for problem in &report.problems {
            print(safe(&problem.to_string()))?;
        }
        if self.quiet {
            return Ok(());
        }
        if !report.problems.is_empty() {
            print("")?;
        }
        for remark in &report.remarks {
            print(format_args!("to know: {}", safe(remark)))?;
        }
        let number = |count: u64| thousands(usize::try_from(count).unwrap_or(usize::MAX));
        print(format_args!(
            "looked at {} records in {} sealed segments and the live file, {} batches, {} signed statements",
            number(report.records),
            number(report.segments),
            number(report.batches),
            number(report.statements)
        ))?;
        if report.gone > 0 {
            print(format_args!("{} records were purged or erased, each with a signed note", number(report.gone)))?;
        }
        if report.unseen > 0 {
            print(format_args!("{} links of checkpoints lie in what was purged, and cannot be looked at any more", number(report.unseen)))?;
        }
        if let Some(key) = &report.key {
            print(format_args!("signed with {key}"))?;
        }
        print(match report.problems.len() {
            0 if checkpoints > 0 => "Nothing was altered, removed or inserted, and all checkpoints agree.".to_owned(),
            0 => "Nothing was altered, removed or inserted by anybody who does not have the key. Checkpoints kept elsewhere show more: usher log checkpoint --help".to_owned(),
            1 => "1 thing is not as it was written. Keep a copy of the data folder as it is now, and tell whoever is responsible for data protection.".to_owned(),
            many => format!("{many} things are not as they were written. Keep a copy of the data folder as it is now, and tell whoever is responsible for data protection."),
        })?;
        Ok(())
    }
}

fn read_checkpoints(path: &Path) -> anyhow::Result<Vec<Checkpoint>> {
    let text = fs::read_to_string(path).with_context(|| format!("the checkpoints {} cannot be read", path.display()))?;
    let mut checkpoints = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        checkpoints.push(Checkpoint::parse(line).with_context(|| format!("{}, line {number}", path.display()))?);
    }
    if checkpoints.is_empty() {
        bail!("{} holds no checkpoint", path.display());
    }
    Ok(checkpoints)
}

/// Make a checkpoint: a signed line that says how far the log has come, to be kept where nobody who can write the log can write.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher log checkpoint >> /mnt/elsewhere/checkpoints.jsonl\n  usher log checkpoint --file /mnt/elsewhere/checkpoints.jsonl\n\nUsher makes one each hour by itself and sends it where an [[output]] with what = [\"checkpoints\"] says."
)]
pub(in crate::cli) struct MakeCheckpoint {
    /// Add it to this file.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl MakeCheckpoint {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let folder = desk.config.log();
        desk.record()?;
        crate::app::open_data(&desk.config)?;
        let made = checkpoint::make(&folder, &mut Journal::open(&folder)?, Timestamp::now())?;
        let Some(made) = made else {
            say("the log has not begun; start Usher once with: usher serve");
            return Ok(Answer::No);
        };
        match self.file {
            None => print(made.line())?,
            Some(path) => {
                let mut text = made.line();
                text.push('\n');
                let mut file = fs::OpenOptions::new().append(true).create(true).open(&path).with_context(|| path.display().to_string())?;
                std::io::Write::write_all(&mut file, text.as_bytes())?;
                print(format_args!("checkpoint {} added to {}", made.name(), path.display()))?;
            }
        }
        Ok(Answer::Yes)
    }
}
