//! Addresses of the forms that Rammerhead, CroxyProxy and their kin have.

use super::{Code, Finding};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use memchr::memmem::Finder;
use percent_encoding::percent_decode_str;
use std::sync::LazyLock;

/// Files and calls of Rammerhead. One of them may be anybody's.
const ROUTES: [&str; 11] = [
    "/rammerhead.js", "/hammerhead.js", "/worker-hammerhead.js", "/transport-worker.js", "/newsession", "/editsession", "/sessionexists", "/deletesession",
    "/mainport", "/needpassword", "/api/shuffleDict",
];

/// Pages and programs of CroxyProxy.
const PAGES: [&str; 2] = ["/__cpi.php", "/__cpa.cp.js"];

static CP: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"__cp"));

/// Names among them that other people's calls have too.
const ANYBODYS: [&str; 4] = ["/newsession", "/editsession", "/sessionexists", "/deletesession"];

/// Looks at the path and query of a request.
#[must_use]
pub fn in_path(path: &str) -> Option<Finding> {
    croxy(path).or_else(|| rammerhead(path))
}

/// Which form an address has, to tell one from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// CroxyProxy's, by the name in it.
    Croxy(&'static str),
    /// A page behind a session of Rammerhead's.
    Session,
    /// A file or a call of Rammerhead's.
    Route(&'static str),
    /// A file of another kit ([`super::paths`]).
    Kit(&'static str),
    /// An address of another kit that others may have too.
    MaybeKit(&'static str),
}

impl Form {
    /// Whose it is.
    #[must_use]
    pub fn of(self) -> Code {
        match self {
            Self::Croxy(_) => Code::Croxy,
            Self::Session | Self::Route(_) => Code::Rammerhead,
            Self::Kit(_) | Self::MaybeKit(_) => Code::KitPath,
        }
    }

    /// Whether other people name their calls so too.
    #[must_use]
    pub fn may_be_anybodys(self) -> bool {
        match self {
            Self::Route(route) => ANYBODYS.contains(&route),
            Self::MaybeKit(_) => true,
            Self::Croxy(_) | Self::Session | Self::Kit(_) => false,
        }
    }
}

/// The form of an address in which something was found ([`in_path`]).
#[must_use]
pub fn form(path: &str) -> Option<Form> {
    let (whole, query) = path.split_once('?').unwrap_or((path, ""));
    if query.split('&').any(|pair| pair.starts_with("__cpo=")) {
        return Some(Form::Croxy("__cpo"));
    }
    if let Some(name) = PAGES.into_iter().find(|name| whole.ends_with(name)) {
        return Some(Form::Croxy(name));
    }
    if let Some(route) = ROUTES.into_iter().find(|route| whole == *route) {
        return Some(Form::Route(route));
    }
    rammerhead(path).map(|_| Form::Session)
}

fn croxy(path: &str) -> Option<Finding> {
    // What all of them have; a long query is looked through many bytes at a time.
    CP.find(path.as_bytes())?;
    let (before, query) = path.split_once('?').unwrap_or((path, ""));
    if let Some(value) = query.split('&').find_map(|pair| pair.strip_prefix("__cpo=")) {
        let found = Finding::new(Code::Croxy, "\"__cpo=\" in the address");
        return Some(match origin(value) {
            Some(target) => found.of_target(&target),
            None => found,
        });
    }
    let name = PAGES.into_iter().find(|name| before.ends_with(name))?;
    Some(Finding::new(Code::Croxy, &format!("the path {name}")))
}

/// The site in CroxyProxy's parameter: its origin, or only its name, in base64.
fn origin(value: &str) -> Option<String> {
    let value = percent_decode_str(value).decode_utf8().ok()?;
    let text =
        String::from_utf8(STANDARD_NO_PAD.decode(value.trim_end_matches(['=', '1'])).or_else(|_| STANDARD_NO_PAD.decode(value.trim_end_matches('='))).ok()?)
            .ok()?;
    let url = crate::url::Url::parse(&text).ok().filter(|url| url.host.as_str().contains('.'))?;
    Some(url.host.as_str().to_owned())
}

/// The letters of a session of Rammerhead's.
const SESSION: usize = 32;

fn rammerhead(path: &str) -> Option<Finding> {
    let whole = &path[..memchr::memchr(b'?', path.as_bytes()).unwrap_or(path.len())];
    if whole.as_bytes().get(SESSION + 1) != Some(&b'/') {
        return route(whole);
    }
    let mut parts = whole.strip_prefix('/')?.splitn(2, '/');
    let (session, rest) = (parts.next()?, parts.next().unwrap_or_default());
    let is_session = session.len() == SESSION && session.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    if is_session && (rest.starts_with("_rhs") || rest.starts_with("http:/") || rest.starts_with("https:/")) {
        let found = Finding::new(Code::Rammerhead, "an address behind a session of 32 letters");
        // The query of the address is the page's.
        let page = path.strip_prefix('/').and_then(|path| path.split_once('/')).and_then(|(_, page)| crate::url::Url::parse(page).ok());
        return Some(match page.filter(|page| page.host.as_str().contains('.') && !rest.starts_with("_rhs")) {
            Some(page) => found.of_page(page),
            None => found,
        });
    }
    route(whole)
}

fn route(whole: &str) -> Option<Finding> {
    let route = ROUTES.into_iter().find(|route| whole == *route)?;
    // "/newsession" may be anybody's; the names of its files are not.
    let found = Finding::new(Code::Rammerhead, &format!("the path {route}"));
    Some(if route.ends_with("head.js") { found } else { found.with(super::Certainty::Scores(2)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_known_with_what_is_meant() {
        for (path, code, target) in [
            ("/?__cpo=aHR0cHM6Ly93d3cudGlrdG9rLmNvbQ", Code::Croxy, Some("www.tiktok.com")),
            ("/watch?v=x&__cpo=aHR0cHM6Ly93d3cudGlrdG9rLmNvbQ%3D%3D", Code::Croxy, Some("www.tiktok.com")),
            ("/?__cpo=1", Code::Croxy, None),
            ("/__cpi.php?s=abc", Code::Croxy, None),
            ("/0123456789abcdef0123456789abcdef/https://www.tiktok.com/x", Code::Rammerhead, Some("www.tiktok.com")),
            ("/0123456789abcdef0123456789abcdef/_rhsABC", Code::Rammerhead, None),
            ("/rammerhead.js", Code::Rammerhead, None),
            ("/newsession", Code::Rammerhead, None),
        ] {
            let found = in_path(path).unwrap_or_else(|| panic!("{path}"));
            assert_eq!((found.code, found.target.as_deref()), (code, target), "{path}");
            assert_eq!(form(path).map(Form::of), Some(code), "{path}");
        }
        for path in [
            "/",
            "/?cpo=1",
            "/0123456789abcdef0123456789abcdef",
            "/0123456789ABCDEF0123456789ABCDEF/https://a.example/",
            "/x/newsession",
            "/a.js?x=/rammerhead.js",
        ] {
            assert_eq!(in_path(path), None, "{path}");
        }
    }
}
