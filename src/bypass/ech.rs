//! Names that are sealed in a TLS hello (ECH, RFC 9849): the name outside is not that of the site.
//!
//! Browsers send the extension for practice to every site (GREASE): that it is there says nothing. What says something is the name that is put outside for
//! many sites at once.

use super::{Code, Finding};

/// The name that sites behind Cloudflare have outside, as decoded from a published configuration.
const OUTSIDE: &str = "cloudflare-ech.com";

/// Looks at the name in the hello of a tunnel to another name, or to an address.
#[must_use]
pub fn in_name(name: &str, tunnel: &str) -> Option<Finding> {
    let is_outside = name == OUTSIDE || name.strip_suffix(OUTSIDE).is_some_and(|before| before.ends_with('.'));
    // Somebody may want that very site.
    (is_outside && name != tunnel).then(|| Finding::new(Code::Ech, &format!("the name {name} in the hello of a tunnel to {tunnel}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_outside_is_told_where_it_stands_for_another() {
        for (name, tunnel, is_found) in [
            ("cloudflare-ech.com", "games.example", true),
            ("x.cloudflare-ech.com", "games.example", true),
            ("cloudflare-ech.com", "104.16.1.1", true),
            ("cloudflare-ech.com", "cloudflare-ech.com", false),
            ("notcloudflare-ech.com", "games.example", false),
            ("cloudflare-ech.com.example", "games.example", false),
            ("games.example", "games.example", false),
        ] {
            assert_eq!(in_name(name, tunnel).map(|found| found.code), is_found.then_some(Code::Ech), "{name} in {tunnel}");
        }
    }
}
