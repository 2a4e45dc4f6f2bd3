//! Promise: programs as others write them work through an Usher that looks into https: curl, Python requests, Node and gRPC load, follow, upload, stream and
//! resume; they are blocked in words they can read; without the school's certificate they fail and say why; and all of it is on record.

use crate::kit::h2::{BOTH, Site, Told, believed, inside, recorded, school, told};
use crate::kit::scripts::{Ended, Running, node, python, script, told as said_by};
use crate::kit::secure::Authority;
use crate::kit::{Program, World, skipped};
use aws_lc_rs::digest;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::process::Command;
use usher::audit::query::Row;

/// What `/much` says: so many parts of this many bytes, each of one letter.
const PARTS: usize = 384;
const PART: usize = 64 << 10;

/// The beginning of a SHA-256, as the programs print it.
fn sum(of: &digest::Digest) -> String {
    of.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn part(number: usize) -> Vec<u8> {
    vec![b'a' + u8::try_from(number % 26).expect("a letter"); PART]
}

fn much() -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    (0..PARTS).for_each(|number| context.update(&part(number)));
    format!("{} {}", PARTS * PART, sum(&context.finish()))
}

/// A site of pages, one that leads on, one that is large, and forms of which it says how large they are and what their sum is.
async fn site(authority: &Authority) -> Site {
    Site::doing(authority, BOTH, |_, request: Request<Incoming>| async move {
        match request.uri().path() {
            "/moved" => Response::builder().status(302).header("location", "/there").body(Told::nothing()).expect("an answer"),
            "/much" => {
                let (tell, body) = told();
                (0..PARTS).for_each(|number| {
                    tell.say(part(number));
                });
                Response::builder().header("content-type", "application/octet-stream").body(body).expect("an answer")
            }
            "/form" | "/chunks" => {
                let mut body = request.into_body();
                let (mut bytes, mut context) = (0, digest::Context::new(&digest::SHA256));
                while let Some(frame) = body.frame().await {
                    let data = frame.expect("a whole form").into_data().expect("no trailers");
                    bytes += data.len();
                    context.update(&data);
                }
                Response::new(Told::saying(format!("{bytes} {}", sum(&context.finish()))))
            }
            path => Response::new(Told::saying(format!("page {path}"))),
        }
    })
    .await
}

/// A school with its certificate as a file, and the site.
async fn visited() -> (Program, Site, String) {
    let believed = believed();
    let (site, usher) = (site(&believed).await, school(&believed, |world| world));
    let authority = certificate(&usher);
    (usher, site, authority)
}

/// The school's certificate, in a file.
fn certificate(usher: &Program) -> String {
    usher.files.put("school.pem", &usher.files.usher(&["ca", "export"]).out);
    usher.files.path("school.pem").display().to_string()
}

/// A path, how often it is on record, with which verdict, and how many bytes went up and down.
type Expected = (&'static str, usize, &'static str, Option<u64>, Option<u64>);

/// Whether these paths are on record so, each come to its end.
async fn is_on_record(usher: &Program, expected: &[Expected]) {
    for (path, times, verdict, up, down) in expected {
        recorded(usher, path, |row| row.outcome.is_some()).await;
        let rows: Vec<_> = inside(usher).into_iter().filter(|row| row.path == *path).collect();
        assert_eq!(rows.len(), *times, "{path}: {rows:?}");
        let as_it_was = |row: &Row| {
            let bytes = |said: &Option<u64>, row: Option<u64>| said.is_none() || *said == row;
            row.verdict == *verdict
                && row.outcome.as_deref() == Some("complete")
                && bytes(up, row.bytes_up)
                && bytes(down, row.bytes_down)
                && row.scheme == "https"
        };
        assert!(rows.iter().all(as_it_was), "{path}: {rows:?}");
    }
}

const WHOLE: Option<u64> = Some((PARTS * PART) as u64);
const FORM: Option<u64> = Some(3_000_000);

fn curl_speaks(what: &str) -> bool {
    Command::new("curl").arg("--version").output().is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains(what))
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_goes_where_it_is_led_and_says_what_is_wrong() {
    if !curl_speaks("HTTP2") {
        return skipped("curl");
    }
    let (usher, site, authority) = visited().await;
    let form: Vec<u8> = (0..3_000_000_u32).map(|byte| byte.to_le_bytes()[0]).collect();
    std::fs::write(usher.files.path("form"), &form).expect("written");
    let (form_sum, form_file) = (sum(&digest::digest(&digest::SHA256, &form)), format!("@{}", usher.files.path("form").display()));
    let (address, proxy) = (format!("https://{}", site.authority()), format!("http://{}", usher.address));
    let into = usher.files.path("much").display().to_string();
    let asking = |more: &[&str]| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "20", "--noproxy", "", "--proxy", &proxy, "--interface", "127.0.7.1"]).args(more);
        said_by(&mut curl)
    };
    for version in ["--http1.1", "--http2"] {
        let ask = |more: &[&str], paths: &[&str]| {
            let urls: Vec<_> = paths.iter().map(|path| format!("{address}{path}")).collect();
            let urls: Vec<_> = urls.iter().map(String::as_str).collect();
            asking(&[&["--cacert", &authority, version], more, &urls].concat())
        };
        let number = if version == "--http2" { "2" } else { "1.1" };
        let written = " %{http_version} %{http_code} %{num_connects}\n";
        let Ended { good, out: said, .. } = ask(&["-L", "-w", written], &["/moved", "/one", "/two"]);
        assert_eq!((good, said), (true, format!("page /there {number} 200 1\npage /one {number} 200 0\npage /two {number} 200 0\n")), "one connection");
        let said = ask(&["--fail-with-body", "-H", "Accept: text/html"], &["/play/chess"]);
        assert!(!said.good && said.out.contains("This page is blocked") && said.err.contains("error: 403"), "{said:?}");
        let Ended { good, out: said, .. } = ask(&["--output", &into, "-w", "%{size_download}"], &["/much"]);
        let whole = sum(&digest::digest(&digest::SHA256, &std::fs::read(&into).expect("it was saved")));
        assert_eq!((good, format!("{said} {whole}")), (true, much()));
        let Ended { good, out: said, .. } = ask(&["--data-binary", &form_file], &["/form"]);
        assert_eq!((good, said), (true, format!("3000000 {form_sum}")));
        // Over HTTP/1.1 each has a connection of its own, and the second resumes the session of the first.
        if version == "--http1.1" {
            let said = ask(&["--verbose", "-H", "Connection: close"], &["/again", "/again"]);
            assert!(said.good && said.err.matches("handshake, Certificate (").count() == 1, "{said:?}");
        }
    }
    let said = asking(&[&format!("{address}/one")]);
    assert!(!said.good && said.err.contains("unable to get local issuer certificate"), "{said:?}");
    is_on_record(
        &usher,
        &[
            ("/moved", 2, "allowed", None, None),
            ("/there", 2, "allowed", None, Some(11)),
            ("/one", 2, "allowed", None, Some(9)),
            ("/play/chess", 2, "blocked", None, None),
            ("/much", 2, "allowed", None, WHOLE),
            ("/form", 2, "allowed", FORM, None),
            ("/again", 2, "allowed", None, None),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_requests_does_all_it_does_elsewhere() {
    let Some(mut python) = python("requests") else { return skipped("requests") };
    let (usher, site, authority) = visited().await;
    let address = format!("https://{}", site.authority());
    let said = said_by(python.arg(script("requests_visits.py")).args([&format!("http://{}", usher.address), &address, &authority]));
    let expected = [
        "page: 200 page /".to_owned(),
        "moved: [302] 200 page /there".to_owned(),
        "blocked: 403 text/html; charset=utf-8 True".to_owned(),
        "blocked for a program: 403 application/json blocked".to_owned(),
        format!("much: {}", much()),
        "form: True".to_owned(),
        "form in chunks: True".to_owned(),
        "file: 200".to_owned(),
        "connections: 1 requests: 9".to_owned(),
        "without the certificate: True".to_owned(),
        "resumed: [False, True, True]".to_owned(),
    ];
    assert_eq!(said.out.lines().collect::<Vec<_>>(), expected, "{}", said.err);
    assert!(said.good);
    is_on_record(
        &usher,
        &[
            ("/", 1, "allowed", None, Some(6)),
            ("/moved", 1, "allowed", None, None),
            ("/there", 1, "allowed", None, Some(11)),
            ("/play/chess", 2, "blocked", None, None),
            ("/much", 1, "allowed", None, WHOLE),
            ("/form", 1, "allowed", FORM, None),
            ("/chunks", 1, "allowed", FORM, None),
            ("/file", 1, "allowed", None, None),
            ("/again", 3, "allowed", None, None),
        ],
    )
    .await;
    let agents = inside(&usher).into_iter().filter(|row| row.user_agent.as_deref().is_some_and(|agent| agent.starts_with("python-requests/"))).count();
    assert_eq!(agents, 12, "as it calls itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn node_does_all_it_does_elsewhere_over_both() {
    let Some(mut node) = node() else { return skipped("node") };
    let (usher, site, authority) = visited().await;
    let address = format!("https://{}", site.authority());
    let arguments = [usher.address.ip().to_string(), usher.address.port().to_string(), address, authority];
    let said = said_by(node.arg(script("node_visits.mjs")).args(arguments));
    let mut expected = Vec::new();
    for version in ["h1", "h2"] {
        expected.extend([
            format!("{version} page: 200 page /"),
            format!("{version} moved: 302 /there 200 page /there"),
            format!("{version} blocked: 403 text/html; charset=utf-8 true"),
            format!("{version} much: {}", much()),
            format!("{version} form: true"),
        ]);
    }
    let alone = ["h1 form in chunks: true", "h1 connections: 1", "h1 resumed: false true true", "without the certificate: UNABLE_TO_VERIFY_LEAF_SIGNATURE"];
    expected.splice(5..5, alone.map(str::to_owned));
    expected.extend(["h2 side by side: 50", "h2 resumed: true 200"].map(str::to_owned));
    assert_eq!(said.out.lines().collect::<Vec<_>>(), expected, "{}", said.err);
    assert!(said.good);
    is_on_record(
        &usher,
        &[
            ("/", 2, "allowed", None, Some(6)),
            ("/there", 2, "allowed", None, Some(11)),
            ("/play/chess", 2, "blocked", None, None),
            ("/much", 2, "allowed", None, WHOLE),
            ("/form", 2, "allowed", FORM, None),
            ("/chunks", 1, "allowed", FORM, None),
            ("/side/49", 1, "allowed", None, Some(13)),
            ("/again", 4, "allowed", None, None),
        ],
    )
    .await;
}

/// What the gRPC client says when all is well.
const GRPC: [&str; 11] = [
    "unary: b'hello' 7a {'ended': 'well', 'proof-bin': b'\\x00\\xff\\x01'} OK",
    "large: True",
    "server streaming: 1 2 3 4 5",
    "client streaming: part-0 part-1 part-2 part-3 part-4",
    "both ways: you said one, you said two, you said three OK",
    "status: FAILED_PRECONDITION not now: 100 % später of the rules",
    "no such method: UNIMPLEMENTED",
    "deadline known: an end",
    "deadline: DEADLINE_EXCEEDED yes",
    "cancelled: no end yes CANCELLED",
    "without the certificate: UNAVAILABLE",
];

/// gRPC in a world, from server to client, each a real one; and the Usher between them.
async fn grpc(variable: &str, trusted: impl Fn(&Program, &Authority) -> String, more: impl FnOnce(World) -> World) -> Option<Program> {
    let (Some(mut server), Some(mut client)) = (python("grpc"), python("grpc")) else {
        skipped("grpcio");
        return None;
    };
    let believed = believed();
    // The client can not be told which address to come from.
    let usher = school(&believed, |world| more(world.edited("\"127.0.7.0/24\"", "\"127.0.7.0/24\", \"127.0.0.1/32\"")));
    let (chain, key) = believed.certificate_pem(&["news.example"]);
    let paths = ["chain.pem", "key.pem"].map(|name| usher.files.path(name));
    usher.files.put("chain.pem", &chain);
    usher.files.put("key.pem", &key);
    let mut server = Running::start(server.arg(script("grpc_server.py")).args(&paths));
    let address = format!("news.example:{}", server.line().trim());
    let pem = trusted(&usher, &believed);
    let said = said_by(client.arg(script("grpc_client.py")).args([&address, &pem]).env(variable, format!("http://{}", usher.address)));
    assert_eq!(said.out.lines().collect::<Vec<_>>(), GRPC, "{}", said.err);
    assert!(said.good);
    Some(usher)
}

async fn grpc_is_on_record(usher: &Program) {
    for (method, outcome, times) in [
        ("Echo", "complete", 1),
        ("Large", "complete", 1),
        ("Count", "complete", 1),
        ("Gather", "complete", 1),
        ("Chat", "complete", 1),
        ("Refuse", "complete", 1),
        ("Nothing", "complete", 1),
        ("Hang", "client-gone", 2),
        ("Tell", "complete", 5),
        ("Ask", "complete", 7),
    ] {
        let path = format!("/school.Talk/{method}");
        recorded(usher, &path, |row| row.outcome.is_some()).await;
        let rows: Vec<_> = inside(usher).into_iter().filter(|row| row.path == path).collect();
        let as_it_was = |row: &Row| row.method == "POST" && row.verdict == "allowed" && row.outcome.as_deref() == Some(outcome) && row.status == Some(200);
        assert!(rows.len() == times && rows.iter().all(as_it_was), "{method}: {rows:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_passes_message_by_message_where_it_is_looked_into() {
    let Some(usher) = grpc("grpc_proxy", |usher, _| certificate(usher), |world| world).await else { return };
    grpc_is_on_record(&usher).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_passes_message_by_message_where_words_are_read_and_files_are_judged() {
    let strict = |world: World| world.reading("{ threshold = 100, on_hit = \"withhold\" }").files("block = [\"executable\"]");
    let Some(usher) = grpc("https_proxy", |usher, _| certificate(usher), strict).await else { return };
    grpc_is_on_record(&usher).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_passes_a_sealed_tunnel_as_it_is() {
    let public = |usher: &Program, _: &Authority| usher.files.path("public.pem").display().to_string();
    let sealed = |world: World| world.edited("inspect = \"all\"", "inspect = \"none\"");
    let Some(usher) = grpc("https_proxy", public, sealed).await else { return };
    let rows = usher.rows();
    assert!(!rows.is_empty() && rows.iter().all(|row| row.method == "CONNECT" && row.verdict == "allowed"), "{rows:?}");
}
