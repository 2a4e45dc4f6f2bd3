//! `usher ca`: the school's certificate authority.

mod create;
mod export;
mod import;
mod install_help;
mod show;

use super::Answer;
use crate::app;
use crate::audit::events::{self, Event, Severity};
use crate::config::Config;
use crate::files;
use crate::tls::ca::{Authorities, Certificate, Folder, Kept, Place};
use crate::tls::install::Offered;
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::path::Path;

/// How long devices have to take up the next authority before it signs, where nobody says so.
const OVERLAP: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long before the end of the present one the next signs at the latest, if there is so much time.
const BEFORE_THE_END: SignedDuration = SignedDuration::from_hours(14 * 24);
/// What there is to do where there is no authority.
const NONE: &str = "there is no authority yet; make one: usher ca create --name \"Example School web filter\"; or take one over: usher ca import";

/// Keep the school's certificate authority, which signs what browsers are shown inside https.
#[derive(Subcommand)]
#[command(after_help = "Devices must be told to trust it: usher ca install-help SYSTEM. Through the proxy they find it at http://usher.internal/ca.")]
pub(super) enum Ca {
    /// Make an authority of the school's own: a key (ECDSA P-256) and a certificate.
    ///
    /// With --never-for the certificate itself says for which names it must never be used, and devices hold it to that even if the key is stolen. Sites of
    /// those names then cannot be looked into at all, so they must be left sealed; that cannot be changed later but by another authority.
    Create(create::Create),
    /// Take over an authority that was made elsewhere: one that devices trust already, or one that your own authority signed for Usher.
    ///
    /// Before anything is kept, a certificate is signed and checked as a browser would. Where another authority signed this one, put that one's certificate
    /// after it in the same file.
    Import(import::Import),
    /// Give out the certificate, as devices need it.
    Export(export::Export),
    /// Show who signs, until when, and by what fingerprint it is known. Exit code 1 if nobody can sign.
    Show(show::Show),
    /// Say how devices of a system are told to trust the authority, and write the files for it.
    InstallHelp(install_help::InstallHelp),
}

impl Ca {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        let config = Config::load(path)?;
        app::open_data(&config)?;
        let zone = config.rulebook().map_or(TimeZone::UTC, |rulebook| rulebook.school.timetable.zone);
        let desk = Desk { folder: config.authorities(), config, zone, now: Timestamp::now() };
        match self {
            Self::Create(command) => command.run(&desk),
            Self::Import(command) => command.run(&desk),
            Self::Export(command) => command.run(&desk),
            Self::Show(command) => command.run(&desk),
            Self::InstallHelp(command) => command.run(&desk),
        }
    }
}

/// What every command here needs.
struct Desk {
    config: Config,
    folder: Folder,
    zone: TimeZone,
    now: Timestamp,
}

/// Where a new authority goes.
#[derive(Args)]
struct Where {
    /// Make it the one that follows: devices take it up while the present one signs, and from a day on it signs itself.
    #[arg(long)]
    next: bool,
    /// From which day the next signs, such as 2027-07-26. In 90 days, if it is not said.
    #[arg(long, value_name = "DAY", requires = "next")]
    signs_from: Option<Date>,
}

impl Where {
    fn place(&self) -> Place {
        if self.next { Place::Next } else { Place::Current }
    }
}

impl Desk {
    fn load(&self) -> anyhow::Result<Authorities> {
        Ok(self.folder.load()?)
    }

    fn offered(&self) -> anyhow::Result<Offered> {
        match Offered::of(&self.load()?, self.config.settings.own_host.as_str(), self.now) {
            Some(offered) => Ok(offered),
            None => bail!(NONE),
        }
    }

    /// From when an authority signs, if it is the next.
    fn signs_from(&self, place: &Where, kept: &Kept) -> anyhow::Result<Option<Timestamp>> {
        if !place.next {
            return Ok(None);
        }
        let there = self.load()?;
        let present = there.signing(self.now).context(NONE)?;
        let left = present.own().until.duration_since(self.now);
        let from = match place.signs_from {
            Some(day) if day < self.now.to_zoned(self.zone.clone()).date() => bail!("{day} is over; to have the next sign at once, give today"),
            Some(day) => day.to_zoned(self.zone.clone())?.timestamp(),
            None => self.now + OVERLAP.min((left - BEFORE_THE_END).max(left / 2)).max(SignedDuration::ZERO),
        };
        if left.is_positive() && from >= present.own().until {
            bail!("the present authority ends on {}; --signs-from must be before that", self.day(present.own().until));
        }
        if from >= kept.own().until {
            bail!("the next authority ends on {}, so it cannot sign from {} on", self.day(kept.own().until), self.day(from));
        }
        Ok(Some(from))
    }

    /// Puts it on record, then keeps it. What is to be told of it.
    fn keep(&self, place: &Where, kept: &Kept, how: &str) -> anyhow::Result<Vec<String>> {
        let own = kept.own();
        let from = kept.signs_from.filter(|from| *from > self.now);
        let signs = from.map_or_else(|| "it signs now".to_owned(), |from| format!("it signs from {} on", self.day(from)));
        self.record(
            Severity::Info,
            format!("The certificate authority \"{}\" (SHA-256 {}) was {how} by {}; {signs}.", own.name, own.sha256(), files::own_account()),
        )?;
        let moved = self.folder.keep(place.place(), kept, self.now)?;
        let mut lines = vec![
            format!("{how}: \"{}\", {}, good until {}; {signs}", own.name, own.key, self.day(own.until)),
            format!("SHA-256  {}", own.sha256()),
            format!(
                "kept in {}, for this account alone. Whoever has that file can be any site to the school's devices.",
                self.folder.file(place.place()).display()
            ),
        ];
        if let Some(moved) = moved {
            lines.push(format!("the one before is now {}; remove it once no device trusts it any more", moved.display()));
        }
        lines.push("now have devices trust it: usher ca install-help windows-gpo (or intune, chromeos, ios, macos, android, linux, firefox)".to_owned());
        Ok(lines)
    }

    /// A day as people of the school read it.
    fn day(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%-d %B %Y").to_string()
    }

    fn record(&self, severity: Severity, text: String) -> anyhow::Result<()> {
        let event = Event { at: self.now, kind: "authority", severity, text };
        events::record(&self.config.log(), &event).context("this cannot be put on record, so it is not done")
    }
}

/// How long a certificate is still good, in words.
fn left(certificate: &Certificate, now: Timestamp) -> String {
    match certificate.days_left(now) {
        ..0 => "over".to_owned(),
        0 => "the last day".to_owned(),
        1 => "1 day left".to_owned(),
        days => format!("{} days left", super::serve::thousands(usize::try_from(days).unwrap_or_default())),
    }
}
