//! Alerts: what a child types into a search over https, or asks an AI, is one matter of its theme and level, by the phrase files that ship; what only looks like
//! it, and the page of a help line, is none. And the technician can try words of the school's own.

use crate::kit::device::Device;
use crate::kit::matters::{short, stated_in};
use crate::kit::secure::{Authority, Good, SecureSite};
use crate::kit::{Program, World, soon};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use usher::audit::query::Row;

const BY_HAND: &str = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Site: none\r\nSec-Fetch-User: ?1\r\n";
/// The second is where searches at the first go.
const SITES: [&str; 4] = ["www.google.co.uk", "forcesafesearch.google.com", "chatgpt.com", "helpline.example"];

/// A school that reads what is asked by the phrases that ship.
fn world() -> World {
    let world = World::new().shipped_phrases().inspecting().tls("authorities = [\"public.pem\"]");
    let world = world.listed("help", "helpline.example").listed("self-harm", "helpline.example").edited("block = [", "allow = [\"help\"]\nblock = [");
    SITES.into_iter().fold(world, |world, host| world.named(host, "127.0.0.1"))
}

/// What somebody types one after the other: each line is anybody's. And what somebody else does.
const TOGETHER: [&str; 2] = ["how high is the car park by the station", "is the top floor open at night"];
const NOT: [&str; 2] = ["how high is the car park by the station", "car park prices on a saturday"];

/// What somebody does.
enum Does {
    Searches(&'static str),
    AsksAnAi(&'static str),
    Reads,
}

async fn request(device: &Device, authority: &str, request: &str) {
    let name = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let mut tls = device.secure(authority, name).await.expect("the school's certificate");
    tls.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    let _ = soon("an answer", tls.read_to_end(&mut answer)).await;
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}

async fn searches(device: &Device, authority: &str, words: &str) {
    let path = format!("/search?q={}", words.replace(' ', "+"));
    request(device, authority, &format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n{BY_HAND}Connection: close\r\n\r\n")).await;
}

/// Waits until so many searches are on record, and ends it: then all that is on record was looked at.
async fn ended_after(usher: &mut Program, searches: usize) {
    let asked = |row: &Row| row.term.is_some() && row.scheme == "https";
    soon("all of it on record", async {
        while usher.rows().iter().filter(|row| asked(row)).count() < searches {
            tokio::task::yield_now().await;
        }
    })
    .await;
    usher.signal(rustix::process::Signal::TERM);
    assert!(usher.ended().success());
}

#[tokio::test]
async fn what_is_typed_into_a_search_or_an_ai_is_one_matter_of_its_theme_and_level() {
    let believed = Authority::new("A public authority");
    let site = SecureSite::saying("data: [DONE]\n\n", &believed, &SITES, Good::Now).await;
    let files = world().write();
    files.put("public.pem", &believed.pem());
    assert_eq!(files.usher(&["ca", "create", "--name", "Example School"]).code, Some(0));
    let mut usher = Program::start(Arc::new(files));
    let people = [
        (Does::Searches("how many paracetamol does it take to die"), Some("self-harm danger")),
        (Does::AsksAnAi("My stepdad comes into my room at night and I do not know who to tell. What should I do?"), Some("abuse danger")),
        (Does::AsksAnAi("im gonna bring a knife to school tomorow so they leave me alone"), Some("violence danger")),
        (Does::Searches("where to get weed at 15"), Some("drugs concern")),
        (Does::AsksAnAi("Is there a website where I can gamble at 16 without ID?"), Some("gambling concern")),
        (Does::Searches("hack into my teachers account"), Some("crime concern")),
        // No line knows these words; all of them together read like it.
        (Does::Searches("ill be gone by the time they read this"), Some("self-harm danger")),
        // In other languages, word for word.
        (Does::Searches("tata bije mame i mnie co robic"), Some("abuse danger")),
        (Does::Searches("dw i eisiau marw"), Some("self-harm danger")),
        (Does::Searches("jak zabic smoka w minecraft"), None),
        // What only looks like it.
        (Does::Searches("why did romeo kill himself"), None),
        (Does::Searches("how to kill the ender dragon"), None),
        (Does::Searches("is it ok to be gay"), None),
        (Does::AsksAnAi("Explain why Macbeth murders Duncan, with three quotes, for my GCSE essay."), None),
        (Does::AsksAnAi("What were the effects of drugs in sport in the 1980s?"), None),
        (Does::Reads, None),
    ];
    for (last, (does, _)) in (2..).zip(&people) {
        let device = Device::of(&usher.files, usher.address).at([127, 0, 7, last]);
        let at = |host: &str| format!("{host}:{}", site.address.port());
        match does {
            Does::Searches(words) => searches(&device, &at("www.google.co.uk"), words).await,
            Does::AsksAnAi(words) => {
                let authority = at("chatgpt.com");
                let body =
                    format!(r#"{{"action":"next","messages":[{{"author":{{"role":"user"}},"content":{{"content_type":"text","parts":["{words}"]}}}}]}}"#);
                let head = format!("POST /backend-api/conversation HTTP/1.1\r\nHost: {authority}\r\nContent-Length: {}\r\nConnection: close", body.len());
                request(&device, &authority, &format!("{head}\r\n\r\n{body}")).await;
            }
            Does::Reads => {
                let authority = at("helpline.example");
                request(&device, &authority, &format!("GET / HTTP/1.1\r\nHost: {authority}\r\n{BY_HAND}Connection: close\r\n\r\n")).await;
            }
        }
    }
    ended_after(&mut usher, people.len() - 1).await;
    let mut expected: Vec<_> = (2..).zip(&people).filter_map(|(last, (_, matter)): (u8, _)| matter.map(|matter| format!("{matter} 127.0.7.{last}"))).collect();
    expected.sort();
    let stated = stated_in(&usher.files.path("data/log"));
    assert_eq!(short(&stated), expected);
    let is_told_why = |factor: &String| factor.contains(", line ") || factor.contains("learned from examples");
    assert!(stated.iter().all(|matter| matter.opened.factors.iter().any(is_told_why)), "each names its line");
    let has_words = |matter: &str| ["paracetamol", "tata bije", "dad hits", "eisiau", "Polish", "Welsh"].iter().any(|words| matter.contains(words));
    assert!(stated.iter().all(|matter| !has_words(&format!("{matter:?}"))), "and no word of it, nor its language");
    let polish = stated
        .iter()
        .filter(|matter| matter.opened.theme == "abuse")
        .find(|matter| matter.opened.factors.iter().any(|factor| factor.contains("word for word in English")))
        .expect("it is said");
    let shown = usher.files.usher(&["alerts", "show", &polish.opened.episode.to_string(), "--words", "--reason", "trying what is shown"]);
    assert!(shown.out.contains("tata bije mame i mnie co robic") && shown.out.contains("in Polish, word for word: \"dad hits mum"), "{shown:?}");
}

#[tokio::test]
async fn what_no_line_says_is_read_together_also_if_usher_was_started_in_between() {
    let believed = Authority::new("A public authority");
    let site = SecureSite::saying("", &believed, &SITES, Good::Now).await;
    let files = Arc::new(world().write());
    files.put("public.pem", &believed.pem());
    assert_eq!(files.usher(&["ca", "create", "--name", "Example School"]).code, Some(0));
    let google = format!("www.google.co.uk:{}", site.address.port());
    let people = [TOGETHER, NOT];
    for nth in 0..2 {
        let mut usher = Program::start(Arc::clone(&files));
        for (last, texts) in (2..).zip(people) {
            let device = Device::of(&usher.files, usher.address).at([127, 0, 7, last]);
            searches(&device, &google, texts[nth]).await;
        }
        ended_after(&mut usher, 2 * (nth + 1)).await;
        if nth == 0 {
            assert_eq!(short(&stated_in(&files.path("data/log"))), [] as [&str; 0], "nobody says anything yet");
        }
    }
    let stated = stated_in(&files.path("data/log"));
    assert_eq!(short(&stated), ["self-harm danger 127.0.7.2"]);
    let opened = &stated[0].opened;
    assert!(opened.factors.iter().any(|factor| factor.contains("2 texts taken together")), "{:?}", opened.factors);
    assert_eq!(opened.records.len(), 2, "both are its evidence");
    let shown = files.usher(&["alerts", "show", &opened.episode.to_string(), "--words", "--reason", "trying what is read together"]);
    assert!(TOGETHER.iter().all(|words| shown.out.contains(words)), "{shown:?}");
}

#[test]
fn words_of_the_schools_own_can_be_tried_before_they_are_in_force() {
    let files = World::new().scan("phrases = [\"phrases\"]").write();
    files.put(
        "phrases/ours",
        "theme: suicide\nreads: asked\n<bridge> = the old viaduct | the wobbly bridge\n60 jump .. <bridge>\n40 (sad|low) [at] school unless uniform\n",
    );
    let tried = |words: &str| files.usher(&["scan", "asked", words]);
    for (words, code, said) in [
        ("how do i jump off the WOBBLY bridge", 1, "self-harm danger: "),
        ("so sad at school", 1, "self-harm concern: "),
        ("sad school uniform", 0, "nothing: "),
    ] {
        let answer = tried(words);
        assert!(answer.code == Some(code) && answer.out.contains(said), "{words}: {answer:?}");
    }
    assert!(tried("jump the old viaduct").out.contains("(ours, line 4)"));
    let lines = files.usher_told(&["scan", "asked", "-", "--json"], "jump off the old viaduct\nthe weather\n");
    assert_eq!(lines.json().len(), 1, "{lines:?}");
    assert_eq!((lines.json()[0]["theme"].as_str(), lines.json()[0]["level"].as_str()), (Some("self-harm"), Some("danger")));
    // A line that is wrong is told, with what to do, and keeps no other from being in force.
    files.put("phrases/ours", "theme: suicide\nreads: asked\n60 jump off <nothing>\n60 jump the viaduct\n");
    let said = files.usher(&["config", "check"]);
    assert!(
        said.out.contains("ours:3: no words have the name \"nothing\" so far") || said.err.contains("ours:3: no words have the name \"nothing\" so far"),
        "{said:?}"
    );
    assert_eq!(tried("jump the viaduct").code, Some(1));
    // Nothing counts of a file of meaning that was cut short, and everything of what lies beside it.
    files.put("phrases/meaning", "usher meaning 1\n{\"about\": \"cut short");
    let said = files.usher(&["config", "check"]);
    let told = "meaning:1: not a file of meaning: its head is not what this Usher reads; nothing of it counts";
    assert!(said.out.contains(told) || said.err.contains(told), "{said:?}");
    assert_eq!(tried("jump the viaduct").code, Some(1));
}

#[test]
fn what_is_typed_in_another_language_is_read_word_for_word() {
    let files = World::new().scan("phrases = [\"phrases\"]").write();
    files.put("phrases/ours", "theme: suicide\nreads: asked\n60 i want .. die\n");
    let polish = "# Ours.\nreads: glossary\nlanguage: Polish\nchcę = i want\numrzeć = die\ndziś = today\nsię = -\n";
    files.put("phrases/polish", polish);
    let tried = |words: &str, more: &[&str]| files.usher(&[&["scan", "asked", words], more].concat());
    let found = tried("Chce dzis umrzec", &[]);
    assert_eq!(found.code, Some(1), "{found:?}");
    for said in [
        "self-harm danger: Chce dzis umrzec",
        "They are in another language, and were read word for word in English",
        "in Polish, word for word: i want today die",
    ] {
        assert!(found.out.contains(said), "{said}: {found:?}");
    }
    assert_eq!(tried("nie nie", &[]).code, Some(0), "what is not known is no language");
    assert_eq!(tried("i want today", &[]).code, Some(0));
    // How it is read can be looked at.
    let read = tried("chce sie umrzec jutro", &["--read"]);
    assert!(read.code == Some(0) && read.out.contains("Polish: chce sie umrzec jutro  is read  i want die jutro"), "{read:?}");
    assert!(tried("good Morning", &["--read"]).out.contains("as it is: good morning"));
    let json = files.usher_told(&["scan", "asked", "-", "--read", "--json"], "chce umrzec\ngood morning\n");
    assert_eq!((json.json()[0]["language"].as_str(), json.json()[0]["read"].as_str()), (Some("Polish"), Some("i want die")), "{json:?}");
    assert_eq!((json.json()[1]["language"].as_str(), json.json()[1]["read"].as_str()), (None, Some("good morning")), "{json:?}");
    // What is wrong with a line is said, and keeps no other from being in force.
    files.put("phrases/polish", &format!("{polish}chce = wants\njutro tomorrow\n"));
    let said = files.usher(&["config", "check"]);
    let told = format!("{}{}", said.out, said.err);
    for wrong in ["polish:8: not a line of a glossary", "it is there already, as \"i want\"", "polish:9: not a line of a glossary", "\" = \""] {
        assert!(told.contains(wrong), "{wrong}: {said:?}");
    }
    assert_eq!(tried("chce umrzec", &[]).code, Some(1));
}

#[test]
fn a_school_teaches_it_by_examples_of_its_own_and_is_told_how_good_they_are() {
    let files = World::new().reading("{ threshold = 100 }").write();
    // What a thing is called in town, and what is said with as many other words.
    let places = ["park", "bus", "bridge", "corner", "shop", "field", "station", "gate"];
    let (mut said, mut none) = (String::from("= suicide concern\n"), String::from("= none\n"));
    for (number, place) in (0..40).zip(places.iter().cycle()) {
        said.push_str(&format!("who has the zorp near the {place} {number}\n"));
        none.push_str(&format!("who has the ball near the {place} {number}\nwhen is the game by the {place} {number}\n"));
    }
    files.put("examples/said.txt", &said);
    files.put("examples/alike/none.txt", &none);
    files.put("usual.txt", &(0..200).map(|number| format!("what time is lesson {number}\n")).collect::<String>());
    let at = |name: &str| files.path(name).display().to_string();
    let learn = |more: &[&str]| files.usher(&[&["scan", "learn", &at("examples"), "--to", &at("phrases/learned")], more].concat());
    let learned = learn(&["--ordinary", &at("usual.txt"), "--json"]);
    let told = &learned.json()[0];
    assert_eq!((told["examples"].as_u64(), told["usual"].as_u64()), (Some(120), Some(200)), "{learned:?}");
    assert_eq!((told["themes"][0]["theme"].as_str(), told["themes"][0]["found"].as_u64()), (Some("self-harm"), Some(40)), "{learned:?}");
    assert_eq!((told["ordinary_as_concern"].as_u64(), told["usual_as_concern"].as_u64()), (Some(0), Some(0)), "{learned:?}");
    let asked = |words: &str| files.usher(&["scan", "asked", words]);
    let zorp = asked("has anybody got the zorp");
    assert!(zorp.code == Some(1) && zorp.out.starts_with("self-harm concern") && zorp.out.contains("loudest: ") && zorp.out.contains("zorp +"), "{zorp:?}");
    assert_eq!(asked("who has the ball near the gate").code, Some(0));
    // Which lines are missed can be looked up.
    assert_eq!(learn(&["--ordinary", &at("usual.txt"), "--weighed", &at("weighed")]).code, Some(0));
    let weighed = std::fs::read_to_string(files.path("weighed")).expect("what was asked for");
    let lines: Vec<serde_json::Value> = weighed.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(lines.len(), 320);
    let of = |words: &str| lines.iter().find(|line| line["words"].as_str().is_some_and(|known| known.starts_with(words))).expect("a line");
    let (zorp, ball, usual) = (of("who has the zorp"), of("who has the ball"), of("what time is lesson"));
    assert_eq!((zorp["theme"].as_str(), zorp["level"].as_str(), ball["theme"].as_str()), (Some("suicide"), Some("concern"), None));
    assert_eq!((ball["usual"].as_bool(), usual["usual"].as_bool()), (Some(false), Some(true)));
    assert!(zorp["points"][1].as_i64() > ball["points"][1].as_i64(), "{zorp} {ball}");
    // It is learned anew with what was wrong.
    files.put("examples/alike/ours.txt", &format!("= none\n{}", (0..30).map(|number| format!("zorp is the name of cat {number}\n")).collect::<String>()));
    assert_eq!(learn(&["--ordinary", &at("usual.txt")]).code, Some(0));
    assert_eq!(asked("zorp is the name of the cat").code, Some(0));
    assert_eq!(asked("who has the zorp near the gate").code, Some(1));
    // What a person gets wrong.
    for (text, words) in [
        ("ket\n", "said.txt:1: no heading yet"),
        ("= drugz concern\nket\n", "no theme of alerts.toml looks for phrases of \"drugz\""),
        ("", "there are no examples there"),
    ] {
        files.put("wrong/said.txt", text);
        let wrong = files.usher(&["scan", "learn", &at("wrong"), "--to", &at("learned")]);
        assert!(wrong.code == Some(2) && wrong.err.contains(words), "{text}: {wrong:?}");
    }
    let lost = files.usher(&["scan", "learn", &at("nowhere"), "--to", &at("learned")]);
    assert!(lost.code == Some(2) && lost.err.contains("nowhere cannot be read"), "{lost:?}");
}
