//! Addresses of other sites, written in code in a path: how web proxies name the page they are to fetch.
//!
//! Each segment of a path is read as a whole: in Ultraviolet's code (every second letter's second bit turned, then escaped), base64, hexadecimal, rot13,
//! escaped, or backwards, as is base64 too; and a whole path, where it ends as an address begins, backwards. Only what comes to an address with a scheme, of another site than the one that is asked, counts. Ask only of what a person goes to, and of
//! workers: pictures and videos are fetched by such addresses on ordinary sites, and a service that shows other pages openly is read by
//! `insight::republished`.

use super::{Code, Finding};
use crate::host::Host;
use crate::insight::site::Site;
use crate::url::Url;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;

/// The longest segment that is read.
const LONGEST: usize = 4096;
/// How many segments.
const MOST: usize = 16;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Whether a path may hold an address in code: to be asked of every request, before anything that takes longer.
#[must_use]
pub fn may_hold(path: &str) -> bool {
    let bytes = path.as_bytes();
    let whole = &bytes[..memchr::memchr2(b'?', b'#', bytes).unwrap_or(bytes.len())];
    // Mostly nothing is escaped, and each segment is known by its first letters, or its last.
    memchr::memchr(b'%', whole).is_some() || ends(whole) || memchr::memchr_iter(b'/', whole).any(|at| begins(&whole[at + 1..]) || ends(&whole[..at]))
}

/// Looks for an address in the path and query of a request to `own`.
#[must_use]
pub fn in_path(own: &Host, path: &str) -> Option<Finding> {
    let in_segment = segments(path).filter(|segment| may_begin(segment)).take(MOST).find_map(|segment| address(own, segment));
    // It has slashes of its own, where nothing is escaped.
    let (url, code) = in_segment.or_else(|| Some((other(own, &backwards(whole(path))?)?, BACKWARDS)))?;
    Some(Finding::new(Code::Encoded, &format!("an address {code}: {url}")).of_page(url))
}

/// The address of another site that this is in code, and which code that is.
pub(super) fn address(own: &Host, written: &str) -> Option<(Url, &'static str)> {
    CODES.iter().find_map(|(read, code)| Some((other(own, &read(written)?)?, *code)))
}

fn whole(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    whole(path).split('/').filter(|segment| (8..=LONGEST).contains(&segment.len()))
}

/// Whether the first letters, or the last, are those of "http" in one of the codes, or anything is escaped.
fn may_begin(segment: &str) -> bool {
    may_be_whole(segment.as_bytes()) || memchr::memchr(b'%', segment.as_bytes()).is_some()
}

/// Whether something may be an address in code, by its first letters and its last.
pub(super) fn may_be_whole(written: &[u8]) -> bool {
    begins(written) || ends(written)
}

/// As an address ends that is written backwards, be it in base64.
fn ends(segment: &[u8]) -> bool {
    matches!(segment, [.., b'p', b't', b't', b'h'] | [.., b'c', b'0', b'R', b'H', b'a'])
}

fn begins(segment: &[u8]) -> bool {
    matches!(segment, [b'h', b'v', b't', b'r', ..] | [b'a', b'H', b'R', b'0', ..] | [b'S', b'F', b'R', b'U', ..])
        || matches!(segment, [b'6' | b'4', _, b'7' | b'5', _, ..] | [b'u' | b'U', b'g' | b'G', b'g' | b'G', b'c' | b'C', ..])
}

/// A way to write an address, as it is undone.
type Reading = fn(&str) -> Option<String>;

const BACKWARDS: &str = "backwards";
const CODES: [(Reading, &str); 7] = [
    (turned, "in Ultraviolet's code"),
    (base64, "in base64"),
    (hexadecimal, "in hexadecimal"),
    (rot13, "in rot13"),
    (escaped, "escaped"),
    (backwards, BACKWARDS),
    (base64_backwards, "in base64, backwards"),
];

/// The address, if it is one of another site.
pub(super) fn other(own: &Host, text: &str) -> Option<Url> {
    let is_address = ["http://", "https://"].iter().any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let url = Url::parse(text).ok().filter(|url| is_address && url.host.as_str().contains('.'))?;
    (Site::registered(url.host.as_str()) != Site::registered(own.as_str())).then_some(url)
}

fn unescaped(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Ultraviolet's code: of the escaped text every second letter has its second bit turned.
fn turned(segment: &str) -> Option<String> {
    let text = unescaped(segment);
    // Anything else is ruled out by its first letters.
    if !text.starts_with("hvtr") {
        return None;
    }
    let undone: Option<String> =
        text.chars().enumerate().map(|(at, letter)| if at % 2 == 1 { char::from_u32(u32::from(letter) ^ 2) } else { Some(letter) }).collect();
    undone.map(|text| unescaped(&text))
}

fn base64(segment: &str) -> Option<String> {
    let text = unescaped(segment);
    // "http" in base64, or "HTTP".
    if !text.starts_with("aHR0c") && !text.starts_with("SFRUU") {
        return None;
    }
    let bytes = STANDARD.decode(&text).or_else(|_| URL_SAFE.decode(&text)).ok()?;
    Some(unescaped(&String::from_utf8_lossy(&bytes)))
}

fn hexadecimal(segment: &str) -> Option<String> {
    // "http", or "HTTP".
    if !segment.starts_with("68747470") && !segment.starts_with("48545450") || !segment.len().is_multiple_of(2) || !segment.is_ascii() {
        return None;
    }
    let bytes: Option<Vec<u8>> = (0..segment.len()).step_by(2).map(|at| u8::from_str_radix(&segment[at..at + 2], 16).ok()).collect();
    Some(unescaped(&String::from_utf8_lossy(&bytes?)))
}

fn rot13(segment: &str) -> Option<String> {
    let text = unescaped(segment);
    // "http".
    if !text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("uggc")) {
        return None;
    }
    let turn = |letter: char| match letter {
        'a'..='m' | 'A'..='M' => char::from_u32(u32::from(letter) + 13).unwrap_or(letter),
        'n'..='z' | 'N'..='Z' => char::from_u32(u32::from(letter) - 13).unwrap_or(letter),
        other => other,
    };
    Some(unescaped(&text.chars().map(turn).collect::<String>()))
}

fn escaped(segment: &str) -> Option<String> {
    segment.contains('%').then(|| unescaped(&unescaped(segment)))
}

fn backwards(segment: &str) -> Option<String> {
    let text = unescaped(segment);
    // "http://" or "https://".
    if !text.ends_with("//:ptth") && !text.ends_with("//:sptth") {
        return None;
    }
    Some(unescaped(&text.chars().rev().collect::<String>()))
}

fn base64_backwards(segment: &str) -> Option<String> {
    let text = unescaped(segment);
    // "http" in base64.
    if !text.ends_with("c0RHa") {
        return None;
    }
    base64(&text.chars().rev().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn host(name: &str) -> Host {
        Host::parse(name).expect("a host")
    }

    #[test]
    fn each_code_is_undone() {
        for path in [
            // As its code (version 3.2.10) writes it.
            "/service/hvtrs8%2F-wuw%2Ctkkvoi.aoo%2Fdopymu",
            "/a/q/aHR0cHM6Ly93d3cudGlrdG9rLmNvbS9mb3J5b3U=",
            "/a/aHR0cHMlM0ElMkYlMkZ3d3cudGlrdG9rLmNvbSUyRmZvcnlvdQ",
            "/x/68747470733a2f2f7777772e74696b746f6b2e636f6d2f666f72796f75",
            "/go/uggcf:%2F%2Fjjj.gvxgbx.pbz%2Fsbelbh?x=1",
            "/proxy/https%3A%2F%2Fwww.tiktok.com%2Fforyou",
            "/proxy/https%253A%252F%252Fwww.tiktok.com%252Fforyou",
            "/go/uoyrof%2Fmoc.kotkit.www%2F%2F%3Asptth",
            "/go/uoyrof/moc.kotkit.www//:sptth?x=1",
            "/go/=U3b5J3bm9SbvNmLr9GdrlGduc3d39yL6MHc0RHa",
            "/a/8SbvNmLr9GdrlGduc3d39yL6MHc0RHa/x",
        ] {
            let found = in_path(&host("maths.example"), path).unwrap_or_else(|| panic!("{path}"));
            assert!(may_hold(path), "{path}");
            assert_eq!((found.code, found.target.as_deref()), (Code::Encoded, Some("www.tiktok.com")), "{path}: {}", found.seen);
        }
    }

    #[test]
    fn ordinary_addresses_are_none() {
        for path in [
            "/",
            "/service/https-and-you",
            "/wiki/Percent-encoding",
            // Its own site.
            "/login/https%3A%2F%2Fwww.maths.example%2Fhome",
            "/a/aHR0cHM6Ly9tYXRocy5leGFtcGxl",
            // In a query it is where to go back to.
            "/login?next=https%3A%2F%2Fother.example%2F",
            "/img/aHR0cA",
            "/uggcboard/x",
            "/6874747070/list",
            "/q/https%3A%2F%2F",
            "/wiki/ptth",
            "/ptth/moc.kotkit.www//:ptth/x",
            "/a/%2F%2F%3Asptth",
            "/a/xyzc0RHa",
            // Its own site.
            "/go/x%2Felpmaxe.shtam%2F%2F%3Asptth",
        ] {
            assert_eq!(in_path(&host("maths.example"), path), None, "{path}");
        }
        // Mostly it is not even asked.
        assert!(!may_hold("/") && !may_hold("/wiki/path/page.html?u=aHR0cHM6Ly9hLmV4YW1wbGU"));
    }

    proptest! {
        #[test]
        fn nothing_panics(path in "\\PC{0,200}") {
            let _ = in_path(&host("maths.example"), &path);
        }

        #[test]
        fn what_is_turned_is_read(path in "[a-z0-9/._-]{0,40}") {
            let escape = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
            let turned: String = format!("https://www.tiktok.com/{path}").chars().enumerate().map(|(at, letter)| if at % 2 == 1 { char::from(letter as u8 ^ 2) } else { letter }).collect();
            let found = in_path(&host("maths.example"), &format!("/a/{}", escape(&turned)));
            prop_assert_eq!(found.and_then(|found| found.target), Some("www.tiktok.com".into()));
        }
    }
}
