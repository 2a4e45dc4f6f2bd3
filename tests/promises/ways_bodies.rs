//! Promise: a web proxy's program, what a bare server says of itself, and a page that is sent as a picture are known by their bytes, however they come. Where
//! a group's pages are held for their words, nothing of them leaves; else they break off; and what a group only notes passes whole and is remarked.

use crate::kit::{Ending, Origin, School, World};
use crate::scanning::{CUT, DANGER, NOTE, WITHHOLD, chunked, closed, get, gzip, harmless};
use crate::ways_requests::remarked;
use usher::audit::incident::Level;
use usher::bypass::Code;

/// A program of Ultraviolet's, as its names tell.
const KIT: &str = "self.__uv$config = { prefix: '/a/' }; const worker = new UVServiceWorker(); self.onfetch = event => worker.fetch(event);";
const MANIFEST: &str =
    "{\n\t\"versions\": [\n\t\t\"v1\",\n\t\t\"v2\",\n\t\t\"v3\"\n\t],\n\t\"language\": \"NodeJS\",\n\t\"memoryUsage\": 21.53,\n\t\"project\": {}\n}";

fn script(before: usize) -> String {
    format!("{}\n{KIT}", (0..before / 40).map(|n| format!("// The {n:>10}th line of it says nothing.\n")).collect::<String>())
}

async fn site(fields: &str, body: &[u8], size: usize) -> Origin {
    Origin::answering(chunked(fields, body, size)).await
}

async fn is_withheld(school: &School, fields: &str, body: &[u8], size: usize, path: &str, code: Code) {
    let reply = get(school, &site(fields, body, size).await, path).await;
    assert!(reply.status == 403 && !reply.text().contains("__uv") && reply.text().contains(code.words()), "{path}: {} {}", reply.status, reply.text());
    let blocked = closed(school, path, "blocked").await;
    assert_eq!((blocked.reason.as_str(), blocked.class.as_str()), (code.as_str(), "blocked"), "{path}");
    assert_eq!(closed(school, path, "allowed").await.outcome.as_deref(), Some("withheld"), "{path}");
}

#[tokio::test]
async fn where_pages_are_held_nothing_of_it_leaves_in_whatever_coding_and_pieces_it_comes() {
    let school = World::new().reading(WITHHOLD).start().await;
    let (short, long, page) = (script(0), script(20_000), format!("<!doctype html><script>{KIT}</script>"));
    let types = ["text/javascript", "application/javascript; charset=utf-8", "text/html", "text/plain"];
    for (number, declared) in types.into_iter().enumerate() {
        for size in [1, 7, 5000] {
            let fields = format!("Content-Type: {declared}\r\n");
            is_withheld(&school, &fields, short.as_bytes(), size, &format!("/short/{number}/{size}"), Code::KitText).await;
            let fields = format!("{fields}Content-Encoding: gzip\r\n");
            is_withheld(&school, &fields, &gzip(long.as_bytes()), size, &format!("/gzip/{number}/{size}"), Code::KitText).await;
        }
    }
    is_withheld(&school, "Content-Type: text/html\r\nContent-Encoding: zstd\r\n", &zstd(&page), 9, "/zstd", Code::KitText).await;
    is_withheld(&school, "", page.as_bytes(), 9, "/untyped", Code::KitText).await;
    for (path, declared) in [("/manifest", "application/json"), ("/said", "Application/JSON; charset=utf-8")] {
        is_withheld(&school, &format!("Content-Type: {declared}\r\n"), MANIFEST.as_bytes(), 5, path, Code::BareServer).await;
    }
    is_withheld(&school, "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", &gzip(MANIFEST.as_bytes()), 5, "/packed", Code::BareServer).await;
}

fn zstd(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 3).expect("in memory")
}

#[tokio::test]
async fn what_is_not_held_breaks_off_before_the_name_that_makes_it_certain() {
    for (number, (world, fields, body)) in [
        (World::new().reading(CUT), "Content-Type: text/javascript\r\n", script(30_000).into_bytes()),
        (World::new().reading(NOTE), "Content-Type: text/javascript\r\nContent-Encoding: gzip\r\n", gzip(script(30_000).as_bytes())),
        // Nobody reads for words.
        (World::new(), "Content-Type: text/html\r\n", script(30_000).into_bytes()),
        (World::new(), "Content-Type: image/x-icon\r\n", format!("(()=>{{{KIT}}})()").into_bytes()),
        (World::new(), "Content-Type: application/octet-stream\r\n", format!("(()=>{{{KIT}}})()").into_bytes()),
        (World::new().reading(CUT), "Content-Type: font/woff2\r\n", format!("const x = 1; {KIT}").into_bytes()),
    ]
    .into_iter()
    .enumerate()
    {
        let school = world.start().await;
        let reply = get(&school, &site(fields, &body, 64).await, "/kit").await;
        assert!(reply.status == 200 && reply.ending != Ending::Whole && !reply.text().contains("UVServiceWorker"), "{number}: {reply:?}");
        assert_eq!(closed(&school, "/kit", "blocked").await.reason, "kit-text", "{number}");
        let first = closed(&school, "/kit", "allowed").await;
        assert_eq!(first.outcome.as_deref(), Some("cut"), "{number}: {first:?}");
        assert_eq!(remarked(&first), [(Code::KitText, 20, None)], "{number}: how sure it was");
    }
    // A page says where it ends.
    let school = World::new().reading(CUT).start().await;
    let page = format!("<!doctype html><p>Maths</p><script>{}</script>", script(30_000));
    let reply = get(&school, &site("Content-Type: text/html\r\n", page.as_bytes(), 64).await, "/page").await;
    assert!(reply.ending == Ending::Whole && reply.text().contains("This page ends here.</b> The page holds the program of a known web proxy."), "{reply:?}");
}

/// What is blocked says by its record which kind it is; a page with one name of a kit and one with two are of one kind, and only the second is a matter.
#[tokio::test]
async fn a_program_that_is_nearly_certain_is_a_matter_also_where_nothing_of_it_passed() {
    for (world, path) in [(World::new(), "/cut"), (World::new().reading(WITHHOLD), "/withheld")] {
        let school = world.start().await;
        let once = site("Content-Type: text/javascript\r\n", b"self.__uv$config = {};", 64).await;
        get(&school, &once, "/one-name").await;
        get(&school, &site("Content-Type: text/javascript\r\n", script(30_000).as_bytes(), 64).await, path).await;
        let matter = school.matter("a way round", |matter| matter.opened.theme == "bypass").await;
        let certain = closed(&school, path, "allowed").await;
        assert_eq!((matter.opened.episode, matter.level), (certain.number, Level::Concern), "{path}: {matter:?}");
    }
}

#[tokio::test]
async fn what_only_scores_or_is_only_noted_passes_as_it_came_and_is_remarked() {
    let one = "self.__uv$config = {};";
    let lie = "<!doctype html><title>Maths</title>";
    let near = "ways = { near = \"note\" }\nmembers =";
    for (number, (world, declared, body, expected)) in [
        (World::new(), "text/javascript", one, vec![(Code::KitText, 8)]),
        (World::new().reading(WITHHOLD), "text/javascript", one, vec![(Code::KitText, 8)]),
        (World::new(), "image/png", lie, vec![(Code::TypeLie, 4)]),
        (World::new().reading(WITHHOLD), "audio/mpeg", lie, vec![(Code::TypeLie, 4)]),
        // It is said once, with what it comes to in the end.
        (World::new().edited("members =", near), "text/javascript", KIT, vec![(Code::KitText, 20)]),
        (World::new().reading(WITHHOLD).edited("members =", near), "application/json", MANIFEST, vec![(Code::BareServer, 20)]),
        (World::new().edited("members =", "ways = { allow = [\"kit-text\"] }\nmembers ="), "text/javascript", KIT, vec![]),
        (World::new().edited("members =", "ways = { scores = \"nothing\" }\nmembers ="), "image/png", lie, vec![]),
        // A list knows the site.
        (World::new().listed("help", "news.example"), "image/png", lie, vec![]),
        (World::new(), "image/svg+xml", lie, vec![]),
        (World::new(), "text/css", KIT, vec![]),
    ]
    .into_iter()
    .enumerate()
    {
        let school = world.start().await;
        let origin = Origin::giving(&format!("Content-Type: {declared}\r\nAccept-Ranges: bytes\r\n"), body).await;
        let reply = get(&school, &origin, "/x").await;
        assert_eq!((reply.status, reply.text().as_str(), reply.ending), (200, body, Ending::Whole), "{number}");
        let fields = ["content-length", "accept-ranges"].map(|name| reply.field(name).unwrap_or_default());
        assert_eq!(fields, [body.len().to_string(), "bytes".to_owned()], "{number}");
        let said: Vec<_> = remarked(&closed(&school, "/x", "allowed").await).into_iter().map(|(code, points, _)| (code, points)).collect();
        assert_eq!(said, expected, "{number}");
    }
}

#[tokio::test]
async fn words_and_ways_are_said_beside_one_another() {
    let school = World::new().reading(NOTE).start().await;
    let body = format!("{DANGER}<script>self.__uv$config = {{}}</script>");
    let origin = Origin::giving("Content-Type: text/html\r\n", &body).await;
    assert_eq!(get(&school, &origin, "/both").await.text(), body);
    let row = closed(&school, "/both", "allowed").await;
    assert_eq!(remarked(&row), [(Code::KitText, 8, None)]);
    assert!(row.remarks.iter().any(|remark| remark == "{words suicide 120/100 down}"), "{row:?}");
}

#[tokio::test]
async fn what_is_packed_passes_unread_where_nobody_reads_and_what_is_far_behind_passes_everywhere() {
    let school = World::new().start().await;
    let origin = site("Content-Type: text/javascript\r\nContent-Encoding: gzip\r\n", &gzip(KIT.as_bytes()), 100).await;
    let reply = get(&school, &origin, "/packed").await;
    assert!(reply.body == gzip(KIT.as_bytes()) && reply.ending == Ending::Whole);
    assert_eq!(remarked(&closed(&school, "/packed", "allowed").await), []);
    let origin = Origin::giving("Content-Type: text/html\r\n", format!("{}{KIT}", harmless(600_000))).await;
    assert_eq!(get(&school, &origin, "/far").await.ending, Ending::Whole);
    assert_eq!(remarked(&closed(&school, "/far", "allowed").await), []);
}

#[tokio::test]
async fn what_came_before_a_site_broke_off_still_comes() {
    for (number, world) in [World::new(), World::new().reading(NOTE), World::new().reading(CUT), World::new().reading(WITHHOLD)].into_iter().enumerate() {
        let school = world.start().await;
        let origin = Origin::doing(|mut visit| async move {
            visit.request().await;
            visit.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n<p>Maths</p>").await;
        })
        .await;
        let reply = get(&school, &origin, "/half").await;
        assert_eq!((reply.status, reply.text().as_str(), reply.ending), (200, "<p>Maths</p>", Ending::Cut), "{number}");
        assert_eq!(closed(&school, "/half", "allowed").await.outcome.as_deref(), Some("origin-failed"), "{number}");
    }
}
