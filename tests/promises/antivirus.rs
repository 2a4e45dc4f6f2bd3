//! Promise: nothing of a file leaves before the virus scanner has said what it thinks of it; and a scanner that says nothing, or nonsense, is no scanner.

use crate::files::{program, zip};
use crate::kit::clamav::eicar;
use crate::kit::{CIcap, Clamav, Ending, Origin, School, World, skipped};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A ZIP with the test file in it.
fn infected_zip() -> Vec<u8> {
    let text = eicar();
    let mut bytes = zip(&["readme.txt", "notes.txt"], text.len());
    let (mark, mut at) = (vec![b'.'; text.len()], 0);
    while let Some(found) = bytes[at..].windows(mark.len()).position(|part| part == mark) {
        at += found;
        bytes[at..at + text.len()].copy_from_slice(&text);
    }
    // The sums are those of what was there before; scanners do not mind.
    bytes
}

async fn school(setting: &str) -> School {
    World::new().antivirus(setting).start().await
}

/// Something that is taken for a scanner, and does this on each connection.
async fn scanner<F: Future<Output = ()> + Send + 'static>(does: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(does(stream));
        }
    });
    address
}

/// Reads what clamd is sent, to its end.
async fn read_instream(stream: &mut TcpStream) -> Vec<u8> {
    let mut command = [0; 10];
    stream.read_exact(&mut command).await.expect("a command");
    assert_eq!(&command, b"zINSTREAM\0");
    let mut bytes = Vec::new();
    loop {
        let length = stream.read_u32().await.expect("a length") as usize;
        if length == 0 {
            return bytes;
        }
        let start = bytes.len();
        bytes.resize(start + length, 0);
        stream.read_exact(&mut bytes[start..]).await.expect("a chunk");
    }
}

async fn is_stopped_and_is_not(school: &School, words: &str) {
    for (path, body) in [("/eicar.com", eicar()), ("/get", eicar()), ("/games.zip", infected_zip())] {
        let site = Origin::giving("Content-Type: application/octet-stream\r\n", &body).await;
        for person in [school.pupil(), school.teacher()] {
            let answer = person.with("Accept", "text/html").get(&site.url(path)).await;
            let found = answer.is_blocked_because("antivirus").record();
            assert!(found.why.contains(words), "{}", found.why);
            assert!(answer.reply.text().contains("This file is blocked"));
        }
    }
    let long = [program(), vec![7; 900_000]].concat();
    let site = Origin::giving("", &long).await;
    for _ in 0..3 {
        let reply = school.pupil().get(&site.url("/sound.exe")).await.reply;
        assert!(reply.status == 200 && reply.ending == Ending::Whole && reply.body == long, "{reply:?}");
    }
    let row = school.closed("/sound.exe").await;
    assert_eq!((row.verdict.as_str(), row.outcome.as_deref(), row.bytes_down), ("allowed", Some("complete"), Some(904_000)));
}

#[tokio::test]
async fn a_real_clamd_finds_the_test_file_for_everybody() {
    let Some(clamav) = Clamav::start() else { return skipped("clamd") };
    let school = school(&format!("clamd = \"{}\"", clamav.socket.display())).await;
    is_stopped_and_is_not(&school, "Eicar-Test-Signature").await;
    // Nothing is left behind, and nobody could have read it.
    assert_eq!(std::fs::read_dir(school.files.path("data/spool")).expect("a folder").count(), 0);
}

#[tokio::test]
async fn a_real_clamd_that_takes_no_more_is_a_scanner_that_says_nothing() {
    let Some(clamav) = Clamav::start_with("StreamMaxLength 1M") else { return skipped("clamd") };
    let school = school(&format!("clamd = \"{}\"", clamav.socket.display())).await;
    let site = Origin::giving("", &[program(), vec![7; 3 << 20]].concat()).await;
    let answer = school.pupil().get(&site.url("/a.exe")).await;
    assert!(answer.is_blocked_because("antivirus").record().why.contains("could not be scanned"), "{answer:?}");
}

#[tokio::test]
async fn a_real_icap_server_finds_the_test_file() {
    let Some(clamav) = Clamav::start() else { return skipped("clamd") };
    let Some(server) = CIcap::start(&clamav) else { return skipped("c-icap") };
    let school = school(&format!("icap = \"icap://{}/avscan\"", server.address)).await;
    is_stopped_and_is_not(&school, "Eicar-Test-Signature").await;
}

#[tokio::test]
async fn a_real_icap_server_that_echoes_lets_everything_pass() {
    let Some(clamav) = Clamav::start() else { return skipped("clamd") };
    let Some(server) = CIcap::start(&clamav) else { return skipped("c-icap") };
    let school = school(&format!("icap = \"icap://{}/echo\"", server.address)).await;
    for size in [1, 1023, 1024, 1025, 3_000_000] {
        let body = [program(), vec![7; size]].concat();
        let site = Origin::giving("", &body).await;
        let reply = school.pupil().get(&site.url("/a.exe")).await.reply;
        assert!(reply.status == 200 && reply.body == body, "{size}: {}", reply.text());
    }
    // A service that is not there.
    let school = World::new().antivirus(&format!("icap = \"icap://{}/nothing\"", server.address)).start().await;
    let site = Origin::giving("", &program()).await;
    assert!(school.pupil().get(&site.url("/a.exe")).await.is_blocked_because("antivirus").record().why.contains("404"));
}

#[tokio::test]
async fn a_real_icap_server_sees_what_is_sent() {
    let Some(clamav) = Clamav::start() else { return skipped("clamd") };
    let Some(server) = CIcap::start(&clamav) else { return skipped("c-icap") };
    for (service, sent) in [("avscan", false), ("echo", true)] {
        let school = World::new().antivirus(&format!("icap_requests = \"icap://{}/{service}\"", server.address)).start().await;
        let site = Origin::saying("taken").await;
        let text = String::from_utf8(eicar()).expect("text");
        let answer = school.pupil().with("Content-Type", "application/octet-stream").post(&site.url("/form"), &text).await;
        if sent {
            answer.is_from_the_site("taken");
            assert!(site.the_request().ends_with(&text));
        } else {
            assert!(answer.is_blocked_because("antivirus").record().why.contains("Eicar"), "{answer:?}");
            assert_eq!(site.visits(), 0);
        }
        let long = "x".repeat(300_000);
        school.pupil().post(&site.url("/long"), &long).await.is_from_the_site("taken");
        school.pupil().get(&site.url("/none")).await.is_from_the_site("taken");
    }
}

/// What each kind of bad scanner comes to, with both settings of `on_error`.
async fn is_no_scanner(setting: &str, words: &str) {
    let site = Origin::giving("", &program()).await;
    let school = World::new().antivirus(setting).antivirus("seconds = 1").start().await;
    let answer = school.pupil().get(&site.url("/a.exe")).await;
    let why = &answer.is_blocked_because("antivirus").record().why;
    assert!(why.contains("could not be scanned") && why.contains(words), "{words}: {why}");
    let school = World::new().antivirus(setting).antivirus("seconds = 1\non_error = \"pass\"").start().await;
    let reply = school.pupil().get(&site.url("/a.exe")).await.reply;
    assert!(reply.status == 200 && reply.body == program(), "{words}: {}", reply.text());
}

#[tokio::test]
async fn a_clamd_that_is_away_hangs_dies_or_lies_is_no_scanner() {
    is_no_scanner("clamd = \"nothing.ctl\"", "clamd at").await;
    let hangs = scanner(|stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    })
    .await;
    is_no_scanner(&format!("clamd = \"tcp://{hangs}\""), "took too long").await;
    let dies = scanner(|mut stream| async move {
        let _ = stream.read_u8().await;
    })
    .await;
    is_no_scanner(&format!("clamd = \"tcp://{dies}\""), "cannot be used").await;
    for (said, words) in
        [("stream: fine\0", "none"), ("stream: OK", "none"), ("OK\0", "none"), ("stream: Can't allocate memory ERROR\0", "says"), ("", "cannot be used")]
    {
        let lies = scanner(move |mut stream| async move {
            read_instream(&mut stream).await;
            let _ = stream.write_all(said.as_bytes()).await;
        })
        .await;
        is_no_scanner(&format!("clamd = \"tcp://{lies}\""), words).await;
    }
    // It has not seen the file.
    let hasty = scanner(|mut stream| async move {
        let _ = stream.write_all(b"stream: OK\0").await;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    })
    .await;
    let site = Origin::giving("", &vec![b'x'; 8 << 20]).await;
    let school = World::new().antivirus(&format!("clamd = \"tcp://{hasty}\"")).start().await;
    school.pupil().get(&site.url("/a.exe")).await.is_blocked_because("antivirus");
}

#[tokio::test]
async fn an_icap_server_that_is_away_hangs_dies_or_lies_is_no_scanner() {
    let free = TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr()).expect("a port");
    is_no_scanner(&format!("icap = \"icap://{free}/x\""), "cannot be used").await;
    let hangs = scanner(|stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    })
    .await;
    is_no_scanner(&format!("icap = \"icap://{hangs}/x\""), "took too long").await;
    for (said, words) in [
        ("", "cannot be used"),
        ("HTTP/1.1 200 OK\r\n\r\n", "none"),
        ("ICAP/1.0 500 No\r\n\r\n", "500"),
        ("ICAP/1.0 200 OK\r\nEncapsulated: res-body=9\r\n\r\n", "none"),
        ("ICAP/1.0 206 Partial\r\nEncapsulated: null-body=0\r\n\r\n", "206"),
    ] {
        let lies = scanner(move |mut stream| async move {
            let mut head = Vec::new();
            while stream.read_buf(&mut head).await.is_ok_and(|count| count > 0) {
                if head.starts_with(b"OPTIONS") && head.ends_with(b"\r\n\r\n") {
                    head.clear();
                    let _ = stream.write_all(b"ICAP/1.0 200 OK\r\nPreview: 10\r\nEncapsulated: null-body=0\r\n\r\n").await;
                } else if head.ends_with(b"\r\n\r\n") {
                    let _ = stream.write_all(said.as_bytes()).await;
                    return;
                }
            }
        })
        .await;
        is_no_scanner(&format!("icap = \"icap://{lies}/x\""), words).await;
    }
}

#[tokio::test]
async fn an_icap_server_that_puts_something_else_in_its_place_has_found_something() {
    let replaces = scanner(|mut stream| async move {
        let mut head = Vec::new();
        while stream.read_buf(&mut head).await.is_ok_and(|count| count > 0) {
            if head.ends_with(b"\r\n\r\n") {
                let options = head.starts_with(b"OPTIONS");
                head.clear();
                let answer = if options {
                    "ICAP/1.0 200 OK\r\nPreview: 10\r\nEncapsulated: null-body=0\r\n\r\n"
                } else {
                    "ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=19\r\n\r\nHTTP/1.1 200 OK\r\n\r\n2\r\nno\r\n0\r\n\r\n"
                };
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        }
    })
    .await;
    let school = school(&format!("icap = \"icap://{replaces}/x\"")).await;
    let site = Origin::giving("", &program()).await;
    for _ in 0..2 {
        let answer = school.pupil().get(&site.url("/a.exe")).await;
        assert!(answer.is_blocked_because("antivirus").record().why.contains("in its place"));
    }
}

#[tokio::test]
async fn what_is_too_large_and_what_is_not_scanned_is_for_the_school_to_say() {
    let scans = scanner(|mut stream| async move {
        read_instream(&mut stream).await;
        let _ = stream.write_all(b"stream: Everything FOUND\0").await;
    })
    .await;
    let setting = format!("clamd = \"tcp://{scans}\"\nlargest_mib = 1");
    let large = [program(), vec![7; 1 << 20]].concat();
    let told = Origin::giving("", &large).await;
    let untold = {
        let large = large.clone();
        Origin::doing(move |mut visit| {
            let large = large.clone();
            async move {
                visit.request().await;
                visit.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await;
                visit.send(large).await;
            }
        })
        .await
    };
    let school = World::new().antivirus(&setting).start().await;
    for site in [&told, &untold] {
        assert!(school.pupil().get(&site.url("/a.exe")).await.is_blocked_because("antivirus").record().why.contains("larger than 1 MiB"));
    }
    let school = World::new().antivirus(&setting).antivirus("larger = \"pass\"").start().await;
    for origin in [&told, &untold] {
        let reply = school.pupil().get(&origin.url("/a.exe")).await.reply;
        assert!(reply.status == 200 && reply.body == large, "{}", reply.body.len());
    }
    // Pages and pictures are not shown to it.
    let page = Origin::giving("Content-Type: text/html\r\n", b"<p>hello").await;
    assert_eq!(school.pupil().get(&page.url("/")).await.reply.status, 200);
    let small = Origin::giving("", &program()).await;
    school.pupil().get(&small.url("/a.exe")).await.is_blocked_because("antivirus");
    let school = World::new().antivirus(&setting).antivirus("scan = [\"macros\"]").start().await;
    assert_eq!(school.pupil().get(&small.url("/a.exe")).await.reply.status, 200);
}

#[tokio::test]
async fn a_site_that_breaks_off_gets_its_file_scanned_and_cut() {
    let scans = scanner(|mut stream| async move {
        let bytes = read_instream(&mut stream).await;
        let said: &[u8] = if bytes.ends_with(b"bad") { b"stream: Bad FOUND\0" } else { b"stream: OK\0" };
        let _ = stream.write_all(said).await;
    })
    .await;
    let school = school(&format!("clamd = \"tcp://{scans}\"")).await;
    for (end, found) in [("bad", true), ("fine", false)] {
        let site = Origin::doing(move |mut visit| async move {
            visit.request().await;
            visit.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").await;
            visit.send([program().as_slice(), end.as_bytes()].concat()).await;
        })
        .await;
        let answer = school.pupil().get(&site.url("/a.exe")).await;
        if found {
            answer.is_blocked_because("antivirus");
        } else {
            assert!(answer.reply.status == 200 && answer.reply.ending == Ending::Cut && answer.reply.body.ends_with(b"fine"));
        }
    }
}

#[test]
fn what_is_wrong_with_the_settings_is_said() {
    for (setting, words) in [
        ("on_error = \"block\"", "there is no scanner"),
        ("clamd = \"tcp://127.0.0.1\"", "no host and port"),
        ("clamd = \"http://x\"", "no socket"),
        ("icap = \"icap://127.0.0.1\"", "not an address"),
        ("clamd = \"a\"\non_error = \"allow\"", "none of block, pass"),
        ("clamd = \"a\"\nlargest_mib = 0", "from 1 to"),
        ("clamd = \"a\"\nseconds = 0", "from 1 to"),
        ("clamd = \"a\"\nscan = [\"viruses\"]", "no kind of file"),
        ("clamd = \"a\"\nscan = []", "nothing is scanned"),
    ] {
        let said = World::new().antivirus(setting).write().usher(&["config", "check"]);
        assert!(said.code == Some(2) && said.err.contains(words), "{setting}: {said:?}");
    }
}

/// A file that says it has parts is saved as it is: what is said of the parts keeps it from no scanner.
#[tokio::test]
async fn what_says_it_has_parts_is_scanned_whatever_its_name() {
    let scans = scanner(|mut stream| async move {
        read_instream(&mut stream).await;
        let _ = stream.write_all(b"stream: Everything FOUND\0").await;
    })
    .await;
    let school = school(&format!("clamd = \"tcp://{scans}\"\nscan = [\"executable\"]")).await;
    for name in ["setup.jpg", "a.txt"] {
        let fields = format!("Content-Type: multipart/mixed; boundary=x\r\nContent-Disposition: attachment; filename={name}\r\n");
        for body in [program(), [b"--x\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0\r\n--x\r\n\r\n".as_slice(), &program()].concat()] {
            let site = Origin::giving(&fields, &body).await;
            school.pupil().get(&site.url("/x")).await.is_blocked_because("antivirus");
        }
    }
}
