//! Ways round the filter, found out: pure, bytes and facts in, a [`Finding`] out.
//!
//! Each detector has a file of its own, with its bytes, its strings and its tests. What is done about a finding is the policy's (`policy::ways`); who asks
//! the detectors is the proxy; what findings come to over time is counted by [`score`](Certainty::Scores) for each person.
//!
//! # How certain
//!
//! [`Certainty::Near`]: what was seen can hardly be anything else, and may act by itself. [`Certainty::Scores`]: ordinary programs do it too, now and then;
//! it counts so many points, which fade.
//!
//! Where to add one: a row of `ALL` below, a file here, and the place in the proxy that asks it.

pub mod address;
pub mod bare;
pub mod bodies;
pub mod cloak;
pub mod doh;
pub mod ech;
pub mod encoded;
pub mod fingerprint;
pub mod first;
pub mod followed;
pub mod forms;
pub mod heads;
pub mod hosting;
pub mod kits;
pub mod pairs;
pub mod paths;
pub mod random;
pub mod relay;
pub mod sharing;
pub mod spread;
pub mod tor;
pub mod triad;
pub mod types;
pub mod wisp;
pub mod wsproxy;

use crate::host::Host;
use crate::url::{Scheme, Url, split_port};

/// What was found, by its name in the log and in settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// Another protocol than TLS in a tunnel.
    Protocol,
    /// The site speaks first in a tunnel.
    SiteFirst,
    /// What looks like noise.
    Random,
    /// The names in `CONNECT`, hello, `Host` and certificate disagree.
    Names,
    /// A hello without a name.
    NoName,
    /// A hello whose real name is sealed.
    Ech,
    /// An address in the place of a name.
    Address,
    /// Tor.
    Tor,
    /// Names looked up over HTTPS.
    Doh,
    /// A proxy within a connection that is looked into.
    InnerConnect,
    /// A web proxy of the kind Wisp.
    Wisp,
    /// What is asked for through one.
    WispStream,
    /// A web proxy of the kind wsproxy.
    WsProxy,
    /// A request to a bare server.
    Bare,
    /// What a bare server says of itself.
    BareServer,
    /// The text of a web proxy's program.
    KitText,
    /// The address of a file or a call of one.
    KitPath,
    /// An address written in code within another.
    Encoded,
    /// A web proxy of the kind Croxy.
    Croxy,
    /// A web proxy of the kind Rammerhead.
    Rammerhead,
    /// A file that is not what it says.
    TypeLie,
    /// A service worker, WebAssembly and a WebSocket of a site that no list knows.
    Triad,
    /// A program on free hosting.
    FreeHost,
    /// A program that is new for the device.
    NewProgram,
    /// A program that is not what it says it is.
    OtherProgram,
    /// A site that nobody knew yesterday, and several ask for.
    Spread,
    /// A search for ways round.
    Method,
    /// One user in two places.
    SharedLogin,
    /// A page that pretends to be another.
    Cloak,
    /// A blocked page, shown by another site.
    Republished,
    /// A site that lists name as a way round.
    Listed,
    /// A page of another site whose parts are asked for as it was.
    Relay,
}

/// How certain a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It can hardly be anything else. It counts [`NEAR`] points.
    Near,
    /// It counts so many points.
    Scores(u8),
}

/// The points of what is nearly certain.
pub const NEAR: u8 = 20;

impl Certainty {
    /// The points it counts.
    #[must_use]
    pub fn points(self) -> u8 {
        match self {
            Self::Near => NEAR,
            Self::Scores(points) => points,
        }
    }
}

/// One kind of finding.
struct Row {
    code: Code,
    name: &'static str,
    certainty: Certainty,
    words: &'static str,
}

use Certainty::{Near, Scores};

const fn row(code: Code, name: &'static str, certainty: Certainty, words: &'static str) -> Row {
    Row { code, name, certainty, words }
}

/// All of them, in the order of [`Code`].
const ALL: [Row; 32] = [
    row(Code::Protocol, "protocol", Near, "Another protocol than a browser's was spoken inside a connection to a web site."),
    row(Code::SiteFirst, "site-first", Near, "The site spoke first, which no web site does."),
    row(Code::Random, "random", Scores(8), "What was sent looks like noise from its first byte, as some tunnels make it look."),
    row(Code::Names, "names", Near, "The connection was opened to one name and used for another."),
    row(Code::NoName, "no-name", Scores(4), "The program did not say which site it wanted."),
    row(Code::Ech, "ech", Near, "The name of the site was sealed, so that nobody on the way can read it."),
    row(Code::Address, "address", Scores(1), "A number was asked for in the place of a site's name."),
    row(Code::Tor, "tor", Near, "The program of the Tor network was used."),
    row(Code::Doh, "doh", Near, "Names were looked up over an encrypted connection, past the school's name server."),
    row(Code::InnerConnect, "inner-connect", Near, "A second proxy was asked for inside a connection."),
    row(Code::Wisp, "wisp", Near, "A web proxy of the kind Wisp was opened."),
    row(Code::WispStream, "wisp-stream", Near, "A site was asked for through a web proxy."),
    row(Code::WsProxy, "ws-proxy", Scores(8), "A web proxy of the kind wsproxy was opened."),
    row(Code::Bare, "bare", Near, "A page was asked for through a web proxy of the kind bare server."),
    row(Code::BareServer, "bare-server", Near, "The site says of itself that it is a web proxy of the kind bare server."),
    row(Code::KitText, "kit-text", Scores(8), "The page holds the program of a known web proxy."),
    row(Code::KitPath, "kit-path", Scores(4), "The address is one that web proxies have."),
    row(Code::Encoded, "encoded", Scores(4), "The address of another site was written in code within this one."),
    row(Code::Croxy, "croxy", Scores(8), "The address is of the form that CroxyProxy has."),
    row(Code::Rammerhead, "rammerhead", Scores(8), "The address is of the form that Rammerhead has."),
    row(Code::TypeLie, "type-lie", Scores(4), "A page or a program was sent as a picture, a sound or a font."),
    row(Code::Triad, "triad", Scores(2), "A site that no list knows keeps a program in the browser and a connection open, as web proxies do."),
    row(Code::FreeHost, "free-host", Scores(4), "A program was loaded from a site on free hosting that no list knows."),
    row(Code::NewProgram, "new-program", Scores(2), "The device used a program that it had not used before."),
    row(Code::OtherProgram, "other-program", Scores(8), "A program said that it was a browser, and does not connect as that browser does."),
    row(Code::Spread, "spread", Scores(3), "Several people went to a site that nobody at the school had used before."),
    row(Code::Method, "method", Scores(2), "Ways round the filter were searched for."),
    row(Code::SharedLogin, "shared-login", Scores(3), "One user was active in two places at once."),
    row(Code::Cloak, "cloak", Scores(2), "A page pretended to be another in the browser's tab."),
    row(Code::Republished, "republished", Scores(4), "A blocked page was asked for through a site that shows other sites' pages."),
    row(Code::Listed, "listed", Scores(4), "A site was asked for that lists name as a way round the filter."),
    row(Code::Relay, "relay", Scores(8), "A page of another site was asked for through this one, with its parts."),
];

impl Code {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.iter().map(|row| row.code)
    }

    /// Its name in the log and in settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        ALL[self as usize].name
    }

    /// The code of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|row| row.name == name).map(|row| row.code)
    }

    /// How certain it is, where the detector does not say more.
    #[must_use]
    pub fn certainty(self) -> Certainty {
        ALL[self as usize].certainty
    }

    /// What it is, for somebody who is no technician.
    #[must_use]
    pub fn words(self) -> &'static str {
        ALL[self as usize].words
    }

    /// The code of what is refused for this reason, as the log names it.
    #[must_use]
    pub fn of_reason(kind: &str) -> Option<Self> {
        match kind {
            "not-tls" => Some(Self::Protocol),
            "fronting" => Some(Self::Names),
            "tunnel-inside" => Some(Self::InnerConnect),
            other => Self::named(other),
        }
    }

    /// The site that was really meant, as a finding of this code says it ([`Finding::why`]), whatever stands behind that. What strangers wrote stands behind
    /// it, and is never taken for it.
    #[must_use]
    pub fn meant_in(self, why: &str) -> Option<&str> {
        let (target, _) = why.strip_prefix(self.words())?.strip_prefix(MEANT)?.split_once(". ")?;
        is_target(target).then_some(target)
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub code: Code,
    /// How certain; a detector may be surer than its code.
    pub certainty: Certainty,
    /// The site that was really meant, with its port where that is not 443: as it was asked for, at most 260 bytes of `A-Z a-z 0-9 . : [ ] -`.
    pub target: Option<Box<str>>,
    /// The page that was really meant, where more than its site is known.
    pub page: Option<Box<Url>>,
    /// What was seen, for a technician: printable, at most 160 bytes.
    pub seen: Box<str>,
}

/// What stands before the site that was really meant.
const MEANT: &str = " Really meant: ";
/// The most bytes of what was seen.
const MOST_SEEN: usize = 160;

impl Finding {
    /// One as certain as its code. What was seen is cut and made printable.
    #[must_use]
    pub fn new(code: Code, seen: &str) -> Self {
        Self { code, certainty: code.certainty(), target: None, page: None, seen: printable(seen).into() }
    }

    /// One that is surer, or less sure.
    #[must_use]
    pub fn with(self, certainty: Certainty) -> Self {
        Self { certainty, ..self }
    }

    /// One that says what was really meant, if that can be a site.
    #[must_use]
    pub fn of_target(self, target: &str) -> Self {
        Self { target: is_target(target).then(|| target.into()), ..self }
    }

    /// One that says which page was really meant.
    #[must_use]
    pub fn of_page(self, page: Url) -> Self {
        let target = if page.port == Scheme::Https.default_port() { page.host.to_string() } else { page.host.authority(page.port) };
        Self { page: Some(Box::new(page)), ..self.of_target(&target) }
    }

    /// What was really meant, as it would be asked for directly; nothing, where that is not known.
    #[must_use]
    pub fn meant(&self) -> Option<Url> {
        if let Some(page) = &self.page {
            return Some((**page).clone());
        }
        let (host, port) = split_port(self.target.as_deref()?).ok()?;
        let port = port.unwrap_or(Scheme::Https.default_port());
        let scheme = if port == Scheme::Http.default_port() { Scheme::Http } else { Scheme::Https };
        Some(Url::new(scheme, Host::parse(host).ok()?, port, "/"))
    }

    /// For the log: what it is, what was seen, and how certain that is.
    #[must_use]
    pub fn why(&self) -> String {
        let certain = match self.certainty {
            Near => "Nearly certain.",
            Scores(_) => "A sign, no proof.",
        };
        let through = self.target.as_ref().map(|target| format!("{MEANT}{target}.")).unwrap_or_default();
        format!("{}{through} Seen: {}. {certain}", self.code.words(), self.seen)
    }
}

/// Whether it may stand for a site in the log.
#[must_use]
pub fn is_target(text: &str) -> bool {
    (1..=260).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:[]-_".contains(&byte))
}

fn printable(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars().map(|one| if one.is_control() { '\u{fffd}' } else { one }) {
        if out.len() + character.len_utf8() > MOST_SEEN {
            break;
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_row() {
        for (place, row) in ALL.iter().enumerate() {
            assert_eq!(row.code as usize, place, "{}", row.name);
            assert_eq!(Code::named(row.name), Some(row.code));
            assert!(row.words.ends_with('.') && row.certainty.points() <= NEAR, "{}", row.name);
        }
    }

    #[test]
    fn what_was_seen_is_short_and_printable() {
        let finding = Finding::new(Code::Wisp, &"a\n\u{e9}".repeat(100)).of_target("a.example:443");
        assert!(finding.seen.len() <= MOST_SEEN && !finding.seen.contains('\n'));
        assert_eq!(finding.target.as_deref(), Some("a.example:443"));
        for bad in ["", "a b", "a}", &"a".repeat(261)] {
            assert_eq!(Finding::new(Code::Wisp, "").of_target(bad).target, None, "{bad:?}");
        }
        assert!(finding.why().starts_with("A web proxy of the kind Wisp was opened. Really meant: a.example:443. Seen: a"), "{}", finding.why());
    }

    #[test]
    fn what_was_meant_is_read_again() {
        for target in ["games.example", "games.example.", "games.example:8443", "[2001:db8::1]:443", "a_b.example"] {
            let finding = Finding::new(Code::Encoded, "Really meant: other.example. Seen: x").of_target(target);
            assert_eq!(Code::Encoded.meant_in(&format!("{} Games is blocked for year-7.", finding.why())), Some(target));
            assert_eq!(Code::Bare.meant_in(&finding.why()), None, "of another code");
        }
        let finding = Finding::new(Code::Encoded, " Really meant: other.example. ");
        assert_eq!(Code::Encoded.meant_in(&finding.why()), None, "what was seen says nothing");
        for not in ["", Code::Encoded.words(), "The address of another site was written in code within this one. Really meant: a b. Seen: x."] {
            assert_eq!(Code::Encoded.meant_in(not), None, "{not}");
        }
    }
}
