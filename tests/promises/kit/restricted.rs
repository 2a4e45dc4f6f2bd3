//! A school with two pupils who sign in, and what a member of staff does about their access.

use super::h2::school;
use super::{Authority, Files, PATIENCE, Program, Wire, World};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

/// Everybody's password.
pub const PASSWORD: &str = "correct horse";

/// Two pupils of year 7, and a site that helps.
pub fn world() -> World {
    let world = World::new().user("7-patel", PASSWORD, None).user("7-smith", PASSWORD, None).named("talk.example", "127.0.0.1").listed("help", "talk.example");
    // [`soon_so`] asks as fast as it can until something is taken up: a quick machine asks more than a device may.
    world.limit("requests_per_second = 0")
}

/// A restriction, by command; its number.
pub fn restrict(files: &Files, arguments: &[&str]) -> u64 {
    let said = files.usher(&[&["users", "restrict"], arguments, &["--reason", "Third web proxy today", "--as", "Mr Roe", "--json"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    said.json()[0]["number"].as_u64().expect("a number")
}

/// Until the end of today, or an hour on where that is about to come.
pub fn later() -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)).to_string()
}

/// The same school, killed and started: what was stated is in force from its first request on.
pub fn started_again(mut usher: Program) -> Program {
    usher.signal(Signal::KILL);
    usher.ended();
    Program::start(usher.files.clone())
}

/// Takes somebody's access away for an hour; the number.
pub fn off(files: &Files, whom: &[&str]) -> u64 {
    restrict(files, &[whom, &["--off", "--until", &later()]].concat())
}

/// Asks until the answer is as it should be: what is stated is taken up within seconds.
pub fn soon_so(what: &str, mut answer: impl FnMut() -> String, is_so: impl Fn(&str) -> bool) -> String {
    let started = Instant::now();
    loop {
        let said = answer();
        if is_so(&said) {
            return said;
        }
        assert!(started.elapsed() < PATIENCE, "{what}: {said}");
        std::thread::yield_now();
    }
}

/// Whether an answer is the page of somebody who is off.
pub fn is_paused(page: &str) -> bool {
    page.starts_with("HTTP/1.1 403") && page.contains("Your access is paused")
}

/// Asks for a page as the pupil who is restricted.
pub fn as_patel(usher: &Program, url: &str) -> String {
    usher.get_as(url, "7-patel", PASSWORD)
}

/// Who somebody is, as a field of a request.
pub fn credentials(name: &str) -> String {
    format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(format!("{name}:{PASSWORD}")))
}

/// A bare connection from a device of year 7.
pub async fn wire(usher: SocketAddr) -> Wire {
    Wire::connect(IpAddr::from([127, 0, 7, 1]), usher).await
}

/// A school that looks into https, with its users.
pub fn inspecting(believed: &Authority, more: impl FnOnce(World) -> World) -> Program {
    school(believed, |world| more(world.user("7-patel", PASSWORD, None).user("7-smith", PASSWORD, None)))
}
