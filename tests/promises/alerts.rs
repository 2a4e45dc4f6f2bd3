//! Alerts: what a child in danger types is stated at once, once, and with its reasons; what pages load by themselves is not.

use crate::kit::matters::{search, searching, short, stated_in};
use crate::kit::{Origin, Person, School, World};
use std::time::{Duration, Instant};
use usher::alert::evidence::gather;
use usher::alert::story::{May, Naming, around, line, tell};
use usher::audit::incident::{Act, Incident, Level, Person as Whom};
use usher::audit::query::Row;

/// The longest between an answer and the statement.
const AT_ONCE: Duration = Duration::from_secs(1);
const WORDS: &str = "painless way to die";

fn by_hand<'s>(person: Person<'s>) -> Person<'s> {
    person.with("Sec-Fetch-Mode", "navigate").with("Sec-Fetch-Dest", "document").with("Sec-Fetch-Site", "none").with("Sec-Fetch-User", "?1")
}

fn by_a_page<'s>(person: Person<'s>) -> Person<'s> {
    person.with("Sec-Fetch-Mode", "no-cors").with("Sec-Fetch-Dest", "image").with("Sec-Fetch-Site", "cross-site")
}

/// What is stated once the school has closed: then everything on record was looked at.
async fn at_the_end(school: School) -> Vec<Incident> {
    let files = school.stopped().await;
    stated_in(&files.path("data/log"))
}

#[tokio::test]
async fn what_a_pupil_searches_for_in_danger_is_stated_within_a_second() {
    let (engine, school) = (Origin::saying("results").await, searching().start().await);
    let asked = Instant::now();
    by_hand(school.pupil()).get(&search(engine.address.port(), WORDS)).await;
    let matter = school.matter("danger", |matter| matter.level == Level::Danger).await;
    assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
    let opened = &matter.opened;
    assert_eq!((opened.theme.as_str(), &*opened.group, opened.is_staff, &opened.rule), ("self-harm", "year-7", false, &None));
    assert_eq!(opened.who, Whom::Device("127.0.7.1".into()));
    let row = school.rows().into_iter().find(|row| row.term.as_deref() == Some(WORDS)).expect("on record");
    assert_eq!((&opened.records, opened.episode), (&vec![row.number], row.number), "with its evidence");
    assert!(opened.factors.iter().any(|factor| factor.contains("weighs 60 for suicide")), "{:?}", opened.factors);
    assert!(opened.unseen.iter().any(|unseen| unseen.contains("not who sat there")), "{:?}", opened.unseen);
    let stated = format!("{:?}", matter.acts);
    assert!(!stated.contains("painless") && !stated.contains(" die"), "no words of a search are stated: {stated}");
    // The same again is the same matter.
    by_hand(school.pupil()).get(&search(engine.address.port(), WORDS)).await;
    by_hand(school.pupil()).get("http://hurt.example/").await.is_blocked_because("category");
    let all = at_the_end(school).await;
    assert_eq!((short(&all), all[0].acts.len()), (vec!["self-harm danger 127.0.7.1".to_owned()], 1));
}

#[tokio::test]
async fn a_matter_that_worsens_is_stated_again_and_what_staff_and_strangers_do_is_seen_too() {
    let (engine, school) = (Origin::saying("results").await, searching().user("Kim", "a good password", Some("year-7")).start().await);
    by_hand(school.pupil()).get("http://hurt.example/").await.is_blocked_because("category");
    let first = school.matter("concern", |matter| matter.level == Level::Concern).await;
    by_hand(school.pupil()).get(&search(engine.address.port(), WORDS)).await;
    let worse = school.matter("danger", |matter| matter.level == Level::Danger).await;
    assert_eq!(worse.opened.episode, first.opened.episode, "one matter");
    assert!(matches!(worse.acts.last(), Some((_, _, Act::Worsened { records, .. })) if records.len() == 2), "{:?}", worse.acts);
    for person in [school.teacher(), school.stranger(), school.person([127, 0, 7, 5]).who_says("Kim", "a good password")] {
        by_hand(person).get(&search(engine.address.port(), WORDS)).await;
    }
    let all = at_the_end(school).await;
    assert_eq!(short(&all), ["self-harm danger 127.0.7.1", "self-harm danger 127.0.9.1", "self-harm danger 127.0.99.1", "self-harm danger kim"]);
    let of = |group: &str| all.iter().filter(|matter| matter.opened.group == group).map(|matter| matter.opened.is_staff).collect::<Vec<_>>();
    assert_eq!((of("staff"), of("unknown"), of("year-7")), (vec![true], vec![false], vec![false, false]));
}

#[tokio::test]
async fn what_a_page_loads_and_what_is_read_on_sites_of_help_is_no_matter() {
    let world = searching().listed("help", "helpline.example").listed("self-harm", "helpline.example").edited("block = [", "allow = [\"help\"]\nblock = [");
    let (engine, school) = (Origin::saying("results").await, world.named("helpline.example", "127.0.0.1").start().await);
    let port = engine.address.port();
    for path in ["search", "complete/search"] {
        let url = search(port, WORDS).replace("search", path);
        by_a_page(school.pupil()).get(&url).await;
        by_a_page(school.person([127, 0, 7, 2])).get(&url.replace("die", "die+lethal+method")).await;
    }
    by_a_page(school.pupil()).get("http://hurt.example/picture").await;
    by_hand(school.person([127, 0, 7, 3])).get(&format!("http://helpline.example:{port}/")).await;
    // What is half typed is nothing yet.
    by_hand(school.person([127, 0, 7, 4])).get(&search(port, "painless way to").replace("search", "complete/search")).await;
    // A link is no search of one's own.
    let clicked = school.person([127, 0, 7, 6]).with("Sec-Fetch-Mode", "navigate").with("Sec-Fetch-Dest", "document").with("Sec-Fetch-Site", "cross-site");
    clicked.with("Sec-Fetch-User", "?1").get(&search(port, WORDS)).await;
    let rows = school.rows();
    assert_eq!(rows.iter().filter(|row| row.term.is_some()).count(), 6, "all of it is on record");
    assert_eq!(short(&at_the_end(school).await), [] as [&str; 0]);
}

#[tokio::test]
async fn the_words_of_a_page_count_whether_they_were_noted_or_withheld() {
    let page = "<p>painless way to die, lethal method, goodbye note</p>";
    for (on_hit, level) in [("note", "concern"), ("withhold", "concern")] {
        let origin = Origin::giving("Content-Type: text/html\r\n", page).await;
        let school = World::new().reading(&format!("{{ threshold = 100, on_hit = \"{on_hit}\" }}")).start().await;
        by_hand(school.pupil()).get(&origin.url("/page")).await;
        let all = at_the_end(school).await;
        assert_eq!(short(&all), [format!("self-harm {level} 127.0.7.1")], "{on_hit}");
        let factor = "The words of the page came to 120 points of suicide; 100 are the group's limit.";
        assert!(all[0].opened.factors.iter().any(|known| known == factor), "{on_hit}: {:?}", all[0].opened.factors);
    }
}

#[tokio::test]
async fn what_is_against_the_law_and_ways_round_are_matters() {
    let world = searching().listed("bypass", "vpn.example").edited("block = [\"games\"", "block = [\"games\"");
    let school = world.start().await;
    by_hand(school.pupil()).get("http://abuse.example/").await.is_blocked_because("always-blocked");
    by_a_page(school.person([127, 0, 7, 2])).get("http://terror.example/banner").await.is_blocked_because("always-blocked");
    assert_eq!(short(&at_the_end(school).await), ["illegal concern 127.0.7.2", "illegal danger 127.0.7.1"]);
}

#[tokio::test]
async fn a_theme_of_self_harm_that_is_suppressed_is_held_back_as_far_as_it_is_no_danger() {
    let engine = Origin::saying("results").await;
    let port = engine.address.port();
    let files = searching().start().await.stopped().await;
    let lesson = ["--until", "2026-12-24", "--reason", "a lesson on feelings", "--as", "Ms Bell"];
    let said = files.usher(&[&["alerts", "suppress", "--pattern", "theme:self-harm"], &lesson[..]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let school = School::open(files).await;
    by_hand(school.pupil()).get("http://hurt.example/").await.is_blocked_because("category");
    by_hand(school.pupil()).get("http://hurt.example/again").await.is_blocked_because("category");
    by_hand(school.person([127, 0, 7, 2])).get(&search(port, WORDS)).await;
    assert_eq!(short(&at_the_end(school).await), ["self-harm danger 127.0.7.2"]);
}

#[tokio::test]
async fn a_start_states_nothing_twice_and_nothing_that_was_before_anybody_looked() {
    let (engine, mut school) = (Origin::saying("results").await, searching().start().await);
    let url = search(engine.address.port(), WORDS);
    by_hand(school.pupil()).get(&url).await;
    for is_kept in [true, false] {
        let files = school.stopped().await;
        if !is_kept {
            std::fs::remove_dir_all(files.path("data/alerts")).expect("removed");
        }
        school = School::open(files).await;
        by_hand(school.pupil()).get(&url).await;
        by_hand(school.person([127, 0, 7, if is_kept { 2 } else { 3 }])).get(&url).await;
    }
    let files = school.stopped().await;
    let of = |last: u8| format!("self-harm danger 127.0.7.{last}");
    assert_eq!(short(&stated_in(&files.path("data/log"))), [of(1), of(2), of(3)]);
    assert!(stated_in(&files.path("data/log")).iter().all(|matter| matter.acts.len() == 1));
    // As after an update from a version that had no alerts: what is on record already tells nobody, though it is known.
    let log = files.path("data/log/journal.db");
    let journal = rusqlite::Connection::open(log).expect("opened");
    journal.execute_batch("DELETE FROM statements WHERE kind = 'alert'; DROP TABLE keys;").expect("forgotten");
    drop(journal);
    std::fs::remove_dir_all(files.path("data/alerts")).expect("removed");
    let school = School::open(files).await;
    by_hand(school.person([127, 0, 7, 4])).get(&url).await;
    assert_eq!(short(&at_the_end(school).await), [of(4)]);
}

#[tokio::test]
async fn what_became_part_of_a_matter_is_part_of_it_after_a_start_whatever_was_kept() {
    const DRUGS: &str = "how do i buy weed from a dealer near school";
    const FIGHT: &str = "how to start a fight at school";
    const WORSE: &str = "how to attack the muslim kids in my class";
    let engine = Origin::saying("results").await;
    let mut world = World::new().named("www.google.co.uk", "127.0.0.1").shipped_phrases();
    for name in ["kim", "lee"] {
        world = world.user(name, "a good password", Some("year-7"));
    }
    let mut school = world.start().await;
    let asks = async |school: &School, name: &str, words: &str| {
        by_hand(school.person([127, 0, 7, 5]).who_says(name, "a good password")).get(&search(engine.address.port(), words)).await;
    };
    for (name, is_kept) in [("kim", true), ("lee", false)] {
        asks(&school, name, DRUGS).await;
        asks(&school, name, FIGHT).await;
        let of = Whom::User(name.into());
        let matter = school.matter("two themes", |matter| matter.opened.who == of && matter.themes().eq(["drugs", "violence"])).await;
        let files = school.stopped().await;
        // Nothing new joins a matter that is closed; what is part of it still is.
        let id = matter.opened.episode.to_string();
        let outcome = ["--outcome", "talked", "--action", "Spoke with them", "--reason", "All is well", "--as", "Ms Bell"];
        let said = files.usher(&[&["alerts", "close", &id], &outcome[..]].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        if !is_kept {
            std::fs::remove_dir_all(files.path("data/alerts")).expect("removed");
        }
        school = School::open(files).await;
        asks(&school, name, WORSE).await;
    }
    let all = at_the_end(school).await;
    assert_eq!(short(&all), ["drugs danger kim", "drugs danger lee"]);
    assert!(all.iter().all(|matter| matter.themes().eq(["drugs", "violence"]) && matter.closed.is_none()), "{all:?}");
}

#[tokio::test]
async fn a_matter_is_told_with_its_hour_and_its_neighbours_and_without_words_unless_they_are_wanted() {
    let (engine, school) = (Origin::saying("results").await, searching().start().await);
    let port = engine.address.port();
    by_hand(school.pupil()).get(&format!("http://news.example:{port}/before")).await;
    for last in [1, 2, 3] {
        by_hand(school.person([127, 0, 7, last])).get("http://hurt.example/secret-page").await.is_blocked_because("category");
    }
    by_hand(school.pupil()).get(&search(port, WORDS)).await;
    school.after(30);
    by_hand(school.pupil()).get(&format!("http://news.example:{port}/after")).await;
    school.after(45);
    by_hand(school.pupil()).get(&format!("http://news.example:{port}/much-later")).await;
    let is_his = |matter: &Incident| matter.opened.who == Whom::Device("127.0.7.1".into()) && matter.level == Level::Danger;
    let matter = school.matter("danger", is_his).await;
    let evidence = gather(&school.log(), &matter, &school.matters(), jiff::Timestamp::UNIX_EPOCH).expect("the log is read");
    let paths = |rows: &[Row]| rows.iter().map(|row| row.path.split(['?', '/']).nth(1).unwrap_or_default().to_owned()).collect::<Vec<_>>();
    assert_eq!(paths(&evidence.records), ["secret-page", "search"]);
    assert_eq!(paths(&evidence.around), ["before", "secret-page", "search", "after"], "an hour each side");
    assert_eq!((evidence.beside.len(), evidence.beside[0].others, &evidence.beside[0].groups), (1, 2, &vec!["year-7".to_owned()]));
    let zone = jiff::tz::TimeZone::get("Europe/London").expect("a zone");
    let told = |names, words| {
        let account = tell(&matter, matter.level, (&evidence.records, 12), &evidence.unseen, May { names, words }, &zone);
        let hour: Vec<_> = evidence.around.iter().map(|row| line(row, words, &zone)).collect();
        (account.clone(), format!("{account:?} {hour:?}"))
    };
    let (plain, all) = told(Naming::Nobody, false);
    assert_eq!(plain.headline, "A pupil of year-7: danger, by 2 signs of self-harm, Wednesday 25 November, 10:00.");
    for hidden in ["painless", "127.0.7.1", "secret-page"] {
        assert!(!all.contains(hidden), "{hidden}: {all}");
    }
    assert_eq!(plain.happened[1].text, "typed a search at Google; it was let through");
    assert!(plain.happened[0].text.ends_with("listed under self-harm; it was blocked") && !plain.happened[0].reason.is_empty(), "{:?}", plain.happened);
    let beside = around(&evidence, &zone);
    assert!(beside.iter().any(|line| line.starts_with("2 others were at hurt.example")), "{beside:?}");
    let (named, _) = told(Naming::Named, true);
    assert!(named.headline.starts_with("Somebody at 127.0.7.1 (year-7): danger") && named.happened[1].text.contains(WORDS), "{named:?}");
    let (covered, all) = told(Naming::As("device-7f3ak2"), false);
    assert!(covered.headline.starts_with("Somebody at device-7f3ak2 (year-7)") && !all.contains("127.0.7.1"), "{covered:?}");
}
