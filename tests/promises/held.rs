//! Promise: what is held until it is judged never takes the disk that the record needs, nor the places and the memory that others need.

use crate::kit::{Origin, School, Wire, World, soon};
use std::net::IpAddr;
use std::sync::Arc;
use usher::antivirus::{MOST_AT_ONCE, MOST_OF_ONE};

fn judging_uploads() -> World {
    World::new().files("block = [\"executable\"], uploads = true")
}

/// The beginning of an upload of so many bytes by somebody in year 7: its head and its first byte.
async fn begun(school: &School, device: u8, site: &Origin, path: &str, length: usize) -> Wire {
    let mut wire = Wire::connect(IpAddr::from([127, 0, 7, device]), school.address).await;
    let head = site.request("POST", path, &format!("Accept: text/html\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n"));
    wire.send([head.as_bytes(), b"x"].concat()).await;
    wire
}

#[tokio::test]
async fn what_is_held_in_all_takes_no_more_than_the_school_says_and_who_comes_too_late_is_told() {
    let (school, site) = (judging_uploads().limit("held_files_mib = 1").start().await, Origin::saying("taken").await);
    // One says how long it is; one does not.
    let mut told = begun(&school, 1, &site, "/told", 3 << 20).await;
    let refused = told.reply().await;
    assert!(refused.status == 403 && refused.text().contains("too much is held already"), "{}", refused.text());
    let mut grows = Wire::connect(IpAddr::from([127, 0, 7, 1]), school.address).await;
    grows.send(site.request("POST", "/grows", "Accept: text/html\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n")).await;
    let chunk = [b"80000\r\n".as_slice(), &[b'x'; 0x80000], b"\r\n"].concat();
    for _ in 0..3 {
        grows.send(&chunk).await;
    }
    grows.send("0\r\n\r\n").await;
    assert!(grows.reply().await.text().contains("too much is held already"));
    for path in ["/told", "/grows"] {
        let rows: Vec<_> = school.rows().into_iter().filter(|row| row.path == path).collect();
        assert!(rows.iter().any(|row| row.verdict == "blocked" && row.why.contains("too much is held already")), "{rows:?}");
    }
    assert_eq!(site.seen().len(), 0, "nothing of it went on");
    // What they took is there again.
    let mut wire = begun(&school, 1, &site, "/later", 900 << 10).await;
    wire.send(vec![b'x'; (900 << 10) - 1]).await;
    assert_eq!(wire.reply().await.status, 200);
}

#[tokio::test]
async fn a_class_behind_one_address_is_served_one_after_the_other() {
    let (school, site) = (judging_uploads().start().await, Origin::saying("taken").await);
    let mut class = Vec::new();
    for number in 0..30 {
        class.push(begun(&school, 1, &site, &format!("/{number}"), 2).await);
    }
    soon("all are on record", async {
        while school.rows().len() < 30 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // They were heard in any order: whoever has a place may be the last that is asked here.
    for wire in &mut class {
        wire.send("y").await;
    }
    for wire in &mut class {
        let reply = wire.reply().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

#[tokio::test]
async fn one_pupil_takes_none_of_the_places_that_others_need_for_what_is_held() {
    let (school, site) = (judging_uploads().start().await, Origin::saying("taken").await);
    let mut greedy = Vec::new();
    for number in 0..MOST_AT_ONCE + 4 {
        greedy.push(begun(&school, 1, &site, &format!("/{number}"), 2).await);
    }
    soon("all are on record", async {
        while school.rows().len() < greedy.len() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Three others have their share, all of it: what they send is asked for when there is a place for it.
    let mut others = Vec::new();
    for device in 2..=4 {
        for _ in 0..MOST_OF_ONE {
            let mut other = Wire::connect(IpAddr::from([127, 0, 7, device]), school.address).await;
            other.send(site.request("POST", "/other", "Content-Type: text/plain\r\nContent-Length: 1\r\nExpect: 100-continue\r\n")).await;
            assert_eq!(other.reply().await.status, 100);
            others.push(other);
        }
    }
    assert_eq!(MOST_OF_ONE * 4, MOST_AT_ONCE);
}

#[tokio::test]
async fn one_pupil_takes_none_of_the_memory_that_others_need_to_have_their_pages_read() {
    // Each of these codings takes 20 MiB to undo; there is room for four, two of them for one pupil.
    let world = World::new().reading("{ threshold = 100, on_hit = \"note\", unreadable = \"pass\" }");
    let school = world.scan("memory_mib = 128\nheld_ms = 100").start().await;
    let danger: Arc<[u8]> = include_bytes!("kit/danger.br").as_slice().into();
    let site = Origin::doing(move |mut visit| {
        let danger = danger.clone();
        async move {
            while let Some(head) = visit.request().await {
                let fields = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: br\r\nContent-Length: {}\r\n\r\n", danger.len());
                visit.send(fields).await;
                if head.contains("/never-ends") {
                    visit.send(&danger[..1]).await;
                    visit.gone().await;
                    return;
                }
                visit.send(&*danger).await;
            }
        }
    })
    .await;
    let mut greedy = Vec::new();
    for number in 0..4 {
        let mut wire = school.wire().await;
        wire.send(site.request("GET", &format!("/never-ends/{number}"), "Accept: text/html\r\nAccept-Encoding: br\r\n")).await;
        greedy.push(wire);
    }
    for wire in &mut greedy {
        assert!(wire.until(b"\r\n\r\n").await.is_some(), "it is read by now, or nobody reads it");
    }
    let mut other = Wire::connect(IpAddr::from([127, 0, 7, 2]), school.address).await;
    other.send(site.request("GET", "/other", "Accept: text/html\r\nAccept-Encoding: br\r\n")).await;
    assert_eq!(other.reply().await.status, 200);
    let row = school.closed("/other").await;
    assert!(row.note.as_deref().is_some_and(|note| note.contains("suicide")), "it was read: {row:?}");
}

#[test]
fn what_is_wrong_with_the_room_is_said() {
    for (world, words) in [
        (World::new().limit("held_files_mib = 0"), "held_files_mib: it must be from 1 to"),
        (World::new().limit("free_disk_mib = 99999999"), "free_disk_mib: it must be from 0 to"),
        (World::new().limit("held_files_mib = 50").antivirus("clamd = \"clamd.ctl\""), "files of up to largest_mib under [antivirus] are held whole"),
    ] {
        let said = world.write().usher(&["config", "check"]);
        assert!(said.code == Some(2) && said.err.contains(words), "{words}: {said:?}");
    }
}
