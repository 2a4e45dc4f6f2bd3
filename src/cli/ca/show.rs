//! `usher ca show`: who signs, until when, and by what fingerprint it is known.

use super::{Desk, NONE, left};
use crate::cli::{Answer, print, print_json};
use crate::tls::ca::{self, Authorities, Certificate, Kept, Standing};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

/// Show who signs, from when until when, by what fingerprint it is known, and which one is next. Exit code 1 if nobody can sign.
#[derive(Args)]
#[command(after_help = "Examples:\n  usher ca show\n  usher ca show --json")]
pub(in crate::cli) struct Show {
    /// Print one JSON object an authority.
    #[arg(long)]
    json: bool,
}

/// An authority as programs are shown it.
#[derive(Serialize)]
pub(super) struct Shown {
    standing: &'static str,
    name: String,
    from: Timestamp,
    until: Timestamp,
    days_left: i64,
    signs_from: Option<Timestamp>,
    key: String,
    sha256: String,
    sha1: String,
    /// Of the certificate that devices are to trust, where another authority signed this one.
    trusted_sha256: Option<String>,
    never_for: Vec<String>,
}

fn shape(standing: Standing, kept: &Kept, now: Timestamp) -> Shown {
    let own = kept.own();
    Shown {
        standing: match standing {
            Standing::Signs => "signs",
            Standing::Waits => "waits",
            Standing::Retired => "retired",
        },
        name: own.name.clone(),
        from: own.from,
        until: own.until,
        days_left: own.days_left(now),
        signs_from: kept.signs_from,
        key: own.key.to_string(),
        sha256: own.sha256(),
        sha1: own.sha1(),
        trusted_sha256: Some(kept.trusted()).filter(|trusted| *trusted != own).map(Certificate::sha256),
        never_for: never_for(own),
    }
}

/// One of those there are, by its certificate.
pub(super) fn shown(desk: &Desk, there: &Authorities, own: &Certificate) -> Option<Shown> {
    there.each(desk.now).find(|(_, kept)| kept.own() == own).map(|(standing, kept)| shape(standing, kept, desk.now))
}

fn never_for(own: &Certificate) -> Vec<String> {
    own.limits.never.iter().map(ToString::to_string).chain(own.limits.never_addresses.iter().map(ToString::to_string)).collect()
}

impl Show {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let there = desk.load()?;
        let can_sign = there.signing(desk.now).is_some_and(|kept| kept.own().until > desk.now);
        if self.json {
            there.each(desk.now).try_for_each(|(standing, kept)| print_json(&shape(standing, kept, desk.now)))?;
        } else {
            show(desk, &there)?;
        }
        Ok(if can_sign { Answer::Yes } else { Answer::No })
    }
}

fn show(desk: &Desk, there: &Authorities) -> anyhow::Result<()> {
    let Some(signing) = there.signing(desk.now) else { return Ok(print(NONE)?) };
    for (standing, kept) in there.each(desk.now) {
        let what = match (standing, kept.signs_from) {
            (Standing::Signs, _) => "signs now".to_owned(),
            (Standing::Waits, Some(from)) => format!("signs from {} on; devices should have it by then", desk.day(from)),
            (Standing::Waits, None) => "will sign".to_owned(),
            (Standing::Retired, _) => "signs no more; devices need not have it any longer".to_owned(),
        };
        print(format_args!("{}: {what}", kept.own().name))?;
        lines(desk, kept).iter().try_for_each(|(name, text)| print(format_args!("  {name:<12}{text}")))?;
    }
    let is_last = !there.each(desk.now).any(|(standing, _)| standing == Standing::Waits);
    if signing.own().days_left(desk.now) < ca::SOON && is_last {
        print("It is time for the next one, for devices need a while to take it up: usher ca create --next --name NAME")?;
    }
    Ok(())
}

fn lines(desk: &Desk, kept: &Kept) -> Vec<(&'static str, String)> {
    let (own, trusted) = (kept.own(), kept.trusted());
    let mut lines = vec![
        ("good", format!("from {} until {} ({})", desk.day(own.from), desk.day(own.until), left(own, desk.now))),
        ("key", own.key.to_string()),
        ("SHA-256", own.sha256()),
        ("SHA-1", format!("{} (what Windows calls the thumbprint)", own.sha1())),
    ];
    if trusted != own {
        lines.push(("below", format!("{}, which is what devices are to trust: SHA-256 {}", trusted.name, trusted.sha256())));
    }
    let never = never_for(own);
    if !never.is_empty() {
        lines.push(("never for", format!("{}, and all below", never.join(", "))));
    }
    lines
}
