//! Who sends a request, as far as the proxy can tell from the connection and its head.

use super::Proxy;
use crate::identity::Identity;
use crate::identity::local::Check;
use crate::snapshot::Snapshot;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderMap, PROXY_AUTHORIZATION};
use std::net::IpAddr;

/// When the proxy asks for a password (407).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Never; one that is given all the same is checked.
    Never,
    /// When the client's address leads to no group.
    Unknown,
    /// Always.
    Always,
}

impl Ask {
    /// The ways by the name they have in `usher.toml`.
    pub const NAMES: [(&str, Self); 3] = [("never", Self::Never), ("unknown", Self::Unknown), ("always", Self::Always)];
}

/// What is known of the person.
pub enum Identified {
    /// Known as well as can be.
    As(Identity),
    /// A password is needed first.
    AskPassword,
    /// The password given is wrong.
    WrongPassword,
    /// Too many wrong passwords came from this client.
    TooManyWrong,
}

impl Proxy {
    /// Finds out who sends a request.
    pub(super) async fn identify(&self, snapshot: &Snapshot, client: IpAddr, headers: &HeaderMap) -> Identified {
        match headers.get(PROXY_AUTHORIZATION) {
            Some(value) => self.identify_by_password(snapshot, client, value.as_bytes()).await,
            None => self.identify_by_network(snapshot, client),
        }
    }

    fn identify_by_network(&self, snapshot: &Snapshot, client: IpAddr) -> Identified {
        let known = snapshot.networks.group_of(client).map(Identity::of_network);
        match (self.settings.ask, known) {
            (Ask::Always, _) | (Ask::Unknown, None) => Identified::AskPassword,
            (Ask::Never | Ask::Unknown, Some(identity)) => Identified::As(identity),
            (Ask::Never, None) => Identified::As(Identity::unknown()),
        }
    }

    async fn identify_by_password(&self, snapshot: &Snapshot, client: IpAddr, value: &[u8]) -> Identified {
        let Some((name, password)) = basic(value) else { return Identified::WrongPassword };
        let known = self.checker.known(&name, &password);
        // A checked password costs nothing, nor does one that is being checked; only hashing is held back from a client that guesses.
        let check = match known {
            Some(check) => check,
            None if !self.checker.is_checking(&name, &password) && self.password_checks.check_key(&client).is_err() => return Identified::TooManyWrong,
            None => self.checker.check(&name, &password).await,
        };
        match check {
            Check::Wrong => Identified::WrongPassword,
            Check::Proved(user) => {
                let standing = snapshot.standing_of_user(&user.name, user.group.as_deref());
                Identified::As(Identity::proved(user.name, standing))
            }
        }
    }
}

/// Name and password of `Basic` credentials (RFC 7617).
pub fn basic(value: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(value).ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_read() {
        let pair = |name: &str, password: &str| Some((name.to_owned(), password.to_owned()));
        assert_eq!(basic(b"Basic dXNlcjpwYTpzcw=="), pair("user", "pa:ss"));
        assert_eq!(basic(b"basic dXNlcjo="), pair("user", ""));
        for bad in [&b"Basic"[..], b"Basic !!!", b"Bearer dXNlcjo=", b"Basic dXNlcg==", b"Basic \xff", b"Digest username=x"] {
            assert_eq!(basic(bad), None);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_a_client_encodes_is_what_is_read(name in "[^:]{0,20}", password in ".{0,20}") {
            let value = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
            proptest::prop_assert_eq!(basic(value.as_bytes()), Some((name, password)));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
            let _ = basic(&bytes);
            let _ = basic(&[b"Basic ", &bytes[..]].concat());
        }
    }
}
