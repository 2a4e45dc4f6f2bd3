//! No longer than needed, and everybody's right to their own: retention, holds, erasure, subject access, and the sheet for a DPIA.

use crate::kit::request::visit;
use crate::kit::{Files, School, World, soon};
use jiff::{SignedDuration, Timestamp};
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use usher::audit::folder::LockError;
use usher::audit::recorder::StartError;
use usher::audit::{Class, Folder, Opening, Outcome, Recorder, Settings};
use usher::insight::Kind;

/// One request: how many days ago, of whom, as what, where.
type Request = (i64, &'static str, Class, &'static str);

fn opening(now: Timestamp, (days, user, class, path): Request) -> Box<Opening> {
    let at = now - SignedDuration::from_hours(24 * days);
    Box::new(Opening {
        class,
        kind: if class == Class::Resource { Kind::Resource } else { Kind::Visit },
        time_ms: u64::try_from(at.as_millisecond()).expect("after 1970"),
        user: Some(user.into()),
        client: if user == "anna" { "10.7.0.1" } else { "10.7.0.2" }.parse().expect("an address"),
        path: path.into(),
        ..visit()
    })
}

/// A school whose log holds these requests, the oldest first, each whole.
async fn school(now: Timestamp, requests: &[Request]) -> Files {
    let files = World::new().write();
    for request in requests {
        // Closed for good before the next day's begins: what is open still then is kept with that day's.
        let recorder = soon("the lock", started(&files)).await;
        recorder.open(opening(now, *request)).await.expect("recorded").close(Outcome::Complete);
        recorder.finish();
    }
    files
}

/// Starts a recorder. A program that another test begins at this moment holds every open file, the last recorder's lock too, until it runs.
async fn started(files: &Files) -> Recorder {
    loop {
        match Recorder::start(&log(files), Settings::default()) {
            Ok(recorder) => return recorder,
            Err(StartError::Lock { error: LockError::Held, .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

fn log(files: &Files) -> Folder {
    Folder::at(files.path("data/log"))
}

fn paths(files: &Files) -> Vec<String> {
    let said = files.usher(&["log", "search", "--json"]);
    said.json().iter().map(|row| row["path"].as_str().expect("a path").to_owned()).collect()
}

/// Whether any file below a folder holds these bytes as they lie.
fn any_file_holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .any(|path| if path.is_dir() { any_file_holds(&path, text) } else { memchr::memmem::find(&fs::read(&path).expect("read"), text.as_bytes()).is_some() })
}

const YEARS: [Request; 6] = [
    (800, "anna", Class::Visit, "/long-ago"),
    (500, "bela", Class::Visit, "/last-year"),
    (200, "bela", Class::Staff, "/staff"),
    (100, "anna", Class::Visit, "/this-year"),
    (40, "anna", Class::Resource, "/picture"),
    (2, "bela", Class::Resource, "/new-picture"),
];

#[tokio::test]
async fn records_are_kept_as_long_as_the_school_says_and_no_longer() {
    let files = school(Timestamp::now(), &YEARS).await;
    let told = files.usher(&["log", "purge", "--dry-run", "--json"]).json().remove(0);
    assert_eq!(paths(&files).len(), 6, "only told");
    // What is live is sealed before it is purged for good, and not for telling.
    assert_eq!(told["classes"][0]["class"], "visit");
    let done = files.usher(&["log", "purge", "--json"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let went: Vec<_> = done.json()[0]["classes"].as_array().expect("classes").iter().map(|class| class["records"].as_u64().expect("a number")).collect();
    assert_eq!(went, [2, 0, 1, 0, 1, 0, 0]);
    assert_eq!(paths(&files), ["/new-picture", "/this-year"]);
    assert!(!any_file_holds(&files.path("data/log"), "/long-ago"));
    // A shorter rule holds from the next purge on.
    files.edit("usher.toml", "[proxy]", "[log.keep]\nvisit = \"90 days\"\n[proxy]");
    let people = files.usher(&["log", "purge"]);
    assert!(people.out.contains("90 days"), "{people:?}");
    assert_eq!(paths(&files), ["/new-picture"]);
}

#[tokio::test]
async fn a_running_usher_purges_by_itself() {
    let now: Timestamp = "2026-11-25T10:00:00Z".parse().expect("a time");
    let files = school(now, &YEARS).await;
    let school = School::open(files).await;
    soon("the purge", async {
        while school.log().count().expect("counted") > 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let left: Vec<_> = school.rows().into_iter().map(|row| row.path).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[tokio::test]
async fn what_is_held_is_neither_purged_nor_erased_until_it_is_released() {
    let files = school(Timestamp::now(), &YEARS).await;
    let held = files.usher(&["log", "hold", "--user", "Anna", "--why", "police request 17", "--json"]);
    assert_eq!(held.code, Some(0), "{held:?}");
    let number = held.json()[0]["number"].to_string();
    let listed = files.usher(&["log", "hold", "list", "--json"]).json().remove(0);
    assert_eq!((listed["user"].as_str(), listed["why"].as_str()), (Some("Anna"), Some("police request 17")));
    assert!(files.usher(&["log", "hold", "list"]).out.contains("police request 17"));
    assert_eq!(files.usher(&["log", "purge"]).code, Some(0));
    assert_eq!(paths(&files), ["/new-picture", "/picture", "/this-year", "/long-ago"]);
    let refused = files.usher(&["log", "erase", "--user", "anna", "--why", "request 18", "--yes"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains(&format!("hold {number}")) && refused.err.contains("police request 17"), "{refused:?}");
    let released = files.usher(&["log", "hold", "release", &number, "--why", "case closed"]);
    assert_eq!(released.code, Some(0), "{released:?}");
    assert_eq!(files.usher(&["log", "hold", "list"]).code, Some(1));
    files.usher(&["log", "purge"]);
    assert_eq!(paths(&files), ["/new-picture", "/this-year"]);
}

#[tokio::test]
async fn erasing_takes_two_words_and_leaves_no_name() {
    let files = school(Timestamp::now(), &YEARS).await;
    let erase = |more: &[&str]| files.usher(&[&["log", "erase", "--user", "anna"], more].concat());
    for (arguments, code, says) in [
        (&["--why", "request 18", "--dry-run"][..], 0, "3 records of anna"),
        (&["--why", "request 18"], 1, "add --yes"),
        (&["--why", "Anna asks", "--yes"], 2, "the reason names anna"),
        (&["--why", "", "--yes"], 2, "a few words"),
        (&["--why", "request 18", "--from", "2026-11-24", "--to", "2026-11-24"], 2, "--to is not after --from"),
        (&["--why", "request 18", "--to", "2000-01-01", "--yes"], 1, "no records of anna"),
    ] {
        let said = erase(arguments);
        assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
        assert!(format!("{}{}", said.out, said.err).contains(says), "{arguments:?}: {said:?}");
        assert_eq!(paths(&files).len(), 6);
    }
    let done = erase(&["--why", "request 18", "--yes", "--json"]).json().remove(0);
    assert_eq!((&done["standing"]["erased"], &done["standing"]["live"]), (&3.into(), &0.into()));
    assert_eq!(paths(&files), ["/new-picture", "/staff", "/last-year"]);
    assert!(!any_file_holds(&files.path("data/log"), "anna"));
    assert_eq!(erase(&["--why", "request 18", "--yes"]).code, Some(1), "nothing is left");
}

#[tokio::test]
async fn a_running_usher_erases_what_it_is_writing_later_and_says_so() {
    let mut usher = World::new().proxy("ask_for_password = \"always\"").user("anna", "x", Some("year-7")).serve();
    usher.get_as("http://games.example/mine", "anna", "x");
    let files = usher.files.clone();
    let said = files.usher(&["log", "erase", "--user", "anna", "--why", "request 18", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("being written still: 1") && said.out.contains("It erases them itself when that file is sealed"), "{said:?}");
    usher.signal(rustix::process::Signal::TERM);
    usher.ended();
    let again = files.usher(&["log", "erase", "--user", "anna", "--why", "request 18", "--yes"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(paths(&files).iter().filter(|path| *path == "/mine").count(), 0);
}

fn unpacked(path: &Path) -> Vec<(String, String)> {
    let mut zip = zip::ZipArchive::new(fs::File::open(path).expect("there")).expect("a zip");
    (0..zip.len())
        .map(|number| {
            let mut file = zip.by_index(number).expect("a file");
            let mut text = String::new();
            file.read_to_string(&mut text).expect("text");
            (file.name().expect("a name").into_owned(), text)
        })
        .collect()
}

#[tokio::test]
async fn a_person_gets_all_that_is_recorded_about_them_and_nothing_of_others() {
    let mut requests = YEARS.to_vec();
    requests.push((1, "anna", Class::Visit, "/people/bela/photos?from=anna"));
    let files = school(Timestamp::now(), &requests).await;
    let out = files.path("anna.zip");
    let ask = |user: &str| files.usher(&["log", "subject", "--user", user, "--output", out.to_str().expect("text"), "--reason", "subject access 17"]);
    let nobody = ask("carla");
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    assert!(!out.exists() && nobody.out.contains("no records of carla"), "{nobody:?}");
    for _ in 0..2 {
        let said = ask("anna");
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    assert_eq!(fs::metadata(&out).expect("there").permissions().mode() & 0o777, 0o600);
    let parts = unpacked(&out);
    let part = |name: &str| parts.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str()).expect(name);
    let rows: Vec<serde_json::Value> = part("records.jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let own: Vec<_> = rows.iter().map(|row| row["path"].as_str().expect("a path")).collect();
    assert_eq!(own, ["/long-ago", "/this-year", "/picture", "/people/[another person]/photos?from=anna"], "the oldest first");
    assert!(rows.iter().all(|row| row["client_shared"] == false && row.get("snapshot").is_none()));
    assert_eq!(part("records.csv").lines().count(), 5);
    assert!(part("records.html").contains("/this-year") && !part("records.html").contains("/picture"), "what pages load is counted");
    let guide = part("README.html");
    assert!(guide.contains("holds 4 records") && guide.contains("12 months") && guide.contains("Account A of the school"), "{guide}");
    assert!(parts.iter().all(|(_, text)| !text.contains("bela") && !text.contains("/staff")));
}

#[tokio::test]
async fn the_sheet_for_a_dpia_follows_the_configuration_and_the_rights_of_files() {
    let files = school(Timestamp::now(), &YEARS).await;
    let sheet = || files.usher(&["log", "dpia", "--json"]).json().remove(0);
    let kept = |sheet: &serde_json::Value, class: &str| {
        let all = sheet["kept"].as_array().expect("classes").clone();
        all.into_iter().find(|kept| kept["class"] == class).expect("the class")["period"].clone()
    };
    let rights = |sheet: &serde_json::Value| {
        let all = sheet["protection"].as_array().expect("rows").clone();
        all.into_iter().find(|row| row["what"] == "Rights of the data folder").expect("the row")["stands"].clone()
    };
    fs::set_permissions(files.path("data"), fs::Permissions::from_mode(0o700)).expect("set");
    let before = sheet();
    assert_eq!((kept(&before, "visit"), rights(&before)), ("12 months".into(), "good".into()));
    let sentences = |sheet: &serde_json::Value| format!("{} {}", sheet["goes"], sheet["readers"]);
    assert!(sentences(&before).contains("No copy of the record is sent elsewhere") && sentences(&before).contains("pseudonyms stand for people"));
    let output = "[[output]]\nname = \"county\"\nkind = \"syslog\"\naddress = \"tcp://127.0.0.1:601\"\nonly = [\"blocked\"]\npseudonymous = true\n";
    files.edit("usher.toml", "[proxy]", &format!("[log]\nnames = \"always\"\n[log.keep]\nvisit = \"90 days\"\n{output}[proxy]"));
    fs::set_permissions(files.path("data"), fs::Permissions::from_mode(0o755)).expect("set");
    let after = sheet();
    assert_eq!((kept(&after, "visit"), rights(&after)), ("90 days".into(), "look-at".into()));
    for said in ["sent to tcp://127.0.0.1:601", "of records only: blocked, with pseudonyms", "are shown with names and no reason is asked for"] {
        assert!(sentences(&after).contains(said), "{said}: {}", sentences(&after));
    }
    let year_7 = after["groups"][0].clone();
    assert_eq!(year_7, serde_json::json!({ "name": "year-7", "found_by": "devices in 127.0.7.0/24; user names, by 1 pattern" }));
    let out = files.path("dpia.html");
    assert_eq!(files.usher(&["log", "dpia", "--html", "--output", out.to_str().expect("text")]).code, Some(0));
    let html = fs::read_to_string(&out).expect("there");
    assert!(html.contains("90 days") && html.contains("To fill in:") && html.contains("@page"));
    assert!(files.usher(&["log", "dpia"]).out.contains("## What is in a record"));
}

#[tokio::test]
async fn the_sheet_says_what_is_looked_into_as_it_passes_and_only_where_it_is() {
    let files = school(Timestamp::now(), &YEARS[..1]).await;
    let section = |name: &str| {
        let sheet = files.usher(&["log", "dpia", "--json"]).json().remove(0);
        sheet[name].as_array().expect("sentences").iter().map(|line| line.as_str().expect("text").to_owned()).collect::<Vec<_>>().join("\n")
    };
    let (before, unseen) = (section("passing"), section("unseen"));
    assert!(before.contains("What people ask chat services") && before.contains("over http only, for https is not opened"), "{before}");
    for nothing in ["scored by phrases", "Viruses", "certificate", "https is opened", "Google", "points"] {
        assert!(!before.contains(nothing), "{nothing}: {before}");
    }
    assert!(unseen.contains("Encrypted connections (https) are not opened") && !unseen.contains("phrases"), "{unseen}");
    assert!(before.contains("(strict) for people in year-7."), "{before}");
    files.edit(
        "policy.toml",
        "name = \"year-7\"",
        "name = \"year-7\"\ninspect = \"all\"\nphrases = { threshold = 90, on_hit = \"note\", themes = { pornography = \"withhold\" } }\nsafe_search = \"moderate\"",
    );
    let scanners = "[antivirus]\nclamd = \"/run/clamav/clamd.ctl\"\nicap_requests = \"icap://192.0.2.9:1344/avscan\"\n[scan]\nphrases = [\"phrases\"]\n";
    files.edit("usher.toml", "[destinations]", &format!("{scanners}[destinations]"));
    let after = section("passing");
    for said in [
        "Of people in year-7 https is opened everywhere",
        "What people in year-7 read and send",
        "reaches 90 points of one theme is noted; of pornography it is withheld",
        "the theme, the points and the phrases that were seen",
        "over https of people in year-7",
        "clamd at /run/clamav/clamd.ctl (on this machine)",
        "icap://192.0.2.9:1344/avscan (over the network)",
        "There are 0 now and 200 at most",
        "forgotten after 30 days",
        "Of people in year-7 such a program is passed closed at that site, for 7 days at a time",
        "(moderate) for people in year-7.",
    ] {
        assert!(after.contains(said), "{said}: {after}");
    }
    let goes = section("goes");
    assert!(goes.contains("are sent over the network to icap://192.0.2.9:1344/avscan") && !goes.contains("clamd"), "{goes}");
    let unseen = section("unseen");
    assert!(unseen.contains("of people in staff are not opened") && unseen.contains("phrases seen"), "{unseen}");
}
