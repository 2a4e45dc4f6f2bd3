//! Rules that change a request on its way, or its answer; that send a request elsewhere, or answer it with another address. Pure.
//!
//! A request that is sent elsewhere is judged again, as what it has become, before anything is sent. One that is answered with another address is
//! judged when it is asked for there. What is refused is refused before any of this: no rule here lets anything through.
//!
//! Rules hold for requests that are seen: for plain http, and for https that is looked into.

use super::Policy;
use super::condition::Condition;
use super::facts::Facts;
use crate::identity::{GroupId, Standing};
use crate::url::{Url, UrlError};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;
use std::sync::Arc;

/// How often in a row a request is sent elsewhere.
pub const MOST_LEADS: usize = 4;

/// Where the path and query that were asked for stand in an address.
const PATH: &str = "{path}";

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// Its name, unique.
    pub name: Arc<str>,
    /// What must hold, all of it.
    pub when: Vec<Condition>,
    /// What is changed of a request.
    pub request: Edits,
    /// What is changed of its answer.
    pub response: Edits,
    /// Where it goes instead.
    pub leads: Option<Leads>,
    /// Why the school decided so.
    pub reason: Arc<str>,
}

/// Where a request goes instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leads {
    /// It is answered with this address.
    Redirect(Address),
    /// It is sent there, if that may be. Only a request of the same scheme is.
    Rewrite(Address),
}

impl Leads {
    fn address(&self) -> &Address {
        match self {
            Self::Redirect(address) | Self::Rewrite(address) => address,
        }
    }
}

/// Changes of fields: first some are taken out, then some set, then some added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// Taken out.
    pub remove: Vec<HeaderName>,
    /// Set, in place of any that are there.
    pub set: Vec<(HeaderName, HeaderValue)>,
    /// Added to any that are there.
    pub add: Vec<(HeaderName, HeaderValue)>,
}

impl Edits {
    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }

    /// Makes the changes.
    pub fn apply(&self, fields: &mut HeaderMap) {
        for name in &self.remove {
            fields.remove(name);
        }
        for (name, value) in &self.set {
            fields.insert(name, value.clone());
        }
        for (name, value) in &self.add {
            // A map that is full has as many fields as a head may hold.
            let _ = fields.try_append(name, value.clone());
        }
    }

    /// The changes in words: `sets x-a, adds x-b, takes out x-c`.
    fn said(&self) -> String {
        let names = |pairs: &[(HeaderName, HeaderValue)]| pairs.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
        let remove: Vec<_> = self.remove.iter().map(ToString::to_string).collect();
        let parts = [("sets", names(&self.set)), ("adds", names(&self.add)), ("takes out", remove)];
        let parts = parts.into_iter().filter(|(_, names)| !names.is_empty()).map(|(verb, names)| format!("{verb} {}", names.join(", ")));
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// An address, in which the path and query that were asked for may stand.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    before: String,
    /// What follows the path that was asked for; `None` if that does not stand in it.
    after: Option<String>,
}

/// Why a text is no address to send a request to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It does not say how.
    #[error("it must begin with http:// or https://")]
    Scheme,
    /// It is no URL.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// It holds what no address holds.
    #[error("it holds a blank, a fragment, a name or password, or letters that are to be written with %")]
    Characters,
    /// `{path}` stands where it cannot.
    #[error("{{path}} may stand in it once, after the host and before any `?`")]
    Path,
}

impl Address {
    /// Reads an address such as `https://mirror.example{path}`.
    ///
    /// # Errors
    /// If it is none, or `{path}` could change the host.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (before, after) = match text.split_once(PATH) {
            Some((before, after)) => (before, Some(after)),
            None => (text, None),
        };
        let (scheme, rest) = before.split_once("://").ok_or(AddressError::Scheme)?;
        if scheme != "http" && scheme != "https" {
            return Err(AddressError::Scheme);
        }
        let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
        let whole = [before, after.unwrap_or_default()].concat();
        if !whole.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>' | b'{' | b'}')) || authority.contains('@') {
            return Err(if whole.contains(PATH) { AddressError::Path } else { AddressError::Characters });
        }
        // A query that was asked for cannot go on in another.
        if after.is_some_and(|after| before.contains('?') || !after.is_empty()) {
            return Err(AddressError::Path);
        }
        Url::parse(before)?;
        Ok(Self { before: before.to_owned(), after: after.map(str::to_owned) })
    }

    /// The address for a request for this path and query.
    #[must_use]
    pub fn of(&self, path: &str) -> String {
        let rest = if path.starts_with('/') { path } else { "/" };
        match &self.after {
            Some(after) => [self.before.trim_end_matches('/'), rest, after].concat(),
            None => self.before.clone(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.after {
            Some(after) => write!(f, "{}{PATH}{after}", self.before),
            None => f.write_str(&self.before),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// Fields that no rule may touch: those of one connection, those that say where a message ends or for whom it is, those a proxy answers for, and
/// the one that leads browsers past it.
const KEPT: [&str; 27] = [
    "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "proxy-authentication-info", "proxy-support", "proxy-status",
    "te", "trailer", "transfer-encoding", "upgrade", "host", "content-length", "content-encoding", "content-range", "expect", "max-forwards", "via", "alt-svc",
    "http2-settings", "sec-websocket-key", "sec-websocket-accept", "usher-reference", "accept-encoding", "range", "if-range",
];

/// Whether a rule may touch a field.
#[must_use]
pub fn is_open(name: &HeaderName) -> bool {
    !KEPT.contains(&name.as_str())
}

/// A request that is to go elsewhere.
#[derive(Clone, Debug)]
pub struct Lead {
    rule: Arc<str>,
    leads: Leads,
    /// The changes that were found on the way so far.
    pub(super) edits: Vec<Arc<Rewrite>>,
}

/// Where it is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Course {
    /// It is answered with this address.
    Redirect(String),
    /// It is sent there, once that is judged.
    Send(String),
}

impl Lead {
    /// This one, for a request that comes with changes already.
    pub(super) fn after(mut self, mut edits: Vec<Arc<Rewrite>>) -> Self {
        edits.append(&mut self.edits);
        Self { edits, ..self }
    }

    /// The rule's name.
    #[must_use]
    pub fn rule(&self) -> &Arc<str> {
        &self.rule
    }

    /// Where a request for this path and query is to go.
    #[must_use]
    pub fn course(&self, path: &str) -> Course {
        match &self.leads {
            Leads::Rewrite(address) => Course::Send(address.of(path)),
            Leads::Redirect(address) => Course::Redirect(address.of(path)),
        }
    }
}

impl Rewrite {
    /// What it changes of fields, in words; nothing if it changes none.
    #[must_use]
    pub fn said(&self) -> Option<String> {
        let sides = [("of the request", &self.request), ("of the answer", &self.response)];
        let said: Vec<_> = sides.iter().filter(|(_, edits)| !edits.is_empty()).map(|(side, edits)| format!("{} {side}", edits.said())).collect();
        (!said.is_empty()).then(|| format!("the rule \"{}\" {}", self.name, said.join("; ")))
    }

    /// Whether it changes fields.
    fn edits(&self) -> bool {
        !self.request.is_empty() || !self.response.is_empty()
    }

    /// Where it leads this request, if that is elsewhere than it goes anyhow.
    fn leads(&self, url: &Url) -> Option<&Leads> {
        let leads = self.leads.as_ref()?;
        let text = url.text();
        let there = Url::parse(&leads.address().of(&text[text.find('/').unwrap_or(text.len())..])).ok()?;
        let goes = match leads {
            Leads::Redirect(_) => there != *url,
            Leads::Rewrite(_) => there != *url && there.scheme == url.scheme,
        };
        goes.then_some(leads)
    }
}

impl Policy {
    /// The rules that change fields of this request or its answer.
    pub(super) fn edits(&self, facts: &Facts<'_>) -> Vec<Arc<Rewrite>> {
        self.rewrites.iter().filter(|rule| rule.edits() && self.rewrites_for(rule, facts)).cloned().collect()
    }

    /// Where this request is to go instead.
    pub(super) fn lead(&self, facts: &Facts<'_>) -> Option<Lead> {
        let leading = self.rewrites.iter().filter(|rule| self.rewrites_for(rule, facts));
        let (rule, leads) = leading.filter_map(|rule| Some((rule, rule.leads(facts.url)?))).next()?;
        Some(Lead { rule: rule.name.clone(), leads: leads.clone(), edits: self.edits(facts) })
    }

    /// Whether a rule holds. Somebody in no group is treated as any group would be.
    fn rewrites_for(&self, rule: &Rewrite, facts: &Facts<'_>) -> bool {
        let holds = |group| rule.when.iter().all(|condition| condition.holds(facts, group));
        match facts.around.identity.standing {
            Standing::Member(group) => holds(group),
            Standing::Unknown => (0..).map(GroupId).take(self.groups.len()).any(holds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_and_the_path_stays_behind_its_host() {
        for (text, path, there) in [
            ("https://mirror.example{path}", "/a?b=c", "https://mirror.example/a?b=c"),
            ("https://mirror.example/{path}", "/a", "https://mirror.example/a"),
            ("http://mirror.example:8080/old{path}", "/", "http://mirror.example:8080/old/"),
            ("http://mirror.example{path}", "*", "http://mirror.example/"),
            ("https://school.example/rules?from=filter", "/a?b", "https://school.example/rules?from=filter"),
            ("https://school.example", "/a", "https://school.example"),
        ] {
            let address = Address::parse(text).expect(text);
            assert_eq!(address.of(path), there, "{text} {path}");
            assert_eq!(address.to_string(), text);
        }
        for (text, why) in [
            ("mirror.example/x", AddressError::Scheme),
            ("ftp://mirror.example/", AddressError::Scheme),
            ("{path}", AddressError::Scheme),
            ("https://{path}", AddressError::Url(UrlError::Host(crate::host::HostError::Empty))),
            ("https://a.example:0/", AddressError::Url(UrlError::Port)),
            ("https://a.example/?u={path}", AddressError::Path),
            ("https://a.example{path}.evil.example", AddressError::Path),
            ("https://a.example{path}{path}", AddressError::Path),
            ("https://user@a.example/", AddressError::Characters),
            ("https://a.example/x y", AddressError::Characters),
            ("https://a.example/\r\nx: y", AddressError::Characters),
            ("https://a.example/#top", AddressError::Characters),
            ("https://a.example/é", AddressError::Characters),
        ] {
            assert_eq!(Address::parse(text), Err(why), "{text}");
        }
    }

    proptest::proptest! {
        /// Whatever is asked for, a request is sent to the host the rule names.
        #[test]
        fn no_path_leads_to_another_host(path in "[!-~]{0,40}") {
            let there = Address::parse("https://mirror.example{path}").expect("an address").of(&path);
            let url = Url::parse(&there).expect("a url");
            proptest::prop_assert_eq!(url.host.as_str(), "mirror.example");
        }
    }

    #[test]
    fn fields_are_taken_out_then_set_then_added() {
        let name = HeaderName::from_static;
        let value = HeaderValue::from_static;
        let edits = Edits {
            remove: vec![name("x-gone"), name("x-new")],
            set: vec![(name("x-set"), value("1"))],
            add: vec![(name("x-new"), value("a")), (name("x-new"), value("b"))],
        };
        let mut fields = HeaderMap::new();
        for (key, text) in [("x-gone", "1"), ("x-set", "7"), ("x-set", "8"), ("x-new", "old"), ("x-stays", "1")] {
            fields.append(key, value(text));
        }
        edits.apply(&mut fields);
        let mut left: Vec<_> = fields.iter().map(|(name, value)| format!("{name}: {}", value.to_str().expect("text"))).collect();
        left.sort();
        assert_eq!(left, ["x-new: a", "x-new: b", "x-set: 1", "x-stays: 1"]);
        assert_eq!(edits.said(), "sets x-set, adds x-new, x-new, takes out x-gone, x-new");
        assert!(Edits::default().is_empty() && !edits.is_empty());
    }

    #[test]
    fn what_a_connection_and_a_message_are_made_of_is_no_rules() {
        for closed in ["Connection", "host", "Content-Length", "via", "Transfer-Encoding", "te", "Proxy-Authorization", "Upgrade", "alt-svc"] {
            assert!(!is_open(&closed.parse().expect("a name")), "{closed}");
        }
        for open in ["x-school", "cookie", "content-security-policy", "referer", "cache-control"] {
            assert!(is_open(&open.parse().expect("a name")), "{open}");
        }
    }
}
