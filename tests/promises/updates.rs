//! Updates never hurt: what a publisher sends is judged before it goes in force, one that fails takes nobody with it, and every step can be undone.

use crate::kit::world::Said;
use crate::kit::{Files, Program, Publisher, World};
use std::fs;
use std::net::TcpListener;
use std::sync::Arc;

/// So many names that bounds count.
fn names(count: usize) -> String {
    (0..count).map(|number| format!("site-{number}.example\n")).collect()
}

/// A school whose games come from a publisher.
fn school(publisher: &Publisher, more: &str) -> World {
    World::new().source(&format!("name = \"county\"\naddress = \"{}\"\ncategory = \"games\"\nschedule = \"daily 03:00\"\n{more}", publisher.url()))
}

fn update(files: &Files, arguments: &[&str]) -> Said {
    files.usher(&[&["lists", "update"], arguments].concat())
}

fn is_blocked(files: &Files, site: &str) -> bool {
    let said = files.usher(&["check", site, "--group", "year-7"]);
    assert!(matches!(said.code, Some(0 | 1)), "{said:?}");
    said.code == Some(1)
}

/// The whole status, as a program reads it.
fn status(files: &Files) -> serde_json::Value {
    files.usher(&["lists", "status", "--json"]).json().remove(0)
}

fn source<'s>(status: &'s serde_json::Value, name: &str) -> &'s serde_json::Value {
    status["sources"].as_array().expect("sources").iter().find(|source| source["name"] == name).expect("a source")
}

#[test]
fn a_publishers_list_is_fetched_judged_and_in_force_and_not_fetched_twice() {
    let publisher = Publisher::of("arcade.example\nplay.example\n");
    let files = school(&publisher, "licence = \"MIT\"").write();
    let said = update(&files, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("county: new") && said.out.contains("generation 1 is in force"), "{said:?}");
    assert!(is_blocked(&files, "www.arcade.example") && is_blocked(&files, "games.example"));
    let shown = status(&files);
    let county = source(&shown, "county");
    assert_eq!((&county["light"], &county["entries"], &county["licence"]), (&"green".into(), &2.into(), &"MIT".into()), "{shown}");
    let again = update(&files, &[]);
    assert!(again.code == Some(0) && again.out.contains("county: unchanged") && again.out.contains("nothing has changed"), "{again:?}");
    let compiled = fs::metadata(files.path("data/lists/generations/000001.usher")).expect("a generation").modified().expect("a time");
    assert_eq!(update(&files, &[]).code, Some(0));
    let still = fs::metadata(files.path("data/lists/generations/000001.usher")).expect("a generation").modified().expect("a time");
    assert_eq!(still, compiled, "where nothing has come nothing is compiled");
    let asked = publisher.asked();
    assert_eq!(asked.len(), 3);
    assert!(!asked[0].to_lowercase().contains("if-none-match") && asked[1].to_lowercase().contains("if-none-match"), "{asked:?}");
    let looked_up = files.usher(&["lists", "lookup", "m.arcade.example/x", "--json"]).json();
    assert_eq!(looked_up, [serde_json::json!({ "list": "county", "line": 1, "text": "arcade.example" })]);
}

#[test]
fn a_list_that_shrinks_or_grows_too_much_is_refused_kept_for_inspection_and_told() {
    let publisher = Publisher::of(names(1000));
    let files = school(&publisher, "shrink = 0.3\ngrow = 1.0").write();
    assert_eq!(update(&files, &[]).code, Some(0));
    for (count, words) in [(600, "shrank from 1000 to 600 entries; it may lose 30 %"), (2500, "grew from 1000 to 2500 entries; it may gain 100 %")] {
        publisher.offers(names(count));
        let said = update(&files, &[]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.out.contains(words), "{said:?}");
        assert!(is_blocked(&files, "site-999.example"), "what was in force stays");
        assert_eq!(fs::read_to_string(files.path("data/lists/sources/county/refused")).expect("it is kept"), names(count));
        let shown = status(&files);
        let county = source(&shown, "county");
        assert_eq!((&county["light"], &county["entries"]), (&"amber".into(), &1000.into()), "{shown}");
        let history = files.usher(&["lists", "history"]);
        assert!(history.out.contains("refused") && history.out.contains(words), "{history:?}");
    }
    publisher.offers(names(600));
    let said = update(&files, &["county", "--accept", "the county tidied up"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!is_blocked(&files, "site-999.example") && is_blocked(&files, "site-599.example"));
    let history = files.usher(&["lists", "history", "--json"]).json();
    let last = history.last().expect("a deed");
    assert_eq!((&last["what"], &last["generation"], &last["why"]), (&"updated".into(), &2.into(), &"the county tidied up".into()));
    assert!(last["who"].as_str().is_some_and(|who| !who.is_empty()));
}

#[test]
fn a_canary_that_flips_refuses_the_update_and_names_the_entry() {
    let publisher = Publisher::of("arcade.example\nbad.example\n");
    let world = school(&publisher, "").canaries("open = [\"bitesize.example/maths\", \"https://childline.example\"]\nblocked = [\"bad.example\"]");
    let files = world.write();
    assert_eq!(update(&files, &[]).code, Some(0));
    publisher.offers("arcade.example\nbad.example\nnews.example\nbitesize.example\n");
    let said = update(&files, &[]);
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("bitesize.example/maths must stay open, and county, line 4 (bitesize.example) would close it for year-7"), "{said:?}");
    assert!(!is_blocked(&files, "news.example"), "no part of it is in force");
    publisher.offers("arcade.example\n");
    let said = update(&files, &[]);
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("bad.example must stay blocked, and would be open for year-7: bad.example is no longer in county"), "{said:?}");
    assert!(is_blocked(&files, "bad.example"));
    // A person may accept sizes, never a flip.
    assert_eq!(update(&files, &["--accept", "I know better"]).code, Some(1));
    publisher.offers("arcade.example\nbad.example\nother.example\n");
    assert_eq!(update(&files, &[]).code, Some(0));
    assert!(is_blocked(&files, "other.example"));
}

#[test]
fn sources_fail_alone() {
    let (county, town) = (Publisher::of(names(200)), Publisher::of("town.example\n"));
    let dead = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let world = school(&county, "")
        .source(&format!("name = \"town\"\naddress = \"{}\"\ncategory = \"games\"", town.url()))
        .source(&format!("name = \"dead\"\naddress = \"http://{dead}/list\"\ncategory = \"games\""));
    let files = world.write();
    let said = update(&files, &[]);
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("dead: failed") && said.out.contains("county: new") && said.out.contains("town: new"), "{said:?}");
    assert!(is_blocked(&files, "town.example") && is_blocked(&files, "site-1.example"));
    county.offers(names(20));
    town.offers("town.example\nvillage.example\n");
    let said = update(&files, &[]);
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("county: refused") && said.out.contains("town: new"), "{said:?}");
    assert!(is_blocked(&files, "village.example") && is_blocked(&files, "site-199.example"));
    let shown = status(&files);
    let lights: Vec<_> = ["county", "town", "dead"].map(|name| source(&shown, name)["light"].clone()).into();
    assert_eq!(lights, ["amber", "green", "red"]);
    assert_eq!(shown["light"], "red");
    assert_eq!(files.usher(&["lists", "status"]).code, Some(1));
}

#[test]
fn a_publisher_who_falls_silent_turns_amber_then_red_and_his_last_list_stays() {
    let publisher = Publisher::of("arcade.example\n");
    let files = school(&publisher, "amber_days = 2\nred_days = 7").write();
    assert_eq!(update(&files, &[]).code, Some(0));
    publisher.answers("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert_eq!(update(&files, &[]).code, Some(1));
    let path = "data/lists/sources/county/state.json";
    let mut state: serde_json::Value = serde_json::from_str(&fs::read_to_string(files.path(path)).expect("a state")).expect("JSON");
    for (days, light) in [(0, "amber"), (3, "amber"), (8, "red")] {
        let good = jiff::Timestamp::now().checked_sub(jiff::SignedDuration::from_hours(24 * days)).expect("a time");
        state["good"] = good.to_string().into();
        files.put(path, &state.to_string());
        let shown = status(&files);
        assert_eq!(source(&shown, "county")["light"], light, "{days} days: {shown}");
        let why = source(&shown, "county")["why"].as_str().expect("a reason");
        assert!(why.contains("500") && (days < 3 || why.contains(&format!("no news for {days} days"))), "{why}");
        assert!(is_blocked(&files, "arcade.example"));
    }
}

#[test]
fn what_is_no_list_is_refused_and_what_was_in_force_stays() {
    let publisher = Publisher::of("arcade.example\n");
    let files = school(&publisher, "largest_mib = 1").write();
    assert_eq!(update(&files, &[]).code, Some(0));
    let answer = |kind: &str, body: &[u8]| {
        [format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len()).into_bytes(), body.to_vec()].concat()
    };
    let junk: Vec<u8> = (0..9000_u32).map(|number| u8::try_from(number.wrapping_mul(2_654_435_761) >> 24).expect("a byte")).collect();
    for (what, bytes, words) in [
        ("a web page", answer("text/html", b"<!DOCTYPE html><html>Please log in</html>"), "looks like a web page"),
        ("a web page that says it is text", answer("text/plain", b"\n <HTML><body>Sorry</body></HTML>"), "looks like a web page"),
        ("junk", answer("text/plain", &junk), "not"),
        ("nothing", answer("text/plain", b""), "county"),
        ("too much", answer("text/plain", &vec![b'\n'; 2 << 20]), "larger"),
        ("a truncated archive", answer("application/gzip", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1]), "county"),
    ] {
        publisher.answers(bytes);
        let said = update(&files, &[]);
        assert_eq!(said.code, Some(1), "{what}: {said:?}");
        assert!(said.out.contains(words), "{what}: {said:?}");
        assert!(is_blocked(&files, "arcade.example"), "{what}");
    }
}

#[test]
fn a_disk_that_fills_while_compiling_changes_nothing_and_is_told() {
    let publisher = Publisher::of(names(100));
    let files = school(&publisher, "grow = 1000.0").write();
    assert_eq!(update(&files, &[]).code, Some(0));
    publisher.offers((0..20_000).map(|number| format!("{number}.tv\n")).collect::<String>());
    // Enough for the list itself, not for what it is compiled to.
    let said = files.usher_with_little_disk(&["lists", "update", "--accept", "other names"], 500);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("the folder of lists cannot be used") && said.err.contains("disk is not full"), "{said:?}");
    assert!(is_blocked(&files, "site-99.example") && !is_blocked(&files, "19999.tv"), "what was in force stays");
    assert_eq!(status(&files)["generation"]["number"], 1);
    let left: Vec<_> = fs::read_dir(files.path("data/lists/generations")).expect("a folder").flatten().map(|file| file.file_name()).collect();
    assert_eq!(left.len(), 2, "nothing half-written is left: {left:?}");
    assert_eq!(update(&files, &["--accept", "other names"]).code, Some(0));
    assert!(is_blocked(&files, "19999.tv"));
}

#[test]
fn whoever_updates_at_the_same_time_is_told_to_wait() {
    let publisher = Publisher::of("arcade.example\n");
    let files = school(&publisher, "").write();
    fs::create_dir_all(files.path("data/lists")).expect("a folder");
    let lock = fs::File::create(files.path("data/lists/fetching.lock")).expect("a lock");
    lock.lock().expect("locked");
    let said = update(&files, &[]);
    assert!(said.code == Some(2) && said.err.contains("another Usher is updating lists"), "{said:?}");
    drop(lock);
    assert_eq!(update(&files, &[]).code, Some(0));
}

#[test]
fn help_may_cover_a_whole_public_suffix_and_nothing_else_may() {
    let files = World::new().listed("help", "nhs.uk").listed("games", "co.uk").write();
    let said = files.usher(&["lists", "check"]);
    assert!(said.code == Some(1) && said.out.contains("co.uk: would block all of co.uk") && !said.out.contains("nhs.uk:"), "{said:?}");
}

#[test]
fn an_older_generation_comes_back_and_is_held_until_somebody_updates() {
    let publisher = Publisher::of("arcade.example\n");
    let files = school(&publisher, "").write();
    update(&files, &[]);
    publisher.offers("arcade.example\nplay.example\n");
    update(&files, &[]);
    assert!(is_blocked(&files, "play.example"));
    let said = files.usher(&["lists", "rollback", "--reason", "play is a theatre"]);
    assert!(said.code == Some(0) && said.out.contains("generation 1"), "{said:?}");
    assert!(!is_blocked(&files, "play.example") && is_blocked(&files, "arcade.example"));
    let shown = status(&files);
    assert_eq!((&shown["light"], &shown["generation"]["held"]["why"]), (&"amber".into(), &"play is a theatre".into()));
    let history = files.usher(&["lists", "history"]);
    assert!(history.out.contains("rolled back") && history.out.contains("play is a theatre"), "{history:?}");
    assert_eq!(files.usher(&["lists", "rollback", "99", "--reason", "x"]).code, Some(2));
    assert_eq!(update(&files, &[]).code, Some(0));
    assert!(is_blocked(&files, "play.example"));
}

#[test]
fn a_damaged_generation_is_never_trusted_and_is_made_again() {
    let publisher = Publisher::of("arcade.example\n");
    let files = Arc::new(school(&publisher, "").write());
    update(&files, &[]);
    let path = files.path("data/lists/generations/000001.usher");
    let whole = fs::read(&path).expect("a generation");
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for damaged in [&whole[..whole.len() / 2], &flipped, b""] {
        fs::remove_file(&path).expect("removed");
        fs::write(&path, damaged).expect("damaged");
        assert_eq!(status(&files)["light"], "red");
        assert!(is_blocked(&files, "arcade.example"), "a command reads the lists themselves");
        let usher = Program::start(files.clone());
        assert!(usher.get("http://arcade.example/").starts_with("HTTP/1.1 403"));
        drop(usher);
        assert_eq!(fs::read(&path).expect("made again"), whole, "the same lists make the same bytes");
        assert!(files.usher(&["lists", "history"]).out.contains("were made again"));
    }
}
