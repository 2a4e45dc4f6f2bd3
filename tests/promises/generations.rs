//! Compiled lists are kept in a file, opened at once, and used only if every byte is as it was written.

use crate::lists::Dice;
use proptest::prelude::{ProptestConfig, any, prop_assert};
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use usher::category::{CategoryInfo, CategorySet, Page, Taxonomy, Theme};
use usher::host::Host;
use usher::lists::Lists;
use usher::lists::compile::Compiler;
use usher::lists::formats::Format;
use usher::lists::generation::{self, Fault};
use usher::lists::hasher::key_of;
use usher::url::Url;

const SECRET: [u8; 32] = [3; 32];
const NAMES: usize = 30_000;
const LOOK_UPS: usize = 1_000_000;
const IDS: [&str; 4] = ["games", "chat", "drugs", "adverts"];
const ADVERTS: usize = 3;

fn taxonomy(ids: &[&str]) -> Taxonomy {
    let info = |id: &&str| CategoryInfo {
        id: (*id).into(),
        name: (*id).into(),
        covers: (*id).into(),
        theme: Theme::Harm,
        severity: 1,
        heading: None,
        page: Page::Block,
    };
    Taxonomy::new(["child-sexual-abuse", "terrorism"].iter().chain(ids).map(info).collect()).expect("categories")
}

/// Lists of these files: category, format, text.
fn compiled(taxonomy: &Taxonomy, files: &[(&str, Format, &str)]) -> Lists {
    let mut compiler = Compiler::new(key_of(&SECRET));
    for (id, format, text) in files {
        let category = taxonomy.find(id).expect("a category");
        compiler.add(&format!("school/{id}"), (category, id), *format, text.as_bytes()).expect("room");
    }
    compiler.finish().expect("room").0
}

fn school(taxonomy: &Taxonomy) -> Lists {
    compiled(
        taxonomy,
        &[
            ("games", Format::Names, "games.example\n203.0.113.0/24\na.b.c.d.e.f.g.example\n"),
            ("chat", Format::Names, "talk.games.example\ngames.example\n"),
            ("games", Format::Urls, "news.example/fun/\n"),
            ("adverts", Format::Hosts, "0.0.0.0 ad.news.example\n"),
            ("games", Format::Words, "unblocked*games\n"),
            ("drugs", Format::Expressions, "/buy/[0-9]+$\n"),
        ],
    )
}

fn write(lists: &Lists, taxonomy: &Taxonomy, path: &Path) {
    generation::write(lists, taxonomy, &blake3::hash(b"the inputs"), &SECRET, path).expect("written");
}

fn bytes(lists: &Lists, taxonomy: &Taxonomy) -> Vec<u8> {
    let mut bytes = Vec::new();
    generation::encode(lists, taxonomy, &blake3::hash(b"the inputs"), &SECRET, &mut bytes).expect("written");
    bytes
}

/// A name of few letters, one in eight with up to 20 labels more.
fn name(dice: &mut Dice) -> String {
    let more = if dice.throw(8) == 0 { dice.throw(21) } else { 0 };
    (0..more).map(|_| dice.label() + ".").collect::<String>() + &dice.name()
}

/// A host near a listed name: itself, below it (far below it, too), above it, or a letter off.
fn near(dice: &mut Dice, names: &[String]) -> String {
    let listed = names[dice.throw(names.len())].clone();
    match dice.throw(7) {
        0 => listed,
        1 => format!("{}.{listed}", dice.label()),
        2 => (0..dice.throw(14)).map(|_| dice.label() + ".").collect::<String>() + &listed,
        3 => format!("{}{listed}", dice.label()),
        4 => listed.split_once('.').expect("two labels").1.to_owned(),
        5 => format!("{listed}.{}", dice.label()),
        _ => name(dice),
    }
}

/// Which lists each name stands in, as places in [`IDS`]. A name may stand in two.
fn listed<'a>(dice: &mut Dice, names: &'a [String]) -> HashMap<&'a str, [bool; 4]> {
    let mut listed: HashMap<&str, [bool; 4]> = HashMap::new();
    for name in names {
        let stands = listed.entry(name).or_default();
        stands[dice.throw(4)] = true;
        stands[dice.throw(4)] = true;
    }
    listed
}

/// Compiled, written and opened. Adverts are a hosts file, so its names stand for themselves alone.
fn opened(taxonomy: &Taxonomy, listed: &HashMap<&str, [bool; 4]>, path: &Path) -> Lists {
    let lines = |at: usize| {
        let own = listed.iter().filter(move |(_, stands)| stands[at]).map(|(name, _)| *name);
        own.map(|name| if at == ADVERTS { format!("0.0.0.0 {name}\n") } else { format!("{name}\n") }).collect::<String>()
    };
    let texts = [0, 1, 2, 3].map(lines);
    let format = |at: usize| if at == ADVERTS { Format::Hosts } else { Format::Names };
    let files: Vec<_> = (0..).zip(&texts).map(|(at, text)| (IDS[at], format(at), text.as_str())).collect();
    write(&compiled(taxonomy, &files), taxonomy, path);
    generation::open(path, taxonomy, &SECRET).expect("opened")
}

#[test]
fn a_million_look_ups_in_an_opened_file_agree_with_a_naive_reference() {
    let (mut dice, taxonomy, folder) = (Dice::new(), taxonomy(&IDS), tempfile::tempdir().expect("a folder"));
    let names: Vec<String> = (0..NAMES).map(|_| name(&mut dice)).collect();
    let listed = listed(&mut dice, &names);
    let lists = opened(&taxonomy, &listed, &folder.path().join("generation"));
    let categories = IDS.map(|id| CategorySet::EMPTY.with(taxonomy.find(id).expect("a category")));
    let mut found_some = 0;
    for _ in 0..LOOK_UPS {
        let text = near(&mut dice, &names);
        let Ok(host) = Host::parse(&text) else { continue };
        let mut expected = CategorySet::EMPTY;
        for suffix in host.suffixes() {
            let stands = listed.get(suffix).copied().unwrap_or_default();
            let says = |at: &usize| stands[*at] && (*at != ADVERTS || suffix == text);
            expected = (0..4).filter(says).fold(expected, |set, at| set.union(categories[at]));
        }
        assert_eq!(lists.look_up_host(&host).categories, expected, "{text}");
        found_some += usize::from(!expected.is_empty());
    }
    assert!((LOOK_UPS / 4..LOOK_UPS * 3 / 4).contains(&found_some), "both answers are common: {found_some} of {LOOK_UPS} are listed");
}

#[test]
fn what_was_opened_names_the_same_entries_as_what_was_compiled() {
    let taxonomy = taxonomy(&IDS);
    let (folder, lists) = (tempfile::tempdir().expect("a folder"), school(&taxonomy));
    let path = folder.path().join("generation");
    write(&lists, &taxonomy, &path);
    let opened = generation::open(&path, &taxonomy, &SECRET).expect("opened");
    for (url, entries) in [
        ("www.games.example", 2),
        ("a.talk.games.example/unblocked-games", 4),
        ("203.0.113.9", 1),
        ("x.a.b.c.d.e.f.g.example", 1),
        ("news.example/fun/1", 1),
        ("ad.news.example/buy/12", 2),
        ("none.example", 0),
    ] {
        let url = Url::parse(url).expect(url);
        let (was, is) = (lists.look_up(&url), opened.look_up(&url));
        let entries_now = opened.explain_all(&is, &url);
        assert_eq!((is.categories, &entries_now), (was.categories, &lists.explain_all(&was, &url)), "{url}");
        assert_eq!(entries_now.len(), entries, "{url}: {entries_now:?}");
    }
    assert_eq!((opened.lists(), opened.len(), opened.memory()), (lists.lists(), lists.len(), lists.memory()));
    assert_eq!(opened.digest(), blake3::hash(b"the inputs"));
}

#[test]
fn a_file_that_cannot_be_trusted_is_refused_in_a_sentence() {
    let (taxonomy, folder) = (taxonomy(&IDS), tempfile::tempdir().expect("a folder"));
    let whole = bytes(&school(&taxonomy), &taxonomy);
    let path = folder.path().join("generation");
    let changed = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let foreign = {
        let mut compiler = Compiler::new(key_of(&[4; 32]));
        compiler.add("a", (taxonomy.find("games").expect("a category"), "games"), Format::Names, b"a.example").expect("room");
        let mut bytes = Vec::new();
        generation::encode(&compiler.finish().expect("room").0, &taxonomy, &blake3::hash(b""), &[4; 32], &mut bytes).expect("written");
        bytes
    };
    for (what, bytes, sentence) in [
        ("cut short", whole[..whole.len() - 1].to_vec(), "cut short or added to"),
        ("cut in the middle", whole[..whole.len() / 2].to_vec(), "cut short or added to"),
        ("cut in its head", whole[..100].to_vec(), "no file of compiled lists"),
        ("empty", Vec::new(), "no file of compiled lists"),
        ("added to", [&whole[..], b"x"].concat(), "cut short or added to"),
        ("one bit of the table", changed(200), "was altered"),
        ("one bit of the seal", changed(whole.len() - 1), "was altered"),
        ("one bit of the inputs' digest", changed(90), "was altered"),
        ("another version", changed(16), "has version 0 of the format"),
        ("another secret", foreign, "compiled with another secret"),
        ("something else", b"games.example\n".repeat(100), "no file of compiled lists"),
    ] {
        fs::write(&path, bytes).expect("written");
        let error = generation::open(&path, &taxonomy, &SECRET).map(drop).expect_err(what).to_string();
        let says_all = error.contains(sentence) && error.contains("compile the lists anew") && error.contains(&path.display().to_string());
        assert!(says_all, "{what}: {error}");
    }
    fs::remove_file(&path).expect("removed");
    let error = generation::open(&path, &taxonomy, &SECRET).expect_err("nothing there");
    assert!(matches!(error.fault, Fault::Unreadable(_)), "{error}");
}

#[test]
fn a_category_that_is_gone_is_named() {
    let (whole, folder) = (taxonomy(&IDS), tempfile::tempdir().expect("a folder"));
    let path = folder.path().join("generation");
    write(&school(&whole), &whole, &path);
    let error = generation::open(&path, &taxonomy(&IDS[..3]), &SECRET).expect_err("adverts are gone").to_string();
    assert!(error.contains("\"school/adverts\"") && error.contains("\"adverts\"") && error.contains("categories.toml"), "{error}");
}

#[test]
fn who_has_the_old_lists_keeps_them_while_new_ones_are_written() {
    let (taxonomy, folder) = (taxonomy(&IDS), tempfile::tempdir().expect("a folder"));
    let path = folder.path().join("generation");
    let listed = |lists: &Lists, host: &str| !lists.look_up_host(&Host::parse(host).expect(host)).categories.is_empty();
    let mut kept = Vec::new();
    for round in 0..20 {
        let now = format!("round{round}.example");
        write(&compiled(&taxonomy, &[("games", Format::Names, &now)]), &taxonomy, &path);
        kept.push((generation::open(&path, &taxonomy, &SECRET).expect("opened"), now));
    }
    for (lists, own) in &kept {
        assert!(kept.iter().all(|(_, host)| listed(lists, host) == (host == own)), "{own}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left beside it");
}

proptest::proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_altered_byte_is_let_through(at in any::<proptest::sample::Index>(), flip in 1..=u8::MAX, change in 0..3u8, tail in proptest::collection::vec(any::<u8>(), 1..70)) {
        let taxonomy = taxonomy(&IDS);
        let mut bytes = bytes(&school(&taxonomy), &taxonomy);
        let at = at.index(bytes.len());
        match change {
            0 => bytes[at] ^= flip,
            1 => bytes.truncate(at),
            _ => bytes.extend(tail),
        }
        let map = usher::lists::mapped::Map::copy(&bytes).expect("a map");
        prop_assert!(generation::decode(map, &taxonomy, &SECRET).is_err());
    }
}
