//! A filter, ready to be asked of records: one question for each thing that records share, so that it is asked once and not of every record.

use super::{Filter, LogError};
use crate::audit::entry::{Judgement, Shape, Who};
use crate::audit::journal::Part;
use crate::audit::record::{Class, RecordId, Verdict};
use crate::audit::segment::words::Wanted;
use crate::host::Host;
use crate::insight::{Kind, fold};
use crate::policy::glob::Glob;
use std::net::IpAddr;

/// What a record must be.
pub(super) struct Conditions {
    user: Option<Glob>,
    group: Option<String>,
    client: Option<IpAddr>,
    category: Option<String>,
    verdict: Option<Verdict>,
    kind: Option<Kind>,
    pub(super) class: Option<Class>,
    /// A host; what is below it matches too.
    pub(super) host: Option<String>,
    pub(super) words: Vec<Wanted>,
    /// In Unix milliseconds: not before.
    from_ms: u64,
    /// Before.
    to_ms: u64,
    after: RecordId,
    before: RecordId,
}

impl Conditions {
    pub(super) fn of(filter: &Filter) -> Result<Self, LogError> {
        let client = filter.client.as_ref().map(|client| client.parse().map_err(|_| LogError::Filter(format!("\"{client}\" is no address"))));
        let host = filter.host.as_ref().map(|host| Host::parse(host).map_or_else(|_| host.to_lowercase(), |host| host.to_string()));
        let (mut words, mut folded) = (Vec::new(), String::new());
        if let Some(text) = &filter.text {
            fold::for_each_counted_word(text, &mut folded, |word, digits| words.push(Wanted::new(word, digits)));
            if words.is_empty() {
                return Err(LogError::Filter(format!("\"{text}\" holds no word to look for")));
            }
        }
        let ms = |time: jiff::Timestamp| u64::try_from(time.as_millisecond()).unwrap_or_default();
        Ok(Self {
            user: filter.user.as_deref().map(Glob::new),
            group: filter.group.clone(),
            client: client.transpose()?,
            category: filter.category.clone(),
            verdict: filter.verdict,
            kind: filter.kind,
            class: filter.class,
            host,
            words,
            from_ms: filter.from.map_or(0, ms),
            to_ms: filter.to.map_or(u64::MAX, ms),
            after: filter.after.unwrap_or_default().max(filter.from.map_or(RecordId(0), |from| RecordId(RecordId::first_of(ms(from)).0.saturating_sub(1)))),
            before: filter.before.unwrap_or(RecordId(u64::MAX)),
        })
    }

    /// Whether it asks who.
    pub(super) fn asks_who(&self) -> bool {
        self.user.is_some() || self.group.is_some() || self.client.is_some()
    }

    pub(super) fn who(&self, who: &Who) -> bool {
        self.group.as_ref().is_none_or(|group| **group == *who.group)
            && self.client.is_none_or(|client| client == who.client)
            && self.user.as_ref().is_none_or(|wanted| who.user.as_ref().is_some_and(|user| wanted.matches(user)))
    }

    /// Whether it asks what was decided.
    pub(super) fn asks_judgement(&self) -> bool {
        self.category.is_some() || self.verdict.is_some()
    }

    pub(super) fn judgement(&self, judgement: &Judgement) -> bool {
        self.verdict.is_none_or(|verdict| verdict == judgement.verdict)
            && self.category.as_ref().is_none_or(|wanted| judgement.categories.split_ascii_whitespace().any(|id| id == wanted))
    }

    /// Whether it asks what the request is.
    pub(super) fn asks_shape(&self) -> bool {
        self.kind.is_some()
    }

    /// Of a shape, only its kind is asked.
    pub(super) fn shape(&self, shape: &Shape<'_>) -> bool {
        self.kind(shape.kind)
    }

    pub(super) fn kind(&self, kind: Kind) -> bool {
        self.kind.is_none_or(|wanted| wanted == kind)
    }

    pub(super) fn host(&self, host: &str) -> bool {
        self.host.as_ref().is_none_or(|wanted| host.strip_suffix(wanted.as_str()).is_some_and(|below| below.is_empty() || below.ends_with('.')))
    }

    /// Whether all words stand in these texts.
    pub(super) fn words(&self, texts: &[&str], folded: &mut String) -> bool {
        let mut missing: Vec<&Wanted> = self.words.iter().collect();
        for text in texts {
            if missing.is_empty() {
                break;
            }
            fold::for_each_word(text, folded, |word| missing.retain(|wanted| !wanted.is_answered_by(word)));
        }
        missing.is_empty()
    }

    pub(super) fn id(&self, id: RecordId) -> bool {
        self.after < id && id < self.before
    }

    /// The numbers that records have, those bounds left out.
    pub(super) fn between(&self) -> (RecordId, RecordId) {
        (self.after, self.before)
    }

    /// Whether the time of a record is to be looked at: an id is never earlier than its time, so the first bound is quick and the second exact.
    pub(super) fn asks_time(&self) -> bool {
        self.from_ms > 0 || self.to_ms < u64::MAX
    }

    pub(super) fn time(&self, time_ms: u64) -> bool {
        (self.from_ms..self.to_ms).contains(&time_ms)
    }

    /// Whether all records with numbers from the first to the second of these are of the time that is asked for.
    pub(super) fn all_are_between(&self, ids: (RecordId, RecordId), skew_ms: u64) -> bool {
        ids.0.unix_ms().saturating_sub(skew_ms) >= self.from_ms && ids.1.unix_ms() < self.to_ms
    }

    /// Whether numbers and times that are asked for leave out no record with a number from the first to the second of these.
    pub(super) fn leaves_out_none(&self, ids: (RecordId, RecordId), skew_ms: u64) -> bool {
        self.id(ids.0) && self.id(ids.1) && self.all_are_between(ids, skew_ms)
    }

    /// Whether records with numbers from the first to the second of these may match.
    pub(super) fn may_be_between(&self, ids: (RecordId, RecordId), skew_ms: u64) -> bool {
        ids.1 > self.after && ids.0 < self.before && ids.0.unix_ms().saturating_sub(skew_ms) < self.to_ms
    }

    pub(super) fn may_be_in(&self, part: &Part) -> bool {
        let class = self.class.is_none_or(|class| class == part.class) && part.class.may_hold(self.kind, self.verdict);
        class && self.may_be_between(part.ids, part.skew_ms)
    }
}
