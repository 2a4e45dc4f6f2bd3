//! Nothing unrecorded: what is on record stays there once, though Usher is killed, its disk is full, it may open no more files, its files are damaged, or it is
//! started twice.

use crate::kit::program::{once, rows};
use crate::kit::request::{MORNING, visit};
use crate::kit::{Ending, Files, Origin, Program, Wire, World, skipped, soon};
use jiff::{SignedDuration, Timestamp};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use usher::audit::damage;
use usher::audit::events::{self, Event, Severity, Wanted};
use usher::audit::journal::Reader;
use usher::audit::lookups::Unshown;
use usher::audit::query::{Filter, Log};
use usher::audit::{Folder, Opening, Recorder, Settings, Unrecorded};
use usher::outputs::{Committed, Position, Records, SourceError};

/// What people were answered, and whom that wakes.
#[derive(Clone, Default)]
struct Answered {
    paths: Arc<Mutex<Vec<String>>>,
    another: Arc<Notify>,
}

impl Answered {
    fn push(&self, path: String) {
        self.paths.lock().expect("a list").push(path);
        self.another.notify_one();
    }

    fn count(&self) -> usize {
        self.paths.lock().expect("a list").len()
    }

    /// Waits until this is so, and looks whenever somebody was answered.
    async fn until(&self, mut is_so: impl FnMut(&Self) -> bool) {
        soon("load", async {
            while !is_so(self) {
                self.another.notified().await;
            }
        })
        .await;
    }
}

/// Asks for one page after the other until Usher is gone, and notes each whose answer began.
async fn ask_until_gone(proxy: SocketAddr, sites: [String; 2], name: String, answered: Answered) {
    let mut wire = Wire::connect(IpAddr::from([127, 0, 7, 1]), proxy).await;
    for number in 0.. {
        let path = format!("/{name}/{number}");
        let site = &sites[number % 2];
        wire.send(format!("GET http://{site}{path} HTTP/1.1\r\nHost: {site}\r\n\r\n")).await;
        if !wire.more().await {
            return;
        }
        answered.push(path);
        if wire.next_reply().await.is_none_or(|reply| reply.ending == Ending::Cut) {
            return;
        }
    }
}

/// The files of sealed records, and how long each is.
fn sealed(files: &Files) -> Vec<(String, u64)> {
    let there = |entry: fs::DirEntry| Some((entry.file_name().into_string().ok()?, entry.metadata().ok()?.len()));
    // One that was there a moment ago may be gone.
    let mut found: Vec<_> = fs::read_dir(files.path("data/log/sealed")).into_iter().flatten().flatten().filter_map(there).collect();
    found.sort();
    found
}

/// Fails unless every answer is on record, nothing is there twice, and the log is whole.
fn each_is_on_record_once<'p>(files: &Files, answered: impl IntoIterator<Item = &'p String>) {
    let said = files.usher(&["log", "verify", "--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let rows = rows(files);
    let (numbers, paths): (HashSet<_>, HashSet<_>) = rows.iter().map(|row| (row.number, row.path.as_str())).unzip();
    assert_eq!((numbers.len(), paths.len()), (rows.len(), rows.len()), "nothing is on record twice");
    assert_eq!(said.json()[0]["records"], rows.len(), "searches find what is there");
    let missing: Vec<_> = answered.into_iter().filter(|path| !paths.contains(path.as_str())).collect();
    assert_eq!(missing, [] as [&String; 0], "answered and not on record");
}

/// Lets Usher end by itself: it seals all it has to before.
fn stop(mut usher: Program) {
    usher.signal(Signal::TERM);
    usher.ended();
    nothing_is_left(&usher.files, 1);
}

/// Fails if there are more live files than so many, or parts of sealed ones.
fn nothing_is_left(files: &Files, lives: usize) {
    assert_eq!(Folder::at(files.path("data/log")).lives().expect("a folder").len(), lives, "the rest is sealed");
    let left: Vec<_> = sealed(files).into_iter().filter(|(name, _)| !name.ends_with(".seg")).collect();
    assert_eq!(left, [], "nothing is left lying");
}

/// How often Usher is killed.
const KILLS: usize = 100;
/// After how many kills the whole log is held against what was answered.
const LOOK_EVERY: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_a_hundred_times_in_the_middle_of_load_every_answer_is_on_record_once() {
    let origin = Origin::saying("hello").await;
    // Parts of the log are sealed every moment, so that kills come in the middle of that too.
    let files = Arc::new(World::new().log("seal_after = 200").write());
    let answered = Answered::default();
    for round in 1..=KILLS {
        let mut usher = Program::start(files.clone());
        let sites = [origin.authority(), "games.example".to_owned()];
        let ask = |task: usize| tokio::spawn(ask_until_gone(usher.address, sites.clone(), format!("{round}-{task}"), answered.clone()));
        let people: Vec<_> = (0..4).map(ask).collect();
        let (enough, before) = (answered.count() + 20 + 37 * round % 170, sealed(&files));
        // Every third time it is killed while it seals, if it comes to that before long; the others wherever it is.
        let seals = |count: usize| round % 3 > 0 || sealed(&files) != before || count > enough + 500;
        answered.until(|answered| answered.count() >= enough && seals(answered.count())).await;
        usher.signal(Signal::KILL);
        usher.ended();
        for person in people {
            soon("the end", person).await.expect("it ends well");
        }
        if round % LOOK_EVERY == 0 {
            each_is_on_record_once(&files, &*answered.paths.lock().expect("a list"));
        }
    }
    let purged = files.usher(&["log", "purge"]);
    assert_eq!(purged.code, Some(0), "it seals what is left, and has nothing to remove: {purged:?}");
    nothing_is_left(&files, 0);
    each_is_on_record_once(&files, &*answered.paths.lock().expect("a list"));
}

#[test]
fn when_the_log_cannot_be_written_nothing_passes_and_it_recovers_by_itself() {
    let mut usher = Program::start_with_little_disk(Arc::new(World::new().write()), 600);
    let (mut answered, mut number) = (Vec::new(), 0);
    let mut ask = |usher: &Program| {
        number += 1;
        let path = format!("/{number}?{}", "x".repeat(900));
        let reply = usher.get(&format!("http://games.example{path}"));
        let status = reply[9..12].to_owned();
        (path, status, reply)
    };
    let refusal = (0..5000).find_map(|_| {
        let (path, status, reply) = ask(&usher);
        match status.as_str() {
            "403" => answered.push(path),
            _ => return Some((status, reply)),
        }
        None
    });
    let (status, reply) = refusal.expect("the disk is full at some time");
    assert_eq!(status, "503");
    assert!(reply.contains("The web is paused") && reply.contains("on record"), "{reply}");
    assert!(usher.says("the log cannot be written").contains("ERROR"));
    usher.give_disk();
    let recovered = (0..1000).find_map(|_| {
        let (path, status, _) = ask(&usher);
        (status == "403").then_some(path)
    });
    answered.push(recovered.expect("the log can be written again"));
    usher.says("the log can be written again");
    for _ in 0..20 {
        let (path, status, reply) = ask(&usher);
        assert_eq!(status, "403", "{reply}");
        answered.push(path);
    }
    let recorded: HashSet<_> = usher.rows().into_iter().map(|row| row.path).collect();
    assert!(answered.iter().all(|path| recorded.contains(path)), "every answer is on record");
}

/// A pupil's bare connection.
async fn connected(usher: &Program) -> Wire {
    Wire::connect(IpAddr::from([127, 0, 7, 1]), usher.address).await
}

#[tokio::test]
async fn while_the_log_cannot_be_written_no_site_is_reached() {
    let origin = Origin::doing(|mut visit| async move {
        visit.request().await;
        visit.say(&format!("visitor {}", visit.number)).await;
    })
    .await;
    let asked_first = Origin::saying("hello").await;
    let usher = Program::start_with_little_disk(Arc::new(World::new().write()), 4000);
    usher.take_disk();
    // Whoever finds out may have been connected meanwhile, and then nothing was said to the site. From then on no other site is connected to.
    let mut finds_out = connected(&usher).await;
    finds_out.send(asked_first.request("GET", "/finds-out", "")).await;
    assert_eq!(finds_out.reply().await.status, 503);
    let tunnel = format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n", origin.authority());
    let page = origin.request("GET", "/page", "");
    // A tunnel is asked for at the beginning of a connection or later; a page may be sent something.
    let posted = origin.request("POST", "/form", "Content-Length: 4\r\n") + "body";
    for asked in [&[&page, &page, &tunnel][..], &[&tunnel], &[&posted]] {
        let mut wire = connected(&usher).await;
        for request in asked {
            wire.send(request).await;
            let reply = wire.reply().await;
            assert!(reply.status == 503 && reply.text().contains("on record"), "{request}: {reply:?}");
        }
    }
    usher.give_disk();
    let mut wire = connected(&usher).await;
    wire.send(&page).await;
    // A site lets people in as they come: had anybody been connected before, this one would not be the first.
    assert_eq!(wire.reply().await.text(), "visitor 0");
    wire.send(&tunnel).await;
    assert_eq!(wire.head_only().await.status, 200);
    wire.send("GET /through HTTP/1.1\r\n\r\n").await;
    assert_eq!(wire.reply().await.text(), "visitor 1");
    assert_eq!(asked_first.seen(), [] as [String; 0]);
}

/// Has a test that is not run with the others pass as a program of its own, which this command runs.
fn passes(mut command: Command, test: &str) {
    command.arg(std::env::current_exe().expect("this program")).args(["--ignored", "--exact", "--nocapture", test]);
    let output = command.output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

/// No file of the program becomes longer than this from now on, in bytes. What it holds of the log is longer; what else it has to write is not.
const LITTLE: u64 = 256 << 10;

#[tokio::test]
#[ignore = "it is run by the test after it, as a program that is told by an error when a file is too long"]
async fn nobody_asks_on_a_full_disk() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::at(place.path().join("log"));
    let recorder = Recorder::start(&folder, Settings::default()).expect("started");
    let request = |number: usize| Box::new(Opening { path: format!("/{number}?{}", "x".repeat(8000)), ..visit() });
    // None of them ends: an ending that waits would be tried to be written too.
    let mut open = Vec::new();
    for number in 0..50 {
        open.push(recorder.open(request(number)).await.expect("recorded"));
    }
    setrlimit(Resource::Fsize, Rlimit { current: Some(LITTLE), ..getrlimit(Resource::Fsize) }).expect("a limit of its own");
    assert!(matches!(recorder.open(request(50)).await.err(), Some(Unrecorded::Failing(_))));
    recorder.calendar().is(Timestamp::from_millisecond(MORNING.cast_signed()).expect("a time"));
    // It ends when it has looked at the calendar.
    recorder.finish();
    assert!(recorder.is_failing(), "nothing was written");
    assert_eq!(events::search(&folder, &Wanted::default()).expect("read"), [], "and so nothing is over");
    let told = Event { at: Timestamp::now(), kind: "test", severity: Severity::Info, text: String::new() };
    events::record(&folder, &told).expect("there is room for an event");
}

#[test]
fn on_a_full_disk_the_calendar_does_not_say_that_the_log_can_be_written_again() {
    passes(once("trap '' XFSZ"), "durability::nobody_asks_on_a_full_disk");
}

/// Takes the room of a file system.
struct Ballast(PathBuf);

impl Ballast {
    /// Takes all but so many bytes.
    fn all_but(left: u64, path: PathBuf) -> Self {
        let mut file = File::create(&path).expect("a file");
        let full = (0..).find_map(|_| file.write_all(&[0; 4096]).err()).expect("the disk is small");
        assert_eq!(full.kind(), ErrorKind::StorageFull);
        file.set_len(file.metadata().expect("a file").len().saturating_sub(left)).expect("cut");
        Self(path)
    }

    fn give_back(self) {
        fs::remove_file(self.0).expect("removed");
    }
}

/// Asks for one page: its path, the status, the answer.
fn ask(usher: &Program, number: usize) -> (String, String, String) {
    let path = format!("/{number}?{}", "x".repeat(900));
    let reply = usher.get(&format!("http://games.example{path}"));
    (path, reply[9..12].to_owned(), reply)
}

#[test]
#[ignore = "it is run by the test after it, as a program whose temporary folder is a small disk"]
fn on_a_small_disk() {
    let files = Arc::new(World::new().log("seal_after = 200").write());
    let mut usher = Program::start(files.clone());
    let (mut answered, mut refused) = (Vec::new(), Vec::new());
    // Twice, as on a disk that nobody has put right.
    for time in 0..2 {
        let ballast = Ballast::all_but(700_000, files.path("ballast"));
        let (path, status, reply) = (0..5000)
            .map(|number| ask(&usher, 10_000 * time + number))
            .find(|(path, status, _)| {
                if status == "403" {
                    answered.push(path.clone())
                }
                status != "403"
            })
            .expect("the disk is full at some time");
        assert!(status == "503" && reply.contains("The web is paused") && reply.contains("on record"), "{reply}");
        refused.push(path);
        assert!(usher.says("the log cannot be written").contains("ERROR"));
        assert_eq!(ask(&usher, 9000).1, "503", "nothing passes");
        ballast.give_back();
        for number in 0..250 {
            let (path, status, reply) = ask(&usher, 10_000 * time + 5000 + number);
            assert_eq!(status, "403", "it recovers by itself: {reply}");
            answered.push(path);
        }
        usher.says("the log can be written again");
    }
    stop(usher);
    each_is_on_record_once(&files, &answered);
    let events = files.usher(&["log", "events", "--json"]).json();
    let told: Vec<_> = events.iter().filter(|event| event["kind"] == "log-unwritable" && event["severity"] == "critical").collect();
    assert_eq!(told.len(), 2, "{events:?}");
}

/// Has a test that is not run with the others pass on a disk of 64 MiB.
fn passes_on_a_small_disk(test: &str) {
    let place = tempfile::tempdir().expect("a folder");
    let mount = "mount -t tmpfs -o size=64m small \"$0\" && exec \"$@\"";
    let apart = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(arguments).args(["--mount", "sh", "-c", mount]).arg(place.path());
        command
    };
    // Whoever may mount does; others may in a world of their own, where this machine lets them.
    let ways: [&[&str]; 2] = [&[], &["--user", "--map-root-user"]];
    let Some(way) = ways.into_iter().find(|way| apart(way).arg("true").output().is_ok_and(|done| done.status.success())) else { return skipped("tmpfs") };
    let mut program = apart(way);
    program.env("TMPDIR", place.path());
    passes(program, test);
}

#[test]
fn on_a_full_disk_nothing_passes_and_when_there_is_room_again_all_goes_on_and_nothing_is_lost() {
    passes_on_a_small_disk("durability::on_a_small_disk");
}

#[tokio::test]
#[ignore = "it is run by the test after it, as a program whose temporary folder is a small disk"]
async fn with_long_uploads_on_a_small_disk() {
    let world = World::new().limit("free_disk_mib = 24").files("block = [\"executable\"], uploads = true");
    let (files, site) = (Arc::new(world.write()), Origin::saying("taken").await);
    let mut usher = Program::start(files.clone());
    let chunk = [b"40000\r\n".as_slice(), &[b'x'; 0x40000], b"\r\n"].concat();
    let mut wires = Vec::new();
    // Together they would fill it three times over.
    for number in 0..4 {
        let mut wire = Wire::connect(IpAddr::from([127, 0, 7, number + 1]), usher.address).await;
        wire.send(site.request("POST", &format!("/{number}"), "Accept: text/html\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n")).await;
        wires.push(wire);
    }
    let free = || {
        let disk = rustix::fs::statvfs(files.path("data")).expect("a disk");
        disk.f_bavail * disk.f_frsize
    };
    let mut least = u64::MAX;
    for _ in 0..48 * 4 {
        for wire in &mut wires {
            wire.send(&chunk).await;
        }
        least = least.min(free());
    }
    assert!((20 << 20..40 << 20).contains(&least), "{least} bytes were free: what is held takes what it may, and leaves the rest");
    let mut refused = 0;
    for wire in &mut wires {
        let reply = wire.reply().await;
        refused += usize::from(reply.status == 403 && reply.text().contains("the disk has too little room left"));
    }
    assert!(refused == 4 && site.seen().is_empty(), "{refused}");
    assert!(usher.says("cannot be held").contains("ERROR"));
    // All goes on: the record, and what is small.
    let answered: Vec<_> = (0..250).map(|number| ask(&usher, number)).inspect(|(_, status, reply)| assert_eq!(status, "403", "{reply}")).collect();
    let mut small = Wire::connect(IpAddr::from([127, 0, 7, 9]), usher.address).await;
    small.send(site.request("POST", "/small", "Content-Length: 1\r\n\r\nx").trim_end_matches("\r\n")).await;
    assert_eq!(small.reply().await.status, 200);
    stop(usher);
    let rows = rows(&files);
    assert_eq!(rows.iter().filter(|row| row.why.contains("too little room left")).count(), 4);
    assert!(answered.iter().all(|(path, _, _)| rows.iter().filter(|row| row.path == *path).count() == 1));
    assert_eq!(files.usher(&["log", "verify"]).code, Some(0));
}

#[test]
fn files_that_are_held_leave_the_record_its_room_on_the_disk() {
    passes_on_a_small_disk("durability::with_long_uploads_on_a_small_disk");
}

/// The sealed files of a class.
fn sealed_of(files: &Files, class: &str) -> Vec<PathBuf> {
    let names = sealed(files).into_iter().map(|(name, _)| name).filter(|name| name.starts_with(class));
    names.map(|name| files.path("data/log/sealed").join(name)).collect()
}

fn flip(path: &Path, place: usize) {
    let mut bytes = fs::read(path).expect("read");
    bytes[place] ^= 1;
    fs::write(path, bytes).expect("written");
}

/// The events about damaged segments: their kind, and the file each names.
fn damage_on_record(files: &Files) -> Vec<(String, String)> {
    let word = |value: &serde_json::Value| value.as_str().and_then(|text| text.split(' ').next()).unwrap_or_default().to_owned();
    let events = files.usher(&["log", "events", "--json"]).json();
    let told: Vec<_> = events.iter().map(|event| (word(&event["kind"]), word(&event["text"]))).collect();
    told.into_iter().filter(|(kind, _)| kind.starts_with("segment-")).collect()
}

/// How many records an output that begins now is given first.
fn sent(folder: &Folder) -> Result<usize, SourceError> {
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    Records::new(folder.clone()).after(Position(0), 1000, later).map(|items| items.len())
}

#[test]
fn a_damaged_segment_is_named_on_record_once_and_left_and_the_rest_is_read() {
    let files = Arc::new(World::new().log("seal_after = 100").write());
    let usher = Program::start(files.clone());
    (0..450).for_each(|number| drop(usher.get(&format!("http://games.example/{number}"))));
    stop(usher);
    let paths = sealed_of(&files, "blocked");
    let [in_the_middle, gone, at_the_end] = [&paths[0], &paths[1], &paths[2]];
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    let whole = fs::read(gone).expect("read");
    flip(in_the_middle, 100);
    fs::remove_file(gone).expect("removed");
    flip(at_the_end, fs::read(at_the_end).expect("read").len() - 60);
    // A running Usher sees what is cut short, exchanged or gone; who searches also the rest.
    let mut usher = Program::start(files.clone());
    let told = [usher.says("cannot be read"), usher.says("cannot be read")].concat();
    assert!(told.contains(&name(gone)) && told.contains(&name(at_the_end)) && told.contains("ERROR"), "{told}");
    for _ in 0..2 {
        let said = files.usher(&["log", "search", "--json", "--limit", "1000"]);
        assert!(said.code == Some(0) && said.json().len() >= 140, "the rest is read: {said:?}");
        assert!([in_the_middle, gone, at_the_end].iter().all(|path| said.err.contains(&format!("{} was passed over", name(path)))), "{said:?}");
    }
    assert!(sent(&Folder::at(files.path("data/log"))).expect("read") >= 140, "an output goes on after what is lost");
    assert_eq!(usher.get("http://games.example/later")[9..12], *"403", "it goes on recording");
    stop(usher);
    let mut told = damage_on_record(&files);
    told.sort();
    let event = |kind: &str, path: &Path| (kind.to_owned(), name(path));
    let each = [event("segment-damaged", in_the_middle), event("segment-damaged", at_the_end), event("segment-missing", gone)];
    assert_eq!(told, each, "each once");
    assert!(in_the_middle.exists() && at_the_end.exists(), "they are left where they are");
    assert_eq!(files.usher(&["log", "verify"]).code, Some(1));
    // Put back from a copy, all is well again.
    flip(in_the_middle, 100);
    flip(at_the_end, fs::read(at_the_end).expect("read").len() - 60);
    fs::write(gone, whole).expect("written");
    let mut usher = Program::start(files.clone());
    (0..3).for_each(|_| drop(usher.says("can be read again")));
    stop(usher);
    assert_eq!(files.usher(&["log", "verify"]).code, Some(0));
    assert_eq!(damage_on_record(&files).len(), 6);
}

/// Opens as many files as this program may but so many.
fn all_files_but(left: usize) -> Vec<File> {
    let mut open: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    open.truncate(open.len() - left);
    open
}

/// Where the log is that is read by a program of its own.
const FOLDER: &str = "USHER_TEST_FOLDER";

#[test]
#[ignore = "it is run by the test after it, as a program that may open few files"]
fn with_few_files_to_open() {
    let folder = Folder::at(std::env::var_os(FOLDER).expect("a folder"));
    let parts = Reader::open(&folder).and_then(|journal| journal.parts()).expect("read");
    let all: BTreeMap<_, _> = parts.into_iter().map(|part| (part.file, String::new())).collect();
    let mut came = Vec::new();
    // So few that the log cannot be opened, then one more each time: every file of it is at some time the first that cannot be.
    for left in 0..=30 {
        let open = all_files_but(left);
        let found = Log::open(&folder).and_then(|log| Unshown::of(&log).search(&Filter { limit: 1000, ..Filter::default() }));
        let sent = sent(&folder);
        // As after a search that could read none of them.
        let met = damage::met(&folder, &all);
        drop(open);
        let told = events::search(&folder, &Wanted::default()).expect("read");
        assert!(told.iter().all(|event| event.kind == "nobody-told"), "{left} files are left: {told:?}");
        assert!(matches!(sent, Ok(250) | Err(_)), "{left} files are left: an output would go on after {sent:?}, and never send the rest");
        came.push((found.ok().map(|page| (page.rows.len(), page.passed_over.len())), sent.is_ok() && met.is_ok()));
    }
    let none_is_read = |&(found, _): &(Option<(usize, usize)>, bool)| found.is_some_and(|(_, passed_over)| passed_over == all.len());
    assert!(came[0] == (None, false) && came.iter().any(none_is_read) && came[30] == (Some((250, 0)), true), "{came:?}");
}

#[test]
fn that_no_more_files_can_be_opened_is_no_damage_of_the_log() {
    let files = Arc::new(World::new().log("seal_after = 100").write());
    let usher = Program::start(files.clone());
    (0..250).for_each(|number| drop(usher.get(&format!("http://games.example/{number}"))));
    stop(usher);
    let before = sealed(&files);
    let mut program = once("ulimit -S -n 64");
    program.env(FOLDER, files.path("data/log"));
    passes(program, "durability::with_few_files_to_open");
    assert_eq!((sealed(&files), damage_on_record(&files)), (before, Vec::new()));
    assert_eq!(files.usher(&["log", "verify"]).code, Some(0));
}

#[test]
fn a_second_usher_on_the_same_data_folder_does_not_start_and_the_first_is_not_disturbed() {
    let files = Arc::new(World::new().write());
    let mut first = Program::start(files.clone());
    first.get("http://games.example/before");
    let said = files.usher(&["serve"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("another Usher is writing it; stop that one, or give this one a data folder of its own"), "{said:?}");
    assert_eq!((said.out.as_str(), said.err.trim_end().lines().count()), ("", 1), "{said:?}");
    assert_eq!(first.get("http://games.example/after")[9..12], *"403");
    first.signal(Signal::KILL);
    first.ended();
    let second = Program::start(files.clone());
    second.get("http://games.example/second");
    stop(second);
    each_is_on_record_once(&files, &["/before", "/after", "/second"].map(str::to_owned));
}
