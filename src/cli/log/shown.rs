//! Records as people read them: a line each, or two where the terminal is narrow.

use crate::audit::query::Row;
use crate::cli::table::{safe, short, table, terminal_width};
use crate::insight::{ai, engines};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Below this width a record takes two lines or three: six columns side by side would break every address.
const NARROW: u16 = 120;
/// How wide lines are that go to a file.
const IN_A_FILE: u16 = 200;

/// A moment as people at this school read it.
pub(super) fn local(time: &str, zone: &TimeZone, format: &str) -> String {
    let time = time.parse::<Timestamp>().unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_zoned(zone.clone()).strftime(format).to_string()
}

/// Whose it is.
pub(super) fn who(row: &Row) -> String {
    let name = row.user.as_deref().unwrap_or(&row.client);
    safe(&format!("{name} ({})", row.group))
}

fn outcome(row: &Row) -> String {
    match row.outcome.as_deref() {
        Some("complete") => row.verdict.clone(),
        Some(other) => format!("{}, {other}", row.verdict),
        None => format!("{}, open", row.verdict),
    }
}

/// What was asked: the words of a search, or the address.
fn request(row: &Row, most: usize) -> String {
    match (&row.term, &row.engine, row.stage.as_deref()) {
        (Some(term), Some(engine), Some("typing")) => short(&format!("typing \"{term}\" on {engine}"), most),
        (Some(term), Some(engine), _) if ai::label(engine).is_some() => short(&format!("asked {}: \"{term}\"", engines::label(engine)), most),
        (Some(term), Some(engine), _) => short(&format!("asked {engine} \"{term}\""), most),
        _ => short(&format!("{} {}", row.method, row.url()), most),
    }
}

/// Why it was not simply let through; the categories of what was.
fn why(row: &Row) -> String {
    if row.verdict == "allowed" { row.categories.join(" ") } else { row.why.clone() }
}

/// How it started, in a word: `typed`, or what it is where that is all there is to say.
fn kind(row: &Row) -> String {
    if row.kind == row.start || row.kind == "resource" { row.kind.clone() } else { format!("{}, {}", row.kind, row.start) }
}

/// Many records.
pub(super) fn listing(rows: &[Row], zone: &TimeZone) -> String {
    match terminal_width() {
        Some(width) if width < NARROW => rows.iter().map(|row| narrow(row, zone, usize::from(width))).collect::<Vec<_>>().join("\n"),
        Some(_) | None => wide(rows, zone),
    }
}

fn wide(rows: &[Row], zone: &TimeZone) -> String {
    let mut listing = table(&["time", "who", "verdict", "what", "request", "why", "reference"]);
    for row in rows {
        listing.add_row([
            local(&row.time, zone, "%d %b %H:%M:%S"),
            who(row),
            outcome(row),
            kind(row),
            request(row, 70),
            short(&why(row), 60),
            row.id.replace('-', "\u{2011}"),
        ]);
    }
    // A reference is not to be broken at its hyphens, and is to be copied with them.
    listing.to_string().replace('\u{2011}', "-")
}

fn narrow(row: &Row, zone: &TimeZone, width: usize) -> String {
    let room = width.saturating_sub(2).max(20);
    let head = format!("{}  {}  {}", local(&row.time, zone, "%d %b %H:%M:%S"), row.id, outcome(row));
    let who = short(&format!("{}  {}", who(row), kind(row)), room);
    let (request, why) = (request(row, room), short(&why(row), room));
    let why = if why.is_empty() { why } else { format!("\n  {why}") };
    format!("{}\n  {who}\n  {request}{why}\n", short(&head, width))
}

/// One record in one line.
pub(super) fn line(row: &Row, zone: &TimeZone) -> String {
    let width = usize::from(terminal_width().unwrap_or(IN_A_FILE));
    let why = if row.verdict == "allowed" { String::new() } else { format!("  {}", short(&row.why, 80)) };
    let head = format!("{}  {:<8} {:<14} {:<24} ", local(&row.time, zone, "%H:%M:%S"), row.verdict, kind(row), short(&who(row), 24));
    // The reference must be whole to be of use; the address gives way first, then the reason.
    let room = width.saturating_sub(head.chars().count() + row.id.len() + 2);
    let request = request(row, room.saturating_sub(why.chars().count()).clamp(24, 90));
    let why = short(&why, room.saturating_sub(request.chars().count()));
    format!("{head}{request}{why}  {}", row.id)
}
