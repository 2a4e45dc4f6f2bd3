//! Whether the parent proxy really blocks what it must: pages made for this are asked for through it, and so are pages that must load.
//!
//! A page that is not reached is not a page that is blocked: a parent that is down, a broken network or a wrong password must not pass for a filter. So
//! only a refusal by name counts (403, 451, or the words of the parent's own page), and only while a control page of the same scheme
//! loads. [`judge`] is pure; [`check`] does no more than fetch. At most [`PAGE_BYTES`] of a page are read, and each takes at most [`PAGE_TIME`].

use super::fetch::connect::Way;
use super::fetch::{FetchError, MOST_REDIRECTS, Roots, Web};
use crate::upstream::Upstream;
use http::StatusCode;
use http::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue, LOCATION};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::time::timeout;

/// The most that is read of a page, in bytes.
pub const PAGE_BYTES: usize = 64 * 1024;
/// The most time for a page, with all it leads on to.
pub const PAGE_TIME: Duration = Duration::from_secs(60);
/// The most time for each connection.
const CONNECT_TIME: Duration = Duration::from_secs(20);

/// The pages that tell whether a parent filters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pages {
    /// Pages it must block.
    pub test: Vec<Web>,
    /// Pages that must load: the first of each scheme is used.
    pub control: Vec<Web>,
    /// Words on the page it shows in place of a blocked one.
    pub block_words: Vec<String>,
}

impl Default for Pages {
    /// The test pages of the Internet Watch Foundation's and the police's lists, and pages kept for examples.
    fn default() -> Self {
        let pages = |addresses: [&str; 2]| addresses.into_iter().filter_map(|address| Web::parse(address).ok()).collect();
        Self {
            test: pages(["http://iwf.testfiltering.com/", "https://ctiru.testfiltering.com/"]),
            control: pages(["http://example.com/", "https://example.com/"]),
            block_words: Vec::new(),
        }
    }
}

/// What came of asking for a page through the parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// An answer, from the page's site or from the parent in its name.
    Answer {
        /// Its status.
        status: u16,
        /// The host it came from, where that is of another site than was asked for.
        led_to: Option<String>,
        /// As much of it as was read.
        body: String,
    },
    /// The parent opened no tunnel.
    NoTunnel(u16),
    /// No answer: why.
    Nothing(String),
}

/// What is known of a page.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Verdict {
    /// The parent blocks it.
    Blocked {
        /// How that shows.
        how: String,
    },
    /// It came through.
    Open,
    /// It cannot be told.
    Unclear {
        /// Why.
        why: String,
    },
}

/// What was found of one page.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// The page.
    pub page: String,
    /// What is known of it.
    pub verdict: Verdict,
}

/// A whole check, to be kept and shown.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Checked {
    /// When it was made, in milliseconds since 1970.
    pub time_ms: i64,
    /// The parent.
    pub parent: String,
    /// What was found of each page.
    pub findings: Vec<Finding>,
}

/// What a check comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Every page was blocked.
    Verified,
    /// At least one came through: the parent does not keep illegal content out.
    Open,
    /// None came through, and not all are known to be blocked.
    Unclear,
}

/// A check that says nothing any more: a day and some hours have passed.
const OLD: SignedDuration = SignedDuration::from_hours(30);

impl Checked {
    /// When it was made.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        Timestamp::from_millisecond(self.time_ms).unwrap_or_default()
    }

    /// Whether it is too old to go by.
    #[must_use]
    pub fn is_old(&self, now: Timestamp) -> bool {
        now.duration_since(self.at()) > OLD
    }

    /// What it comes to.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let count = |wanted: fn(&Verdict) -> bool| self.findings.iter().filter(|finding| wanted(&finding.verdict)).count();
        let blocked = count(|verdict| matches!(verdict, Verdict::Blocked { .. }));
        match count(|verdict| matches!(verdict, Verdict::Open)) {
            0 if blocked == self.findings.len() && blocked > 0 => Standing::Verified,
            0 => Standing::Unclear,
            _ => Standing::Open,
        }
    }

    /// One line for people, in a school's own time: `parent verified 06:00`, or what is wrong.
    #[must_use]
    pub fn line(&self, zone: &TimeZone) -> String {
        let at = self.at().to_zoned(zone.clone()).strftime("%H:%M").to_string();
        let first = |wanted: fn(&Verdict) -> bool| self.findings.iter().find(|finding| wanted(&finding.verdict));
        match self.standing() {
            Standing::Verified => format!("parent verified {at}"),
            Standing::Open => {
                let page = first(|verdict| matches!(verdict, Verdict::Open)).map_or("", |finding| &finding.page);
                format!("parent does NOT block: {page} came through at {at}")
            }
            Standing::Unclear => match first(|verdict| matches!(verdict, Verdict::Unclear { .. })) {
                Some(Finding { page, verdict: Verdict::Unclear { why } }) => format!("parent not verified at {at}: {page}: {why}"),
                Some(_) | None => format!("parent not verified at {at}: no test page is set"),
            },
        }
    }
}

/// What is known of a page from what was seen of it and of a control page of its scheme. Pure.
#[must_use]
pub fn judge(page: &Seen, control: Option<&Seen>, block_words: &[String]) -> Verdict {
    let unclear = |why: String| Verdict::Unclear { why };
    let judged = judge_alone(page, block_words);
    match (&judged, control) {
        // Who sees the page needs no control.
        (Verdict::Open | Verdict::Unclear { .. }, _) => judged,
        (Verdict::Blocked { .. }, None) => unclear("there is no control page of the same scheme; name one under [upstream] control_pages in usher.toml".into()),
        (Verdict::Blocked { .. }, Some(control)) => match judge_alone(control, block_words) {
            Verdict::Open => judged,
            Verdict::Blocked { how } => unclear(format!("the parent refuses the control page too ({how}), so it may refuse everything")),
            Verdict::Unclear { why } => unclear(format!("the control page does not load either: {why}")),
        },
    }
}

fn judge_alone(page: &Seen, block_words: &[String]) -> Verdict {
    let unclear = |why: String| Verdict::Unclear { why };
    match page {
        Seen::NoTunnel(status @ (403 | 451)) => Verdict::Blocked { how: format!("the parent opens no tunnel there ({status})") },
        Seen::NoTunnel(407) | Seen::Answer { status: 407, .. } => {
            unclear("the parent wants a name and password; set `user` and `password_file` under [upstream] in usher.toml".into())
        }
        Seen::NoTunnel(status) => unclear(format!("the parent could not open a tunnel there ({status})")),
        Seen::Nothing(why) => unclear(why.clone()),
        Seen::Answer { status, led_to, body } => judge_answer(*status, led_to.as_deref(), body, block_words),
    }
}

fn judge_answer(status: u16, led_to: Option<&str>, body: &str, block_words: &[String]) -> Verdict {
    let body = body.to_lowercase();
    let word = block_words.iter().find(|word| !word.trim().is_empty() && body.contains(&word.to_lowercase()));
    match (status, word, led_to) {
        (_, Some(word), _) => Verdict::Blocked { how: format!("the page says \"{word}\"") },
        (403 | 451, None, _) => Verdict::Blocked { how: format!("it is refused ({status})") },
        (200..=299, None, None) => Verdict::Open,
        (200..=299, None, Some(host)) => Verdict::Unclear {
            why: format!(
                "it leads to a page of {host}; if that is the parent's page for what it blocks, put words of it under [upstream] block_words in usher.toml"
            ),
        },
        (_, None, _) => Verdict::Unclear { why: format!("the answer was {status}, which is neither the page nor a block") },
    }
}

/// Asks for every page through the parent. `now` is when.
pub async fn check(upstream: &Upstream, pages: &Pages, roots: &Roots, now: Timestamp) -> Checked {
    let mut controls: Vec<(bool, Seen)> = Vec::new();
    let mut findings = Vec::new();
    for page in &pages.test {
        let secure = page.is_secure();
        if !controls.iter().any(|(known, _)| *known == secure)
            && let Some(control) = pages.control.iter().find(|control| control.is_secure() == secure)
        {
            controls.push((secure, look(upstream, control, roots).await));
        }
        let control = controls.iter().find(|(known, _)| *known == secure).map(|(_, seen)| seen);
        let verdict = judge(&look(upstream, page, roots).await, control, &pages.block_words);
        findings.push(Finding { page: page.to_string(), verdict });
    }
    Checked { time_ms: now.as_millisecond(), parent: upstream.to_string(), findings }
}

/// Asks for one page through the parent.
async fn look(upstream: &Upstream, page: &Web, roots: &Roots) -> Seen {
    let late = || Seen::Nothing(format!("it did not answer within {} s", PAGE_TIME.as_secs()));
    match timeout(PAGE_TIME, follow(upstream, page, roots)).await {
        Ok(Ok(seen)) => seen,
        Ok(Err(FetchError::Parent { status, .. })) => Seen::NoTunnel(status.as_u16()),
        Ok(Err(error)) => Seen::Nothing(error.to_string()),
        Err(_) => late(),
    }
}

async fn follow(upstream: &Upstream, page: &Web, roots: &Roots) -> Result<Seen, FetchError> {
    let mut from = page.clone();
    for _ in 0..=MOST_REDIRECTS {
        let line = Way { upstream: Some(upstream), roots, limit: CONNECT_TIME }.open(&from).await?;
        let (head, body) = line.get(&from, fields()).await?.into_parts();
        if let Some(next) = leads_on(&from, head.status, &head.headers) {
            from = next;
            continue;
        }
        let elsewhere = !from.host().is_within(page.host()) && !page.host().is_within(from.host());
        let led_to = elsewhere.then(|| from.host().to_string());
        return Ok(Seen::Answer { status: head.status.as_u16(), led_to, body: read(body).await });
    }
    Err(FetchError::TooManyRedirects(page.to_string()))
}

fn fields() -> HeaderMap {
    HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/html,*/*;q=0.8")), (ACCEPT_ENCODING, HeaderValue::from_static("identity"))])
}

fn leads_on(from: &Web, status: StatusCode, headers: &HeaderMap) -> Option<Web> {
    let location = headers.get(LOCATION).filter(|_| status.is_redirection())?;
    from.join(location.to_str().ok()?).ok()
}

/// The beginning of a page. What breaks off is judged by what there is: its status is known.
async fn read(mut body: Incoming) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < PAGE_BYTES
        && let Some(Ok(frame)) = body.frame().await
    {
        bytes.extend(frame.into_data().unwrap_or_default());
    }
    bytes.truncate(PAGE_BYTES);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Seen {
        Seen::Answer { status, led_to: None, body: body.into() }
    }

    fn led(status: u16, body: &str) -> Seen {
        Seen::Answer { status, led_to: Some("filter.example".into()), body: body.into() }
    }

    fn word(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Blocked { .. } => "blocked",
            Verdict::Open => "open",
            Verdict::Unclear { .. } => "unclear",
        }
    }

    #[test]
    fn only_a_refusal_by_name_is_a_block() {
        let words = ["Access to this page is BLOCKED".to_owned(), " ".to_owned()];
        let loads = answer(200, "an example");
        for (page, expected) in [
            (answer(403, ""), "blocked"),
            (answer(451, ""), "blocked"),
            (answer(200, "<p>access to this page is blocked by your school"), "blocked"),
            (led(200, "Access to this page is blocked"), "blocked"),
            (answer(503, "Access to this page is blocked"), "blocked"),
            (Seen::NoTunnel(403), "blocked"),
            (Seen::NoTunnel(451), "blocked"),
            (answer(200, "This page tests your filter: it is not blocked"), "open"),
            (answer(204, ""), "open"),
            (led(200, "Sorry"), "unclear"),
            (answer(302, ""), "unclear"),
            (answer(404, "no such page"), "unclear"),
            (answer(407, ""), "unclear"),
            (answer(502, "the name cannot be resolved"), "unclear"),
            (answer(503, ""), "unclear"),
            (answer(504, ""), "unclear"),
            (Seen::NoTunnel(407), "unclear"),
            (Seen::NoTunnel(502), "unclear"),
            (Seen::NoTunnel(503), "unclear"),
            (Seen::NoTunnel(404), "unclear"),
            (Seen::Nothing("the parent cannot be reached".into()), "unclear"),
        ] {
            assert_eq!(word(&judge(&page, Some(&loads), &words)), expected, "{page:?}");
        }
    }

    #[test]
    fn a_block_counts_only_while_another_page_loads() {
        let blocked = answer(403, "");
        for (control, expected) in [
            (Some(answer(200, "an example")), "blocked"),
            (Some(answer(403, "")), "unclear"),
            (Some(Seen::NoTunnel(403)), "unclear"),
            (Some(answer(502, "")), "unclear"),
            (Some(Seen::Nothing("the parent cannot be reached".into())), "unclear"),
            (None, "unclear"),
        ] {
            assert_eq!(word(&judge(&blocked, control.as_ref(), &[])), expected, "{control:?}");
        }
        assert_eq!(judge(&answer(200, "the test page"), Some(&answer(502, "")), &[]), Verdict::Open, "what came through came through");
    }

    #[test]
    fn a_check_is_one_line_and_can_be_kept() {
        let finding = |page: &str, verdict| Finding { page: page.into(), verdict };
        let blocked = || Verdict::Blocked { how: "it is refused (403)".into() };
        let zone = TimeZone::get("Europe/London").expect("the zone is built in");
        let time_ms = "2026-07-01T05:00:00Z".parse::<Timestamp>().expect("a time").as_millisecond();
        for (findings, standing, line) in [
            (vec![finding("http://a/", blocked()), finding("https://b/", blocked())], Standing::Verified, "parent verified 06:00"),
            (
                vec![finding("http://a/", blocked()), finding("https://b/", Verdict::Open)],
                Standing::Open,
                "parent does NOT block: https://b/ came through at 06:00",
            ),
            (
                vec![finding("http://a/", Verdict::Unclear { why: "it is down".into() }), finding("https://b/", blocked())],
                Standing::Unclear,
                "parent not verified at 06:00: http://a/: it is down",
            ),
            (vec![], Standing::Unclear, "parent not verified at 06:00: no test page is set"),
        ] {
            let checked = Checked { time_ms, parent: "parent.example:3128".into(), findings };
            assert_eq!((checked.standing(), checked.line(&zone).as_str()), (standing, line));
            let text = serde_json::to_string(&checked).expect("JSON");
            assert_eq!(serde_json::from_str::<Checked>(&text).expect("JSON"), checked, "{text}");
        }
    }

    #[test]
    fn the_shipped_pages_are_there() {
        let pages = Pages::default();
        assert_eq!((pages.test.len(), pages.control.len()), (2, 2));
        for page in &pages.test {
            assert!(pages.control.iter().any(|control| control.is_secure() == page.is_secure()), "{page}");
        }
    }
}
