//! Compiled lists in a file (`lists::generation`), behind the seal. The bytes are edits of a sound file, which is sealed again so that the reader sees
//! them: it may refuse what it is given, and what it opens must answer every question, whatever the answers are. Without the new seal, all that is not
//! the sound file is refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use usher::category::{ALWAYS_BLOCKED, CategoryInfo, Page, Taxonomy, Theme};
use usher::lists::Lists;
use usher::lists::compile::Compiler;
use usher::lists::formats::Format;
use usher::lists::generation::{decode, encode, sealed};
use usher::lists::hasher::key_of;
use usher::lists::mapped::Map;
use usher::url::Url;

const SECRET: [u8; 32] = [9; 32];
/// The length of a seal, in bytes.
const SEAL: usize = 32;

static TAXONOMY: LazyLock<Taxonomy> = LazyLock::new(|| {
    let info = |id: &str| CategoryInfo {
        id: id.into(),
        name: String::new(),
        covers: String::new(),
        theme: Theme::Illegal,
        severity: 5,
        heading: None,
        page: Page::Block,
    };
    Taxonomy::new(ALWAYS_BLOCKED.map(info).into()).expect("a taxonomy")
});

/// A file with an entry of every kind.
static SOUND: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut compiler = Compiler::new(key_of(&SECRET));
    for (at, format, text) in [
        (0, Format::Names, "games.example\n203.0.113.0/24\n2001:db8::/32\na.b.c.d.e.f.g.example\n"),
        (1, Format::Names, "games.example\ntalk.games.example\n"),
        (0, Format::Urls, "news.example/fun/\n"),
        (1, Format::Hosts, "0.0.0.0 ad.news.example\n"),
        (0, Format::Words, "unblocked*games\n"),
        (1, Format::Expressions, "/play/[0-9]+\\.swf$\n[0-9]{9}\n"),
    ] {
        let id = ALWAYS_BLOCKED[at];
        compiler.add("list", (TAXONOMY.find(id).expect("a category"), id), format, text.as_bytes()).expect("room");
    }
    written(&compiler.finish().expect("room").0)
});

fn written(lists: &Lists) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(lists, &TAXONOMY, &blake3::hash(b""), &SECRET, &mut bytes).expect("memory takes it");
    bytes
}

fn opened(bytes: &[u8]) -> Option<Lists> {
    decode(Map::copy(bytes).expect("a map"), &TAXONOMY, &SECRET).ok()
}

/// Each four bytes are a place (two), what is done there, and a byte to do it with.
fn edited(mut body: Vec<u8>, edits: &[u8]) -> Vec<u8> {
    for edit in edits.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % (body.len() + 1);
        match edit[2] % 4 {
            0 if at < body.len() => body[at] = edit[3],
            1 if at < body.len() => drop(body.remove(at)),
            2 if edit[3] == 0 => body.truncate(at),
            _ => body.insert(at, edit[3]),
        }
    }
    body
}

fuzz_target!(|edits: &[u8]| {
    let whole = edited(SOUND.clone(), edits);
    assert_eq!(opened(&whole).is_some(), whole == *SOUND, "opened, and it was changed");

    let body = edited(SOUND[..SOUND.len() - SEAL].to_vec(), edits);
    let Some(lists) = opened(&sealed(body, &SECRET)) else { return };
    for url in [
        "games.example", "x.talk.games.example", "203.0.113.9", "[2001:db8::1]", "z.a.b.c.d.e.f.g.example", "news.example/fun/1", "ad.news.example/unblocked-games",
        "a.example/play/1.swf", "a.example/123456789",
    ] {
        let url = Url::parse(url).expect("a URL");
        let found = lists.look_up(&url);
        let all = lists.explain_all(&found, &url);
        assert_eq!(lists.explain(&found, &url, found.categories).is_some(), !all.is_empty());
        let _ = (lists.look_up_host(&url.host), lists.explain_exceptions(&found, &url));
    }
    let _ = (lists.lists(), lists.phrases(), lists.len(), lists.memory(), lists.digest());
    // What was opened can be written and opened again.
    assert!(opened(&written(&lists)).is_some(), "written by this very program, and refused");
});
