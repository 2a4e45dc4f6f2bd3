use super::*;
use crate::clock::{Dates, Period};
use jiff::civil::{date, time};
use jiff::tz::TimeZone;

fn school() -> Timetable {
    let weekdays = (1..=5).map(|day| jiff::civil::Weekday::from_monday_one_offset(day).expect("a day")).collect::<Vec<_>>();
    let period = |name: &str, from, to| Period { name: name.into(), days: weekdays.clone(), from, to };
    Timetable {
        zone: TimeZone::get("Europe/London").expect("the zone is built in"),
        periods: vec![
            period("lesson 1", time(8, 50, 0, 0), time(9, 50, 0, 0)),
            period("lesson 2", time(9, 50, 0, 0), time(10, 50, 0, 0)),
            period("lunch", time(12, 30, 0, 0), time(13, 20, 0, 0)),
        ],
        terms: vec![],
        closed: vec![Dates { name: "half term".into(), first: date(2026, 10, 26), last: date(2026, 10, 30) }],
    }
}

/// A row of a day, of which only what matters is said.
fn row(id: usize, at: &str, kind: Kind, start: Start, url: &str) -> Entry {
    let host = url.split("://").last().and_then(|rest| rest.split('/').next()).unwrap_or_default();
    Entry {
        id: format!("R{id:03}"),
        time: format!("2026-11-24T{at}Z").parse().expect("a time"),
        kind,
        start,
        certainty: Certainty::Said,
        cause: None,
        host: host.into(),
        url: url.into(),
        verdict: Verdict::Allowed,
        why: String::new(),
        categories: vec![],
        search: None,
        status: Some(200),
        duration_ms: Some(30.0),
        bytes: 30_000,
    }
}

/// A Tuesday of a pupil, written as a table: at, what it is, where, and what is to be said of it.
fn tuesday() -> Vec<Entry> {
    use Kind::{Background, Resource, Search, Visit};
    use Start::{Clicked, Loaded, Typed};
    let mut rows = Vec::new();
    let mut add = |at: &str, kind: Kind, start: Start, url: &str, change: &dyn Fn(&mut Entry)| {
        let mut entry = row(rows.len(), at, kind, start, url);
        change(&mut entry);
        rows.push(entry);
        rows.len() - 1
    };
    let plain = |_: &mut Entry| {};
    let of = |cause: usize| move |entry: &mut Entry| entry.cause = Some(format!("R{cause:03}"));
    let search = |engine: &'static str, term: &'static str, stage: Stage| {
        move |entry: &mut Entry| entry.search = Some(Searched { engine: engine.into(), term: term.into(), stage })
    };
    let blocked = |why: &'static str| move |entry: &mut Entry| (entry.verdict, entry.why) = (Verdict::Blocked, why.into());
    add("08:40:00", Background, Start::Background, "https://ctldl.windowsupdate.com", &plain);
    let old = add("08:52:10", Visit, Typed, "http://bbc.co.uk/", &|entry| entry.status = Some(301));
    let news = add("08:52:11", Visit, Typed, "https://www.bbc.co.uk/news", &of(old));
    for number in 0..83 {
        let host = ["ichef.bbci.co.uk", "static.files.bbci.co.uk", "www.bbc.co.uk", "a.example", "b.example"][number % 5];
        add("08:52:13", Resource, Loaded, &format!("https://{host}/{number}"), &of(news));
    }
    let advert = "Adverts and trackers are blocked for year-7.";
    for _ in 0..2 {
        add("08:52:14", Resource, Loaded, "https://ads.example/x", &|entry| {
            of(news)(entry);
            blocked(advert)(entry);
        });
    }
    for (at, term) in [("08:53:01", "vol"), ("08:53:02", "volcano"), ("08:53:03", "volcano fac")] {
        add(at, Search, Typed, "https://www.google.com/complete/search", &search("google", term, Stage::Typing));
    }
    let asked = add("08:53:05", Search, Typed, "https://www.google.com/search?q=volcano+facts", &search("google", "volcano facts", Stage::Asked));
    add("08:53:40", Search, Typed, "https://www.google.com/search?q=volcano+facts&start=10", &search("google", "volcano facts", Stage::Asked));
    add("08:53:50", Visit, Clicked, "https://en.wikipedia.org/wiki/Volcano", &of(asked));
    for (at, term) in [("09:31:00", "how do i tell"), ("09:31:04", "how do i tell my mum"), ("09:31:09", "minecraft")] {
        add(at, Search, Typed, "https://www.google.com/complete/search", &search("google", term, Stage::Typing));
    }
    add("09:31:10", Search, Typed, "https://www.youtube.com/results?search_query=minecraft", &search("youtube", "minecraft", Stage::Asked));
    add("09:31:12", Search, Typed, "https://www.google.com/search?q=minecraft", &search("google", "minecraft", Stage::Asked));
    for at in ["09:32:00", "09:32:20", "09:32:50"] {
        add(at, Visit, Typed, "http://games.example/play/a-very-long-path/that-goes-on-and-on/and-is-wider-than-a-terminal/is?and=more", &|entry| {
            blocked("Games are blocked for year-7. (list ut1/games, line 7: games.example)")(entry);
            entry.certainty = Certainty::Inferred;
            entry.categories = vec!["games".into()];
        });
    }
    add("10:00:00", Resource, Loaded, "https://chat.example/poll", &plain);
    add("10:00:01", Resource, Loaded, "https://drop.example/x", &blocked("Malware is blocked."));
    for number in 0..14 {
        add("10:20:00", Background, Start::Background, &format!("https://{}.update.example/", number % 4), &plain);
    }
    for (at, term) in [("12:40:00", "bb"), ("12:40:01", "bbc.c")] {
        add(at, Search, Typed, "https://www.google.com/complete/search", &search("google", term, Stage::Typing));
    }
    add("12:40:03", Visit, Typed, "https://www.bbc.co.uk/sport", &plain);
    add("23:30:00", Visit, Loaded, "https://late.example/\u{202e}gpj", &|entry| entry.certainty = Certainty::Inferred);
    rows
}

fn day() -> Timeline {
    let about = About { person: "7a-sam", school: "Example School", date: date(2026, 11, 24) };
    Timeline::new(&about, &tuesday(), &school())
}

#[test]
fn a_day_reads_as_it_was() {
    let text = day().text(80, Colours::Plain);
    assert_eq!(text, include_str!("tests/tuesday.txt"), "\n{text}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [60, 80, 120, 200] {
        let text = day().text(width, Colours::Plain);
        let wide: Vec<_> = text.lines().filter(|line| line.chars().count() > width).collect();
        assert_eq!(wide, [] as [&str; 0], "{width}");
        assert!(!text.chars().any(|c| c == '\x1b' || c == '\u{202e}'));
    }
    assert!(day().text(80, Colours::Ansi).contains("\x1b[31m! BLOCKED"));
}

#[test]
fn the_totals_are_those_of_the_rows() {
    let Totals { visits, searches, not_asked, blocked, resources, background } = day().totals;
    assert_eq!((visits, searches, not_asked, blocked, resources, background), (7, 3, 1, 6, 87, 15));
}

#[test]
fn a_program_can_read_it_too() {
    let day = serde_json::to_value(day()).expect("serialised");
    let lesson = &day["lessons"][1];
    assert_eq!((&day["date"], &lesson["name"], &lesson["from"]), (&"2026-11-24".into(), &"lesson 1".into(), &"08:50".into()));
    let first = &lesson["lines"][0];
    assert_eq!((&first["what"], &first["time"], &first["start"]), (&"visit".into(), &"08:52:10".into(), &"typed".into()));
    assert_eq!((&first["resources"]["requests"], &first["resources"]["blocked"][0]["times"]), (&85.into(), &2.into()));
    assert_eq!(lesson["lines"][1]["term"], "volcano facts");
}

#[test]
fn the_page_needs_nothing_and_believes_nobody() {
    let mut rows = tuesday();
    rows[1].url = "http://a.example/<script>alert(1)</script>".into();
    rows[1].why = "<img src=x onerror=y>".into();
    rows[1].verdict = Verdict::Blocked;
    let about = About { person: "<b>7a</b>", school: "", date: date(2026, 11, 24) };
    let html = Timeline::new(&about, &rows, &school()).html();
    assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"));
    for bad in ["<script", "<img", "<b>7a", "href=", "url(", "\u{202e}"] {
        assert!(!html.contains(bad), "{bad}");
    }
    for there in ["&#60;b&#62;7a", "default-src 'none'", "volcano facts", "how do i tell my mum", "lesson 2, 09:50 to 10:50", "nothing for 37 minutes"] {
        assert!(html.contains(there), "{there}");
    }
}

#[test]
fn other_days_and_days_without_lessons_are_told_apart() {
    let on = |day, rows: &[Entry]| Timeline::new(&About { person: "7a-sam", school: "", date: day }, rows, &school());
    assert_eq!(on(date(2026, 11, 25), &tuesday()).lessons, []);
    assert!(on(date(2026, 11, 25), &[]).text(80, Colours::Plain).contains("0 visits"));
    let mut holiday = row(1, "10:00:00", Kind::Visit, Start::Typed, "http://a.example/");
    holiday.time = "2026-10-27T10:00:00Z".parse().expect("a time");
    let lessons = on(date(2026, 10, 27), &[holiday]).lessons;
    assert_eq!(lessons.iter().map(Lesson::heading).collect::<Vec<_>>(), ["no lessons that day"]);
    // Half past midnight in summer is still the evening before in UTC.
    let mut late = row(1, "10:00:00", Kind::Visit, Start::Typed, "http://a.example/");
    late.time = "2026-06-09T23:30:00Z".parse().expect("a time");
    let lessons = on(date(2026, 6, 10), &[late]).lessons;
    assert_eq!(lessons[0].lines[0].time, time(0, 30, 0, 0));
}

#[test]
fn a_lesson_without_a_line_says_so() {
    let rows = [row(1, "09:00:00", Kind::Visit, Start::Typed, "http://a.example/")];
    let day = Timeline::new(&About { person: "7a-sam", school: "", date: date(2026, 11, 24) }, &rows, &school());
    let names: Vec<_> = day.lessons.iter().map(|lesson| (lesson.name.as_str(), lesson.lines.len(), lesson.quiet_at_end)).collect();
    assert_eq!(names, [("lesson 1", 1, Some(50)), ("lesson 2", 0, Some(60)), ("lunch", 0, Some(50))]);
}
