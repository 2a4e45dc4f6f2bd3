//! The parent proxy: another filter that all traffic, and every fetch of a list, goes through.

pub mod tunnel;

use crate::host::Host;
use base64::Engine as _;
use std::fmt;

/// A parent proxy, spoken to in plain HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Its name or address.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// What it wants to be told of who asks, if anything.
    pub credentials: Option<Credentials>,
}

/// A name and a password for the parent proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name; it holds no colon.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host.authority(self.port))
    }
}

impl Credentials {
    /// The value of `Proxy-Authorization` (RFC 7617).
    #[must_use]
    pub fn basic(&self) -> String {
        let pair = format!("{}:{}", self.user, self.password);
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, …)", self.user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_sent_and_never_shown() {
        let credentials = Credentials { user: "Aladdin".into(), password: "open sesame".into() };
        // RFC 7617 section 2.
        assert_eq!(credentials.basic(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{credentials:?}").contains("sesame"));
    }
}
