//! Whether what came is a page for people: an error page with status 200, a login, a notice of a network on the way. Pure.
//!
//! Its first bytes decide. A list that is served with the wrong type is still a list, and a list of weighted phrases may begin with `<`.

/// As many first bytes as are looked at.
pub const FIRST: usize = 1024;

/// Whether a file that begins with `first` looks like a web page. Where the server calls it one, anything that begins with a tag does.
#[must_use]
pub fn looks_like_web_page(content_type: Option<&str>, first: &[u8]) -> bool {
    let first = &first[..first.len().min(FIRST)];
    let text = String::from_utf8_lossy(first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first)).to_ascii_lowercase();
    let start = skip_remarks(&text);
    if is_html_type(content_type) {
        return start.starts_with('<') || start.len() < text.trim_start().len();
    }
    start.starts_with("<!doctype html") || is_tag(start, "html") || is_tag(start, "head")
}

fn is_html_type(content_type: Option<&str>) -> bool {
    let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(kind.as_str(), "text/html" | "application/xhtml+xml")
}

/// Whether a tag of this name stands at the start: not a phrase such as `<html><50>`.
fn is_tag(text: &str, name: &str) -> bool {
    let Some(rest) = text.strip_prefix('<').and_then(|rest| rest.strip_prefix(name)) else { return false };
    let begins_markup = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '!' | '/'));
    match rest.strip_prefix('>') {
        Some(next) => next.is_empty() || next.starts_with(char::is_whitespace) || next.strip_prefix('<').is_some_and(begins_markup),
        None => rest.starts_with(char::is_whitespace),
    }
}

/// What is left after white space, comments and an XML declaration.
fn skip_remarks(text: &str) -> &str {
    let mut rest = text.trim_start();
    for (opening, closing) in [("<!--", "-->"), ("<?xml", "?>")].into_iter().cycle().take(16) {
        if rest.starts_with(opening)
            && let Some((_, after)) = rest.split_once(closing)
        {
            rest = after.trim_start();
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_told_from_a_list_by_how_it_begins() {
        const HTML: Option<&str> = Some("text/html; charset=utf-8");
        const PLAIN: Option<&str> = Some("text/plain");
        for (kind, text, is_page) in [
            (PLAIN, "<!DOCTYPE html><title>Not found</title>", true),
            (None, "\u{feff}\r\n  <HTML lang=en>", true),
            (PLAIN, "<html><head>", true),
            (PLAIN, "<html>\n<body>", true),
            (PLAIN, "<!-- a notice --><!-- another --><html>", true),
            (PLAIN, "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC", true),
            (PLAIN, "<head>\n<meta", true),
            (HTML, "<script>location='/login'</script>", true),
            (HTML, "<!-- only a remark -->", true),
            (Some("TEXT/HTML"), " <p>Moved", true),
            (HTML, "games.example\nmore.example\n", false),
            (HTML, "# a list with the wrong type\n0.0.0.0 games.example", false),
            (HTML, "", false),
            (PLAIN, "<html><50>\n<body><30>", false),
            (PLAIN, "<html>,<body><30>", false),
            (PLAIN, "<header><10>", false),
            (PLAIN, "<games>,<play><20>", false),
            (Some("application/gzip"), "\u{1f}\u{8b}", false),
            (PLAIN, "! Title: <html>\n||games.example^", false),
            (PLAIN, "[Adblock Plus]", false),
        ] {
            assert_eq!(looks_like_web_page(kind, text.as_bytes()), is_page, "{kind:?} {text:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_no_page() {
        assert!(!looks_like_web_page(None, &[0xff; 4000]));
        assert!(!looks_like_web_page(Some("text/html"), &[0x1f, 0x8b, 8, 0, b'<']));
    }
}
