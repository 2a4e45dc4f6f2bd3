//! What is done about a way round the filter that a request takes, and about the page it leads to. Pure.
//!
//! What is really meant is judged as though it were asked for directly. Is it blocked, then so is the request, with both reasons, so that the record is found
//! under what was meant; what is illegal is blocked whatever a group leaves alone. Comes it with a warning, the warning is shown. Else the group's
//! [`ways`](super::ways) say what is done about the way itself.

use super::opinion::Court;
use super::ways::Act;
use super::{Circumstances, Decision, Reason, RequestVerdict};
use crate::bypass::Finding;
use crate::category::CategorySet;
use crate::host::Host;
use std::sync::Arc;

/// A way round the filter, and what was decided of the page that was really meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Through {
    /// The way.
    pub finding: Finding,
    /// The site that was meant.
    pub site: Host,
    /// What it is listed under.
    pub categories: CategorySet,
    /// Why it may not be shown.
    pub reason: Reason,
}

/// What is done about a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Met {
    /// Nothing.
    Nothing,
    /// It passes, and is on record.
    Noted(Finding),
    /// A warning is shown, of what is meant.
    Warned(Reason),
    /// It is refused.
    Blocked(Reason),
}

impl Court<'_> {
    /// What is done about a way round that somebody takes with a request.
    #[must_use]
    pub fn meet(&self, finding: Finding, around: Circumstances<'_>) -> Met {
        let act = self.policy.ways(around.identity.standing).act(&finding);
        if let Some(url) = finding.meant() {
            let found = around.lists.look_up(&url);
            let Decision { verdict, reason, .. } = self.decide_request(&url, &found, around);
            let counts = act > Act::Nothing || reason.is_always_blocked();
            let is_blocked = match verdict {
                RequestVerdict::Block => Some(true),
                RequestVerdict::Warn => Some(false),
                RequestVerdict::Forward(_) | RequestVerdict::Elsewhere(_) => None,
            };
            match is_blocked.filter(|_| counts) {
                // A way that is refused anyway needs no warning first.
                Some(false) if act == Act::Block => {}
                Some(is_blocked) => {
                    let reason = Reason::Through(Box::new(Through { site: url.host.clone(), categories: found.categories, finding, reason }));
                    return if is_blocked { Met::Blocked(reason) } else { Met::Warned(reason) };
                }
                None => {}
            }
        }
        match act {
            Act::Nothing => Met::Nothing,
            Act::Note => Met::Noted(finding),
            Act::Block => Met::Blocked(Reason::Way(Arc::new(finding))),
        }
    }
}
