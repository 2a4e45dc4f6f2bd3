//! What a TLS hello says of a way round: Tor, and names that are sealed (ECH).

use super::{Code, Finding};

/// The name that sites behind Cloudflare have outside, where the real one is sealed. Browsers send the extension for practice as well: by itself it is nothing.
const SEALED: &str = "cloudflare-ech.com";

/// Looks at the name in a hello, and whether the tunnel was opened to an address.
#[must_use]
pub fn in_name(name: Option<&str>, is_to_address: bool) -> Option<Finding> {
    let name = name?;
    if name == SEALED || name.strip_suffix(SEALED).is_some_and(|before| before.ends_with('.')) {
        return Some(Finding::new(Code::Ech, &format!("the name {name} in the hello")));
    }
    // Its relays have no names: each connection makes one up.
    (is_to_address && is_of_tor(name)).then(|| Finding::new(Code::Tor, &format!("the name {name} in a hello to an address")))
}

/// A name as Tor makes them up: `www.`, 4 to 25 letters of base32, `.com`. Its client gave 6 to 25 where it was tried (0.4.9).
fn is_of_tor(name: &str) -> bool {
    let middle = name.strip_prefix("www.").and_then(|rest| rest.strip_suffix(".com"));
    middle.is_some_and(|middle| (4..=25).contains(&middle.len()) && middle.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tor_and_sealed_names_are_known() {
        let code = |name, to| in_name(name, to).map(|found| found.code);
        assert_eq!(code(Some("www.4jhsxcm2wq.com"), true), Some(Code::Tor));
        assert_eq!(code(Some("www.4jhsxcm2wq.com"), false), None, "a site may be called so");
        assert_eq!(code(Some("cloudflare-ech.com"), false), Some(Code::Ech));
        assert_eq!(code(Some("x.cloudflare-ech.com"), false), Some(Code::Ech));
        for name in [None, Some("notcloudflare-ech.com"), Some("www.bbc.co.uk"), Some("www.a-b.com"), Some("www.abc.com"), Some("4jhsxcm2wq.com")] {
            assert_eq!(code(name, true), None, "{name:?}");
        }
    }
}
