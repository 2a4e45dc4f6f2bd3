//! `usher alerts close`: what came of it, what was done, and why. Without all three nothing is closed.

use super::ack::closed_by;
use super::matters::{all, find, one_of};
use super::register::Register;
use crate::audit::incident::{Act, Incident, Level, Outcome, Person};
use crate::audit::lookups::Reason;
use crate::cli::who::by;
use crate::cli::{Answer, print, print_json};
use anyhow::{anyhow, bail};
use clap::Args;
use jiff::{SignedDuration, Timestamp};

/// Close an alert, with what came of it, what was done, and why.
#[derive(Args)]
#[command(
    after_help = "Outcomes:\n  no-concern    looked into; nothing to worry about\n  talked        somebody talked with the person\n  referred      handed on: to social care, the police, a doctor, Prevent\n  false-alarm   Usher was wrong; --factor N says by which of the reasons that `usher alerts show` numbers\n\nExamples:\n  usher alerts close 0SAF-3Q2K-R0001 --outcome talked --action \"Spoke with him and his tutor\" --reason \"First time; wanted to watch videos\" --as \"Mr Roe\"\n  usher alerts close 0SAF-9XM1-R0007 --outcome false-alarm --factor 2 --action \"None needed\" --reason \"Set text of year 11\"\n\nIt is on record for as long as the alert is, and cannot be changed. Leave the names of other pupils out of it. A concern opens again only if it gets worse, and after a day without a sign (again_hours) it is over; danger that comes after is another alert, and told anew."
)]
pub(in crate::cli) struct Close {
    /// The alert's reference; with its theme behind it where one record began several.
    alert: String,
    /// What came of it; see below.
    #[arg(long, value_parser = outcome)]
    outcome: Option<Outcome>,
    /// What was done, in a few words.
    #[arg(long)]
    action: Option<String>,
    /// Why that is right, in a few words.
    #[arg(long)]
    reason: Option<String>,
    /// Which of the numbered reasons was wrong. With --outcome false-alarm.
    #[arg(long, value_name = "N")]
    factor: Option<usize>,
    /// Who you are, where several people share this account.
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

fn outcome(typed: &str) -> Result<Outcome, String> {
    let found = Outcome::NAMES.iter().find(|(name, _)| *name == typed).map(|(_, outcome)| *outcome);
    found.ok_or_else(|| one_of(typed, &Outcome::NAMES.map(|(name, _)| name)))
}

impl Close {
    pub(super) fn run(self, register: &Register) -> anyhow::Result<Answer> {
        let by = by(self.name.as_deref())?;
        let matter = find(&all(&register.config)?, &self.alert)?;
        let (episode, theme) = (matter.opened.episode, matter.opened.theme.clone());
        let (Some(outcome), Some(action), Some(reason)) = (self.outcome, &self.action, &self.reason) else { return Err(self.wanted()) };
        let action = said("--action", action)?;
        let reason = said("--reason", reason)?;
        if !matter.is_open() {
            bail!("{episode} is closed already{}. Nothing was changed. What is to be added: usher alerts note {episode} \"...\"", closed_by(&matter));
        }
        let disputed = self.factor.map(|number| disputed(&matter, outcome, number)).transpose()?;
        let act = Act::Closed { episode, theme, by: by.clone(), outcome, action, reason, disputed };
        let number = register.state(&matter, &act)?;
        if self.json {
            let (theme, outcome) = (&matter.opened.theme, outcome.as_str());
            print_json(&serde_json::json!({ "closed": episode.to_string(), "theme": theme, "outcome": outcome, "by": by, "statement": number }))?;
            return Ok(Answer::Yes);
        }
        print(format_args!("closed: {episode}, {}, by {by}, statement {number}. {}", outcome.as_str(), after(matter.level)))?;
        if matter.level == Level::Danger {
            kept(register, &matter).iter().try_for_each(print)?;
        }
        Ok(Answer::Yes)
    }

    /// What is missing, and how it is said.
    fn wanted(&self) -> anyhow::Error {
        let names: Vec<_> = Outcome::NAMES.iter().map(|(name, _)| *name).collect();
        let missing = [
            self.outcome.is_none().then(|| format!("what came of it (--outcome {})", names.join(" | "))),
            self.action.is_none().then(|| "what was done (--action \"...\")".to_owned()),
            self.reason.is_none().then(|| "why (--reason \"...\")".to_owned()),
        ];
        let missing: Vec<_> = missing.into_iter().flatten().collect();
        anyhow!(
            "an alert is closed with what came of it, what was done, and why; there is still wanted: {}. Nothing was changed. Such as: usher alerts close {} \
             --outcome talked --action \"Spoke with him and his tutor\" --reason \"First time; wanted to watch videos\"",
            missing.join(", "),
            self.alert
        )
    }
}

/// A few words that another person will understand later.
fn said(what: &str, text: &str) -> anyhow::Result<String> {
    let reason: Reason = text.parse().map_err(|_| {
        anyhow!("{what} takes a few words that another person will understand later, such as \"Spoke with him and his tutor\". Nothing was changed")
    })?;
    Ok(reason.to_string())
}

/// The reason that was wrong, in the words it was told in.
fn disputed(matter: &Incident, outcome: Outcome, number: usize) -> anyhow::Result<String> {
    if outcome != Outcome::FalseAlarm {
        bail!("--factor says which reason was wrong, so it goes with --outcome false-alarm. Nothing was changed");
    }
    let factors = matter.factors();
    let episode = matter.opened.episode;
    number
        .checked_sub(1)
        .and_then(|place| factors.get(place))
        .cloned()
        .ok_or_else(|| anyhow!("this alert has the reasons 1 to {}, see: usher alerts show {episode}. Nothing was changed", factors.len()))
}

/// What becomes of signs that come after it.
fn after(level: Level) -> &'static str {
    match level {
        Level::Danger => "Danger that comes after this is another alert, and told anew.",
        Level::Concern | Level::Watch => "It opens again only if it gets worse; what comes a day or more after its last sign is another alert.",
    }
}

/// How long the evidence of danger is kept, and how to keep it longer.
fn kept(register: &Register, matter: &Incident) -> Vec<String> {
    let keep = &register.config.keep;
    let day = |ms: u64, days: i64| {
        let at = Timestamp::from_millisecond(ms.cast_signed()).unwrap_or(register.now);
        register.local(at.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(at)).strftime("%Y-%m-%d").to_string()
    };
    let (from, to) = (day(matter.opened.at_ms, 0), day(matter.last_sign(), 1));
    let gone = format!(
        "What was searched for and where it was stays on record for {} (searches), {} (pages), {} (what was blocked).",
        keep.search, keep.visit, keep.blocked
    );
    let how = match matter.opened.who {
        Person::User(_) => format!("To keep it longer: usher log hold --user NAME --from {from} --to {to} --why \"alert {}\"", matter.opened.episode),
        Person::Device(_) => format!(
            "Nobody was known at the device, so it cannot be held by name. To keep it longer, write it out: usher log export --client ADDRESS --from {from} --to {to} --format csv --output FILE --reason \"...\""
        ),
    };
    vec![gone, how]
}
