//! Nothing unrecorded: work on sealed records that is killed in the middle loses nothing, doubles nothing, and can be done again.
//!
//! A program of its own does the work on a copy of a log, and is killed the moment the folder looks different for the first time, the second, and so on
//! until it comes to its end. So it is killed at every step that can be seen from outside, however fast the machine is. To try another kind of work:
//! one row of [`works`].
//!
//! Whatever takes the log's lock is a program of its own: one that is begun here meanwhile would keep the lock of this one for a moment.

use crate::kit::PATIENCE;
use crate::kit::request::{MORNING, visit};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use usher::audit::erasure::{self, NewErasure};
use usher::audit::holds::{NewHold, hold};
use usher::audit::journal::Reader;
use usher::audit::lookups::Unshown;
use usher::audit::merge;
use usher::audit::query::{Filter, Log, Row};
use usher::audit::retention::{self, Doing, Keep};
use usher::audit::stopped::{Running, seal_unless_running};
use usher::audit::verify::{Against, verify};
use usher::audit::{Class, Folder, Opening, Outcome, Recorder, Settings, Verdict};
use usher::insight::Kind;

/// Work that may be killed at any moment, and done again.
struct Work {
    name: &'static str,
    /// Makes the log it is done on.
    begin: fn(&Folder),
    /// Does it, to its end.
    finish: fn(&Folder),
    /// Whether a record is there when it is done.
    stays: fn(&Row) -> bool,
}

fn works() -> [Work; 5] {
    [
        Work { name: "seal", begin: unsealed, finish: seal, stays: |_| true },
        Work { name: "start", begin: unsealed, finish: start_and_stop, stays: |_| true },
        Work { name: "purge", begin: with_a_hold, finish: purge, stays: |row| is_held(row) || row.class != "resource" && row.class != "staff" },
        Work { name: "merge", begin: all_sealed, finish: merge, stays: |_| true },
        Work { name: "erase", begin: to_be_erased, finish: erase, stays: |row| row.user.as_deref() != Some("c.patel") },
    ]
}

/// As many requests as are in the log.
const REQUESTS: u64 = 230;
/// As many as are sealed at a time.
const SMALL: Settings = Settings { sync: usher::audit::Sync::Process, rows: 100 };

fn later() -> Timestamp {
    Timestamp::from_millisecond(i64::try_from(MORNING).expect("a time") + 200 * 86_400_000).expect("a time")
}

/// The request that comes as the `n`th.
fn request(n: u64) -> Box<Opening> {
    let place = |count: usize| usize::try_from(n).expect("small") % count;
    let (kind, verdict) = ([Kind::Visit, Kind::Resource, Kind::Resource][place(3)], [Verdict::Allowed, Verdict::Blocked][usize::from(n.is_multiple_of(17))]);
    Box::new(Opening {
        class: if n.is_multiple_of(5) { Class::Staff } else { Class::of(kind, verdict) },
        kind,
        time_ms: MORNING + n * 1000,
        user: Some(["a.jones", "b.smith", "c.patel"][place(7) % 3].into()),
        host: ["maps.example", "games.example"][place(2)].into(),
        path: format!("/lesson/{n}"),
        verdict,
        ..visit()
    })
}

/// Puts a school's requests on record. Each ends some requests later, and so over the end of its file now and then; some never do.
fn record(folder: &Folder) {
    let recorder = Recorder::start(folder, SMALL).expect("started");
    let mut open = Vec::new();
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
        for n in 0..REQUESTS {
            open.push(recorder.open(request(n)).await.expect("recorded"));
            if n % 20 == 19 {
                open.drain(..15).for_each(|pending| pending.close(Outcome::Complete));
            }
        }
    });
    recorder.finish();
}

/// A log of which nothing is sealed: a folder lay in the way.
fn unsealed(folder: &Folder) {
    let obstacle = folder.sealed().join("resource-00000001-00000001.new");
    fs::create_dir_all(&obstacle).expect("made");
    record(folder);
    fs::remove_dir(obstacle).expect("removed");
    assert_eq!(Reader::open(folder).and_then(|reader| reader.parts()).expect("read"), []);
}

fn all_sealed(folder: &Folder) {
    record(folder);
    seal(folder);
}

fn seal(folder: &Folder) {
    assert_eq!(seal_unless_running(folder).expect("sealed"), Running::No);
}

fn start_and_stop(folder: &Folder) {
    Recorder::start(folder, SMALL).expect("started").finish();
}

/// The second time what was merged is removed.
fn merge(folder: &Folder) {
    (0..2).for_each(|_| drop(merge::merge(folder, later()).expect("merged")));
}

fn with_a_hold(folder: &Folder) {
    all_sealed(folder);
    let (why, by) = ("police request 17".into(), "bell".into());
    let new = NewHold { user: "a.jones".into(), from: None, to: None, host: Some("games.example".into()), why, by };
    hold(folder, &new, later()).expect("held");
}

fn is_held(row: &Row) -> bool {
    row.user.as_deref() == Some("a.jones") && row.host.ends_with("games.example")
}

fn purge(folder: &Folder) {
    let report = retention::purge(folder, &Keep::default(), later(), Doing::Really).expect("purged");
    assert!(report.kept_back.is_empty(), "{:?}", report.kept_back);
}

fn to_be_erased(folder: &Folder) {
    all_sealed(folder);
    let new = NewErasure { user: "c.patel".into(), from: None, to: None, why: "asked for by the family".into(), by: "bell".into(), marks: Vec::new() };
    erasure::ask(folder, &new, later()).expect("asked");
}

fn erase(folder: &Folder) {
    erasure::carry_out(folder, later()).expect("carried out");
}

const FOLDER: &str = "USHER_TEST_FOLDER";
const WORK: &str = "USHER_TEST_WORK";
const PART: &str = "USHER_TEST_PART";

#[test]
#[ignore = "it is run and killed by the test after it, as a program of its own"]
fn as_a_program() {
    let (name, part) = (std::env::var(WORK).expect("work"), std::env::var(PART).expect("a part"));
    let work = works().into_iter().find(|work| work.name == name).expect("a kind of work");
    let does = if part == "begin" { work.begin } else { work.finish };
    does(&Folder::at(std::env::var_os(FOLDER).expect("a folder")));
}

/// Begins or finishes the work as a program of its own, which works when this returns.
fn program(work: &Work, part: &str, folder: &Folder) -> Child {
    let mut program = Command::new(std::env::current_exe().expect("this program"));
    program.args(["--ignored", "--exact", "--nocapture", "killed::as_a_program"]);
    program.env(PART, part).env(WORK, work.name).env(FOLDER, folder.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = program.spawn().expect("started");
    let mut out = BufReader::new(child.stdout.take().expect("its output"));
    assert!(out.by_ref().lines().any(|line| line.is_ok_and(|line| line == "running 1 test")), "it runs");
    // Nobody reads on: what it says fits into the pipe.
    child.stdout = Some(out.into_inner());
    child
}

fn to_its_end(work: &Work, part: &str, folder: &Folder) {
    assert!(program(work, part, folder).wait().expect("ended").success(), "{part} {}", work.name);
}

/// Each file of a log, and how long it is.
fn looks(folder: &Folder) -> BTreeSet<(String, u64)> {
    let entries = [folder.path().to_owned(), folder.sealed()].into_iter().flat_map(|place| fs::read_dir(place).expect("a folder"));
    let there = |entry: fs::DirEntry| Some((entry.file_name().into_string().ok()?, entry.metadata().ok()?.len()));
    // One that was listed may be gone.
    entries.filter_map(|entry| there(entry.ok()?)).collect()
}

/// Kills a program when the folder has changed so often; whether it had not ended before.
fn kill_at(change: usize, folder: &Folder, before: BTreeSet<(String, u64)>, mut child: Child) -> bool {
    let (mut seen, mut changes, started) = (before, 0, Instant::now());
    while child.try_wait().expect("waited").is_none() {
        let now = looks(folder);
        changes += usize::from(now != seen);
        seen = now;
        if changes == change || started.elapsed() > PATIENCE {
            child.kill().expect("killed");
            return !child.wait().expect("ended").success();
        }
    }
    assert!(child.wait().expect("ended").success(), "it does its work where nobody kills it");
    false
}

fn copy(from: &Folder, to: &Path) -> Folder {
    let folder = Folder::at(to.join("log"));
    folder.make().expect("made");
    for (from, to) in [(from.path().to_owned(), folder.path().to_owned()), (from.sealed(), folder.sealed())] {
        for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
            if entry.file_type().expect("a type").is_file() {
                fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
            }
        }
    }
    folder
}

/// The records of a log, each of which is there once, in a log that is whole.
fn whole(folder: &Folder, when: &str) -> Vec<Row> {
    let report = verify(folder, &Against::default(), &mut |_, _| {}).expect("verified");
    assert_eq!(report.problems, [], "{when}");
    let page = Log::open(folder).and_then(|log| Unshown::of(&log).search(&Filter { limit: 10_000, ..Filter::default() })).expect("searched");
    assert!(page.passed_over.is_empty(), "{when}: {:?}", page.passed_over);
    let rows = page.rows;
    let numbers: BTreeSet<_> = rows.iter().map(|row| row.number).collect();
    assert_eq!((numbers.len() as u64, rows.len() as u64), (report.records, report.records), "{when}: each is there once");
    rows
}

/// Fails if a file of sealed records lies there that no statement names.
fn nothing_is_left(folder: &Folder, when: &str) {
    let parts = Reader::open(folder).and_then(|reader| reader.parts()).expect("read");
    let named: BTreeSet<_> = parts.into_iter().map(|part| part.file).collect();
    let there: BTreeSet<_> = fs::read_dir(folder.sealed()).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(there, named.into_iter().map(Into::into).collect(), "{when}");
}

/// Kills a kind of work at every step; how often it was.
fn kill_at_every_step(work: &Work) -> usize {
    let place = tempfile::tempdir().expect("a folder");
    let original = Folder::at(place.path().join("log"));
    to_its_end(work, "begin", &original);
    let before = whole(&original, work.name);
    let mut kills = 0;
    let mut change = 0;
    loop {
        // The first steps each, later ones now and then.
        change += 1 + change / 4;
        let folder = copy(&original, &place.path().join(change.to_string()));
        let untouched = looks(&folder);
        let was_killed = kill_at(change, &folder, untouched, program(work, "finish", &folder));
        kills += usize::from(was_killed);
        let when = format!("{}, killed at change {change}", work.name);
        let rows = whole(&folder, &when);
        let lost: Vec<_> = before.iter().filter(|row| (work.stays)(row) && !rows.contains(row)).collect();
        assert_eq!(lost, [] as [&Row; 0], "{when}: nothing is lost");
        to_its_end(work, "finish", &folder);
        let expected: Vec<_> = before.iter().filter(|row| (work.stays)(row)).cloned().collect();
        assert_eq!(whole(&folder, &when), expected, "{when}, and done again");
        nothing_is_left(&folder, &when);
        fs::remove_dir_all(folder.path()).expect("removed");
        if !was_killed {
            break;
        }
    }
    kills
}

#[test]
fn work_killed_at_any_step_loses_nothing_doubles_nothing_and_can_be_done_again() {
    for work in works() {
        let kills = kill_at_every_step(&work);
        assert!(kills > 0, "{} is never killed", work.name);
    }
}
