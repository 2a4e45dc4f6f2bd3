//! Addresses of the files and calls that web proxies' kits have, as they are published: Ultraviolet, Scramjet, bare-mux, Dynamic and what carries them.
//!
//! | it ends with | it is |
//! | --- | --- |
//! | a file that no other program has (`uv.bundle.js`, `baremux/worker.js`) | a sign, where a page loads it; two different ones at one site are nearly certain ([`super::pairs`]) |
//! | a file that others may have (`dynamic.config.js`, `epoxy/index.mjs`) | half of that; three are nearly certain |
//! | it leads through a place where kits put the pages they fetch (`/uv/service/`, `/~/sj/`), or a bare server's calls (`/bare/v3/`) | the same |
//! | it comes from these programs' makers, at a host for parts of pages (`/npm/@mercuryworkshop/`) | a sign |
//!
//! Who reads such a file as a page, as one reads programs where they are written, loads nothing. What is renamed is not found here: [`super::wisp`],
//! [`super::bare`] and [`super::triad`] find it by what it does.

use super::forms::Form;
use super::{Certainty, Code, Finding};

/// Files that no other program has.
const FILES: [&str; 15] = [
    "uv.bundle.js", "uv.client.js", "uv.config.js", "uv.handler.js", "uv.sw.js", "scramjet.all.js", "scramjet.bundle.js", "scramjet.sync.js",
    "scramjet.wasm.wasm", "scramjet.client.js", "scramjet.codecs.js", "scramjet.controller.js", "baremux/index.js", "baremux/index.mjs", "baremux/worker.js",
];

/// Files that others may have too.
const MAYBE: [&str; 7] =
    ["dynamic.config.js", "dynamic.handler.js", "dynamic.worker.js", "dynamic.client.js", "scramjet.worker.js", "epoxy/index.mjs", "libcurl/index.mjs"];

/// Where pages stand that are fetched for somebody, and calls of bare servers: behind nothing, or one folder.
const PLACES: [&str; 7] = ["/uv/service/", "/scram/service/", "/scramjet/service/", "/~/sj/", "/~/uv/", "/bare/v3/", "/bare/v2/"];

/// The makers' names, as hosts for parts of pages have them in their addresses.
const MAKERS: [&str; 8] = [
    "/npm/@titaniumnetwork-dev/", "/npm/@mercuryworkshop/", "/npm/@tomphttp/", "/npm/@nebula-services/", "/@titaniumnetwork-dev/", "/@mercuryworkshop/",
    "/@tomphttp/", "/@nebula-services/",
];

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// A page to be shown, or a part of one that is neither script nor program.
    Show,
    /// A script, a worker, or a program.
    Run,
}

impl For {
    /// By what a browser says it is for (`Sec-Fetch-Dest`). A program in WebAssembly, and a script that a worker loads, are fetched for nothing in particular.
    #[must_use]
    pub fn of(dest: Option<&str>, path: &str) -> Self {
        match dest {
            None | Some("script" | "worker" | "sharedworker" | "serviceworker") => Self::Run,
            Some("empty") if whole(path).ends_with(".wasm") => Self::Run,
            Some(_) => Self::Show,
        }
    }
}

/// Looks at the path of a request. What it is for is asked only where that makes a difference.
#[must_use]
pub fn in_path(path: &str, what: impl FnOnce() -> For) -> Option<Finding> {
    let name = known(path, what)?;
    let found = Finding::new(Code::KitPath, &format!("the path {name}"));
    Some(if is_anybodys(name) { found.with(Certainty::Scores(2)) } else { found })
}

/// The form of an address in which something was found ([`in_path`]).
#[must_use]
pub fn form(path: &str, what: impl FnOnce() -> For) -> Option<Form> {
    let name = known(path, what)?;
    Some(if is_anybodys(name) { Form::MaybeKit(name) } else { Form::Kit(name) })
}

fn is_anybodys(name: &str) -> bool {
    MAYBE.contains(&name) || PLACES.contains(&name)
}

fn whole(path: &str) -> &str {
    &path[..memchr::memchr2(b'?', b'#', path.as_bytes()).unwrap_or(path.len())]
}

fn known(path: &str, what: impl FnOnce() -> For) -> Option<&'static str> {
    let whole = whole(path);
    place(whole).or_else(|| file(whole).or_else(|| maker(whole)).filter(|_| what() == For::Run))
}

fn file(whole: &str) -> Option<&'static str> {
    // All that are looked for end so.
    if !(whole.ends_with("js") || whole.ends_with(".wasm")) {
        return None;
    }
    FILES.into_iter().chain(MAYBE).find(|name| whole.strip_suffix(name).is_some_and(|before| before.ends_with('/')))
}

fn place(whole: &str) -> Option<&'static str> {
    let begins = |path: &str| {
        // As few of all paths begin.
        if !matches!(path.as_bytes().get(1), Some(b'u' | b's' | b'~' | b'b')) {
            return None;
        }
        PLACES.into_iter().find(|place| path.strip_prefix(place).is_some_and(|rest| is_in_code(rest) || rest.is_empty() && place.starts_with("/bare/")))
    };
    // Behind one folder as well.
    begins(whole).or_else(|| begins(&whole[1 + memchr::memchr(b'/', whole.as_bytes().get(1..)?)?..]))
}

/// The fewest bytes of an address in code.
const LEAST: usize = 16;

/// Whether what stands there may be an address in code: shorter are the pages of whoever sells what is called so, or they have words with hyphens.
fn is_in_code(rest: &str) -> bool {
    rest.len() >= LEAST && (rest.contains('%') || !rest.contains('-') && rest.bytes().any(|byte| byte.is_ascii_digit()))
}

fn maker(whole: &str) -> Option<&'static str> {
    // None has any but these two beginnings.
    if !(whole.starts_with("/@") || whole.starts_with("/npm/@")) {
        return None;
    }
    MAKERS.into_iter().find(|maker| whole.starts_with(maker))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn points(path: &str, what: For) -> u8 {
        assert_eq!(form(path, || what).map(Form::of), in_path(path, || what).map(|found| found.code), "{path}");
        in_path(path, || what).map_or(0, |found| found.certainty.points())
    }

    #[test]
    fn the_files_of_kits_are_known_where_they_are_loaded() {
        for (path, expected) in [
            ("/uv/uv.bundle.js", 4),
            ("/uv.config.js?v=3", 4),
            ("/assets/-uv/uv.sw.js", 4),
            ("/scram/scramjet.wasm.wasm", 4),
            ("/baremux/worker.js", 4),
            ("/x/baremux/index.mjs#y", 4),
            ("/npm/@mercuryworkshop/bare-mux", 4),
            ("/@titaniumnetwork-dev/ultraviolet@3.2.10/dist/a.js", 4),
            ("/dynamic/dynamic.config.js", 2),
            ("/epoxy/index.mjs", 2),
            ("/npm/@mercuryworkshop-fans/x.js", 0),
            ("/xuv.bundle.js", 0),
            ("/uv.bundle.json", 0),
            ("/notbaremux/index.js", 0),
            ("/index.js", 0),
            ("/package/@tomphttp/bare-server-node", 0),
            ("/a.js?x=/uv.bundle.js", 0),
            ("", 0),
        ] {
            assert_eq!(points(path, For::Run), expected, "{path}");
            assert_eq!(points(path, For::Show), 0, "{path}: it is read, and not run");
        }
    }

    #[test]
    fn what_stands_where_kits_put_pages_is_known_however_it_is_written() {
        for (path, expected) in [
            ("/uv/service/U2FsdGVkX18xMjM0NTY3ODkw", 2),
            ("/szvy/uv/service/U2FsdGVkX18xMjM0NTY3ODkw", 2),
            ("/~/sj/U2FsdGVkX18xMjM0NTY3ODkw", 2),
            ("/bare/v3/", 2),
            ("/x/bare/v2/", 2),
            ("/uv/service/", 0),
            ("/uv/service/prices", 0),
            ("/uv/service/maintenance-contracts-2026", 0),
            ("/uv/service/termsandconditions", 0),
            ("/uv/service/https%3A%2F%2Fa.example", 2),
            ("/a/b/uv/service/U2FsdGVkX18xMjM0NTY3ODkw", 0),
            ("/bare/v1/", 0),
            ("/?x=/bare/v3/", 0),
            ("/é/", 0),
        ] {
            assert_eq!((points(path, For::Run), points(path, For::Show)), (expected, expected), "{path}");
        }
    }

    #[test]
    fn what_it_is_for_is_said_by_the_browser() {
        for (dest, path, expected) in [
            (Some("script"), "/a.js", For::Run),
            (Some("serviceworker"), "/a.js", For::Run),
            (None, "/a.js", For::Run),
            (Some("empty"), "/a.wasm?1", For::Run),
            // Pages of programs' sources are fetched so.
            (Some("empty"), "/uv.config.js", For::Show),
            (Some("document"), "/uv.config.js", For::Show),
        ] {
            assert_eq!(For::of(dest, path), expected, "{dest:?} {path}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(path in "/?\\PC{0,60}", place in prop::sample::select(PLACES.to_vec())) {
            let _ = (in_path(&path, || For::Run), in_path(&format!("{path}{place}{path}"), || For::Show));
        }
    }
}
