//! Tor's own client, by the hello with which it goes to a relay.
//!
//! Relays have addresses and no names: each connection goes to an address and makes a name up, `www.`, letters and digits of base32, `.com`. Seen of tor
//! 0.4.9: 6 to 25 of them. The name alone may be a real one (`www.google.com` is of that form), so it takes either a digit in it, which base32 nearly always
//! has and names rarely, or the ciphers that Tor offers: the second part of JA4, the same in every connection of one version. A bridge that hides the
//! protocol (obfs4, Snowflake) is not seen here: see [`super::random`].

use super::{Code, Finding};

/// The second part of JA4, its ciphers, as tor 0.4.7 to 0.4.9 offer them with OpenSSL 3.
const CIPHERS: &str = "_796efca44d18_";

/// Looks at the name in the hello of a tunnel to an address. `ja4` is asked for where the name may be one.
#[must_use]
pub fn in_hello(name: &str, is_to_address: bool, ja4: impl FnOnce() -> String) -> Option<Finding> {
    let middle = name.strip_prefix("www.").and_then(|rest| rest.strip_suffix(".com"))?;
    let is_base32 = (4..=25).contains(&middle.len()) && middle.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
    if !is_to_address || !is_base32 {
        return None;
    }
    let (ja4, has_digit) = (ja4(), middle.bytes().any(|byte| byte.is_ascii_digit()));
    (has_digit || ja4.contains(CIPHERS))
        .then(|| Finding::new(Code::Tor, &format!("the made-up name {name} in a hello to an address, of a program with JA4 {ja4}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOR: &str = "t13d181100_796efca44d18_d41ae481755e";
    const CHROME: &str = "t13d1516h2_8daaf6152771_02713d6af862";

    #[test]
    fn a_made_up_name_to_an_address_is_tor() {
        let code = |name, to, ja4: &str| in_hello(name, to, || ja4.to_owned()).map(|found| found.code);
        assert_eq!(code("www.4jhsxcm2wq.com", true, CHROME), Some(Code::Tor));
        assert_eq!(code("www.qmhsxcmabw.com", true, TOR), Some(Code::Tor));
        assert_eq!(code("www.google.com", true, CHROME), None, "a browser that was given an address");
        assert_eq!(code("www.4jhsxcm2wq.com", false, TOR), None, "a site may be called so");
        for name in ["www.bbc.co.uk", "www.a-b.com", "www.abc.com", "4jhsxcm2wq.com", "www.abcdefghijklmnopqrstuvwxyz2.com", "www.x18x.com"] {
            assert_eq!(code(name, true, TOR), None, "{name}");
        }
    }
}
