use super::*;
use crate::category::fixture::taxonomy;
use crate::lists::formats::detect::Sureness;
use crate::url::Url;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use tempfile::TempDir;

fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().expect("a folder");
    write(root.path(), files);
    root
}

fn source(path: &Path) -> Source {
    Source { name: "s".into(), path: path.to_owned(), format: None, category: None, folders: Arc::default() }
}

fn names(taxonomy: &Taxonomy, map: &[(&str, &str)], skip: &[(&str, &str)]) -> Arc<FolderNames> {
    let map = map.iter().map(|(folder, id)| ((*folder).to_owned(), taxonomy.find(id).expect("a category")));
    Arc::new(FolderNames { map: map.collect(), skip: skip.iter().map(|(folder, why)| ((*folder).to_owned(), (*why).to_owned())).collect() })
}

fn loaded(sources: &[Source], taxonomy: &Taxonomy) -> Loaded {
    load(sources, taxonomy, [0; 16], &mut |_| {}).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(source: &Source, taxonomy: &Taxonomy) -> String {
    load(std::slice::from_ref(source), taxonomy, [0; 16], &mut |_| {}).expect_err("refused").to_string()
}

/// Every list: its name, category, entries and format.
fn lists(loaded: &Loaded) -> Vec<String> {
    loaded.reports.iter().map(|report| format!("{} {} {} {}", report.list, report.category, report.accepted, report.format.name())).collect()
}

fn categories(loaded: &Loaded, taxonomy: &Taxonomy, url: &str) -> String {
    let found = loaded.lists.look_up(&Url::parse(url).expect("a url"));
    taxonomy.ids(found.categories).collect::<Vec<_>>().join(" ")
}

fn skipped(loaded: &Loaded) -> Vec<String> {
    loaded.skipped.iter().map(|(what, why)| format!("{what}: {why}")).collect()
}

/// The files of a tree as UT1 publishes it.
const TREE: [(&str, &str); 12] = [
    ("blacklists/README", "x"),
    ("blacklists/global_usage", "NAME: x\n"),
    ("blacklists/games/domains", "games.example\nplay.games.example\n"),
    ("blacklists/games/urls", "news.example/fun\n"),
    ("blacklists/games/usage", "black\nwhite\n"),
    ("blacklists/games/very_restrictive_expression", "x\n"),
    ("blacklists/drogue/domains", "pills.example\n"),
    ("blacklists/chat/domains", "fine.example\n"),
    ("blacklists/chat/usage", "white\n"),
    ("blacklists/mail/usage", "white\n"),
    ("blacklists/mail/domains", "mail.example\n"),
    ("blacklists/odd/domains", "odd.example\n"),
];

fn on_disk() -> TempDir {
    let root = folder(&TREE);
    let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, root.path().join(name)).expect("linked");
    link("drogue", "blacklists/drugs");
    link("games", "blacklists/spiele");
    link("nowhere", "blacklists/dead");
    root
}

fn tarball(name: &str, pack: impl FnOnce(Vec<u8>) -> Vec<u8>) -> (TempDir, PathBuf) {
    let root = on_disk();
    let mut tar = tar::Builder::new(Vec::new());
    tar.follow_symlinks(false);
    tar.append_dir_all("blacklists", root.path().join("blacklists")).expect("packed");
    let path = root.path().join(name);
    fs::write(&path, pack(tar.into_inner().expect("packed"))).expect("written");
    (root, path)
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).expect("packed");
    packed.finish().expect("packed")
}

fn zipped() -> (TempDir, PathBuf) {
    let root = tempfile::tempdir().expect("a folder");
    let path = root.path().join("lists.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).expect("created"));
    let options = zip::write::SimpleFileOptions::default();
    for (name, text) in TREE {
        zip.start_file(name, options).expect("begun");
        zip.write_all(text.as_bytes()).expect("written");
    }
    for (name, target) in [("blacklists/drugs", "drogue"), ("blacklists/spiele", "games"), ("blacklists/dead", "nowhere")] {
        zip.add_symlink(name, target, options).expect("linked");
    }
    zip.finish().expect("written");
    (root, path)
}

#[test]
fn a_tree_is_read_alike_out_of_a_folder_and_out_of_archives() {
    let taxonomy = taxonomy(&["games", "drugs", "chat", "webmail"]);
    let disk = on_disk();
    let (_tar, tar) = tarball("lists", |tar| tar);
    let (_tgz, tgz) = tarball("lists", |tar| gz(&tar));
    let (_zip, zip) = zipped();
    let mut digests = Vec::new();
    for path in [&disk.path().join("blacklists"), &disk.path().to_owned(), &tar, &tgz, &zip] {
        let source = Source { folders: names(&taxonomy, &[("mail", "webmail")], &[("odd", "odds and ends")]), ..source(path) };
        let loaded = loaded(&[source], &taxonomy);
        let expected = ["s/drugs/domains drugs 1 names", "s/games/domains games 2 names", "s/games/urls games 1 urls", "s/mail/domains webmail 1 names"];
        let mut found = lists(&loaded);
        found.sort_unstable();
        assert_eq!(found, expected, "{}", path.display());
        assert_eq!(categories(&loaded, &taxonomy, "pills.example"), "drugs");
        assert_eq!(categories(&loaded, &taxonomy, "fine.example"), "");
        let skipped = skipped(&loaded).join("\n");
        for words in [
            "s/README: no list",
            "s/global_usage: no list",
            "s/chat: for allowing, as its file usage says",
            "s/games/very_restrictive_expression: no list by its name",
            "s/odd: odds and ends",
            "s/drugs: another name of drogue",
            "s/spiele: another name of games",
            "dead",
        ] {
            assert!(skipped.contains(words), "{words} is not in {skipped}, {}", path.display());
        }
        digests.push(loaded.digest);
    }
    assert!(digests[0] == digests[1] && digests[2] == digests[3], "the same lists have the same digest");
}

#[test]
fn a_folder_without_a_category_is_told_of() {
    let taxonomy = taxonomy(&["games"]);
    let root = folder(&[("games/domains", "games.example\n"), ("odd/domains", "odd.example\n"), ("odd/urls", "odd.example/x\n")]);
    let loaded = loaded(&[source(root.path())], &taxonomy);
    assert_eq!(skipped(&loaded), ["s/odd: no category has this name; name one for it under [map] in blocklists/ut1.toml"]);
}

#[test]
fn a_file_that_stands_for_a_link_is_another_name() {
    let taxonomy = taxonomy(&["ads", "games"]);
    let root = folder(&[("publicite/domains", "ads.example\n"), ("ads", "publicite"), ("games/domains", "games.example\n")]);
    let loaded = loaded(&[source(root.path())], &taxonomy);
    assert_eq!(lists(&loaded), ["s/games/domains games 1 names", "s/ads/domains ads 1 names"]);
    assert_eq!(skipped(&loaded), ["s/ads: another name of publicite"]);
}

#[test]
fn links_in_a_circle_and_out_of_the_folder_come_to_an_end() {
    let taxonomy = taxonomy(&["games", "chat"]);
    let (root, elsewhere) = (folder(&[("games/domains", "games.example\n")]), folder(&[("domains", "chat.example\n")]));
    let link = |target: &Path, name: &str| std::os::unix::fs::symlink(target, root.path().join(name)).expect("linked");
    link(root.path(), "games/round");
    link(elsewhere.path(), "chat");
    let loaded = loaded(&[source(root.path())], &taxonomy);
    assert_eq!(lists(&loaded), ["s/chat/domains chat 1 names", "s/games/domains games 1 names"]);
}

#[test]
fn one_file_is_detected_or_read_as_said() {
    let taxonomy = taxonomy(&["games"]);
    let root = folder(&[("hosts.txt", "0.0.0.0 games.example\n"), ("plain.txt", "games.example\n")]);
    fs::write(root.path().join("packed"), gz(b"*.games.example\n")).expect("written");
    let games = taxonomy.find("games");
    for (file, format, expected, known) in [
        ("hosts.txt", None, "s games 1 hosts", Known::Detected(Sureness::Certain)),
        ("plain.txt", None, "s games 1 names", Known::Detected(Sureness::Certain)),
        ("plain.txt", Some(Format::Words), "s games 1 words", Known::Said),
        ("packed", None, "s games 1 wildcard", Known::Detected(Sureness::Certain)),
    ] {
        let loaded = loaded(&[Source { format, category: games, ..source(&root.path().join(file)) }], &taxonomy);
        assert_eq!(lists(&loaded), [expected], "{file}");
        assert_eq!(loaded.reports[0].known, known, "{file}");
    }
    let error = refused(&source(&root.path().join("plain.txt")), &taxonomy);
    assert!(error.contains("\"s\" has no category") && error.contains("read as names"), "{error}");
}

#[test]
fn a_folder_of_files_is_of_the_category_the_source_has() {
    let taxonomy = taxonomy(&["games", "chat"]);
    let root = folder(&[
        ("one.txt", "games.example\n"),
        ("two.hosts", "0.0.0.0 play.example\n"),
        ("more/three.txt", "fun.example\n"),
        ("chat/domains", "chat.example\n"),
        ("exceptionsitelist", "fine.example\n"),
        ("logo.png", "\u{0}\u{1}\u{2}\u{3}"),
    ]);
    let loaded = loaded(&[Source { category: taxonomy.find("games"), ..source(root.path()) }], &taxonomy);
    assert_eq!(lists(&loaded), ["s/chat/domains chat 1 names", "s/more/three.txt games 1 names", "s/one.txt games 1 names", "s/two.hosts games 1 hosts"]);
    let skipped = skipped(&loaded);
    assert_eq!(skipped[0], "s/exceptionsitelist: for allowing, by its name");
    assert!(skipped[1].starts_with("s/logo.png: this is not a list"), "{skipped:?}");
}

#[test]
fn a_file_of_our_own_holds_several_lists() {
    let taxonomy = taxonomy(&["games", "chat"]);
    let root = folder(&[(
        "own.toml",
        "[[list]]\ncategory = \"games\"\nnames = [\"games.example\"]\n[[list]]\ncategory = \"chat\"\nnames = [\"chat.example\", \"com\"]\n\
         [[list]]\ncategory = \"games\"\nnames = [\"play.example\"]\n[[list]]\ncategory = \"gmaes\"\nnames = [\"x.example\"]\n[[list]]\nnames = [\"y.example\"]\n",
    )]);
    let loaded = loaded(&[source(&root.path().join("own.toml"))], &taxonomy);
    assert_eq!(lists(&loaded), ["s [games] games 1 toml", "s [chat] chat 1 toml", "s [games 2] games 1 toml", "s  0 toml"]);
    let refused: Vec<_> = loaded.reports.iter().flat_map(|report| &report.refused_lines).map(|line| (line.line, line.reason)).collect();
    assert_eq!(refused, [(6, Refusal::TopLevel), (12, Refusal::UnknownCategory), (14, Refusal::NoCategory)]);
    let with_category = Source { category: taxonomy.find("chat"), ..source(&root.path().join("own.toml")) };
    let error = load(&[with_category], &taxonomy, [0; 16], &mut |_| {}).expect("loaded");
    assert_eq!(lists(&error)[3..], ["s [chat 2] chat 1 toml", "s  0 toml"]);
}

#[test]
fn e2guardian_lists_include_one_another_within_their_folder() {
    let taxonomy = taxonomy(&["games", "bypass"]);
    let outside = folder(&[("secret", "<secret><50>\n")]);
    let root = folder(&[
        (
            "lists/weightedphraselist",
            ".Include<__LISTDIR__/phrases/games>\n#listcategory: \"Proxies\"\n<hide my ip><100>\n.Include<phrases/proxies>\n.Include<../../x>\n\
             .Include<phrases/none>\n.Include</etc/passwd>\n.Include<link>\n#listcategory: \"Unheard of\"\n<x y><1>\n",
        ),
        ("lists/phrases/games", "#listcategory: \"Games\"\n<casino><50>\n#time: 9 0 17 0 01234\n<bonus><10>\n.Include<../weightedphraselist>\n"),
        ("lists/phrases/proxies", "<free proxy><30>\n.Include<proxies>\n#listcategory: \"Unheard of\"\n<web proxy><1>\n"),
    ]);
    std::os::unix::fs::symlink(outside.path().join("secret"), root.path().join("lists/link")).expect("linked");
    let folders = names(&taxonomy, &[("Proxies", "bypass")], &[]);
    let loaded = loaded(&[Source { folders, ..source(&root.path().join("lists/weightedphraselist")) }], &taxonomy);
    let mut found = lists(&loaded);
    found.sort_unstable();
    let expected = ["s  0 phrases", "s [bypass] bypass 1 phrases", "s/phrases/games [games] games 2 phrases", "s/phrases/proxies bypass 2 phrases"];
    assert_eq!(found, expected);
    let reasons: Vec<_> = loaded.reports.iter().flat_map(|report| report.refused.keys()).copied().collect();
    for reason in [Refusal::IncludeOutside, Refusal::IncludeMissing, Refusal::Timed, Refusal::UnknownCategory] {
        assert!(reasons.contains(&reason), "{reason:?} is not in {reasons:?}");
    }
    let bypass = loaded.reports.iter().find(|report| report.list == "s [bypass]").expect("a list");
    let refused: Vec<_> = bypass.refused_lines.iter().map(|line| (line.line, line.reason)).collect();
    assert_eq!(refused, [(5, Refusal::IncludeOutside), (6, Refusal::IncludeMissing), (7, Refusal::IncludeOutside), (8, Refusal::IncludeMissing)]);
}

#[test]
fn includes_that_never_end_are_refused_at_a_depth() {
    let taxonomy = taxonomy(&["games"]);
    let files: Vec<_> = (0..20).map(|n| (format!("f{n}"), format!("n{n}.example\n.Include<f{}>\n", n + 1))).collect();
    let root = folder(&files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>());
    let source = Source { category: taxonomy.find("games"), format: Some(Format::E2guardianSites), ..source(&root.path().join("f0")) };
    let loaded = loaded(&[source], &taxonomy);
    assert_eq!(loaded.reports.len(), 1 + DEEPEST_INCLUDE);
    assert_eq!(loaded.reports.last().map(|last| last.refused.keys().copied().collect::<Vec<_>>()), Some(vec![Refusal::IncludeDeep]));
}

#[test]
fn what_cannot_be_read_is_one_sentence_that_says_what_to_do() {
    let taxonomy = taxonomy(&["games"]);
    let root = tempfile::tempdir().expect("a folder");
    let put = |name: &str, bytes: &[u8]| {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, bytes).expect("written");
        path
    };
    let games = Source { category: taxonomy.find("games"), ..source(Path::new("")) };
    let page = b"<!DOCTYPE html><title>404</title>";
    let cut = gz(&b"games.example\n".repeat(1000));
    for (path, words) in [
        (root.path().join("none"), "\"s\" cannot be read: "),
        (put("page", page), "looks like a web page"),
        (put("junk", &[7; 1000]), "this is not a list"),
        (put("own.toml", b"[[list]\n"), "line 1 is not sound TOML"),
        (put("cut.gz", &cut[..cut.len() - 9]), "cut short"),
        (put("bomb.gz", &gz(&vec![b'#'; 32 << 20])), "decompression bomb"),
        (put("list.xz", b"\xfd7zXZ\0rest"), "packed with xz"),
        (put("tree/games/domains", page).parent().expect("a folder").parent().expect("a folder").to_owned(), "looks like a web page"),
    ] {
        let error = refused(&Source { path: path.clone(), ..games.clone() }, &taxonomy);
        assert!(error.contains(words) && error.contains(&*path.display().to_string()) && !error.contains('\n'), "{error}");
    }
    let error = refused(&source(&root.path().join("none")), &taxonomy);
    assert!(error.contains("sources.toml"), "{error}");
    let empty = tempfile::tempdir().expect("a folder");
    assert!(refused(&source(empty.path()), &taxonomy).contains("holds no list"));
    let device = Path::new("/dev/null");
    assert!(refused(&source(device), &taxonomy).contains("neither a file nor a folder"));
}

#[test]
fn progress_and_digest_follow_what_is_read() {
    let taxonomy = taxonomy(&["games", "chat"]);
    let root = folder(&[("games/domains", &"games.example\n".repeat(20_000)), ("chat/domains", "chat.example\n")]);
    let mut told = Vec::new();
    let digest = |told: &mut Vec<(String, u64, usize)>| {
        let mut progress = |at: Progress<'_>| told.push((at.file.to_owned(), at.bytes, at.entries));
        load(&[source(root.path())], &taxonomy, [0; 16], &mut progress).expect("loaded").digest
    };
    let before = digest(&mut told);
    assert_eq!(told.first().map(|(file, ..)| file.as_str()), Some("s/chat/domains"));
    assert_eq!(told.last(), Some(&("s/games/domains".to_owned(), 280_013, 20_001)));
    assert!(told.len() >= 4 && told.is_sorted_by_key(|(_, bytes, entries)| (*bytes, *entries)), "{told:?}");
    assert_eq!(digest(&mut told), before);
    write(root.path(), &[("chat/domains", "chat.exampl\n")]);
    let changed = digest(&mut told);
    assert_ne!(changed, before);
    fs::rename(root.path().join("chat"), root.path().join("spare")).expect("renamed");
    assert_ne!(digest(&mut told), changed);
}

#[test]
fn what_a_wider_entry_makes_needless_is_found() {
    let taxonomy = taxonomy(&["games", "chat"]);
    let root = folder(&[
        ("games/domains", "games.example\nwww.games.example\ngames.example\nchat.example\n10.0.0.0/8\n10.1.0.0/16\n10.1.2.3\na.www.games.example\n"),
        ("games/urls", "news.example/fun\nnews.example/fun/more\nnews.example/funny\n"),
        ("chat/domains", "www.games.example\nwww.chat.example\n"),
        ("chat/hosts", "0.0.0.0 games.example\n"),
    ]);
    let sources = [source(root.path())];
    let mut loaded = loaded(&sources, &taxonomy);
    assert!(loaded.reports.iter().all(|report| report.redundant.is_none()));
    find_redundant(&sources, &taxonomy, &loaded.lists, &mut loaded.reports, &mut |_| {}).expect("asked");
    let of = |list: &str| {
        let report = loaded.reports.iter().find(|report| report.list == list).expect("a list");
        let redundant = report.redundant.as_ref().expect("asked");
        assert_eq!(redundant.count, redundant.first.len());
        redundant.first.iter().map(|n| format!("{} {} by {} {}", n.line, n.text, n.by_line, n.by_text)).collect::<Vec<_>>()
    };
    let games =
        ["2 www.games.example by 1 games.example", "6 10.1.0.0/16 by 5 10.0.0.0/8", "7 10.1.2.3 by 5 10.0.0.0/8", "8 a.www.games.example by 1 games.example"];
    let found = of("s/games/domains");
    assert_eq!(found.len(), games.len(), "{found:?}");
    assert!(found[0] == games[0] && found[1] == games[1] && found[3].starts_with("8 a.www.games.example by "), "{found:?}");
    assert_eq!(of("s/games/urls"), ["2 news.example/fun/more by 1 news.example/fun"]);
    assert_eq!(of("s/chat/domains"), [] as [&str; 0]);
    assert_eq!(of("s/chat/hosts"), [] as [&str; 0]);
}
