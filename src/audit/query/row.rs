//! One record, as read.

use crate::audit::entry::{Closed, Judgement, Opened, Who};
use crate::audit::record::{Class, RecordId};
use crate::audit::remark::Remark;
use jiff::Timestamp;
use serde::Serialize;

/// One record, as read. Serialised as `usher log --json` prints it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Row {
    /// The reference number.
    pub id: String,
    /// When, in UTC.
    pub time: String,
    /// The user, if one was known.
    pub user: Option<String>,
    /// The group, or `unknown`.
    pub group: String,
    /// How the identity was found.
    pub identity_source: String,
    /// How sure it was.
    pub identity_confidence: String,
    /// The client's address.
    pub client: String,
    /// How long it is kept: `visit`, `search`, `resource`, `blocked` or `staff`.
    pub class: String,
    /// What it is: `visit`, `search`, `resource` or `background`.
    pub kind: String,
    /// What set it off: `typed`, `clicked`, `loaded` or `background`.
    pub start: String,
    /// How sure kind and start are: `said` or `inferred`.
    pub certainty: String,
    /// The reference number of the visit that caused it.
    pub cause: Option<String>,
    /// The search engine.
    pub engine: Option<String>,
    /// What was searched for.
    pub term: Option<String>,
    /// How far the search had come: `typing` or `asked`.
    pub stage: Option<String>,
    /// The method.
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query.
    pub path: String,
    /// The ids of the categories.
    pub categories: Vec<String>,
    /// What was answered.
    pub verdict: String,
    /// The kind of reason.
    pub reason: String,
    /// The reason in words.
    pub why: String,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The list, line and text that decided.
    pub entry: Option<crate::lists::Entry>,
    /// The snapshot it was decided with.
    pub snapshot: String,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// The host of `Referer`.
    pub referrer: Option<String>,
    /// `Sec-Fetch-Dest`.
    pub fetch_dest: Option<String>,
    /// `Sec-Fetch-Mode`.
    pub fetch_mode: Option<String>,
    /// `Sec-Fetch-User`.
    pub fetch_user: Option<String>,
    /// The status answered; nothing while the request is open or if Usher was stopped during it.
    pub status: Option<u16>,
    /// Bytes from the client.
    pub bytes_up: Option<u64>,
    /// Bytes to the client.
    pub bytes_down: Option<u64>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<f64>,
    /// How it ended.
    pub outcome: Option<String>,
    /// The address connected to.
    pub upstream: Option<String>,
    /// What went wrong.
    pub note: Option<String>,
    /// What was remarked, such as signs of a way round the filter: see [`Remark`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// The number the reference is a spelling of.
    #[serde(skip)]
    pub number: RecordId,
    /// When, in Unix milliseconds.
    #[serde(skip)]
    pub time_ms: u64,
}

impl Row {
    pub(in crate::audit) fn of(id: RecordId, class: Class, who: &Who, judgement: &Judgement, opened: &Opened<'_>, closed: Option<&Closed<'_>>) -> Self {
        let shape = &opened.shape;
        let owned = |text: &str| text.to_owned();
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        let entry = judgement.list.as_ref().zip(judgement.text.as_ref());
        let time = Timestamp::from_millisecond(opened.time_ms.cast_signed()).unwrap_or(Timestamp::UNIX_EPOCH);
        let (remarks, note) = closed.and_then(|closed| closed.note).map(Remark::split).map_or_else(Default::default, |(remarks, note)| (remarks, Some(note)));
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a request are far below 2^52")]
        let duration_ms = closed.map(|closed| closed.duration_us as f64 / 1000.0);
        Self {
            id: id.to_string(),
            time: format!("{time:.3}"),
            user: text(&who.user),
            group: owned(&who.group),
            identity_source: owned(&who.source),
            identity_confidence: owned(&who.confidence),
            client: who.client.to_string(),
            class: owned(class.as_str()),
            kind: owned(shape.kind.as_str()),
            start: owned(shape.start.as_str()),
            certainty: owned(shape.certainty.as_str()),
            cause: opened.cause.map(|cause| cause.to_string()),
            engine: shape.engine.map(owned),
            term: opened.term.map(owned),
            stage: shape.engine.map(|_| owned(shape.stage.as_str())),
            method: owned(shape.method),
            scheme: owned(shape.scheme),
            host: owned(opened.host),
            port: shape.port,
            path: owned(opened.path),
            categories: judgement.categories.split_ascii_whitespace().map(owned).collect(),
            verdict: owned(judgement.verdict.as_str()),
            reason: owned(&judgement.reason),
            why: owned(&judgement.why),
            rule: text(&judgement.rule),
            entry: entry.map(|(list, text)| crate::lists::Entry { list: owned(list), line: judgement.line, text: owned(text) }),
            snapshot: owned(&judgement.snapshot),
            user_agent: text(&who.agent),
            referrer: opened.referrer.map(owned),
            fetch_dest: shape.dest.map(owned),
            fetch_mode: shape.mode.map(owned),
            fetch_user: shape.user.map(owned),
            status: closed.map(|closed| closed.status),
            bytes_up: closed.map(|closed| closed.bytes_up),
            bytes_down: closed.map(|closed| closed.bytes_down),
            duration_ms,
            outcome: closed.map(|closed| owned(closed.outcome.as_str())),
            upstream: closed.and_then(|closed| closed.upstream).map(owned),
            note: note.filter(|note| !note.is_empty()).map(owned),
            remarks: remarks.iter().map(|remark| remark.to_string().trim_end().to_owned()).collect(),
            number: id,
            time_ms: opened.time_ms,
        }
    }

    /// The URL as a person would write it.
    #[must_use]
    pub fn url(&self) -> String {
        let default = (self.scheme == "http" && self.port == 80) || (self.scheme == "https" && self.port == 443);
        let port = if default || self.port == 0 { String::new() } else { format!(":{}", self.port) };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match self.scheme.as_str() {
            "" => self.path.clone(),
            scheme => format!("{scheme}://{host}{port}{}", self.path),
        }
    }
}
