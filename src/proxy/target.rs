//! What a request is for: read once, at the edge. Pure.

use crate::host::{Host, HostError};
use crate::url::{Scheme, Url, UrlError, split_port};
use http::uri::PathAndQuery;
use http::{Method, Uri};

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A tunnel to a host and port.
    Tunnel(Url),
    /// A page.
    Page {
        /// In its one spelling, for matching.
        url: Url,
        /// The port, if one was written.
        port: Option<u16>,
        /// Path and query as received, for the origin and the record.
        path: String,
    },
}

/// Why a request is for nothing a proxy can fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// A request as to a web server.
    #[error("This is a proxy, not a web site. Set it as the proxy in your browser or system settings.")]
    NotThroughAProxy,
    /// `https:` outside of a tunnel, or another scheme.
    #[error("A proxy fetches http: pages; for https: it opens a tunnel with CONNECT.")]
    Scheme,
    /// The host is no host.
    #[error("The address cannot be read: {0}.")]
    Host(#[from] HostError),
    /// The port is none, or `CONNECT` names none.
    #[error("The port cannot be read.")]
    Port,
}

impl BadTarget {
    /// The status it is answered with.
    #[must_use]
    pub fn status(self) -> http::StatusCode {
        match self {
            Self::Scheme => http::StatusCode::NOT_IMPLEMENTED,
            Self::NotThroughAProxy | Self::Host(_) | Self::Port => http::StatusCode::BAD_REQUEST,
        }
    }
}

impl Target {
    /// Reads the target of a request.
    pub fn of(method: &Method, uri: &Uri) -> Result<Self, BadTarget> {
        let authority = uri.authority().ok_or(BadTarget::NotThroughAProxy)?.as_str();
        let (host, port) = split_port(authority.rsplit_once('@').map_or(authority, |(_, host)| host)).map_err(|_| BadTarget::Port)?;
        if *method == Method::CONNECT {
            let host = Host::parse(host)?;
            let port = port.filter(|_| !authority.contains('@')).ok_or(BadTarget::Port)?;
            return Ok(Self::Tunnel(Url::new(Scheme::Https, host, port, "")));
        }
        if uri.scheme() != Some(&http::uri::Scheme::HTTP) {
            return Err(BadTarget::Scheme);
        }
        let path = path(uri);
        let url = Url::new(Scheme::Http, Host::parse(host)?, port.unwrap_or(80), &path);
        Ok(Self::Page { url, port: port.filter(|port| *port != 80), path })
    }

    /// The same host as a whole, as `OPTIONS http://host` asks for it (RFC 9112 section 3.2.4).
    #[must_use]
    pub fn as_whole_server(self) -> Self {
        match self {
            Self::Tunnel(url) => Self::Tunnel(url),
            Self::Page { url, port, .. } => Self::Page { url, port, path: "*".to_owned() },
        }
    }

    /// What is matched.
    #[must_use]
    pub fn url(&self) -> &Url {
        match self {
            Self::Tunnel(url) | Self::Page { url, .. } => url,
        }
    }

    /// The URL as it was asked for.
    pub(super) fn as_asked(&self) -> String {
        match self {
            Self::Tunnel(url) => format!("{}:{}", bracketed(url), url.port),
            Self::Page { url, port, path } => match port {
                Some(port) => format!("{}://{}:{port}{path}", url.scheme.as_str(), bracketed(url)),
                None => format!("{}://{}{path}", url.scheme.as_str(), bracketed(url)),
            },
        }
    }
}

fn bracketed(url: &Url) -> String {
    if url.host.address().is_some_and(|address| address.is_ipv6()) { format!("[{}]", url.host) } else { url.host.to_string() }
}

/// Path and query for the origin. A path that is not written is `/` (RFC 9112 section 3.2.1).
pub(super) fn path(uri: &Uri) -> String {
    match uri.path_and_query().map(PathAndQuery::as_str) {
        Some(query) if query.starts_with('?') => format!("/{query}"),
        Some(path) => path.to_owned(),
        None => "/".to_owned(),
    }
}

impl From<UrlError> for BadTarget {
    fn from(error: UrlError) -> Self {
        match error {
            UrlError::Scheme => Self::Scheme,
            UrlError::Host(error) => Self::Host(error),
            UrlError::Port => Self::Port,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, uri: &str) -> Result<String, BadTarget> {
        let target = Target::of(&method.parse().expect("a method"), &uri.parse().expect("a uri"))?;
        Ok(match target {
            Target::Tunnel(url) => format!("tunnel {}:{}", url.host, url.port),
            Target::Page { url, port, path } => format!("page {} {port:?} {path} [{}]", url.host, url.text()),
        })
    }

    #[test]
    fn targets_are_read_once() {
        for (method, uri, expected) in [
            ("GET", "http://a.example/X?y=%61", Ok("page a.example None /X?y=%61 [a.example/x?y=a]")),
            ("GET", "http://A.example.:80", Ok("page a.example None / [a.example/]")),
            ("GET", "http://a.example?x", Ok("page a.example None /?x [a.example/?x]")),
            ("OPTIONS", "http://a.example/", Ok("page a.example None / [a.example/]")),
            ("GET", "http://user:pw@a.example:8080/", Ok("page a.example Some(8080) / [a.example/]")),
            ("GET", "http://[::1]:81/", Ok("page ::1 Some(81) / [::1/]")),
            ("GET", "http://2130706433/", Ok("page 127.0.0.1 None / [127.0.0.1/]")),
            ("GET", "/index.html", Err(BadTarget::NotThroughAProxy)),
            ("OPTIONS", "*", Err(BadTarget::NotThroughAProxy)),
            ("GET", "https://a.example/", Err(BadTarget::Scheme)),
            ("GET", "ftp://a.example/", Err(BadTarget::Scheme)),
            ("GET", "http://a.example:0/", Err(BadTarget::Port)),
            ("CONNECT", "a.example:443", Ok("tunnel a.example:443")),
            ("CONNECT", "[2001:db8::1]:443", Ok("tunnel 2001:db8::1:443")),
            ("CONNECT", "a.example", Err(BadTarget::Port)),
            ("CONNECT", "a.example:", Err(BadTarget::Port)),
            ("CONNECT", "a.example:0", Err(BadTarget::Port)),
        ] {
            assert_eq!(of(method, uri), expected.map(str::to_owned), "{method} {uri}");
        }
    }

    proptest::proptest! {
        /// The path goes to the origin as it is: it must be one word that begins with a slash, whatever was asked for.
        #[test]
        fn no_target_leaves_its_line(raw in "http://[a-z.@:0-9%\\[\\]]{1,20}[!-~]{0,30}") {
            if let Ok(uri) = raw.parse::<Uri>()
                && let Ok(Target::Page { url, path, .. }) = Target::of(&Method::GET, &uri)
            {
                proptest::prop_assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()), "{}", path);
                proptest::prop_assert_eq!(Url::parse(&raw).map(|typed| typed.text().to_owned()), Ok(url.text().to_owned()));
            }
        }
    }
}
