//! Free hosting, each of its sites by itself: anybody has a name below `pages.dev` in minutes, and what the list says of `pages.dev` says nothing of that name.
//!
//! A site there that no list knows by itself is unknown, whatever its neighbours are. The same goes for names that anybody can have for a computer at home.
//! That is no sign of anything yet: much of what schools use is there too. What counts is that it runs a program of the kinds web proxies need: WebAssembly, or a WebSocket.

use super::{Code, Finding};
use crate::category::{CategorySet, Taxonomy};
use crate::host::Host;
use crate::insight::site::Site;

/// The categories of names below which anybody can have one: free hosting, and free names for computers at home.
pub const CATEGORIES: [&str; 2] = ["web-hosting", "dynamic-dns"];

/// Whether a host is a site on free hosting that no list knows by itself: it is in these categories, in no other, and somebody's name below the host's.
#[must_use]
pub fn is_unknown(host: &Host, categories: CategorySet, taxonomy: &Taxonomy) -> bool {
    !categories.is_empty() && says_nothing(categories, taxonomy) && is_below(host)
}

/// Whether categories say nothing of a site itself: there are none, or only those of names that anybody can have.
#[must_use]
pub fn says_nothing(categories: CategorySet, taxonomy: &Taxonomy) -> bool {
    let hosting: CategorySet = CATEGORIES.into_iter().filter_map(|id| taxonomy.find(id)).collect();
    categories.intersection(hosting) == categories
}

/// The same by the names of the categories, as a record has them.
#[must_use]
pub fn is_unknown_by_name(host: &str, categories: &str) -> bool {
    !categories.is_empty() && is_in_no_list(categories) && Host::parse(host).is_ok_and(|host| is_below(&host))
}

/// Whether no list says what a site is: none names it, or only as one of many that anybody can have.
#[must_use]
pub fn is_in_no_list(categories: &str) -> bool {
    categories.is_empty() || categories.split(' ').all(|id| CATEGORIES.contains(&id))
}

/// Whether it may be one of many names that anybody can have.
#[must_use]
pub fn is_of_many(categories: &str) -> bool {
    categories.split(' ').any(|id| CATEGORIES.contains(&id))
}

/// The name below that of free hosting, whatever its owner puts before it: `mine.pages.dev` of `a.b.mine.pages.dev`. Where the hosting's own name is longer, as
/// `up.railway.app` is, that.
#[must_use]
pub fn owner(host: &str) -> &str {
    let below = Site::of(host).below;
    below.rfind('.').map_or(host, |dot| &host[dot + 1..])
}

/// Whether there is a name of somebody's before the host's own.
fn is_below(host: &Host) -> bool {
    !matches!(Site::of(host.as_str()).below, "" | "www")
}

/// That such a site runs a program.
#[must_use]
pub fn program(what: &str, host: &str) -> Finding {
    Finding::new(Code::FreeHost, &format!("{what} of {host}, a name on free hosting that no list knows"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::fixture;

    #[test]
    fn each_name_is_known_by_itself() {
        let taxonomy = fixture::taxonomy(&["web-hosting", "dynamic-dns", "education"]);
        let [hosting, dynamic, education] = ["web-hosting", "dynamic-dns", "education"].map(|id| taxonomy.find(id).expect("a category"));
        let set = |categories: &[_]| categories.iter().copied().collect::<CategorySet>();
        for (host, categories, expected) in [
            ("maths-homework.pages.dev", &[hosting][..], true),
            ("a.b.app.github.dev", &[hosting], true),
            ("my-unblocker.duckdns.org", &[dynamic], true),
            ("my-unblocker.duckdns.org", &[hosting, dynamic], true),
            // The host's own pages.
            ("webflow.io", &[hosting], false),
            ("www.webflow.io", &[hosting], false),
            // Listed by itself.
            ("school.github.io", &[hosting, education], false),
            ("maths.example", &[education], false),
            ("maths.example", &[], false),
        ] {
            let parsed = Host::parse(host).expect("a host");
            assert_eq!(is_unknown(&parsed, set(categories), &taxonomy), expected, "{host}");
            let names = taxonomy.ids(set(categories)).collect::<Vec<_>>().join(" ");
            assert_eq!(is_unknown_by_name(host, &names), expected, "{host}");
            assert_eq!(says_nothing(set(categories), &taxonomy), is_in_no_list(&names), "{host}");
        }
        assert!(is_in_no_list("") && is_in_no_list("dynamic-dns web-hosting") && !is_in_no_list("web-hosting games"));
        for (host, expected) in [("a.b.mine.pages.dev", "mine.pages.dev"), ("mine.pages.dev", "mine.pages.dev"), ("pages.dev", "pages.dev"), ("x", "x")] {
            assert_eq!(owner(host), expected);
        }
        assert!(!is_unknown(&Host::parse("a.pages.dev").expect("a host"), set(&[education]), &fixture::taxonomy(&["education"])));
    }
}
