use super::*;
use crate::url::Url;

/// A URL; the names it is led to when strict and when moderate; its path and query, and the field or cookie it is given, when it is seen and strict.
type Row = (&'static str, Option<&'static str>, Option<&'static str>, &'static str, &'static str);

const GOOGLE: Option<&str> = Some("forcesafesearch.google.com");
const STRICT: Option<&str> = Some("restrict.youtube.com");
const MODERATE: Option<&str> = Some("restrictmoderate.youtube.com");
const BING: Option<&str> = Some("strict.bing.com");
const DUCK: Option<&str> = Some("safe.duckduckgo.com");
const BRAVE: Option<&str> = Some("safesearch.brave.com");
const ECOSIA: Option<&str> = Some("strict-safe-search.ecosia.org");
const QWANT: Option<&str> = Some("safeapi.qwant.com");
const PIXABAY: Option<&str> = Some("safesearch.pixabay.com");
const YANDEX: Option<&str> = Some("familysearch.yandex.ru");

/// What is expected of each engine, written by hand: a row that is lost from the table fails here.
#[rustfmt::skip]
const EXPECTED: &[Row] = &[
    ("https://www.google.com/search?q=cats", GOOGLE, GOOGLE, "/search?q=cats&safe=active&ssui=on", ""),
    ("https://www.google.co.uk/search?q=cats", GOOGLE, GOOGLE, "/search?q=cats&safe=active&ssui=on", ""),
    ("https://www.google.com.au/search?q=cats", GOOGLE, GOOGLE, "/search?q=cats&safe=active&ssui=on", ""),
    ("https://www.google.cat/search?q=gats", GOOGLE, GOOGLE, "/search?q=gats&safe=active&ssui=on", ""),
    ("https://google.de/?q=cats", GOOGLE, GOOGLE, "/?q=cats&safe=active&ssui=on", ""),
    ("https://images.google.com/imghp", GOOGLE, GOOGLE, "/imghp?safe=active&ssui=on", ""),
    ("https://ipv4.google.com/search?q=cats", GOOGLE, GOOGLE, "/search?q=cats&safe=active&ssui=on", ""),
    ("https://ipv6.google.com/search?q=cats", GOOGLE, GOOGLE, "/search?q=cats&safe=active&ssui=on", ""),
    ("https://encrypted.google.com/search?q=cats", GOOGLE, GOOGLE, "/search?q=cats&safe=active&ssui=on", ""),
    ("https://cse.google.com/cse?cx=1&q=cats", None, None, "/cse?cx=1&q=cats&safe=active&ssui=on", ""),
    ("https://www.google.com/async/more?q=cats", GOOGLE, GOOGLE, "/async/more?q=cats&safe=active&ssui=on", ""),
    ("https://www.google.com/maps?q=leeds", GOOGLE, GOOGLE, "/maps?q=leeds", ""),
    ("https://mail.google.com/mail/u/0/?x=1", None, None, "/mail/u/0/?x=1", ""),
    ("https://www.youtube.com/results?search_query=cats", STRICT, MODERATE, "/results?search_query=cats", "youtube-restrict: Strict"),
    ("https://m.youtube.com/watch?v=1", STRICT, MODERATE, "/watch?v=1", "youtube-restrict: Strict"),
    ("https://youtube.com/", STRICT, MODERATE, "/", "youtube-restrict: Strict"),
    ("https://youtubei.googleapis.com/youtubei/v1/search", STRICT, MODERATE, "/youtubei/v1/search", "youtube-restrict: Strict"),
    ("https://youtube.googleapis.com/v/1", STRICT, MODERATE, "/v/1", "youtube-restrict: Strict"),
    ("https://www.youtube-nocookie.com/embed/1", STRICT, MODERATE, "/embed/1", "youtube-restrict: Strict"),
    ("https://music.youtube.com/search?q=x", None, None, "/search?q=x", "youtube-restrict: Strict"),
    ("https://www.bing.com/search?q=cats", BING, BING, "/search?q=cats&adlt=strict", ""),
    ("https://bing.com/images/search?q=cats", BING, BING, "/images/search?q=cats&adlt=strict", ""),
    ("https://cn.bing.com/search?q=cats", BING, BING, "/search?q=cats&adlt=strict", ""),
    ("https://global.bing.com/search?q=cats", BING, BING, "/search?q=cats&adlt=strict", ""),
    ("https://m.bing.com/search?q=cats", BING, BING, "/search?q=cats&adlt=strict", ""),
    ("https://edgeservices.bing.com/edgesvc/chat?x", BING, BING, "/edgesvc/chat?x", ""),
    ("https://www2.bing.com/videos/search?q=cats", None, None, "/videos/search?q=cats&adlt=strict", ""),
    ("https://duckduckgo.com/?q=cats", DUCK, DUCK, "/?q=cats&kp=1", ""),
    ("https://www.duckduckgo.com/cats", DUCK, DUCK, "/cats?kp=1", ""),
    ("https://start.duckduckgo.com/?q=cats", DUCK, DUCK, "/?q=cats&kp=1", ""),
    ("https://html.duckduckgo.com/html/?q=cats", DUCK, DUCK, "/html/?q=cats&kp=1", ""),
    ("https://lite.duckduckgo.com/lite/?q=cats", DUCK, DUCK, "/lite/?q=cats&kp=1", ""),
    ("https://noai.duckduckgo.com/?q=cats", DUCK, DUCK, "/?q=cats&kp=1", ""),
    ("https://links.duckduckgo.com/d.js?q=cats", None, None, "/d.js?q=cats&kp=1", ""),
    ("https://search.brave.com/search?q=cats", BRAVE, BRAVE, "/search?q=cats", "cookie: safesearch=strict"),
    ("https://www.ecosia.org/search?q=cats", ECOSIA, ECOSIA, "/search?q=cats", ""),
    ("https://ecosia.org/images?q=cats", ECOSIA, ECOSIA, "/images?q=cats", ""),
    ("https://api.qwant.com/v3/search/web?q=cats", QWANT, QWANT, "/v3/search/web?q=cats&safesearch=2&s=2", ""),
    ("https://www.qwant.com/?q=cats&t=images", None, None, "/?q=cats&t=images&s=2", ""),
    ("https://lite.qwant.com/?q=cats", None, None, "/?q=cats&s=2", ""),
    ("https://uk.search.yahoo.com/search?p=cats", None, None, "/search?p=cats&vm=r", ""),
    ("https://search.yahoo.co.jp/search?p=cats", None, None, "/search?p=cats&vm=r", ""),
    ("https://uk.images.search.yahoo.com/search/images;_ylt=A?p=cats", None, None, "/search/images;_ylt=A?p=cats&vm=r", ""),
    ("https://pixabay.com/images/search/cats/", PIXABAY, PIXABAY, "/images/search/cats/", ""),
    ("https://yandex.com/search/?text=cats", YANDEX, YANDEX, "/search/?text=cats", ""),
    ("https://ya.ru/search/?text=cats", YANDEX, YANDEX, "/search/?text=cats", ""),
    // No engines.
    ("https://news.example/search?q=cats&safe=off", None, None, "/search?q=cats&safe=off", ""),
    ("https://www.google.com.evil.example/search?q=cats", None, None, "/search?q=cats", ""),
    ("https://notgoogle.com/search?q=cats", None, None, "/search?q=cats", ""),
    ("https://www.yahoo.com/news?p=cats", None, None, "/news?p=cats", ""),
    ("https://brave.com/", None, None, "/", ""),
    ("https://storage.googleapis.com/a?b", None, None, "/a?b", ""),
    ("https://127.0.0.1/search?q=cats", None, None, "/search?q=cats", ""),
];

fn raw_path(url: &str) -> String {
    let rest = url.split_once("://").expect("a scheme").1;
    rest[rest.find('/').expect("a path")..].to_owned()
}

/// Path and fields of a request as they are sent.
fn sent(url: &str, level: Level, fields: &[(&'static str, &str)]) -> (String, Vec<String>) {
    let parsed = Url::parse(url).expect("a url");
    let mut path = raw_path(url);
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        map.append(*name, HeaderValue::from_str(value).expect("a value"));
    }
    if let Some(safe) = Safe::at(&parsed.host, level) {
        path = safe.apply(parsed.text(), &path, &mut map).into_owned();
    }
    (path, map.iter().map(|(name, value)| format!("{name}: {}", value.to_str().expect("text"))).collect())
}

#[test]
fn each_engine_is_led_and_bound_as_it_documents() {
    for (url, strict, moderate, path, field) in EXPECTED {
        let host = Url::parse(url).expect("a url").host;
        let name = |level| Safe::at(&host, level).and_then(|safe| safe.name());
        assert_eq!((name(Level::Strict), name(Level::Moderate)), (*strict, *moderate), "{url}");
        assert!(Safe::at(&host, Level::Off).is_none(), "{url}");
        let (sent_path, fields) = sent(url, Level::Strict, &[]);
        assert_eq!((sent_path.as_str(), fields.join(" ").as_str()), (*path, *field), "{url}");
    }
}

#[test]
fn every_row_of_the_table_is_met_by_an_expected_one() {
    let met: Vec<_> = EXPECTED.iter().filter_map(|(url, ..)| Safe::at(&Url::parse(url).expect("a url").host, Level::Strict)).collect();
    for engine in ENGINES {
        assert!(met.iter().any(|safe| std::ptr::eq(safe.engine, engine)), "{engine:?} is met by no row, or hidden by one before it");
    }
    for name in EXPECTED.iter().flat_map(|(_, strict, moderate, ..)| [strict, moderate]).flatten() {
        assert!(Host::parse(name).is_ok(), "{name}");
    }
}

#[test]
fn a_parameter_of_the_pupils_own_gives_way_however_it_is_spelt() {
    for (asked, sent_path) in [
        ("/search?safe=off&q=cats", "/search?q=cats&safe=active&ssui=on"),
        ("/search?q=cats&safe=off", "/search?q=cats&safe=active&ssui=on"),
        ("/search?safe=active&q=cats&safe=off", "/search?q=cats&safe=active&ssui=on"),
        ("/search?q=cats&SAFE=off&Safe=off", "/search?q=cats&safe=active&ssui=on"),
        ("/search?q=cats&s%61fe=off", "/search?q=cats&safe=active&ssui=on"),
        ("/search?q=cats&%73%61%66%65=off", "/search?q=cats&safe=active&ssui=on"),
        ("/search?q=cats&safe%3Doff", "/search?q=cats&safe=active&ssui=on"),
        ("/search?q=cats&safe", "/search?q=cats&safe=active&ssui=on"),
        ("/search?q=cats&safe=", "/search?q=cats&safe=active&ssui=on"),
        ("/search?q=cats&+safe%20=off", "/search?q=cats&safe=active&ssui=on"),
        ("/search?q=cats&safe%00=off&%09safe%0D%0a+=off&%1Fsafe%7f=off", "/search?q=cats&safe=active&ssui=on"),
        ("/search?q=cats&safe[]=off&safe%5B0%5D=off", "/search?q=cats&safe=active&ssui=on"),
        ("/search?q=cats;safe=off", "/search?q=cats&safe=active&ssui=on"),
        ("/search?safe=off;q=cats", "/search?q=cats&safe=active&ssui=on"),
        ("/search?q=cats&&&safe=off&", "/search?q=cats&safe=active&ssui=on"),
        ("/search?q=a;b&ssui=off", "/search?q=a;b&safe=active&ssui=on"),
        ("/search?q=is+it+safe%3F", "/search?q=is+it+safe%3F&safe=active&ssui=on"),
        ("/search?unsafe=off", "/search?unsafe=off&safe=active&ssui=on"),
        ("/search?q=caf%C3%A9", "/search?q=caf%C3%A9&safe=active&ssui=on"),
        // The path is known however it is spelt.
        ("/SEARCH?safe=off", "/SEARCH?safe=active&ssui=on"),
        ("/%73earch?safe=off", "/%73earch?safe=active&ssui=on"),
        ("//search/?safe=off", "//search/?safe=active&ssui=on"),
        ("/./x/../search?safe=off", "/./x/../search?safe=active&ssui=on"),
        ("/search;a=b?safe=off", "/search;a=b?safe=active&ssui=on"),
        ("/search&safe=off", "/search&safe=off?safe=active&ssui=on"),
        ("/?safe=off", "/?safe=active&ssui=on"),
        ("/search", "/search?safe=active&ssui=on"),
        // And what is no search is let be.
        ("/searches?safe=off", "/searches?safe=off"),
        ("/url?q=http://a.example/&safe=off", "/url?q=http://a.example/&safe=off"),
    ] {
        assert_eq!(sent(&format!("https://www.google.com{asked}"), Level::Strict, &[]).0, sent_path, "{asked}");
    }
}

proptest::proptest! {
    /// However a query is written, the parameter stands in it once, and a browser's parser reads it as it was set.
    #[test]
    fn the_parameter_stands_once_whatever_was_asked(query in "[a-z=&;%+0-9A-F\\[\\]?]{0,40}", twice in "(safe|%73afe|SAFE|s%61fe)=off") {
        let url = format!("https://www.google.com/search?{query}&{twice}&{query}");
        let path = sent(&url, Level::Strict, &[]).0;
        let read = url::Url::parse(&format!("https://www.google.com{path}")).expect("a url");
        let said: Vec<_> = read.query_pairs().filter(|(name, _)| name.trim().eq_ignore_ascii_case("safe")).map(|(_, value)| value.into_owned()).collect();
        proptest::prop_assert_eq!(said, ["active"]);
        // And again it is the same.
        proptest::prop_assert_eq!(sent(&format!("https://www.google.com{path}"), Level::Strict, &[]).0, path);
    }
}

#[test]
fn fields_and_cookies_of_the_pupils_own_give_way() {
    let youtube = "https://www.youtube.com/";
    let own = [("youtube-restrict", "Off"), ("youtube-restrict", "None"), ("x-other", "1")];
    let mut fields = sent(youtube, Level::Moderate, &own).1;
    fields.sort();
    assert_eq!(fields, ["x-other: 1", "youtube-restrict: Moderate"]);
    let cookies = [("cookie", "a=1; SafeSearch=off; b=2"), ("cookie", "safesearch = off;safesearch=off; c")];
    assert_eq!(sent("https://search.brave.com/search?q=x", Level::Strict, &cookies).1, ["cookie: a=1; b=2; c; safesearch=strict"]);
}

#[test]
fn what_cannot_be_bound_is_refused() {
    let seen = |url: &str, method: &str, resolver| {
        let url = Url::parse(url).expect("a url");
        Safe::at(&url.host, Level::Strict).and_then(|safe| safe.seen(method, url.text(), resolver)).map(|refused| refused.why)
    };
    for (url, method, here, through_a_parent) in [
        ("https://www.google.com/search?q=x", "GET", None, None),
        ("https://www.google.com/search?q=x", "POST", None, Some(Obstacle::Body)),
        ("https://www.google.com/gen_204", "POST", None, None),
        ("https://uk.search.yahoo.com/search", "POST", Some(Obstacle::Body), Some(Obstacle::Body)),
        ("https://uk.search.yahoo.com/search", "HEAD", None, None),
        ("https://uk.search.yahoo.com/search", "PUT", Some(Obstacle::Body), Some(Obstacle::Body)),
        ("https://html.duckduckgo.com/html/", "POST", None, Some(Obstacle::Body)),
        ("https://duckduckgo.com/?q=cats+!safeoff", "GET", Some(Obstacle::Undone), Some(Obstacle::Undone)),
        ("https://duckduckgo.com/?q=cats+%21SafeOff", "GET", Some(Obstacle::Undone), Some(Obstacle::Undone)),
        ("https://www.youtube.com/youtubei/v1/search", "POST", None, None),
        ("https://search.brave.com/search", "POST", None, None),
        ("https://www.ecosia.org/search?q=x", "GET", None, Some(Obstacle::Parent)),
        ("https://news.example/search", "POST", None, None),
    ] {
        assert_eq!((seen(url, method, Resolver::Usher), seen(url, method, Resolver::Parent)), (here, through_a_parent), "{method} {url}");
    }
    for (host, refused) in [("search.yahoo.com", true), ("lite.qwant.com", true), ("www.google.com", false), ("www.qwant.com", false), ("news.example", false)]
    {
        let host = Host::parse(host).expect("a host");
        assert_eq!(Safe::at(&host, Level::Strict).is_some_and(|safe| safe.sealed().is_some()), refused, "{host}");
    }
}
