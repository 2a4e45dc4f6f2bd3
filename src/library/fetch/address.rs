//! Where a list is fetched from, read once.
//!
//! A name and a password in the address are refused: addresses are shown, logged and kept. What follows a `?` may be a subscriber's key, so it is
//! sent and never shown.

use crate::host::Host;
use std::fmt;
use std::path::{Path, PathBuf};
use url::Url;

/// Where a list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// On a web server.
    Web(Web),
    /// In a file of this machine.
    File(PathBuf),
}

/// A place on a web server.
#[derive(Clone, PartialEq, Eq)]
pub struct Web {
    url: Url,
    host: Host,
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing is there.
    #[error("the address is empty; write https://…, http://…, file:///… or a path")]
    Empty,
    /// Neither the web nor a file.
    #[error("\"{0}:\" is no way to fetch a list; write https://…, http://…, file:///… or a path")]
    Scheme(String),
    /// A name or a password is in it.
    #[error("the address holds a name or a password, which would be shown and logged; take it out, and ask the publisher for an address without")]
    Credentials,
    /// It is no URL, or leads to no host.
    #[error("the address cannot be read: {0}")]
    Unreadable(String),
    /// A `file:` address with a host or without a path.
    #[error("a file: address has three slashes and a whole path, such as file:///srv/lists/games.txt")]
    File,
}

impl Address {
    /// Reads an address: `https://…`, `http://…`, `file:///…`, or a path, relative to `folder`.
    ///
    /// # Errors
    /// If it is none of these.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        match scheme(text).as_deref() {
            Some("http" | "https") => Web::parse(text).map(Self::Web),
            Some("file") => {
                let url = Url::parse(text).map_err(|_| AddressError::File)?;
                let whole = text.as_bytes().get(5..8) == Some(b"///");
                url.to_file_path().ok().filter(|path| whole && path.file_name().is_some()).map(Self::File).ok_or(AddressError::File)
            }
            Some(other) if text[other.len()..].starts_with("://") => Err(AddressError::Scheme(other.to_owned())),
            Some(_) | None => Ok(Self::File(folder.join(text))),
        }
    }

    /// Another file in the same place: its name with `end` after it, as signatures lie beside what they sign.
    #[must_use]
    pub fn with_end(&self, end: &str) -> Self {
        match self {
            Self::Web(web) => {
                let mut url = web.url.clone();
                url.set_path(&format!("{}{end}", web.url.path()));
                Self::Web(Web { url, host: web.host.clone() })
            }
            Self::File(path) => {
                let mut longer = path.clone().into_os_string();
                longer.push(end);
                Self::File(longer.into())
            }
        }
    }

    /// The last part of its path, as a file of checksums names it.
    #[must_use]
    pub fn file_name(&self) -> String {
        match self {
            Self::Web(web) => {
                let last = web.url.path().rsplit('/').next().unwrap_or_default();
                percent_encoding::percent_decode_str(last).decode_utf8_lossy().into_owned()
            }
            Self::File(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        }
    }

    /// The whole address, with what [`fmt::Display`] leaves out.
    #[must_use]
    pub fn whole(&self) -> String {
        match self {
            Self::Web(web) => web.url.as_str().to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

/// What stands before the first colon, in lower case, if it may be a scheme.
fn scheme(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once(':')?;
    let sound =
        scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    sound.then(|| scheme.to_ascii_lowercase())
}

impl Web {
    /// Reads a URL of the web.
    ///
    /// # Errors
    /// If it is none, or holds a name or a password.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        Self::of(Url::parse(text).map_err(|error| AddressError::Unreadable(error.to_string()))?)
    }

    fn of(mut url: Url) -> Result<Self, AddressError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(AddressError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        url.set_fragment(None);
        let host = Host::parse(url.host_str().unwrap_or_default()).map_err(|error| AddressError::Unreadable(error.to_string()))?;
        Ok(Self { url, host })
    }

    /// Where a `Location` leads from here (RFC 9110 section 10.2.2).
    ///
    /// # Errors
    /// If it leads nowhere on the web.
    pub(crate) fn join(&self, location: &str) -> Result<Self, AddressError> {
        Self::of(self.url.join(location).map_err(|error| AddressError::Unreadable(error.to_string()))?)
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, also where none is written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(if self.is_secure() { 443 } else { 80 })
    }

    /// Whether it is spoken to over TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The whole URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// What `Host` says: the port only where it is written.
    pub(crate) fn host_field(&self) -> &str {
        &self.url[url::Position::BeforeHost..url::Position::AfterPort]
    }

    /// Path and query.
    pub(crate) fn path(&self) -> &str {
        &self.url[url::Position::BeforePath..url::Position::AfterQuery]
    }
}

impl fmt::Display for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.url.query().is_some() { "?…" } else { "" };
        write!(f, "{}{more}", &self.url[..url::Position::AfterPath])
    }
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Web({self})")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(web) => web.fmt(f),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, AddressError> {
        Address::parse(text, Path::new("/etc/usher"))
    }

    #[test]
    fn an_address_is_the_web_or_a_file() {
        for (text, read) in [
            ("https://lists.example/games.txt", "https://lists.example/games.txt"),
            ("HTTP://Lists.example:80/a b", "http://lists.example/a%20b"),
            (" https://lists.example ", "https://lists.example/"),
            ("https://lists.example/a?key=secret#part", "https://lists.example/a?…"),
            ("http://[::1]:8080/x", "http://[::1]:8080/x"),
            ("file:///srv/lists/a%20b.txt", "/srv/lists/a b.txt"),
            ("/srv/lists/games.txt", "/srv/lists/games.txt"),
            ("ours/games.txt", "/etc/usher/ours/games.txt"),
            ("a:b.txt", "/etc/usher/a:b.txt"),
        ] {
            assert_eq!(parse(text).map(|address| address.to_string()), Ok(read.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_fetched_is_refused_with_what_to_write() {
        for (text, why) in [
            ("", AddressError::Empty),
            ("ftp://lists.example/a", AddressError::Scheme("ftp".into())),
            ("https://user:secret@lists.example/a", AddressError::Credentials),
            ("https://user@lists.example/a", AddressError::Credentials),
            ("file://server/a", AddressError::File),
            ("file:a", AddressError::File),
            ("file:///", AddressError::File),
        ] {
            assert_eq!(parse(text), Err(why), "{text}");
        }
        assert!(matches!(parse("https://"), Err(AddressError::Unreadable(_))));
        assert!(matches!(parse("https://exa mple/"), Err(AddressError::Unreadable(_))));
    }

    #[test]
    fn a_key_in_the_query_is_sent_and_not_shown() {
        let address = parse("https://lists.example/a.txt?key=secret").expect("an address");
        assert!(address.whole().contains("key=secret") && !format!("{address} {address:?}").contains("secret"));
        assert_eq!(address.with_end(".minisig").whole(), "https://lists.example/a.txt.minisig?key=secret");
        assert_eq!(address.file_name(), "a.txt");
        assert_eq!(parse("a.txt").expect("a path").with_end(".sig").to_string(), "/etc/usher/a.txt.sig");
    }
}
