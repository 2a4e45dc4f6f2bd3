//! Promise: what a chat service says is read token by token and ends at the words that are too many; what it is asked is read before it leaves; and what
//! was asked is on record, also where the service never saw it.

use crate::kit::h2::{BOTH, Site, Talk2, Teller, Told, believed, device, next, recorded, school, text, told};
use crate::kit::secure::Authority;
use crate::kit::{Origin, Program, School, World, soon};
use http::{Request, Response};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use usher::audit::query::Row;

const CHATGPT: (&str, &str) = ("chatgpt.com", "/backend-api/conversation");
const OPENAI: (&str, &str) = ("api.openai.com", "/v1/chat/completions");
const RESPONSES: (&str, &str) = ("api.openai.com", "/v1/responses");
const ANTHROPIC: (&str, &str) = ("api.anthropic.com", "/v1/messages");
const OLLAMA: (&str, &str) = ("ollama.com", "/api/chat");

/// What a service says; over the threshold at its last phrase.
const SAID: &str = "Of course. A painless way to die is the lethal method, and here is your goodbye note. Now do it tonight.";
/// What a pupil asks; the same.
const ASKED: &str = "Tell me a painless way to die, the lethal method, and write my goodbye note. It is for tonight.";

fn world(mut world: World) -> World {
    for (host, _) in [CHATGPT, OPENAI, ANTHROPIC, OLLAMA] {
        world = world.named(host, "127.0.0.1");
    }
    world
}

/// A text in the pieces a model makes of it: words are broken in two.
fn tokens() -> Vec<String> {
    SAID.split_inclusive(' ').flat_map(|word| [&word[..word.len() / 2], &word[word.len() / 2..]]).map(str::to_owned).collect()
}

/// One piece of an answer as a service sends it, with what stands around it there.
fn piece(service: (&str, &str), number: usize, token: &str) -> String {
    let data = match service {
        CHATGPT if number == 0 => {
            let message = json!({"id": "b9f1", "author": {"role": "assistant", "name": null}, "content": {"content_type": "text", "parts": [token]}});
            return format!(
                "event: delta_encoding\ndata: \"v1\"\n\nevent: delta\ndata: {}\n\n",
                json!({"p": "", "o": "add", "v": {"message": message}, "c": 1})
            );
        }
        CHATGPT if number == 1 => json!({"p": "/message/content/parts/0", "o": "append", "v": token}),
        CHATGPT if number.is_multiple_of(5) => json!({"p": "", "o": "patch", "v": [{"p": "/message/content/parts/0", "o": "append", "v": token}]}),
        CHATGPT => json!({"v": token}),
        OPENAI => json!({
            "id": "chatcmpl-9xY2", "object": "chat.completion.chunk", "created": 1_760_000_000 + number, "model": "gpt-4o-2024-08-06",
            "system_fingerprint": "fp_44709d6fcb", "choices": [{"index": 0, "delta": {"content": token}, "logprobs": null, "finish_reason": null}],
            // Of another length each time, so that nobody tells the words by their lengths.
            "obfuscation": format!("{:x}", number * 7_919_353 + 11),
        }),
        RESPONSES => {
            let kind = "response.output_text.delta";
            let data = json!({"type": kind, "item_id": "msg_67c9", "output_index": 0, "sequence_number": number, "delta": token, "obfuscation": format!("{number}aZ")});
            return format!("event: {kind}\ndata: {data}\n\n");
        }
        ANTHROPIC => {
            let data = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": token}});
            let ping = if number % 7 == 3 { "event: ping\ndata: {\"type\": \"ping\"}\n\n" } else { "" };
            return format!("{ping}event: content_block_delta\ndata: {data}\n\n");
        }
        _ => {
            return format!(
                "{}\n",
                json!({"model": "llama3", "created_at": format!("T{number}"), "message": {"role": "assistant", "content": token}, "done": false})
            );
        }
    };
    format!("data: {data}\n\n")
}

/// The text in what came of an answer, as the page of the service would show it.
fn shown(answer: &str) -> String {
    let mut text = String::new();
    for line in answer.lines() {
        let Ok(data) = serde_json::from_str::<Value>(line.strip_prefix("data:").unwrap_or(line).trim()) else { continue };
        if data.get("usher").is_some() {
            continue;
        }
        for pointer in ["/v", "/v/0/v", "/v/message/content/parts/0", "/choices/0/delta/content", "/delta", "/delta/text", "/message/content"] {
            text.push_str(data.pointer(pointer).and_then(Value::as_str).filter(|text| *text != "v1").unwrap_or_default());
        }
    }
    text
}

/// A service that says all of it, piece by piece, and then is silent and does not end; with what tells whether somebody listens still.
async fn talkative(believed: &Authority, service: (&'static str, &'static str)) -> (Site, Arc<Mutex<Vec<Teller>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = kept.clone();
    let site = Site::doing(believed, BOTH, move |_, _| {
        let keep = keep.clone();
        async move {
            let (tell, told) = told();
            for (number, token) in tokens().iter().enumerate() {
                tell.say(piece(service, number, token));
            }
            keep.lock().expect("a list").push(tell);
            let kind = if service == OLLAMA { "application/x-ndjson" } else { "text/event-stream; charset=utf-8" };
            Response::builder().header("content-type", kind).body(told).expect("an answer")
        }
    })
    .await;
    (site, kept)
}

fn authority(service: (&str, &str), site: &Site) -> String {
    format!("{}:{}", service.0, site.address.port())
}

/// What is on record as asked of a service.
async fn asked(usher: &Program, path: &str) -> Row {
    recorded(usher, path, |row| row.term.is_some() && row.outcome.is_some()).await
}

async fn is_on_record_as_cut(usher: &Program, service: (&str, &str)) {
    let first = recorded(usher, service.1, |row| row.kind != "search" && row.verdict == "allowed" && row.outcome.is_some()).await;
    assert_eq!(first.outcome.as_deref(), Some("cut"), "{first:?}");
    let second = recorded(usher, service.1, |row| row.verdict == "blocked" && row.outcome.is_some()).await;
    assert_eq!((second.reason.as_str(), second.outcome.as_deref(), second.host.as_str()), ("words", Some("cut"), service.0), "{second:?}");
    for words in ["about suicide", "120 points", "painless way to die; lethal method; goodbye note"] {
        assert!(second.why.contains(words), "{}", second.why);
    }
}

#[tokio::test]
async fn an_answer_that_comes_token_by_token_ends_at_the_words_that_are_too_many() {
    let believed = believed();
    for service in [CHATGPT, OPENAI, RESPONSES, ANTHROPIC, OLLAMA] {
        let (site, tellers) = talkative(&believed, service).await;
        let usher = school(&believed, |more| world(more).reading("{ threshold = 100, on_hit = \"cut\" }"));
        let mut talk = Talk2::open(&device(&usher), &authority(service, &site)).await;
        let question = json!({"messages": [{"author": {"role": "user"}, "role": "user", "content": {"parts": ["Hello?"]}}]}).to_string();
        let request = talk.request("POST", service.1).header("content-type", "application/json").body(told_whole(&question)).expect("a request");
        let (head, mut body) = talk.send(request).await.expect("an answer").into_parts();
        assert_eq!(head.status, 200, "{service:?}");
        let mut came = Vec::new();
        while let Some(bytes) = next(&mut body).await {
            came.extend(bytes);
        }
        let came = String::from_utf8(came).expect("text");
        let text = shown(&came);
        assert!(SAID.starts_with(&text) && text.contains("lethal method"), "{service:?}: {text:?}");
        assert!(!text.contains("goodbye note") && !came.contains("tonight"), "{service:?}: {came}");
        // Where lines are data, they break off.
        assert_eq!(came.contains("event: usher\ndata: {"), service != OLLAMA, "{service:?}: {came}");
        is_on_record_as_cut(&usher, service).await;
        // The service is not listened to any longer.
        let teller = tellers.lock().expect("a list").pop().expect("it was asked");
        teller.unheard().await;
    }
}

#[tokio::test]
async fn it_is_the_same_over_http_1_and_for_a_group_that_withholds() {
    let believed = believed();
    for (service, on_hit) in [(CHATGPT, "cut"), (ANTHROPIC, "withhold")] {
        let (site, _tellers) = talkative(&believed, service).await;
        let usher = school(&believed, |more| world(more).reading(&format!("{{ threshold = 100, on_hit = \"{on_hit}\" }}")));
        let mut talk = device(&usher).open(&authority(service, &site)).await;
        let answer = talk.post(service.1, "{}").await;
        let text = shown(answer.body());
        assert!(answer.status() == 200 && SAID.starts_with(&text) && text.contains("lethal method"), "{service:?}: {text:?}");
        assert!(!text.contains("goodbye note") && answer.body().contains("event: usher"), "{service:?}: {}", answer.body());
        is_on_record_as_cut(&usher, service).await;
    }
}

#[tokio::test]
async fn an_answer_in_one_piece_of_json_is_withheld_or_breaks_off() {
    let believed = believed();
    for on_hit in ["cut", "withhold"] {
        let site = Site::doing(&believed, BOTH, |_, _| async {
            let body = json!({"id": "x", "choices": [{"index": 0, "message": {"role": "assistant", "content": SAID}}]}).to_string();
            Response::builder().header("content-type", "application/json").body(told_whole(&body)).expect("an answer")
        })
        .await;
        let usher = school(&believed, |more| world(more).reading(&format!("{{ threshold = 100, on_hit = \"{on_hit}\" }}")));
        let mut talk = Talk2::open(&device(&usher), &authority(OPENAI, &site)).await;
        let request = talk.request("POST", OPENAI.1).header("content-type", "application/json").body(told_whole("{}")).expect("a request");
        // Half of it would be no JSON: none of it comes, and what is cut is seen to be.
        match talk.send(request).await {
            Ok(answer) => {
                let status = answer.status();
                assert!(on_hit == "withhold" && status == 403, "{on_hit}: {status}");
                assert!(!text(answer.into_body()).await.contains("painless"));
            }
            Err(error) => assert!(on_hit == "cut" && !error.is_canceled(), "{on_hit}: {error}"),
        }
        let second = recorded(&usher, OPENAI.1, |row| row.verdict == "blocked" && row.outcome.is_some()).await;
        assert!(second.reason == "words" && second.why.contains("120 points"), "{second:?}");
    }
}

fn told_whole(text: &str) -> Told {
    Told::saying(text.to_owned())
}

/// A prompt as a service is sent it. What was asked stands before what else is told it.
fn prompt(service: (&str, &str)) -> String {
    let message = match service {
        CHATGPT => json!({"id": "a1", "author": {"role": "user"}, "content": {"content_type": "text", "parts": [ASKED]}}),
        _ => json!({"role": "user", "content": ASKED}),
    };
    json!({"action": "next", "messages": [message], "model": "auto", "zone": "Europe/London"}).to_string()
}

#[tokio::test]
async fn a_prompt_is_withheld_from_the_service_and_on_record_as_asked_and_as_blocked() {
    let believed = believed();
    let site = Site::of_pages(&believed, BOTH).await;
    for service in [CHATGPT, OPENAI, ANTHROPIC] {
        for size in [9, 4000] {
            for accept in ["text/html", "*/*"] {
                let usher = school(&believed, |more| world(more).reading("{ threshold = 100, on_hit = \"withhold\", uploads = \"withhold\" }"));
                let mut talk = Talk2::open(&device(&usher), &authority(service, &site)).await;
                let (teller, body) = told();
                let question = prompt(service);
                for bytes in question.as_bytes().chunks(size) {
                    teller.say(bytes.to_vec());
                }
                drop(teller);
                let request: http::request::Builder = talk.request("POST", service.1).header("content-type", "application/json").header("accept", accept);
                let request: Request<_> = request.header("sec-fetch-mode", "cors").header("sec-fetch-dest", "empty").body(body).expect("a request");
                let (head, body) = talk.send(request).await.expect("an answer").into_parts();
                let page = text(body).await;
                assert_eq!(head.status, 403, "{service:?}: {page}");
                assert!(!page.contains("painless"), "{page}");
                let kind = head.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
                let is_json = serde_json::from_str::<Value>(&page).is_ok();
                assert!(is_json && kind.starts_with("application/json") || page.contains("You are not alone"), "{kind}: {page}");
                // On record when the answer is there, in the whole of their words, wherever the body was cut into pieces.
                let rows = usher.rows();
                let asked = rows.iter().find(|row| row.term.is_some()).unwrap_or_else(|| panic!("{service:?}, {size}: {rows:?}"));
                assert_eq!(
                    (asked.term.as_deref(), asked.class.as_str(), asked.stage.as_deref()),
                    (Some(ASKED), "search", Some("asked")),
                    "{service:?}, {size}"
                );
                assert_eq!(asked.outcome.as_deref(), Some("withheld"), "{asked:?}");
                let blocked = recorded(&usher, service.1, |row| row.verdict == "blocked").await;
                assert!(blocked.reason == "words" && blocked.why.contains("that was to be sent") && blocked.why.contains("120 points"), "{blocked:?}");
                assert!(page.contains(&blocked.id.to_string()), "its reference is that of the record: {page}");
            }
        }
    }
    assert!(site.seen().is_empty(), "nothing of it left: {:?}", site.seen());
}

#[tokio::test]
async fn a_prompt_that_is_only_noted_goes_on_and_is_on_record_once() {
    let believed = believed();
    let site = Site::doing(&believed, BOTH, |_, request| async {
        let asked = text(request.into_body()).await;
        Response::new(told_whole(if asked.contains("lethal method") { "I cannot help with that." } else { "What?" }))
    })
    .await;
    let usher = school(&believed, |more| world(more).reading("{ threshold = 100, on_hit = \"withhold\", uploads = \"note\" }"));
    let mut talk = Talk2::open(&device(&usher), &authority(CHATGPT, &site)).await;
    let request = talk.request("POST", CHATGPT.1).header("content-type", "application/json").body(told_whole(&prompt(CHATGPT))).expect("a request");
    let answer = talk.send(request).await.expect("an answer");
    assert_eq!(text(answer.into_body()).await, "I cannot help with that.", "it came as it was sent");
    let row = asked(&usher, CHATGPT.1).await;
    assert_eq!((row.term.as_deref(), row.outcome.as_deref()), (Some(ASKED), Some("complete")));
    assert_eq!(usher.rows().iter().filter(|row| row.term.is_some()).count(), 1);
    assert_eq!(site.seen().len(), 1);
}

#[tokio::test]
async fn what_is_asked_beside_a_file_that_is_refused_is_on_record() {
    let part = |fields: &str, content: &str| format!("--xyz\r\nContent-Disposition: form-data; {fields}\r\n\r\n{content}\r\n");
    let question = part("name=\"data\"", "{\"inputs\":\"What does this program do?\"}");
    let body = format!("{question}{}--xyz--\r\n", part("name=\"files\"; filename=\"setup.exe\"", "anything"));
    let harmless = format!("{question}{}--xyz--\r\n", part("name=\"files\"; filename=\"a.txt\"", "anything"));
    let school = World::new().named("huggingface.co", "127.0.0.1").files("block = [\"executable\"], uploads = true").start().await;
    let origin = Origin::saying("thanks").await;
    for (body, status, outcome) in [(&body, 403, "withheld"), (&harmless, 200, "complete")] {
        let mut wire = school.wire().await;
        let host = format!("huggingface.co:{}", origin.address.port());
        let fields = format!("Host: {host}\r\nContent-Type: multipart/form-data; boundary=xyz\r\nContent-Length: {}\r\n", body.len());
        wire.send(format!("POST http://{host}/chat/conversation/{outcome} HTTP/1.1\r\n{fields}\r\n{body}")).await;
        assert_eq!(wire.reply().await.status, status);
        soon("the record", async {
            loop {
                let rows = school.rows();
                let asked: Vec<_> = rows.iter().filter(|row| row.term.is_some() && row.path.ends_with(outcome) && row.outcome.is_some()).collect();
                if let [row] = asked[..] {
                    assert_eq!((row.term.as_deref(), row.outcome.as_deref()), (Some("What does this program do?"), Some(outcome)));
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    assert!(origin.seen().iter().all(|seen| !seen.contains("setup.exe")));
}

/// What was asked of chat services, which is on record at once; and what became of it, once that is known.
async fn asked_of(school: &School) -> Vec<(String, String)> {
    let asked = || school.rows().into_iter().filter(|row| row.term.is_some()).collect::<Vec<_>>();
    let at_once = asked().len();
    let rows = soon("what became of it", async {
        loop {
            let rows = asked();
            if rows.iter().all(|row| row.outcome.is_some()) {
                return rows;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(rows.len(), at_once, "it was not on record before the answer");
    rows.into_iter().map(|row| (row.term.unwrap_or_default(), row.outcome.unwrap_or_default())).collect()
}

#[tokio::test]
async fn what_is_held_for_its_files_and_cannot_be_sent_then_is_on_record_before_the_answer_that_says_so() {
    let question = json!({"inputs": "What does this program do?"}).to_string();
    let body = format!("--xyz\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{question}\r\n--xyz--\r\n");
    let parent = Origin::saying("never").await;
    let world = || World::new().files("block = [\"executable\"], uploads = true");
    // A parent proxy is not to be asked for what is in the school; nobody listens there.
    let inside = world().allow(&[]).parent(parent.address).named("huggingface.co", "169.254.169.254").start().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let silent = world().named("huggingface.co", "127.0.0.1").start().await;
    for (school, port, outcome) in [(inside, 80, "destination-refused"), (silent, nobody, "origin-failed")] {
        let mut wire = school.wire().await;
        let host = format!("huggingface.co:{port}");
        let fields = format!("Host: {host}\r\nContent-Type: multipart/form-data; boundary=xyz\r\nContent-Length: {}\r\n", body.len());
        wire.send(format!("POST http://{host}/chat/conversation/1 HTTP/1.1\r\n{fields}\r\n{body}")).await;
        assert!(wire.reply().await.status >= 400);
        assert_eq!(asked_of(&school).await, [("What does this program do?".to_owned(), outcome.to_owned())]);
    }
    assert!(parent.seen().is_empty(), "{:?}", parent.seen());
}

#[tokio::test]
async fn of_what_is_withheld_for_its_first_words_the_question_at_its_end_is_on_record() {
    let school = world(World::new()).reading("{ threshold = 100, on_hit = \"withhold\", uploads = \"withhold\" }").start().await;
    let origin = Origin::saying("thanks").await;
    // As a chat goes on: all that was said before stands before what is asked now.
    let user = |text: &str| json!({"role": "user", "content": text});
    let question = "And what do I tell my sister?";
    let long: String = (0..2000).map(|n| format!("The {n}th heron stood by the river. ")).collect();
    let body = json!({"messages": [user(ASKED), {"role": "assistant", "content": &long[..40_000]}, user(question)]}).to_string();
    let mut wire = school.wire().await;
    let host = format!("{}:{}", OPENAI.0, origin.address.port());
    let mut request =
        format!("POST http://{host}{} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", OPENAI.1);
    for piece in body.as_bytes().chunks(900) {
        request += &format!("{:x}\r\n{}\r\n", piece.len(), std::str::from_utf8(piece).expect("plain"));
    }
    wire.send(request + "0\r\n\r\n").await;
    assert_eq!(wire.reply().await.status, 403);
    assert_eq!(asked_of(&school).await, [(question.to_owned(), "withheld".to_owned())]);
    assert!(origin.seen().is_empty());
}
