//! Does the parent proxy keep illegal content out? Asked each day, told when the answer changes, and put on record.

use super::reload::Standing;
use crate::audit::events::{self as record, Event, Severity};
use crate::library::fetch::Roots;
use crate::library::parent_check::{self as parent, Checked};
use crate::library::source::Schedule;
use crate::library::{Library, LibraryError};
use crate::telemetry::events;
use crate::telemetry::light::Light;
use crate::upstream::Upstream;
use jiff::civil::time;
use jiff::{SignedDuration, Timestamp};
use std::io;

/// When the parent is asked each day, on the school's clock: before anybody is there.
const DAILY: Schedule = Schedule::Daily(time(6, 0, 0, 0));
/// A parent that was not verified is asked again after this.
const AGAIN: SignedDuration = SignedDuration::from_mins(15);

/// How a check shows at a glance.
#[must_use]
pub fn light(checked: &Checked) -> Light {
    match checked.standing() {
        parent::Standing::Verified => Light::Green,
        parent::Standing::Unclear => Light::Amber,
        parent::Standing::Open => Light::Red,
    }
}

/// Checks the parent now, and keeps what was found.
pub fn check(library: &Library, upstream: &Upstream, pages: &parent::Pages, now: Timestamp) -> Result<Checked, CheckError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let checked = runtime.block_on(parent::check(upstream, pages, &Roots::System, now));
    library.keep_parent(&checked)?;
    Ok(checked)
}

/// Why the parent was not checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// This machine is out of something.
    #[error("the parent proxy cannot be checked: {0}")]
    Io(#[from] io::Error),
    /// What was found cannot be kept.
    #[error(transparent)]
    Library(#[from] LibraryError),
}

/// Checks the parent if it is time.
pub(super) fn check_if_due(standing: &Standing, now: Timestamp) {
    // With no page to ask for there is nothing to find out.
    let Some(upstream) = standing.upstream.as_ref().filter(|_| !standing.pages.test.is_empty()) else { return };
    let before = standing.library.parent().ok().flatten().filter(|checked| checked.parent == upstream.to_string());
    if before.as_ref().is_some_and(|checked| !is_due(checked, standing, now)) {
        return;
    }
    match check(&standing.library, upstream, &standing.pages, now) {
        Ok(checked) if before.as_ref().map(Checked::standing) == Some(checked.standing()) => {}
        Ok(checked) => tell(&checked, standing, now),
        Err(error) => events::UpdateFailed { problem: &error.to_string() }.emit(),
    }
}

fn is_due(checked: &Checked, standing: &Standing, now: Timestamp) -> bool {
    match checked.standing() {
        parent::Standing::Verified => DAILY.next(checked.at(), &standing.rulebook.school.timetable.zone).is_none_or(|at| at <= now),
        parent::Standing::Open | parent::Standing::Unclear => now.duration_since(checked.at()) >= AGAIN,
    }
}

fn tell(checked: &Checked, standing: &Standing, now: Timestamp) {
    let line = checked.line(&standing.rulebook.school.timetable.zone);
    events::ParentChecked { line: &line, light: light(checked) }.emit();
    let severity = match light(checked) {
        Light::Green => Severity::Info,
        Light::Amber => Severity::Warning,
        Light::Red => Severity::Critical,
    };
    let event = Event { at: now, kind: "parent-proxy", severity, text: format!("Illegal-content lists: {line}.") };
    if let Err(error) = record::record(&standing.log, &event) {
        events::EventUnrecorded { event: &event.text, error: &error }.emit();
    }
}
