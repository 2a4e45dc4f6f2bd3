//! Promise: what no sound client says in TLS is answered with the right alert, leaves Usher as it was, and never gets a page it should not.
//!
//! The conversations are in `clients/tls_talks.py`, after those of tlsfuzzer, which no registry carries; tlslite-ng, on which tlsfuzzer stands, makes the
//! messages and the keys. It says which of tlsfuzzer's are left out, and why.

use crate::kit::h2::{BOTH, Site, believed, device, school};
use crate::kit::scripts::{python, script, told};
use crate::kit::{skipped, soon};

#[tokio::test(flavor = "multi_thread")]
async fn what_no_sound_client_says_is_answered_as_it_should_be() {
    let Some(mut python) = python("tlslite") else { return skipped("tlslite-ng") };
    let believed = believed();
    // Somebody who turns away so often is not to be taken for a program that pins.
    let (site, mut usher) =
        (Site::of_pages(&believed, BOTH).await, school(&believed, |world| world.edited("not_tls = \"pass\"", "not_tls = \"refuse\"\npinned = \"never\"")));
    let asking = device(&usher);
    assert_eq!(asking.open(&site.authority()).await.get("/").await.0, 200);
    let (descriptors, before) = (usher.descriptors(), usher.memory("VmHWM"));
    let (proxy, port) = (usher.address, site.address.port().to_string());
    python.arg(script("tls_talks.py")).args([proxy.ip().to_string(), proxy.port().to_string(), "news.example".to_owned(), port]);
    let said = told(&mut python);
    println!("{}{}", said.out, said.err);
    assert!(said.good, "{}{}", said.out, said.err);
    soon("its descriptors", async {
        while usher.descriptors() > descriptors + 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let most = usher.memory("VmHWM");
    assert!(most < before + (16 << 10), "{before} KiB before, {most} KiB at most");
    assert_eq!(asking.open(&site.authority()).await.get("/").await.0, 200, "it serves as before");
    let asked = said.out.lines().filter(|line| line.starts_with("good ")).count();
    let rows = usher.rows();
    assert!(rows.iter().filter(|row| row.method == "CONNECT" && row.outcome.is_some()).count() >= asked, "each is on record");
    usher.signal(rustix::process::Signal::TERM);
    let words = usher.complaints();
    assert!(!words.contains("panicked"), "{words}");
}
