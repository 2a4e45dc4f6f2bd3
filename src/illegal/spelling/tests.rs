//! One page written in a hundred ways is one page, and its neighbours are others.

use super::*;

fn readings(raw: &str) -> Vec<String> {
    let url = Url::parse(raw).unwrap_or_else(|error| panic!("{raw}: {error}"));
    let mut all = Vec::new();
    let _: Option<()> = each_reading(&url, |reading| {
        all.push(String::from_utf8_lossy(reading).into_owned());
        None
    });
    all
}

fn entry(raw: &str) -> String {
    String::from_utf8(of_page(&Url::parse(raw).expect(raw))).expect("text")
}

fn matches(listed: &str, asked: &str) -> bool {
    readings(asked).contains(&entry(listed))
}

/// The page all the spellings below are of.
const LISTED: &str = "http://sealed.example/album/summer-1/";

#[rustfmt::skip]
const SPELLINGS: [&str; 124] = [
    // As a person types it.
    "http://sealed.example/album/summer-1/", "https://sealed.example/album/summer-1/", "sealed.example/album/summer-1/",
    "http://sealed.example/album/summer-1", "https://sealed.example/album/summer-1", "sealed.example/album/summer-1", "HTTP://sealed.example/album/summer-1/",
    "hTTps://sealed.example/album/summer-1/",
    // Case.
    "http://SEALED.EXAMPLE/album/summer-1/", "http://Sealed.Example/album/summer-1/", "http://sealed.example/ALBUM/SUMMER-1/", "http://sealed.example/Album/Summer-1",
    "HTTPS://SEALED.EXAMPLE/ALBUM/SUMMER-1/", "http://sEaLeD.eXaMpLe/aLbUm/sUmMeR-1/",
    // The host.
    "http://www.sealed.example/album/summer-1/", "http://WWW.sealed.example/album/summer-1/", "https://www.sealed.example/album/summer-1", "http://www2.sealed.example/album/summer-1/",
    "http://sealed.example./album/summer-1/", "http://www.sealed.example./album/summer-1/", "http://SEALED.example.:80/album/summer-1/",
    "http://s%65aled.example/album/summer-1/", "http://%73%65%61%6c%65%64.example/album/summer-1/", "http://sealed%2eexample/album/summer-1/", "http://sealed%2Eexample./album/summer-1/",
    "http://ｓｅａｌｅｄ.example/album/summer-1/", "http://ｓｅａｌｅｄ．ｅｘａｍｐｌｅ/album/summer-1/", "http://sealed。example/album/summer-1/", "http://sealed｡example/album/summer-1/",
    "http://ⓢealed.example/album/summer-1/", "http://sea\u{ad}led.example/album/summer-1/", "http://sealed.exam\u{200b}ple/album/summer-1/",
    // The port.
    "http://sealed.example:80/album/summer-1/", "https://sealed.example:443/album/summer-1/", "http://sealed.example:/album/summer-1/", "http://sealed.example:080/album/summer-1/",
    "http://sealed.example:8080/album/summer-1/", "http://sealed.example:443/album/summer-1/", "https://sealed.example:8443/album/summer-1/", "sealed.example:80/album/summer-1",
    // User information.
    "http://user@sealed.example/album/summer-1/", "http://user:password@sealed.example/album/summer-1/", "http://:@sealed.example/album/summer-1/", "http://@sealed.example/album/summer-1/",
    "http://news.example@sealed.example/album/summer-1/", "http://news.example:80@sealed.example:80/album/summer-1/", "http://a%40b@sealed.example/album/summer-1/", "http://a@b@sealed.example/album/summer-1/",
    // The fragment.
    "http://sealed.example/album/summer-1/#", "http://sealed.example/album/summer-1/#top", "http://sealed.example/album/summer-1#top", "http://sealed.example/album/summer-1/#/other/page",
    "http://sealed.example/album/summer-1/#a#b", "http://sealed.example/album/summer-1/?#top", "http://sealed.example/album/summer-1/#?a=b",
    // Dots and slashes.
    "http://sealed.example//album/summer-1/", "http://sealed.example/album//summer-1/", "http://sealed.example///album///summer-1///", "http://sealed.example/./album/summer-1/",
    "http://sealed.example/album/./summer-1/", "http://sealed.example/album/summer-1/.", "http://sealed.example/album/summer-1/./", "http://sealed.example/x/../album/summer-1/",
    "http://sealed.example/album/x/../summer-1/", "http://sealed.example/album/summer-1/x/..", "http://sealed.example/album/summer-1/x/../", "http://sealed.example/../album/summer-1/",
    "http://sealed.example/../../album/summer-1/", "http://sealed.example/a/b/../../album/summer-1/", "http://sealed.example/album/summer-1//.", "http://sealed.example/.//album/.//summer-1",
    // Backslashes.
    "http://sealed.example\\album\\summer-1\\", "http://sealed.example/album\\summer-1/", "http://sealed.example\\album/summer-1", "http://sealed.example/\\album/summer-1/",
    "http://sealed.example/album%5csummer-1/", "http://sealed.example/album%5Csummer-1%5C", "http://sealed.example/x\\..\\album\\summer-1",
    // Percent-encoding, once.
    "http://sealed.example/%61lbum/summer-1/", "http://sealed.example/%41lbum/summer-1/", "http://sealed.example/album/%73%75%6d%6d%65%72%2d%31/", "http://sealed.example/album/%73%75%6D%6D%65%72%2D%31/",
    "http://sealed.example/%2falbum/summer-1/", "http://sealed.example/album%2fsummer-1/", "http://sealed.example/album%2Fsummer-1%2F",
    "http://sealed.example/%2e/album/summer-1/", "http://sealed.example/x/%2e%2e/album/summer-1/", "http://sealed.example/x/.%2E/album/summer-1/", "http://sealed.example/x/%2e./album/summer-1/",
    "http://sealed.example/album/summer%2D1/",
    // Percent-encoding, again and again.
    "http://sealed.example/%2561lbum/summer-1/", "http://sealed.example/%252561lbum/summer-1/", "http://sealed.example/%25252561lbum/summer-1/", "http://sealed.example/album%252fsummer-1/",
    "http://sealed.example/album%255csummer-1/", "http://sealed.example/x/%252e%252e/album/summer-1/", "http://sealed.example/%2541LBUM/summer-1/", "http://sealed.example/%%36%31lbum/summer-1/",
    "http://sealed.example/%25%36%31lbum/summer-1/",
    // A folder's own document, and a query that says nothing.
    "http://sealed.example/album/summer-1/index.html", "http://sealed.example/album/summer-1/index.htm", "http://sealed.example/album/summer-1/index.php", "http://sealed.example/album/summer-1/INDEX.HTML",
    "http://sealed.example/album/summer-1/default.asp", "http://sealed.example/album/summer-1/Default.aspx", "http://sealed.example/album/summer-1/%69ndex.html", "http://sealed.example/album/summer-1/index%2ehtml",
    "http://sealed.example/album/summer-1/index.php/", "http://sealed.example/album/summer-1/./index.jsp", "http://sealed.example/album/summer-1/index.html#top",
    "http://sealed.example/album/summer-1/?", "http://sealed.example/album/summer-1?", "http://sealed.example/album/summer-1/?&", "http://sealed.example/album/summer-1/?&&", "http://sealed.example/album/summer-1/index.html?",
    // Marks of a visit, and parameters in the path.
    "http://sealed.example/album/summer-1/?fbclid=IwAR0abc", "http://sealed.example/album/summer-1?utm_source=x&utm_medium=y", "http://sealed.example/album/summer-1/?PHPSESSID=1234",
    "http://sealed.example/album/summer-1;jsessionid=1234", "http://sealed.example/album;v=1/summer-1;a;b/", "http://sealed.example/album/summer-1/;x", "http://sealed.example/a/..;/album/summer-1/",
    "http://sealed.example/album/summer-1/%3bx", "http://sealed.example/album/summer-1/index.html;x?",
];

#[test]
fn a_hundred_spellings_of_one_page_are_that_page() {
    // Those that no request could carry, or that say another host, have no place in the table.
    let distinct: std::collections::HashSet<_> = SPELLINGS.iter().collect();
    assert!(distinct.len() >= 100 && distinct.len() == SPELLINGS.len());
    let missed: Vec<_> = SPELLINGS.iter().filter(|spelling| !matches(LISTED, spelling)).map(|spelling| (spelling, readings(spelling))).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn any_spelling_may_stand_in_the_list() {
    // An entry keeps the parameters of its path: there they may name the page.
    for spelling in SPELLINGS.iter().filter(|spelling| !spelling.contains(';') && !spelling.contains("%3b")) {
        assert_eq!(entry(spelling), entry(LISTED), "{spelling}");
    }
}

#[test]
fn neighbours_of_a_page_are_other_pages() {
    for asked in [
        "http://sealed.example/",
        "http://sealed.example/album/",
        "http://sealed.example/album/summer-2/",
        "http://sealed.example/album/summer-11/",
        "http://sealed.example/album/summer/",
        "http://sealed.example/album/summer-1/2",
        "http://sealed.example/album/summer-1/page.html",
        "http://sealed.example/album/summer-1/index.html/more",
        "http://sealed.example/album/summer-1.html",
        "http://sealed.example/summer-1/",
        "http://sealed.example/album/../summer-1/",
        "http://sealed.example/album/summer-1/..",
        "http://sealed.example/albumsummer-1/",
        "http://sealed.example/album/summer%201/",
        "http://sealed.example/album/summer-1/?page=2",
        "http://sealed.example/album/summer-1/?utm=2",
        "http://sealed.example/?u=http://sealed.example/album/summer-1/",
        "http://sub.sealed.example/album/summer-1/",
        "http://wwwsealed.example/album/summer-1/",
        "http://notsealed.example/album/summer-1/",
        "http://sealed.example.test/album/summer-1/",
        "http://sealed.test/album/summer-1/",
        "http://example/album/summer-1/",
        "http://news.example/sealed.example/album/summer-1/",
        "http://sealed.example@news.example/album/summer-1/",
        "http://news.example/#http://sealed.example/album/summer-1/",
        "http://news.example/?http://sealed.example/album/summer-1/",
    ] {
        assert!(!matches(LISTED, asked), "{asked} is read as {:?}", readings(asked));
    }
}

#[test]
fn what_a_query_means_is_kept_and_how_it_is_written_is_not() {
    for (listed, asked, same) in [
        ("http://a.example/view.php?id=7&size=big", "http://a.example/view.php?size=big&id=7", true),
        ("http://a.example/view.php?id=7&size=big", "http://a.example/view.php?&id=7&&size=big&", true),
        ("http://a.example/view.php?id=7&size=big", "http://a.example/view.php?id=7&size=big&fbclid=x", true),
        ("http://a.example/view.php?id=7&size=big", "http://a.example/view.php?%69d=%37&size=%62ig", true),
        ("http://a.example/view.php?id=7&size=big", "http://a.example/VIEW.PHP?ID=7&SIZE=BIG", true),
        ("http://a.example/view.php?q=two+words", "http://a.example/view.php?q=two%20words", true),
        ("http://a.example/view.php?q=two%2bwords", "http://a.example/view.php?q=two words", true),
        ("http://a.example/view.php?id=7&size=big", "http://a.example/view.php?id=7", false),
        ("http://a.example/view.php?id=7&size=big", "http://a.example/view.php?id=8&size=big", false),
        ("http://a.example/view.php?id=7", "http://a.example/view.php?id=77", false),
        ("http://a.example/view.php?id=7", "http://a.example/view.php", false),
        ("http://a.example/view.php?id=7", "http://a.example/view.php/?id=7", true),
        ("http://a.example/?id=7", "http://a.example/index.php?id=7", true),
        ("http://a.example/x+y", "http://a.example/x y", false),
        // A file that stands still is the same whatever is asked of it; one that is listed with a query is only that.
        ("http://a.example/one.jpg", "http://a.example/one.jpg?any=thing", true),
        ("http://a.example/one.jpg", "http://a.example/one.JPG;x?1", true),
        ("http://a.example/one.jpg?id=1", "http://a.example/one.jpg?id=2", false),
        ("http://a.example/one.jpg?id=1", "http://a.example/one.jpg", false),
        ("http://a.example/one.php", "http://a.example/one.php?any=thing", false),
        // Parameters in a path.
        ("http://a.example/item;id=5", "http://a.example/item;id=5", true),
        ("http://a.example/item;id=5", "http://a.example/item;id=6", false),
        ("http://a.example/item", "http://a.example/item;id=6", true),
        // Hosts that are written in other ways.
        ("http://bücher.example/x", "http://xn--bcher-kva.example/x", true),
        ("http://bücher.example/x", "http://B%C3%BCcher.example/x", true),
        ("http://192.0.2.7/x", "http://3221225991/x", true),
        ("http://192.0.2.7/x", "http://0xc0.0x00.0x02.0x07/x", true),
        ("http://192.0.2.7/x", "http://0300.0.02.07:80/x", true),
        ("http://192.0.2.7/x", "http://192.0.519/x", true),
        ("http://192.0.2.7/x", "http://[::ffff:192.0.2.7]/x", true),
        ("http://192.0.2.7/x", "http://[::ffff:c000:207]/x", true),
        ("http://192.0.2.7/x", "http://192.0.2.70/x", false),
        ("http://[2001:db8::7]/x", "http://[2001:0DB8:0:0::0007]:80/x", true),
        ("http://a.example/caf%C3%A9", "http://a.example/café", true),
        ("http://a.example/caf%C3%A9", "http://a.example/caf%25c3%25a9", true),
        ("http://a.example/caf%C3%A9", "http://a.example/cafe", false),
        ("http://a.example/100%25", "http://a.example/100%", true),
        ("http://www.a.example/", "http://a.example", true),
    ] {
        assert_eq!(matches(listed, asked), same, "{listed} {asked}: {} {:?}", entry(listed), readings(asked));
    }
}

#[test]
fn a_site_covers_itself_and_what_is_below() {
    let covers = |site: &str, host: &str| {
        let (site, host) = (Host::parse(site).expect("a host"), Host::parse(host).expect("a host"));
        sites(&host).any(|parent| parent == of_site(&site))
    };
    for (site, host, covered) in [
        ("sealed.example", "sealed.example", true),
        ("sealed.example", "www.sealed.example", true),
        ("sealed.example", "a.b.sealed.example", true),
        ("www.sealed.example", "sealed.example", true),
        ("SEALED.example.", "sealed.example", true),
        ("sealed.example", "notsealed.example", false),
        ("sealed.example", "example", false),
        ("a.sealed.example", "sealed.example", false),
        ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.8", false),
    ] {
        assert_eq!(covers(site, host), covered, "{site} {host}");
    }
}

#[test]
fn a_head_full_of_codes_costs_no_more_than_reading_it_once() {
    // Undone layer by layer this would be read thirty thousand times.
    let url = format!("http://a.example/%{}61", "25".repeat(20_000));
    assert!(readings(&url) == ["a.example/a"]);
}

proptest::proptest! {
    /// What is read once is read the same again, and codes hide nothing.
    #[test]
    fn codes_hide_nothing(path in "[a-z0-9/.]{0,40}", layers in 0..4usize, which in 0..40usize) {
        let plain = format!("http://a.example/{path}");
        let mut hidden = String::new();
        for (number, byte) in path.bytes().enumerate() {
            if number % (which + 1) == 0 {
                hidden.push_str(&format!("%{}{byte:02x}", "25".repeat(layers)));
            } else {
                hidden.push(char::from(byte));
            }
        }
        proptest::prop_assert_eq!(readings(&plain), readings(&format!("http://a.example/{hidden}")));
    }

    /// Whatever a request may hold, there is a reading of it, and no more than two.
    #[test]
    fn every_url_has_one_reading_or_two(path in "[a-zA-Z0-9/.%?&=#_;+ \\\\-]{0,60}") {
        let count = readings(&format!("http://a.example/{path}")).len();
        proptest::prop_assert!((1..=2).contains(&count));
    }
}
