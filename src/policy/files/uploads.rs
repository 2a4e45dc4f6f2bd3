//! What is sent: a body as it is, or each file in a form.

use super::facts::{Doubt, Facts};
use super::judge::{Judge, Verdict};
use super::refusal::Refusal;
use super::rules::Rules;
use crate::body::coding::Codings;
use crate::body::parts::{Parts, should_have};
use std::sync::Arc;

/// Judges what is sent.
pub struct Uploads(Judge);

impl Uploads {
    /// Judges a body by what its head says: its `Content-Type` as it is, and the rest.
    ///
    /// # Errors
    /// If it is refused at once.
    pub fn new(rules: Arc<Rules>, content_type: &str, facts: Facts) -> Result<Self, Refusal> {
        let parts = Parts::of(content_type);
        if let Some(most) = facts.length.and_then(|length| rules.exceeded_by(length)) {
            return Err(Refusal::Large(most));
        }
        // A form comes as it is; one that does not, or that sites may take apart in another way, is written to get past.
        let is_clear = parts.as_ref().is_some_and(|parts| !parts.is_doubtful()) && facts.codings.as_ref().is_some_and(Codings::is_plain);
        if !rules.is_size_only() && (should_have(content_type) || parts.is_some()) && !is_clear {
            return Err(Refusal::Coded);
        }
        Judge::new(rules, Facts { parts, doubt: Doubt::Refused, ..facts }, false).map(Self)
    }

    /// More of it.
    ///
    /// # Errors
    /// If it is refused.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        passed(self.0.feed(bytes))
    }

    /// It is over.
    ///
    /// # Errors
    /// If it is refused.
    pub fn end(&mut self) -> Result<(), Refusal> {
        passed(self.0.end())
    }
}

fn passed(verdict: Verdict) -> Result<(), Refusal> {
    match verdict {
        Verdict::Wait | Verdict::Pass => Ok(()),
        Verdict::Refuse(refusal) => Err(refusal),
    }
}
