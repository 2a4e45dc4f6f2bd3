//! Promise: what a chat service is asked is on record before its answer, in the person's words, and nothing of it is held back on its way.

use crate::kit::device::Device;
use crate::kit::secure::{Authority, Good, SecureSite};
use crate::kit::{Origin, Program, School, Wire, World, soon};
use crate::scanning::gzip;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use usher::app;
use usher::audit::query::Row;
use usher::config::Config;
use usher::host::Host;
use usher::insight::ai;

const ASKED: &str = r#"{"action":"next","messages":[{"author":{"role":"user"},"content":{"content_type":"text","parts":["How do volcanoes\nerupt?"]}}]}"#;
const PATH: &str = "/backend-api/conversation";

fn world() -> World {
    let world = World::new().user("7-ann", "right", None);
    ["chatgpt.com", "meta.ai", "claude.ai"].into_iter().fold(world, |world, host| world.named(host, "127.0.0.1"))
}

/// What was asked of chat services, newest first.
fn prompts(rows: Vec<Row>) -> Vec<Row> {
    rows.into_iter().filter(|row| row.term.is_some()).collect()
}

/// A site that reads whole requests and answers.
async fn answering() -> Origin {
    Origin::answering("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 14\r\n\r\ndata: [DONE]\n\n").await
}

async fn ask(school: &School, host: &str, origin: &Origin, path: &str, fields: &str, body: &str) {
    let mut wire = school.wire().await;
    let authority = format!("{host}:{}", origin.address.port());
    wire.send(format!("POST http://{authority}{path} HTTP/1.1\r\nHost: {authority}\r\n{fields}\r\n{body}")).await;
    assert_eq!(wire.reply().await.status, 200);
}

#[tokio::test]
async fn what_was_asked_is_on_record_before_the_answer() {
    let (origin, school) = (answering().await, world().start().await);
    let page = format!("http://chatgpt.com:{}/", origin.address.port());
    let login = "Basic Ny1hbm46cmlnaHQ=";
    let visit =
        school.pupil().with("Proxy-Authorization", login).with("Sec-Fetch-Mode", "navigate").with("Sec-Fetch-Dest", "document").with("Sec-Fetch-User", "?1");
    visit.get(&page).await;
    let fields = format!(
        "Content-Length: {}\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\nSec-Fetch-Site: same-origin\r\nReferer: {page}\r\nProxy-Authorization: {login}\r\n",
        ASKED.len()
    );
    ask(&school, "chatgpt.com", &origin, PATH, &fields, ASKED).await;
    // The answer has come: the record is there.
    let rows = school.rows();
    let [prompt] = &prompts(rows.clone())[..] else { panic!("{rows:?}") };
    assert_eq!((prompt.engine.as_deref(), prompt.term.as_deref(), prompt.stage.as_deref()), (Some("chatgpt"), Some("How do volcanoes erupt?"), Some("asked")));
    assert_eq!((prompt.class.as_str(), prompt.kind.as_str(), prompt.verdict.as_str()), ("search", "search", "allowed"));
    let visit = rows.iter().find(|row| row.kind == "visit").expect("the visit");
    assert_eq!(prompt.cause.as_ref(), Some(&visit.id), "it hangs from the page it was asked on");
    assert_eq!((prompt.host.as_str(), prompt.path.as_str()), ("chatgpt.com", PATH));
    // What went to the service is what was sent.
    assert!(origin.seen().iter().any(|seen| seen.ends_with(ASKED)));
    let said = school.files.usher(&["log", "search", "--kind", "search", "--text", "volcanoes"]);
    assert!(said.out.contains("asked ChatGPT: \"How do volcanoes erupt?\""), "{said:?}");
    let said = school.files.usher(&["log", "timeline", "--user", "7-ann", "--day", "2026-11-25", "--reason", "a test of the record"]);
    assert!(said.out.contains("asked") && said.out.contains("ChatGPT: \"How do volcanoes erupt?\""), "{said:?}");
}

#[tokio::test]
async fn in_whatever_pieces_and_forms_it_is_sent_it_is_read() {
    let (origin, school) = (answering().await, world().start().await);
    let chunked: String = ASKED.as_bytes().chunks(9).map(|piece| format!("{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece))).collect();
    ask(&school, "chatgpt.com", &origin, PATH, "Transfer-Encoding: chunked\r\n", &format!("{chunked}0\r\n\r\n")).await;
    let form = "fb_api_req_friendly_name=useAbraSendMessageMutation&variables=%7B%22message%22%3A%7B%22sensitive_string_value%22%3A%22draw+a+cat%22%7D%7D";
    ask(&school, "meta.ai", &origin, "/api/graphql/", &format!("Content-Length: {}\r\n", form.len()), form).await;
    let asked: Vec<_> = prompts(school.rows()).into_iter().map(|row| (row.engine.unwrap_or_default(), row.term.unwrap_or_default())).collect();
    assert_eq!(asked, [("meta-ai".to_owned(), "draw a cat".to_owned()), ("chatgpt".to_owned(), "How do volcanoes erupt?".to_owned())]);
}

#[tokio::test]
async fn it_is_read_in_whatever_coding_it_is_sent() {
    let (origin, school) = (answering().await, world().start().await);
    let zstd = zstd::encode_all(ASKED.as_bytes(), 3).expect("in memory");
    let deflate = {
        let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        deflate.write_all(ASKED.as_bytes()).expect("in memory");
        deflate.finish().expect("in memory")
    };
    let packed = gzip(ASKED.as_bytes());
    let cases = [("gzip", packed.clone()), ("deflate", deflate), ("zstd", zstd), ("identity, x-gzip, gzip", gzip(&packed))];
    for (number, (coding, body)) in cases.iter().enumerate() {
        let mut wire = school.wire().await;
        let authority = format!("chatgpt.com:{}", origin.address.port());
        let head = format!("POST http://{authority}{PATH} HTTP/1.1\r\nHost: {authority}\r\nContent-Encoding: {coding}\r\nTransfer-Encoding: chunked\r\n\r\n");
        wire.send(head).await;
        for piece in body.chunks(11) {
            wire.send([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()).await;
        }
        wire.send("0\r\n\r\n").await;
        assert_eq!(wire.reply().await.status, 200);
        let asked = prompts(school.rows());
        assert_eq!((asked.len(), asked[0].term.as_deref()), (number + 1, Some("How do volcanoes erupt?")), "{coding}");
        // It went on as it came.
        assert!(origin.seen().last().is_some_and(|seen| seen.contains(&format!("content-encoding: {coding}"))));
    }
    // What cannot be undone is said to be.
    ask(&school, "chatgpt.com", &origin, PATH, "Content-Encoding: dcb\r\nContent-Length: 2\r\n", "xy").await;
    assert_eq!(prompts(school.rows()).len(), cases.len());
    soon("the record", async {
        while !school.rows().iter().any(|row| row.note.as_deref().is_some_and(|note| note.contains("what was asked was not read") && note.contains("dcb"))) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_no_prompt_makes_no_record_of_one() {
    let (origin, school) = (answering().await, world().start().await);
    let length = |body: &str| format!("Content-Length: {}\r\n", body.len());
    for (host, path, body) in
        [("chatgpt.com", PATH, "{}"), ("chatgpt.com", "/backend-api/settings", ASKED), ("news.example", PATH, ASKED), ("chatgpt.com", PATH, "")]
    {
        ask(&school, host, &origin, path, &length(body), body).await;
    }
    assert!(prompts(school.rows()).is_empty());
}

#[tokio::test]
async fn what_staff_ask_is_kept_as_what_staff_do() {
    let (origin, school) = (answering().await, world().start().await);
    school.teacher().post(&format!("http://chatgpt.com:{}{PATH}", origin.address.port()), ASKED).await;
    assert_eq!(prompts(school.rows())[0].class, "staff");
}

#[tokio::test]
async fn a_prompt_is_on_record_also_where_the_service_answers_before_it_is_whole_or_the_asker_goes_away() {
    let school = world().start().await;
    let early = Origin::doing(|mut visit| async move {
        visit.head().await;
        visit.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        visit.gone().await;
    })
    .await;
    let authority = format!("claude.ai:{}", early.address.port());
    let half = r#"{"prompt":"half a quest"#;
    let mut wire: Wire = school.wire().await;
    wire.send(format!(
        "POST http://{authority}/api/organizations/x/chat_conversations/y/completion HTTP/1.1\r\nHost: {authority}\r\nContent-Length: 500\r\n\r\n{half}"
    ))
    .await;
    drop(wire);
    soon("the record", async {
        while !prompts(school.rows()).iter().any(|row| row.term.as_deref() == Some("half a quest")) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_breaks_off_before_the_answer_has_asked_all_the_same() {
    let school = world().start().await;
    let silent = Origin::doing(|mut visit| async move {
        visit.head().await;
        visit.gone().await;
    })
    .await;
    let authority = format!("chatgpt.com:{}", silent.address.port());
    let mut wire: Wire = school.wire().await;
    wire.send(format!("POST http://{authority}{PATH} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: {}\r\n\r\n{ASKED}", ASKED.len())).await;
    soon("the whole of it at the service", async {
        while silent.seen().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(wire);
    soon("the record", async {
        while !prompts(school.rows()).iter().any(|row| row.term.as_deref() == Some("How do volcanoes erupt?")) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[test]
fn the_hosts_of_chat_services_are_listed_as_what_they_are() {
    let config = Config::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config/usher.toml")).unwrap_or_else(|problems| panic!("{problems}"));
    let snapshot = app::look(&config, [7; 32]).unwrap_or_else(|error| panic!("{error}"));
    let tools = snapshot.taxonomy.find("ai-tools").expect("a category");
    // Sites that do much else are not their chats.
    let other = ["x.com", "twitter.com", "duckduckgo.com"];
    let is_listed = |host: &str| snapshot.lists.look_up_host(&Host::parse(host).expect("a host")).categories.contains(tools);
    let missing: Vec<_> = ai::hosts().filter(|host| !other.contains(host) && !is_listed(host)).collect();
    assert_eq!(missing, [] as [&str; 0]);
    assert!(snapshot.policy.inspection.search.contains(tools), "what is looked into where only searches are");
}

#[tokio::test]
async fn over_https_chat_services_are_looked_into_where_search_engines_are() {
    let believed = Authority::new("A public authority");
    let site = SecureSite::saying("data: [DONE]\n\n", &believed, &["chatgpt.com"], Good::Now).await;
    let files = world().inspecting().tls("authorities = [\"public.pem\"]").write();
    files.put("public.pem", &believed.pem());
    files.edit("policy.toml", "inspect = \"all\"", "inspect = \"search\"");
    assert_eq!(files.usher(&["ca", "create", "--name", "Example School"]).code, Some(0));
    let usher = Program::start(Arc::new(files));
    let device = Device::of(&usher.files, usher.address);
    let authority = format!("chatgpt.com:{}", site.address.port());
    let mut tls = device.secure(&authority, "chatgpt.com").await.expect("the school's certificate");
    let request = format!("POST {PATH} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{ASKED}", ASKED.len());
    tls.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    let _ = soon("an answer", tls.read_to_end(&mut answer)).await;
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    soon("the record", async {
        while !prompts(usher.rows()).iter().any(|row| row.scheme == "https" && row.term.as_deref() == Some("How do volcanoes erupt?")) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
