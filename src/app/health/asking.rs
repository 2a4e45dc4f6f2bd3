//! A request of Usher's own, through its own first listener, for a site that must be blocked: does it block, does it say so, is it on record?
//!
//! The path says for whom it is to be told apart on record: it holds a number nobody else can make (see [`SelfTest`]), so it makes no alert and nobody can
//! hide behind it. Only a site of the canaries is asked for that is blocked by the rules in force for whoever asks from this machine: should it come through
//! nevertheless, something is broken.

use super::Subject;
use crate::alert::health::Check;
use crate::alert::signal::SelfTest;
use crate::audit::lookups::Unshown;
use crate::audit::query::{Filter, Log, Row};
use crate::files;
use crate::host::Host;
use crate::identity::Identity;
use crate::policy::{Action, Circumstances};
use crate::telemetry::light::Light;
use crate::url::Url;
use jiff::Timestamp;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// What it says it is.
pub const AGENT: &str = "Usher self-test";
const WHAT: &str = "filter";
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How long it may take until it is on record: it is committed before the answer is.
const RECORD: Duration = Duration::from_secs(5);
/// Between two looks.
const AGAIN: Duration = Duration::from_millis(50);
/// The most that is read of an answer, in bytes.
const LARGEST: u64 = 256 << 10;

/// What came of it.
pub(super) struct Asked {
    pub(super) check: Check,
    pub(super) was_answered: bool,
    pub(super) row: Option<Row>,
}

impl Asked {
    fn nothing(light: Light, words: impl Into<String>) -> Self {
        Self { check: Check::new(WHAT, light, words), was_answered: false, row: None }
    }
}

/// Waits until there is something, but not longer than this.
pub(super) fn until<T>(longest: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if started.elapsed() >= longest {
            return None;
        }
        std::thread::sleep(AGAIN);
    }
}

/// Asks.
pub(super) fn ask(subject: &Subject, test: &SelfTest, now: Timestamp) -> Asked {
    let Some(listens) = subject.listens else {
        return Asked::nothing(
            Light::Amber,
            "the first address under [proxy] has port 0: only the running Usher knows which that became; the morning message says more",
        );
    };
    let proxy = reachable(listens);
    let Some(host) = canary(subject, proxy.ip(), now) else {
        let words = format!(
            "not tried: no site under `blocked` of the canaries is blocked for {}, from where Usher asks itself. Put that address into a group of policy.toml, or name a site",
            proxy.ip()
        );
        return Asked::nothing(Light::Amber, words);
    };
    let nonce: [u8; 8] = match files::random() {
        Ok(nonce) => nonce,
        Err(error) => return Asked::nothing(Light::Red, format!("this machine gives no random numbers: {error}")),
    };
    let path = test.path(host.as_str(), &format!("{:016x}", u64::from_le_bytes(nonce)));
    let answer = match send(proxy, &host, &path) {
        Ok(answer) => answer,
        Err(error) => return Asked::nothing(Light::Red, format!("Usher does not answer at {proxy}: {error}. Is it running? See what usher serve says")),
    };
    let row = until(RECORD, || find(subject, &host, &path));
    Asked { check: judge(&answer, row.as_ref()), was_answered: answer.status.is_some(), row }
}

/// The address at which something that listens there is reached from here.
fn reachable(listens: SocketAddr) -> SocketAddr {
    let ip = match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listens.port())
}

/// The first canary that is blocked for whoever asks from this address.
fn canary(subject: &Subject, client: IpAddr, now: Timestamp) -> Option<Host> {
    let snapshot = &subject.snapshot;
    let moment = snapshot.timetable.moment(now);
    let identity = snapshot.networks.group_of(client).map_or_else(Identity::unknown, Identity::of_network);
    let (lists, taxonomy) = (&snapshot.lists, &snapshot.taxonomy);
    let around = Circumstances { identity: &identity, client, moment: &moment, method: "GET", past: &[], taxonomy, lists };
    let is_blocked = |host: &Host| {
        Url::parse(&format!("http://{}/usher-self-test/", host.as_str())).is_ok_and(|url| {
            let opinion = snapshot.court().opinion(&url, &lists.look_up(&url), around);
            opinion.action == Action::Block
        })
    };
    subject.rulebook.canaries.blocked.iter().map(|url| url.host.clone()).find(is_blocked)
}

/// What the proxy answered.
#[derive(Debug)]
struct Answer {
    status: Option<u16>,
    text: String,
}

fn send(proxy: SocketAddr, host: &Host, path: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&proxy, ANSWER)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    let authority = host.authority(80);
    let authority = authority.strip_suffix(":80").unwrap_or(&authority);
    let head = format!("GET http://{authority}{path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {AGENT}\r\nAccept: text/html\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut bytes = Vec::new();
    // What came before an error is an answer too.
    match stream.take(LARGEST).read_to_end(&mut bytes) {
        Err(error) if bytes.is_empty() => return Err(error),
        _ => {}
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|digits| digits.parse().ok());
    Ok(Answer { status, text })
}

/// Its record.
fn find(subject: &Subject, host: &Host, path: &str) -> Option<Row> {
    let log = Log::open(&subject.log).ok()?;
    let filter = Filter { host: Some(host.as_str().to_owned()), limit: 50, ..Filter::default() };
    Unshown::of(&log).search(&filter).ok()?.rows.into_iter().find(|row| row.path == path)
}

fn judge(answer: &Answer, row: Option<&Row>) -> Check {
    let red = |words: String| Check::new(WHAT, Light::Red, words);
    match (answer.status, row) {
        (None, _) => red("Usher answered something that is no HTTP; see what usher serve says".to_owned()),
        (Some(407), _) => {
            let words = "not tried: a password is asked of this machine. Put the address Usher listens at into the networks of a group in policy.toml";
            Check::new(WHAT, Light::Amber, words)
        }
        (Some(429), _) => Check::new(WHAT, Light::Amber, "not tried: too many requests come from this machine"),
        (Some(status), Some(row)) if row.verdict != "blocked" => red(format!(
            "a site that must be blocked was not: it was {} with status {status}, on record as {}. Look at it now: usher log show {}",
            row.verdict, row.id, row.id
        )),
        (Some(403), Some(row)) if answer.text.contains(&row.id) => {
            Check::new(WHAT, Light::Green, "a site that must be blocked was asked for: it was blocked, and the page says so".to_owned())
        }
        (Some(403), Some(row)) => red(format!("a site that must be blocked was, and the page does not show its reference {}", row.id)),
        (Some(status), Some(_)) => red(format!("a site that must be blocked was, and the answer was {status} in place of its page")),
        (Some(status), None) => red(format!("a site that must be blocked was asked for: the answer was {status}, and it is not on record")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(verdict: &str) -> Row {
        Row { id: "0SAF-1".into(), verdict: verdict.into(), ..Row::default() }
    }

    #[test]
    fn only_a_page_that_blocks_and_is_on_record_is_well() {
        let answer = |status, text: &str| Answer { status, text: text.to_owned() };
        for (answer, row, light, why) in [
            (answer(Some(403), "reference 0SAF-1"), Some(row("blocked")), Light::Green, "as it should be"),
            (answer(Some(403), "reference 0SAF-2"), Some(row("blocked")), Light::Red, "another reference"),
            (answer(Some(403), "reference 0SAF-1"), None, Light::Red, "not on record"),
            (answer(Some(200), "hello"), Some(row("allowed")), Light::Red, "it came through"),
            (answer(Some(502), "no such site"), Some(row("allowed")), Light::Red, "it would have come through"),
            (answer(Some(200), "0SAF-1"), Some(row("blocked")), Light::Red, "no page"),
            (answer(Some(503), "the log cannot be written"), None, Light::Red, "requests are refused"),
            (answer(None, ""), None, Light::Red, "nothing"),
            (answer(Some(407), ""), None, Light::Amber, "a password is asked for"),
        ] {
            assert_eq!(judge(&answer, row.as_ref()).light, light, "{why}");
        }
    }

    #[test]
    fn what_listens_everywhere_is_reached_on_this_machine() {
        for (listens, reached) in [("0.0.0.0:3128", "127.0.0.1:3128"), ("[::]:3128", "[::1]:3128"), ("10.7.0.1:8080", "10.7.0.1:8080")] {
            assert_eq!(reachable(listens.parse().expect("an address")), reached.parse().expect("an address"));
        }
    }
}
