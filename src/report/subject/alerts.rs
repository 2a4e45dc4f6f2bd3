//! A person's alerts, as that person is given them: what was found, why, what was noted and done about it. Staff are not named, nor where they were told;
//! the names of other users are taken out of what staff wrote.

use super::Cover;
use crate::alert::story::{self, May, Naming, clock};
use crate::audit::incident::{Act, Incident};
use crate::report::coverage::words::plain;
use askama::Template;
use jiff::tz::TimeZone;
use serde::Serialize;

/// Who stands in place of a member of staff.
const STAFF: &str = "a member of staff";

/// One alert, as it is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Given {
    /// The reference.
    pub alert: String,
    /// When it began, as people read it.
    pub began: String,
    /// What it was, in a sentence.
    pub headline: String,
    /// How grave it was at the most: `concern` or `danger`.
    pub level: String,
    /// The theme, in words.
    pub theme: String,
    /// The device, by its address.
    pub device: String,
    /// Why it was told, a sentence each.
    pub why: Vec<String>,
    /// What could not be seen, a sentence each.
    pub unseen: Vec<String>,
    /// The reference numbers of the records it rests on.
    pub records: Vec<String>,
    /// How often somebody was told.
    pub told: usize,
    /// What staff did with it, in order.
    pub done: Vec<String>,
}

impl Given {
    /// An alert, for the person it is about.
    pub fn of(matter: &Incident, cover: &mut Cover, zone: &TimeZone) -> Self {
        let opened = &matter.opened;
        let account = story::tell(matter, matter.level, (&[], 0), &opened.unseen, May { names: Naming::Named, words: false }, zone);
        let rule = opened.rule.as_ref().map(|rule| format!("A rule of the school's own opened it: {rule}."));
        let mut done = Vec::new();
        for (_, at, act) in &matter.acts {
            let at = clock(at.unsigned_abs(), zone, "%-d %B %Y, %H:%M");
            let said = match act {
                Act::Worsened { also: Some(also), level, .. } => format!("It was found to be of {} too: {}.", story::theme(also), level.as_str()),
                Act::Worsened { is_back: true, level, .. } => format!("It came back: {}.", level.as_str()),
                Act::Worsened { level, .. } => format!("It got worse: {}.", level.as_str()),
                Act::Joined { also, .. } => format!("It was found to be of {} too.", story::theme(also)),
                Act::Ended { .. } => "It was over.".to_owned(),
                Act::Read { .. } => format!("Read by {STAFF}."),
                Act::Noted { text, .. } => format!("Noted by {STAFF}: {text}"),
                Act::Closed { outcome, action, reason, .. } => format!("Closed by {STAFF}: {}. Done: {action}. Why: {reason}.", outcome.words()),
                _ => continue,
            };
            done.push(format!("{at}: {}", cover.text(&said)));
        }
        Self {
            alert: opened.episode.to_string(),
            began: clock(opened.at_ms, zone, "%-d %B %Y, %H:%M"),
            headline: account.headline,
            level: matter.level.as_str().to_owned(),
            theme: story::themes(matter),
            device: opened.client.clone(),
            why: account.why.into_iter().chain(rule).map(|why| cover.text(&why)).collect(),
            unseen: account.unseen,
            records: matter.records.iter().map(ToString::to_string).collect(),
            told: matter.acts.iter().filter(|(_, _, act)| matches!(act, Act::Told(_))).count(),
            done,
        }
    }

    fn plain(&self) -> Self {
        let all = |lines: &[String]| lines.iter().map(|line| plain(line)).collect();
        Self { headline: plain(&self.headline), why: all(&self.why), unseen: all(&self.unseen), done: all(&self.done), ..self.clone() }
    }
}

#[derive(Template)]
#[template(path = "subject/alerts.html", config = "src/report/askama.toml")]
struct Page<'a> {
    user: String,
    alerts: &'a [Given],
}

/// All of them, to be read.
///
/// # Errors
/// If it cannot be made, which is to run out of memory.
pub fn html(user: &str, alerts: &[Given]) -> Result<String, askama::Error> {
    let alerts: Vec<_> = alerts.iter().map(Given::plain).collect();
    Page { user: plain(user), alerts: &alerts }.render()
}
