//! Promise: what somebody is logged in to, nobody else sees.
//!
//! NTLM and Negotiate log in a connection, and whoever asks on it next is taken for the same person. The site here does as those do: it asks for a
//! login once a connection, in two steps.

use crate::kit::World;
use crate::kit::origin::Origin;
use crate::kit::wire::{Reply, Wire};

/// A site that says who is logged in on a connection, and on which.
async fn site(scheme: &'static str) -> Origin {
    Origin::doing(move |mut visit| async move {
        let mut somebody = None;
        while let Some(request) = visit.request().await {
            if let Some(login) = request.lines().find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))) {
                somebody = login.1.strip_prefix(scheme).and_then(|words| words.trim().strip_prefix("I am ")).map(str::to_owned);
            }
            match &somebody {
                Some(somebody) => visit.say(&format!("{somebody} on {}", visit.number)).await,
                None => {
                    visit.send(format!("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {scheme} who?\r\nContent-Length: 0\r\n\r\n")).await;
                }
            }
        }
    })
    .await
}

async fn ask(wire: &mut Wire, site: &Origin, login: &str) -> Reply {
    let fields = if login.is_empty() { String::new() } else { format!("Authorization: {login}\r\n") };
    wire.send(site.request("GET", "/mail", &fields)).await;
    wire.reply().await
}

#[tokio::test]
async fn a_connection_that_somebody_logged_in_serves_nobody_else() {
    for scheme in ["NTLM", "Negotiate"] {
        let (site, school) = (site(scheme).await, World::new().start().await);
        let (mut amy, mut ben) = (school.wire().await, school.wire().await);
        let asked = ask(&mut amy, &site, "").await;
        assert_eq!((asked.status, asked.field("proxy-support").as_deref()), (401, Some("Session-Based-Authentication")), "{scheme}");
        assert_eq!(ask(&mut amy, &site, &format!("{scheme} hello")).await.status, 401);
        assert_eq!(ask(&mut amy, &site, &format!("{scheme} I am amy")).await.text(), "amy on 0");
        // No login any more: the connection is hers.
        assert_eq!(ask(&mut amy, &site, "").await.text(), "amy on 0");
        assert_eq!(ask(&mut ben, &site, "").await.status, 401, "{scheme}: ben is taken for amy");
        assert_eq!(ask(&mut ben, &site, &format!("{scheme} I am ben")).await.text(), "ben on 1");
        assert_eq!(ask(&mut amy, &site, "").await.text(), "amy on 0");
        // Other sites asked for meanwhile change nothing.
        let other = Origin::saying("news").await;
        assert_eq!(ask(&mut amy, &other, "").await.text(), "news");
        assert_eq!(ask(&mut amy, &site, "").await.text(), "amy on 0");
        // With her connection ends what it was logged in to.
        drop(amy);
        let mut next = school.wire().await;
        assert_eq!(ask(&mut next, &site, "").await.status, 401);
    }
}

/// A text that one is let at who is logged in on the connection, whole or in parts. What it was asked for, it says in front.
async fn books(scheme: &'static str, part: usize) -> Origin {
    Origin::doing(move |mut visit| async move {
        let mut is_known = false;
        while let Some(request) = visit.request().await {
            let head = request.to_ascii_lowercase();
            is_known |= head.contains(&format!("authorization: {} i am", scheme.to_ascii_lowercase()));
            let kind = "Content-Type: text/plain\r\nAccept-Ranges: bytes\r\n";
            if !is_known {
                visit.send(format!("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {scheme} who?\r\nContent-Length: 0\r\n\r\n")).await;
            } else if head.contains("\r\nrange:") {
                let fields = format!("{kind}Content-Range: bytes 0-{}/99999999\r\nContent-Length: {part}\r\n", part - 1);
                visit.send([format!("HTTP/1.1 206 Partial Content\r\n{fields}\r\n").as_bytes(), &vec![b'.'; part]].concat()).await;
            } else {
                let text = format!("the whole, on {}", visit.number);
                visit.send(format!("HTTP/1.1 200 OK\r\n{kind}Content-Length: {}\r\n\r\n{text}", text.len())).await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_text_that_is_judged_whole_is_asked_for_on_the_connection_that_is_logged_in_or_not_at_all() {
    let school = World::new().reading("{ threshold = 100, on_hit = \"withhold\" }").start().await;
    let ask = async |wire: &mut Wire, site: &Origin, login: &str| {
        let path = format!("/{}", site.address.port());
        wire.send(site.request("GET", &path, &format!("{login}Range: bytes=0-9\r\n"))).await;
        wire.reply().await
    };
    for scheme in ["NTLM", "Negotiate"] {
        let (site, mut amy) = (books(scheme, 10).await, school.wire().await);
        let login = format!("Authorization: {scheme} I am amy\r\n");
        assert_eq!(ask(&mut amy, &site, &login).await.text(), "the whole, on 0", "{scheme}: by the login that is good for once");
        for _ in 0..3 {
            assert_eq!(ask(&mut amy, &site, "").await.text(), "the whole, on 0", "{scheme}");
        }
        let logins = site.seen().iter().filter(|request| request.to_ascii_lowercase().contains("authorization:")).count();
        assert_eq!((logins, site.visits()), (1, 1), "{scheme}");
    }
    // A part that goes on for too long.
    let (site, mut amy) = (books("NTLM", 8 << 20).await, school.wire().await);
    amy.send(site.request("GET", "/first", "Authorization: NTLM I am amy\r\n")).await;
    assert_eq!(amy.reply().await.status, 200);
    let refused = ask(&mut amy, &site, "").await;
    assert_eq!((refused.status, site.visits()), (502, 1), "{}", refused.text());
    assert!(school.closed(&format!("/{}", site.address.port())).await.note.is_some_and(|note| note.contains("a part of a text")));
}

#[tokio::test]
async fn a_login_of_each_request_leaves_connections_to_all() {
    let (site, school) = (
        Origin::doing(|mut visit| async move {
            while visit.request().await.is_some() {
                visit.say(&visit.number.to_string()).await;
            }
        })
        .await,
        World::new().start().await,
    );
    for login in ["Basic YW15OnNlY3JldA==", "Bearer NTLM", ""] {
        let mut wire = school.wire().await;
        assert_eq!(ask(&mut wire, &site, login).await.text(), "0", "{login}");
    }
}

#[tokio::test]
async fn who_logs_in_at_many_sites_keeps_the_latest() {
    let school = World::new().start().await;
    let mut wire = school.wire().await;
    let mut sites = Vec::new();
    for _ in 0..6 {
        sites.push(site("NTLM").await);
    }
    for site in &sites {
        assert_eq!(ask(&mut wire, site, "NTLM I am amy").await.text(), "amy on 0");
    }
    let kept = ask(&mut wire, &sites[5], "").await;
    let dropped = ask(&mut wire, &sites[0], "").await;
    assert_eq!((kept.text().as_str(), dropped.status), ("amy on 0", 401));
}
