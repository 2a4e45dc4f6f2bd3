//! Promise: what people do at a school every day is not taken for a way round the filter. `benches/ordinary` counts the same over ten thousand addresses.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::path::Path;
use usher::bypass::Certainty;
use usher::bypass::heads::Request;
use usher::category::CategorySet;
use usher::config::Config;
use usher::url::Url;

/// What a browser says with a request for this.
fn head(dest: &str) -> HeaderMap {
    let accept = match dest {
        "document" | "iframe" => {
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
        }
        "image" => "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
        _ => "*/*",
    };
    let fields = [
        ("user-agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"),
        ("accept", accept),
        ("sec-fetch-dest", dest),
        ("sec-fetch-mode", if matches!(dest, "document" | "iframe") { "navigate" } else { "no-cors" }),
        ("referer", "https://www.school.example/"),
    ];
    let more = [("upgrade", "websocket"), ("connection", "Upgrade")];
    let more = more.into_iter().filter(|_| dest == "websocket");
    fields.into_iter().chain(more).map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))).collect()
}

#[test]
fn nothing_ordinary_is_nearly_certain_and_hardly_anything_scores() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let taxonomy = Config::load(&root.join("config/usher.toml")).expect("the shipped settings").rulebook().expect("the shipped rules").taxonomy;
    let text = std::fs::read_to_string(root.join("benches/ordinary/ours.tsv")).expect("the lines");
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut columns = line.split('\t');
        let (dest, address, expected) = (columns.next().expect("what for"), columns.next().expect("an address"), columns.next().unwrap_or_default());
        let url = Url::parse(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        let request = Request { url: &url, path: url.received(), method: "GET", fields: &head(dest), categories: CategorySet::EMPTY, taxonomy: &taxonomy };
        let found = request.findings();
        assert!(found.iter().all(|finding| finding.certainty != Certainty::Near), "{address}: {found:?}");
        let codes: Vec<_> = found.iter().map(|finding| finding.code.as_str()).collect();
        if codes.join(" ") != expected {
            wrong.push(format!("{address}: {}", codes.join(" ")));
        }
        count += 1;
    }
    assert!(wrong.is_empty() && count > 100, "{count}: {wrong:#?}");
}
