//! How requests end: status, size, and how long each is open.
//!
//! Most are over within a second; tunnels stay open for minutes; one in five thousand is never closed, as when a machine is switched off.

use super::names::Random;
use std::net::SocketAddr;
use usher::audit::{Closing, Opening, Outcome, RecordId, Verdict};

/// How a request ends.
pub fn ending(id: RecordId, opening: &Opening, upstream: SocketAddr, random: &mut Random) -> Option<Closing> {
    if random.below(5000) == 0 {
        return None;
    }
    let closing = Closing {
        id,
        class: opening.class,
        status: 0,
        bytes_up: 0,
        bytes_down: 0,
        duration_us: 0,
        outcome: Outcome::Complete,
        upstream: Some(upstream),
        note: None,
    };
    let drawn = random.below(1000);
    Some(match (opening.verdict, opening.method == http::Method::CONNECT) {
        (Verdict::Blocked | Verdict::Warned | Verdict::Refused, _) => {
            Closing { status: 403, bytes_down: 5400, duration_us: 200 + random.next() % 900, upstream: None, ..closing }
        }
        (Verdict::Allowed | Verdict::Answered, true) => tunnel(closing, random),
        (Verdict::Allowed | Verdict::Answered, false) if drawn < 4 => failed(closing, random),
        (Verdict::Allowed | Verdict::Answered, false) => answered(closing, drawn, random),
    })
}

fn tunnel(closing: Closing, random: &mut Random) -> Closing {
    let duration_us = 1_000_000 * (5 + spread(60, random).min(3600));
    Closing { status: 200, bytes_up: spread(4_000, random), bytes_down: spread(60_000, random), duration_us, ..closing }
}

fn failed(closing: Closing, random: &mut Random) -> Closing {
    match random.below(3) {
        0 => Closing { outcome: Outcome::ClientGone, status: 200, bytes_down: spread(8_000, random), duration_us: spread(900_000, random), ..closing },
        1 => {
            Closing { outcome: Outcome::OriginFailed, status: 502, duration_us: 3_000_000, note: Some("connection refused".into()), upstream: None, ..closing }
        }
        _ => {
            let note = "the site did not begin its answer in 120 s".to_owned();
            Closing { outcome: Outcome::LimitReached, status: 504, duration_us: 120_000_000, note: Some(note), ..closing }
        }
    }
}

fn answered(closing: Closing, drawn: usize, random: &mut Random) -> Closing {
    let status = match drawn {
        4..60 => 304,
        60..130 => 204,
        130..160 => 302,
        160..180 => 404,
        180..182 => 500,
        _ => 200,
    };
    let bytes_down = if matches!(status, 204 | 304) { 0 } else { spread(9_000, random) };
    Closing { status, bytes_down, duration_us: 10_000 + spread(70_000, random).min(1_990_000), ..closing }
}

/// About a median; a tenth is over four times as much, a tenth under a quarter.
fn spread(median: u64, random: &mut Random) -> u64 {
    let drawn = random.next();
    // The sum of four even draws is near enough to a normal one: -2 to 2 turns of the scale.
    let sum = (0..4).map(|part| (drawn >> (part * 16)) as u16).map(f64::from).sum::<f64>() / 65_536.0 - 2.0;
    (median as f64 * (sum * 2.6).exp2().max(0.001)) as u64
}
