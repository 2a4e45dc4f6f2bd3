//! Fields of forms, as far as they were held.

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
pub(super) fn part<'a>(body: &'a [u8], name: &str) -> Option<&'a [u8]> {
    // Each part begins with the delimiter of the first.
    let delimiter = &body[..memchr::memmem::find(body, b"\r\n")?];
    if !delimiter.starts_with(b"--") {
        return None;
    }
    let mut rest = body;
    while let Some(part) = rest.strip_prefix(delimiter).and_then(|rest| rest.strip_prefix(b"\r\n")) {
        let head_end = memchr::memmem::find(part, b"\r\n\r\n")?;
        let (head, value) = (&part[..head_end], &part[head_end + 4..]);
        let end = memchr::memmem::find(value, &[b"\r\n", delimiter].concat());
        if is_named(head, name) {
            return Some(&value[..end.unwrap_or(value.len())]);
        }
        rest = &value[end? + 2..];
    }
    None
}

/// Whether the head of a part gives it this name.
fn is_named(head: &[u8], name: &str) -> bool {
    let head = super::text(head).to_ascii_lowercase();
    let disposition = head.lines().filter_map(|line| line.strip_prefix("content-disposition:"));
    let parameters = disposition.flat_map(|line| line.split(';')).filter_map(|parameter| parameter.trim().strip_prefix("name="));
    parameters.map(|value| value.trim_matches('"')).any(|value| value.eq_ignore_ascii_case(name))
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
        assert_eq!(part(whole.as_bytes(), "data"), Some(&b"{\"a\":1}"[..]));
        let cut = &whole.as_bytes()[..whole.len() - 10];
        assert_eq!(part(cut, "data"), Some(&b"{\"a\":1}"[..cut.len() - (whole.len() - 16)]));
        for bad in ["", "\r\n", "--X", "--X\r\n", "--X\r\nname=data\r\n\r\n1", "X\r\n\r\n1"] {
            assert_eq!(part(bad.as_bytes(), "data"), None, "{bad:?}");
        }
    }
}
