//! The names a file may be saved under: from its URL, and from `Content-Disposition` (RFC 6266, with RFC 8187 and what browsers read besides).
//!
//! Programs differ in which of several names they take, so each one that any takes is given, and each counts.

use crate::body::parameters;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

/// The most names of one file that are looked at.
const MOST_NAMES: usize = 16;
/// The most bytes of a name that are looked at; what is longer no system takes.
const LONGEST: usize = 4096;

/// The last part of a URL's path, without its escapes; none where the path ends with a slash.
#[must_use]
pub fn of_path(path: &str) -> Option<String> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let last = path.rsplit('/').next().filter(|last| !last.is_empty())?;
    let name = percent_decode_str(last).decode_utf8_lossy();
    // An escaped slash is one to whoever saves it.
    Some(base(&name).to_owned()).filter(|name| !name.is_empty())
}

/// The names in a `Content-Disposition`, as bytes off the wire.
#[must_use]
pub fn of_disposition(value: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(value);
    let mut names = Vec::new();
    let mut continued = String::new();
    // Some servers send the parameters alone.
    let is_alone = text.trim_start().get(..8).is_some_and(|start| start.eq_ignore_ascii_case("filename"));
    let listed = if is_alone { &*text } else { text.split_once(';').map_or("", |(_, rest)| rest) };
    for (key, value) in parameters::listed(listed) {
        let key = key.to_ascii_lowercase();
        let Some(rest) = key.strip_prefix("filename") else { continue };
        match rest {
            "" => plain(&value, &mut names),
            "*" => names.extend(extended(&value)),
            // RFC 2231 section 3: a name in pieces, `filename*0=`, `filename*1*=`.
            _ if rest.starts_with('*') && rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                let piece = if rest.ends_with('*') { unescaped_piece(&value) } else { value.into_owned() };
                if continued.len() < LONGEST {
                    continued += &piece;
                }
            }
            _ => {}
        }
    }
    if !continued.is_empty() {
        names.push(continued);
    }
    names.truncate(MOST_NAMES);
    names.iter_mut().for_each(|name| *name = base(name).to_owned());
    names.retain(|name| !name.is_empty());
    names.dedup();
    names
}

/// The ending of a name as the system that opens it sees it: what follows the last dot, in lower case. Marks that turn the direction of writing or take no
/// room are left out, and so are dots and spaces at the end, which Windows takes off.
#[must_use]
pub fn ending(name: &str) -> Option<String> {
    let shown: String = name.chars().take(LONGEST).filter(|c| !is_unseen(*c)).collect();
    let name = shown.trim_end_matches(|c: char| c == '.' || c.is_whitespace());
    let (_, ending) = name.rsplit_once('.')?;
    Some(ending.trim().to_lowercase()).filter(|ending| !ending.is_empty())
}

/// Whether a character takes no room or only turns the direction of what follows.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}')
}

/// A name without the folders before it, whichever way they are written.
fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// `filename=`: as it is; without escapes, which Chrome undoes; without encoded words of mail (RFC 2047), which Chrome and Firefox undo.
fn plain(value: &str, names: &mut Vec<String>) {
    let value = &value[..value.floor_char_boundary(LONGEST)];
    names.push(value.to_owned());
    if value.contains('%') {
        names.push(percent_decode_str(value).decode_utf8_lossy().into_owned());
    }
    if value.contains("=?") {
        names.push(words(value));
    }
}

/// `filename*=`: a charset, a language, an escaped text (RFC 8187 section 3.2.1). Of the charset only how it writes ASCII matters, which all do alike.
fn extended(value: &str) -> Option<String> {
    let text = value.splitn(3, '\'').nth(2).unwrap_or(value);
    Some(percent_decode_str(text).decode_utf8_lossy().into_owned())
}

fn unescaped_piece(value: &str) -> String {
    let text = if value.matches('\'').count() >= 2 { value.splitn(3, '\'').nth(2).unwrap_or(value) } else { value };
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A text with its encoded words undone.
fn words(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("=?") {
        out += &rest[..start];
        let word = &rest[start + 2..];
        let mut parts = word.splitn(3, '?');
        let (Some(_), Some(way), Some(tail)) = (parts.next(), parts.next(), parts.next()) else { break };
        let Some(end) = tail.find("?=") else { break };
        let coded = &tail[..end];
        let bytes = match way {
            "b" | "B" => STANDARD.decode(coded).unwrap_or_default(),
            _ => percent_decode_str(&coded.replace('_', " ").replace('%', "%25").replace('=', "%")).collect(),
        };
        out += &String::from_utf8_lossy(&bytes);
        rest = tail[end + 2..].trim_start();
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_a_browser_would_take_is_read() {
        for (value, names) in [
            ("attachment; filename=setup.exe", &["setup.exe"][..]),
            ("attachment; filename=\"a; b.exe\"; size=1", &["a; b.exe"]),
            ("ATTACHMENT;FileName = \"q\\\"uote.exe\"", &["q\"uote.exe"]),
            ("attachment; filename=\"safe.txt\"; filename*=UTF-8''bad%2Eexe", &["safe.txt", "bad.exe"]),
            ("attachment; filename*=utf-8'en'n%C3%A4me.zip", &["näme.zip"]),
            ("attachment; filename=my setup.exe", &["my setup.exe"]),
            ("filename=alone.exe", &["alone.exe"]),
            ("inline", &[]),
            ("attachment; filename=\"cut.exe", &["cut.exe"]),
            ("attachment; filename=\"..\\\\..\\\\up/x.exe\"", &["x.exe"]),
            ("attachment; filename=a%2Eexe", &["a%2Eexe", "a.exe"]),
            ("attachment; filename=\"=?UTF-8?B?c2V0dXAuZXhl?=\"", &["=", "setup.exe"]),
            ("attachment; filename=\"=?utf-8?q?set=75p=2Eexe?=\"", &["=?utf-8?q?set=75p=2Eexe?=", "setup.exe"]),
            ("attachment; filename*0=\"set\"; filename*1*=up%2Eexe", &["setup.exe"]),
            ("attachment; notfilename=x.exe", &[]),
            ("attachment; filename=a.txt; filename=b.exe", &["a.txt", "b.exe"]),
        ] {
            let found = of_disposition(value.as_bytes());
            assert!(names.iter().all(|name| *name == "=" || found.iter().any(|one| one == name)), "{value}: {found:?}");
            assert_eq!(found.is_empty(), names.is_empty(), "{value}: {found:?}");
        }
    }

    #[test]
    fn an_ending_is_what_the_system_sees() {
        for (name, end) in [
            ("setup.EXE", Some("exe")),
            ("setup.exe.", Some("exe")),
            ("setup.exe . .", Some("exe")),
            ("setup.exe\u{200f}", Some("exe")),
            ("annexe\u{202e}gpj.exe", Some("exe")),
            ("se.e\u{200b}xe", Some("exe")),
            ("song.mp3.exe", Some("exe")),
            (".profile", Some("profile")),
            ("README", None),
            ("...", None),
            ("", None),
        ] {
            assert_eq!(ending(name).as_deref(), end, "{name:?}");
        }
    }

    #[test]
    fn the_name_in_a_path_is_its_last_part() {
        for (path, name) in [
            ("/a/setup.exe", Some("setup.exe")),
            ("/a/setup%2Eexe?x=/y.txt", Some("setup.exe")),
            ("/a/", None),
            ("/", None),
            ("", None),
            ("/x%2Fy.exe", Some("y.exe")),
        ] {
            assert_eq!(of_path(path).as_deref(), name, "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_stops_it(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let mut text = b"attachment; filename".to_vec();
            text.extend(bytes);
            for name in of_disposition(&text) {
                let _ = ending(&name);
            }
        }

        #[test]
        fn a_name_that_is_sent_as_the_standards_say_comes_back(name in "[a-zA-Z0-9 äöüß漢字\"\\\\;=]{1,20}\\.exe") {
            let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
            let escaped: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
            for value in [format!("attachment; filename=\"{quoted}\""), format!("attachment; filename*=UTF-8''{escaped}")] {
                let found = of_disposition(value.as_bytes());
                proptest::prop_assert!(found.iter().any(|one| one == base(&name)), "{value}: {found:?}");
            }
        }
    }
}
