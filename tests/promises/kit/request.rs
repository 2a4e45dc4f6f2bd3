//! Requests as they come to the record, for tests of the log without a proxy before it.

use usher::audit::{Class, Opening, Verdict};
use usher::insight::{Certainty, Kind, Start};
use usher::policy::decision::SnapshotId;

/// A Wednesday, in lessons; Unix milliseconds.
pub const MORNING: u64 = 1_795_597_200_000;

/// A page of the news that somebody in year 7 looks at. Tests say what is different.
pub fn visit() -> Opening {
    Opening {
        class: Class::Visit,
        kind: Kind::Visit,
        start: Start::Typed,
        certainty: Certainty::Said,
        cause: None,
        search: None,
        time_ms: MORNING,
        user: None,
        group: "year-7".into(),
        source: "password",
        confidence: "sure",
        client: "10.7.0.1".parse().expect("an address"),
        method: http::Method::GET,
        scheme: "http",
        host: "news.example".into(),
        port: 80,
        path: "/".into(),
        categories: String::new(),
        verdict: Verdict::Allowed,
        reason: "unlisted",
        why: "No rule and no blocked category applies.".into(),
        rule: None,
        entry: None,
        snapshot: SnapshotId::of(&blake3::hash(b"")),
        agent: None,
        referrer: None,
        fetch_dest: None,
        fetch_mode: None,
        fetch_user: None,
    }
}
