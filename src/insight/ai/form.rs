//! Fields of forms, as far as they were held.

use crate::body::parameters;
use crate::body::parts::{Event, Parts};
use percent_encoding::percent_decode;

/// The value of a field of a form in a body (`application/x-www-form-urlencoded`), with its escapes undone.
pub(super) fn field(body: &[u8], name: &str) -> Option<Vec<u8>> {
    let pairs = body.split(|byte| *byte == b'&');
    let pair = pairs.filter_map(|pair| pair.split_at_checked(pair.iter().position(|byte| *byte == b'=')?)).find(|(key, _)| undone(key) == name.as_bytes())?;
    Some(undone(&pair.1[1..]))
}

fn undone(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).collect()
}

/// The value of a part of a form (`multipart/form-data`, RFC 7578); its end may be missing.
pub(super) fn part(body: &[u8], name: &str) -> Option<Vec<u8>> {
    // It begins with its boundary.
    let line = &body[..memchr::memchr(b'\n', body)?];
    let boundary = std::str::from_utf8(line).ok()?.trim_end().strip_prefix("--")?;
    let mut parts = Parts::of(&format!("multipart/form-data; boundary=\"{boundary}\""))?;
    let (mut found, mut is_here): (Option<Vec<u8>>, bool) = (None, false);
    let mut take = |event: Event<'_>| match event {
        Event::Begins(head) => {
            is_here = found.is_none() && head.dispositions.iter().any(|value| is_named(value, name));
            if is_here {
                found = Some(Vec::new());
            }
        }
        Event::Bytes(bytes) => found.iter_mut().filter(|_| is_here).for_each(|value| value.extend_from_slice(bytes)),
        Event::Ends => is_here = false,
    };
    parts.feed(body, &mut take);
    parts.end(&mut take);
    found
}

/// Whether a `Content-Disposition` gives a part this name.
fn is_named(disposition: &[u8], name: &str) -> bool {
    parameters::of(&super::text(disposition)).any(|(parameter, value)| parameter.eq_ignore_ascii_case("name") && value.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_and_their_escapes_undone() {
        for (body, expected) in
            [("a=1&f.req=%5Bnull%2C+1%5D&at=x", Some("[null, 1]")), ("f%2Ereq=x", Some("x")), ("f.req=", Some("")), ("g=1", None), ("f.req", None)]
        {
            assert_eq!(field(body.as_bytes(), "f.req").as_deref(), expected.map(str::as_bytes), "{body}");
        }
    }

    #[test]
    fn parts_are_found_whole_or_cut_off() {
        let whole = "--X\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a\"\r\nContent-Type: image/png\r\n\r\n\x01\r\n--y\r\n--X\r\ncontent-disposition: form-data; name=\"data\"\r\n\r\n{\"a\":1}\r\n--X--\r\n";
        assert_eq!(part(whole.as_bytes(), "data").as_deref(), Some(&b"{\"a\":1}"[..]));
        let cut = &whole.as_bytes()[..whole.len() - 10];
        assert_eq!(part(cut, "data").as_deref(), Some(&b"{\"a\":1}"[..cut.len() - (whole.len() - 16)]));
        // As other programs write it.
        for head in [
            "Content-Disposition: form-data;\r\n  name=data",
            "Content-Disposition: form-data; filename=\"a;name=x\"; NAME=\"data\"",
            "X: y\r\nContent-Disposition : form-data; name=\"data\"",
        ] {
            assert_eq!(part(format!("--X\r\n{head}\r\n\r\n1\r\n--X--\r\n").as_bytes(), "data").as_deref(), Some(&b"1"[..]), "{head}");
        }
        assert_eq!(part(whole.replace("\r\n", "\n").as_bytes(), "data").as_deref(), Some(&b"{\"a\":1}"[..]));
        for bad in ["", "\r\n", "--X", "--X\r\n", "--X\r\nname=data\r\n\r\n1", "X\r\n\r\n1"] {
            assert_eq!(part(bad.as_bytes(), "data"), None, "{bad:?}");
        }
    }
}
