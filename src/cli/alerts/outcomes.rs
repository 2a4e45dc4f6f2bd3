//! `usher alerts outcomes`: what came of alerts, so that what is often wrong can be mended.

use super::Desk;
use super::matters::{Which, all};
use crate::audit::incident::{Act, Incident, Outcome};
use crate::cli::table::{align_numbers, safe, short, table};
use crate::cli::{Answer, print, print_json};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;

/// The most reasons that are listed.
const MOST_REASONS: usize = 20;

/// Count what came of alerts, theme by theme and rule by rule: false alarms above all. Exit code 1 if none was closed.
#[derive(Args)]
#[command(after_help = "Examples:\n  usher alerts outcomes --from 2026-09-01\n  usher alerts outcomes --theme bypass --json\n\nNobody is named.")]
pub(in crate::cli) struct Outcomes {
    #[command(flatten)]
    which: Which,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What came of the alerts of one theme and rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct Counted {
    theme: String,
    /// The school's own rule that opened them; none where it was the arithmetic.
    rule: Option<String>,
    opened: usize,
    open: usize,
    no_concern: usize,
    talked: usize,
    referred: usize,
    false_alarm: usize,
}

/// What is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct Sum {
    pub(in crate::cli) counted: Vec<Counted>,
    /// Reasons that staff said were wrong, and how often, the most often first.
    wrong: Vec<(String, usize)>,
}

impl Sum {
    /// Of these matters. One that was closed and opened again counts by what came of it last.
    pub(in crate::cli) fn of(matters: &[Incident]) -> Self {
        let mut counted: BTreeMap<(String, Option<String>), Counted> = BTreeMap::new();
        let mut wrong: BTreeMap<String, usize> = BTreeMap::new();
        for matter in matters {
            let (theme, rule) = (matter.opened.theme.clone(), matter.opened.rule.clone());
            let one = counted.entry((theme.clone(), rule.clone())).or_insert_with(|| Counted { theme, rule, ..Counted::default() });
            one.opened += 1;
            match matter.closed {
                None => one.open += 1,
                Some((_, Outcome::NoConcern)) => one.no_concern += 1,
                Some((_, Outcome::Talked)) => one.talked += 1,
                Some((_, Outcome::Referred)) => one.referred += 1,
                Some((_, Outcome::FalseAlarm)) => one.false_alarm += 1,
            }
            for (_, _, act) in &matter.acts {
                if let Act::Closed { disputed: Some(factor), .. } = act {
                    *wrong.entry(factor.clone()).or_default() += 1;
                }
            }
        }
        let mut wrong: Vec<_> = wrong.into_iter().collect();
        wrong.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
        wrong.truncate(MOST_REASONS);
        Self { counted: counted.into_values().collect(), wrong }
    }

    fn closed(&self) -> usize {
        self.counted.iter().map(|one| one.opened - one.open).sum()
    }

    /// How many of those that were closed were false alarms, theme by theme, in sentences.
    pub(in crate::cli) fn false_alarms(&self) -> Vec<String> {
        let mut themes: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for one in &self.counted {
            let known = themes.entry(&one.theme).or_default();
            *known = (known.0 + one.false_alarm, known.1 + one.opened - one.open);
        }
        themes
            .into_iter()
            .filter(|(_, (_, closed))| *closed > 0)
            .map(|(theme, (wrong, closed))| format!("{theme}: {wrong} of {closed} that were closed"))
            .collect()
    }
}

impl Outcomes {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let sum = Sum::of(&self.which.of(desk, all(&desk.config)?)?);
        if self.json {
            print_json(&sum)?;
        } else if sum.counted.is_empty() {
            print("there was no alert")?;
            self.which.unknown_group(desk).iter().try_for_each(print)?;
        } else {
            let mut listing = table(&["theme", "rule", "alerts", "open", "no concern", "talked", "referred", "false alarm"]);
            for one in &sum.counted {
                let numbers = [one.opened, one.open, one.no_concern, one.talked, one.referred, one.false_alarm].map(|number| number.to_string());
                let rule = one.rule.as_deref().map_or_else(|| "–".to_owned(), |rule| short(rule, 40));
                listing.add_row([safe(&one.theme), rule].into_iter().chain(numbers));
            }
            align_numbers(&mut listing, 6);
            print(listing)?;
            if !sum.wrong.is_empty() {
                print("\nReasons that staff said were wrong:")?;
                for (factor, times) in &sum.wrong {
                    print(format_args!("  {times} ×  {}", safe(factor)))?;
                }
            }
        }
        Ok(if sum.closed() == 0 { Answer::No } else { Answer::Yes })
    }
}
