//! A list comes over https from a server that proves who it is, and through a parent proxy where there is one.

use crate::kit::{Authority, Desk, Good, Origin, SecureSite, World, soon};
use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use usher::library::fetch::{FetchError, Fetched, ReachError, Roots};
use usher::tls::refusal::Refusal;

#[tokio::test]
async fn over_https_the_server_must_prove_who_it_is() {
    let (authority, stranger) = (Authority::new("ours"), Authority::new("theirs"));
    let mut desk = Desk::new();
    desk.roots = authority.roots();
    for (signed_by, names, good, wrong) in [
        (&authority, &["127.0.0.1", "lists.example"][..], Good::Now, None),
        (&stranger, &["127.0.0.1"], Good::Now, Some("untrusted: its certificate is signed by nobody this machine trusts, but by theirs")),
        (&authority, &["127.0.0.1"], Good::Before, Some("expired: its certificate expired on 1 January 2021")),
        (&authority, &["127.0.0.1"], Good::Later, Some("not-yet-valid: its certificate is not valid yet, but from 1 January 3999")),
        (&authority, &["lists.example"], Good::Now, Some("wrong-host: its certificate is for another name: lists.example")),
    ] {
        let site = SecureSite::saying("games.example", signed_by, names, good).await;
        let fetched = desk.fetch(&format!("https://{}/a", site.address)).await;
        match (fetched, wrong) {
            (Ok(Fetched::New(_)), None) => assert_eq!(desk.text(), "games.example"),
            (Err(FetchError::Reach(ReachError::Tls { why, .. })), Some(wrong)) => assert_eq!(format!("{}: {why}", why.word()), wrong),
            (other, wrong) => panic!("{other:?} instead of {wrong:?}"),
        }
        assert_eq!(site.seen().len(), usize::from(desk.text() == "games.example"), "nothing is asked of a stranger");
        fs::write(desk.place(), "yesterday").expect("written");
    }
    let plain = Origin::doing(|mut visit| async move {
        visit.wire.take(1).await;
        visit.send("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    let (error, _) = desk.refuses(&format!("https://{}/a", plain.address)).await;
    assert!(matches!(error, FetchError::Reach(ReachError::Tls { why: Refusal::NotTls, .. })), "a server without TLS: {error:?}");
    let plain = Origin::ending(&["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"]).await;
    let leads_down = leading_down(&authority, &format!("http://{}/a", plain.address)).await;
    let (error, said) = desk.refuses(&leads_down).await;
    assert!(matches!(error, FetchError::Downgrade { .. }) && said.contains("anyone on the way could change"), "{said}");
    assert_eq!(plain.visits(), 0);
}

/// A site over https that leads on to another address.
async fn leading_down(authority: &Authority, to: &str) -> String {
    let site = SecureSite::leading_to(to, authority, &["127.0.0.1"]).await;
    format!("https://{}/a", site.address)
}

#[tokio::test]
#[ignore = "it is run by the test after it, as a program with an environment of its own"]
async fn as_a_program() {
    let mut desk = Desk::new();
    desk.roots = Roots::System;
    println!("came of it: {:?}", desk.fetch(&std::env::var("USHER_FETCH").expect("an address")).await.map_err(|error| error.to_string()));
}

#[tokio::test]
async fn the_authorities_of_this_machine_are_trusted_and_can_be_others() {
    let authority = Authority::new("ours");
    let site = SecureSite::saying("games.example", &authority, &["127.0.0.1"], Good::Now).await;
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("ours.pem"), authority.pem()).expect("written");
    fs::write(folder.path().join("other.pem"), Authority::new("theirs").pem()).expect("written");
    for (file, said) in
        [("ours.pem", "Ok(New("), ("other.pem", "signed by nobody this machine trusts"), ("/dev/null", "no certificate authority is known on this machine")]
    {
        let mut program = Command::new(std::env::current_exe().expect("this program"));
        program.args(["--ignored", "--exact", "--nocapture", "fetching_safely::as_a_program"]);
        program.env("SSL_CERT_FILE", folder.path().join(file)).env_remove("SSL_CERT_DIR").env("USHER_FETCH", format!("https://{}/a", site.address));
        let output = soon("a program", tokio::task::spawn_blocking(move || program.output())).await.expect("it runs").expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(said), "{file}: {text}");
    }
}

/// A parent proxy that opens every tunnel, and shows the heads it was sent.
async fn open_parent() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (address, heads) = (listener.local_addr().expect("an address"), Arc::new(Mutex::new(Vec::new())));
    let keep = heads.clone();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let keep = keep.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(soon("a head", tcp.read_u8()).await.expect("a head"));
                }
                let head = String::from_utf8(head).expect("text");
                let to = head.split(' ').nth(1).expect("a target").replace("lists.example", "127.0.0.1");
                keep.lock().expect("a list").push(head);
                let mut origin = TcpStream::connect(to).await.expect("connected");
                tcp.write_all(b"HTTP/1.1 200 Connection established\r\nContent-Length: 7\r\n\r\n").await.expect("sent");
                // Either side may end it.
                let _ = tokio::io::copy_bidirectional(&mut tcp, &mut origin).await;
            });
        }
    });
    (address, heads)
}

#[tokio::test]
async fn through_a_parent_proxy_https_goes_by_a_tunnel_and_names_are_its_to_resolve() {
    let authority = Authority::new("ours");
    let site = SecureSite::saying("games.example", &authority, &["lists.example"], Good::Now).await;
    let (parent, heads) = open_parent().await;
    let mut desk = Desk::new().through(parent, Some(("school", "secret")));
    desk.roots = authority.roots();
    let authority = format!("lists.example:{}", site.address.port());
    desk.delivers(&format!("https://{authority}/a")).await;
    assert_eq!(desk.text(), "games.example");
    let head = heads.lock().expect("a list")[0].clone();
    assert!(head.starts_with(&format!("CONNECT {authority} HTTP/1.1\r\n")), "{head}");
    for line in [format!("host: {authority}\r\n"), "proxy-authorization: Basic c2Nob29sOnNlY3JldA==\r\n".to_owned()] {
        assert!(head.contains(&line), "{line} is not in {head}");
    }
    let (target, fields) = site.seen().remove(0);
    assert!(target == "/a" && !fields.contains_key("proxy-authorization"), "the password is for the parent only: {fields:?}");
}

#[tokio::test]
async fn lists_come_through_another_usher() {
    let authority = Authority::new("ours");
    let (site, plain) = (SecureSite::saying("games.example", &authority, &["news.example"], Good::Now).await, Origin::saying("play.example").await);
    let school = World::new().proxy("ask_for_password = \"always\"").user("7-lists", "right", None).start().await;
    let mut desk = Desk::new().through(school.address, Some(("7-lists", "right")));
    desk.roots = authority.roots();
    let secure = format!("https://news.example:{}/a", site.address.port());
    desk.delivers(&plain.url("/list")).await;
    assert_eq!(desk.text(), "play.example");
    assert!(!plain.the_request().contains("proxy-authorization"));
    assert_eq!(school.closed("/list").await.user.as_deref(), Some("7-lists"));
    let delivery = desk.delivers(&secure).await;
    assert_eq!(desk.text(), "games.example");
    desk.known = delivery.validators;
    assert_eq!(desk.fetch(&secure).await.expect("an answer"), Fetched::Unchanged);
    assert_eq!(school.closed_tunnel(site.address.port()).await.user.as_deref(), Some("7-lists"));
    let desk = Desk::new().through(school.address, Some(("7-lists", "right")));
    for (address, told) in [("http://games.example/list", "is refused (403)"), ("https://games.example/list", "refuses to open a way there (403)")] {
        let (_, said) = desk.refuses(address).await;
        assert!(said.contains(told), "{said}");
    }
    let desk = Desk::new().through(school.address, None);
    for address in [plain.url("/list"), secure] {
        let (_, said) = desk.refuses(&address).await;
        assert!(said.contains("wants a name and password (407); set `user` and `password_file` under [upstream]"), "{said}");
    }
}

#[tokio::test]
async fn a_parent_proxy_or_a_publisher_that_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let down = listener.local_addr().expect("an address");
    drop(listener);
    let (error, said) = Desk::new().refuses(&format!("http://{down}/a")).await;
    assert!(matches!(error, FetchError::Reach(ReachError::Connect { .. })) && said.contains("127.0.0.1 cannot be reached"), "{said}");
    for scheme in ["http", "https"] {
        let (error, said) = Desk::new().through(down, None).refuses(&format!("{scheme}://lists.example/a")).await;
        assert!(matches!(error, FetchError::Reach(ReachError::Connect { .. })) && said.contains("127.0.0.1 cannot be reached"), "{said}");
    }
    let mut desk = Desk::new();
    desk.caps.connect = Duration::from_secs(10);
    let (_, said) = desk.refuses("http://lists.invalid/a").await;
    assert!(said.contains("lists.invalid"), "{said}");
    let nonsense = Origin::ending(&["220 mail.example ESMTP\r\n"]).await;
    let (error, said) = Desk::new().through(nonsense.address, None).refuses("https://lists.example/a").await;
    assert!(matches!(error, FetchError::ParentAnswer { .. }) && said.contains("check `address` under [upstream]"), "{said}");
}
