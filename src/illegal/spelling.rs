//! One spelling of a URL for the illegal tier, where an entry is one URL and nobody may pass by writing it another way.
//!
//! It begins with [`Url`], which has undone case, one layer of percent-encoding, dot segments, doubled slashes, user information, ports,
//! fragments, backslashes, the schemes, and every spelling of a host. Then, of an entry and of a request alike:
//!
//! - every further layer of percent-encoding is undone, and what then shows (case, backslashes, dots) with it;
//! - `www.` before the host, a slash at the end, the name of a folder's own document (`index.html` and its like) and an empty query go;
//! - in a query, `+` is a space, order says nothing, and marks of visits (`fbclid` and its like) and empty parts go.
//!
//! Two things may mean something or nothing, as the server likes: parameters in a path (`;jsessionid=…`), and a query after a file
//! that stands still (`photo.jpg?x`). An entry keeps them. A request is looked up with them, and then without: its two readings.
//!
//! What stays another page: another path, file, host below or above, or another query where a program answers. A parameter that its server
//! does not know makes another URL here; a publisher lists the site, or each URL. Pure.

use crate::host::Host;
use crate::lists::entry::without_www;
use crate::url::Url;
use smallvec::SmallVec;

/// What a server sends for a folder when no file is named.
const DEFAULT_DOCUMENTS: [&[u8]; 16] = [
    b"index.html", b"index.htm", b"index.php", b"index.shtml", b"index.xhtml", b"index.asp", b"index.aspx", b"index.jsp", b"index.cgi", b"index.pl",
    b"default.html", b"default.htm", b"default.php", b"default.asp", b"default.aspx", b"default.jsp",
];

/// Parameters of a query that say how a visitor came or who is visiting, never what is shown.
const MARKS: [&[u8]; 13] = [
    b"fbclid", b"gclid", b"dclid", b"msclkid", b"yclid", b"igshid", b"utm_source", b"utm_medium", b"utm_campaign", b"utm_term", b"utm_content", b"phpsessid",
    b"jsessionid",
];

/// Files that a server sends as they are, whatever is asked of them.
const STILL_FILES: [&[u8]; 22] = [
    b"html", b"htm", b"txt", b"pdf", b"jpg", b"jpeg", b"png", b"gif", b"webp", b"bmp", b"avif", b"mp4", b"m4v", b"webm", b"avi", b"mov", b"mkv", b"mpg",
    b"mp3", b"zip", b"rar", b"7z",
];

/// The most parts of a query that are put in order; a longer one is taken as it stands.
const MOST_SORTED: usize = 64;

type Bytes = SmallVec<[u8; 256]>;

/// The spelling of an entry for one page.
#[must_use]
pub fn of_page(url: &Url) -> Vec<u8> {
    let mut spelling = Vec::new();
    let _: Option<()> = each_reading(url, |reading| {
        spelling = reading.to_vec();
        Some(())
    });
    spelling
}

/// The spelling of an entry for a whole site.
#[must_use]
pub fn of_site(host: &Host) -> &str {
    without_www(host.as_str())
}

/// The hosts whose entries cover this one: itself and each of its parents, but no parent of a single label.
pub fn sites(host: &Host) -> impl Iterator<Item = &str> {
    let whole = host.as_str().len();
    host.suffixes().filter(move |site| site.len() == whole || site.contains('.'))
}

/// The host of an entry's spelling.
#[must_use]
pub fn host_of(spelling: &[u8]) -> &[u8] {
    spelling.split(|byte| *byte == b'/').next().unwrap_or_default()
}

/// Shows each reading of a request's URL until one answers. There is always one, and rarely two.
pub fn each_reading<T>(url: &Url, mut answer: impl FnMut(&[u8]) -> Option<T>) -> Option<T> {
    let host = url.host.as_str();
    let text = &url.text()[host.len() - without_www(host).len()..];
    if let Some(plain) = plain(text) {
        return answer(plain.as_bytes());
    }
    let host_end = text.find('/').unwrap_or(text.len());
    let mut rest = decoded(&text.as_bytes()[host_end..]);
    let path_end = memchr::memchr(b'?', &rest).unwrap_or(rest.len());
    let (path, query) = rest.split_at_mut(path_end);
    query.iter_mut().filter(|byte| **byte == b'+').for_each(|plus| *plus = b' ');
    let (path, query) = (&*path, query.strip_prefix(b"?").unwrap_or_default());
    let read = |parameters| joined(&text.as_bytes()[..host_end], path, query, parameters);
    let exact = read(Parameters::Kept);
    answer(&exact).or_else(|| {
        let bare = read(Parameters::Dropped);
        if bare == exact { None } else { answer(&bare) }
    })
}

/// The spelling of most URLs is a part of their text: those without a query and without anything that means more than it says.
fn plain(text: &str) -> Option<&str> {
    if text.bytes().any(|byte| matches!(byte, b'%' | b'?' | b';')) {
        return None;
    }
    let trimmed = text.strip_suffix('/').unwrap_or(text);
    match trimmed.rsplit_once('/') {
        Some((_, last)) if is_default_document(last.as_bytes()) => None,
        Some(_) => Some(trimmed),
        None => Some(text),
    }
}

/// Undoes percent-encoding until none is left, in one pass: a byte that completes another code is taken into it. Backslashes are slashes.
fn decoded(raw: &[u8]) -> Bytes {
    let mut bytes = Bytes::with_capacity(raw.len());
    for &byte in raw {
        bytes.push(byte);
        while let [.., b'%', high, low] = bytes[..]
            && let (Some(high), Some(low)) = (digit(high), digit(low))
        {
            bytes.truncate(bytes.len() - 3);
            bytes.push(high << 4 | low);
        }
        if let Some(last) = bytes.last_mut() {
            *last = if *last == b'\\' { b'/' } else { last.to_ascii_lowercase() };
        }
    }
    bytes
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// What becomes of what may mean nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parameters {
    Kept,
    Dropped,
}

fn joined(host: &[u8], path: &[u8], query: &[u8], parameters: Parameters) -> Bytes {
    let mut text = Bytes::from_slice(host);
    let segments = segments(path, parameters);
    for segment in &segments {
        text.push(b'/');
        text.extend_from_slice(segment);
    }
    if segments.is_empty() {
        text.push(b'/');
    }
    let stands_still = parameters == Parameters::Dropped && segments.last().is_some_and(|file| is_still_file(file));
    if !stands_still {
        push_query(&mut text, query);
    }
    text
}

/// The parts of a path that say something (RFC 3986 section 5.2.4), without the name of a folder's own document.
fn segments(path: &[u8], parameters: Parameters) -> SmallVec<[&[u8]; 16]> {
    let mut segments = SmallVec::<[&[u8]; 16]>::new();
    for segment in path.split(|byte| *byte == b'/') {
        let segment = match parameters {
            Parameters::Kept => segment,
            Parameters::Dropped => segment.split(|byte| *byte == b';').next().unwrap_or_default(),
        };
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    if segments.last().is_some_and(|last| is_default_document(last)) {
        segments.pop();
    }
    segments
}

fn push_query(text: &mut Bytes, query: &[u8]) {
    let is_mark = |part: &[u8]| MARKS.contains(&part.split(|byte| *byte == b'=').next().unwrap_or_default());
    let mut parts: SmallVec<[&[u8]; 16]> = query.split(|byte| *byte == b'&').filter(|part| !part.is_empty() && !is_mark(part)).collect();
    if parts.len() <= MOST_SORTED {
        parts.sort_unstable();
    }
    for (number, part) in parts.iter().enumerate() {
        text.push(if number == 0 { b'?' } else { b'&' });
        text.extend_from_slice(part);
    }
}

fn is_default_document(file: &[u8]) -> bool {
    matches!(file.first(), Some(b'i' | b'd')) && DEFAULT_DOCUMENTS.contains(&file)
}

fn is_still_file(file: &[u8]) -> bool {
    let ending = memchr::memrchr(b'.', file).map(|dot| &file[dot + 1..]);
    ending.is_some_and(|ending| STILL_FILES.contains(&ending))
}

#[cfg(test)]
mod tests;
