//! Who is told, how, and when: the rest of `alerts.toml`. Pure: an incident and a moment in, messages that are due out.

use super::theme::Theme;
use crate::audit::incident::Level;
use crate::outputs::webhook::Secret;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Who is told, how, and when.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The people.
    pub recipients: Vec<Recipient>,
    /// The mail server.
    pub mail: Option<Mail>,
    /// Web addresses that take messages.
    pub hooks: Vec<Hook>,
    /// Syslog servers.
    pub syslog: Vec<Syslog>,
    /// Files that take a line a message.
    pub files: Vec<LineFile>,
    /// Links in messages.
    pub links: Links,
    /// Which matters go to whom. All that match tell; each recipient once.
    pub routes: Vec<Route>,
    /// Who is asked next, by name.
    pub ladders: Vec<Ladder>,
    /// The users whose matters go to the chair of governors.
    pub heads: Vec<Box<str>>,
    /// When concern waits.
    pub quiet: Option<Quiet>,
    /// The regular messages.
    pub digest: Digest,
    /// Which addresses are where.
    pub places: Vec<Place>,
}

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// `officer`, `deputy`, `head`, `chair`, `technician`, or a word of the school's own.
    pub role: Box<str>,
    /// What they are called.
    pub name: Box<str>,
    /// Where mail goes.
    pub email: Option<Box<str>>,
    /// How they sign in: nobody is told of a matter about themselves.
    pub user: Option<Box<str>>,
}

/// How a mail server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS after STARTTLS, or nothing is sent.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// In the clear: a server on this machine only.
    None,
}

/// The mail server.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Its name.
    pub server: Box<str>,
    /// Its port.
    pub port: u16,
    /// How it is spoken to.
    pub security: Security,
    /// Who signs in, and with what.
    pub login: Option<(Box<str>, Secret)>,
    /// Whom mails are from, as `Usher <usher@school.example>`.
    pub from: Box<str>,
    /// Authorities to trust beside the system's, as a PEM file.
    pub ca: Option<PathBuf>,
    /// How long all of one sending may take.
    pub timeout: Duration,
}

/// The form of a hook's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Usher's own, signed.
    Json,
    /// Microsoft Teams, by a workflow.
    Teams,
    /// Slack.
    Slack,
    /// Google Chat.
    GoogleChat,
}

/// A web address that takes messages.
#[derive(Clone, Debug)]
pub struct Hook {
    /// What routes call it.
    pub name: Box<str>,
    /// The address; it is a secret itself.
    pub address: Secret,
    /// The form.
    pub shape: Shape,
    /// Whether names may go there at all.
    pub names: bool,
    /// What messages are signed with.
    pub secret: Option<Secret>,
}

/// A syslog server.
#[derive(Clone, Debug)]
pub struct Syslog {
    /// What routes call it.
    pub name: Box<str>,
    /// As in `[[output]]` of usher.toml: `udp://`, `tcp://`, `tls://`.
    pub address: Box<str>,
    /// Whether names may go there at all.
    pub names: bool,
}

/// A file that takes a line a message.
#[derive(Clone, Debug)]
pub struct LineFile {
    /// What routes call it.
    pub name: Box<str>,
    /// Where it is.
    pub path: PathBuf,
    /// Whether names may go there at all.
    pub names: bool,
}

/// Links in messages.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// What they begin with; the proxy's own page where there is none.
    pub base: Option<Box<str>>,
    /// Where they are answered outside the proxy, for the school's web server to pass on to.
    pub listen: Option<SocketAddr>,
    /// How long they work.
    pub lasts: Duration,
}

/// When it is, as routes see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum During {
    /// In a period of a school day.
    School,
    /// Before or after, until the quiet hours.
    Evening,
    /// In the quiet hours.
    Night,
    /// On a day off.
    Closed,
}

/// Whom a matter is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Pupils, and whoever is not known.
    Pupils,
    /// Staff.
    Staff,
    /// The head.
    Head,
}

/// Which matters go to whom. All that is said must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its name.
    pub name: Box<str>,
    /// What Usher says of itself, in place of matters.
    pub is_system: bool,
    /// The themes; all where there are none.
    pub themes: Vec<Theme>,
    /// From which level on.
    pub at_least: Level,
    /// Of which groups; all where there are none.
    pub groups: Vec<Box<str>>,
    /// When; always where there are none.
    pub during: Vec<During>,
    /// About whom.
    pub about: About,
    /// Roles, and names of hooks, syslog servers and files.
    pub to: Vec<Box<str>>,
    /// Whether the message says who it is.
    pub names: bool,
    /// Whether it holds the words of searches; never in a subject.
    pub words: bool,
    /// Who is asked next.
    pub ladder: Option<Box<str>>,
}

impl Plan {
    /// Whether each route that is for one of two themes is for the other.
    #[must_use]
    pub fn tells_alike(&self, one: Theme, other: Theme) -> bool {
        self.routes.iter().all(|route| route.themes.is_empty() || route.themes.contains(&one) == route.themes.contains(&other))
    }
}

/// Who is asked next while nobody has acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// Its name.
    pub name: Box<str>,
    /// Roles, and how long after the first was told.
    pub steps: Vec<(Box<str>, Duration)>,
}

/// When concern waits until the morning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// From this time of day.
    pub from: jiff::civil::Time,
    /// To this one.
    pub to: jiff::civil::Time,
    /// Also on days off, until the morning of the next school day.
    pub days_off: bool,
}

/// The regular messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// When the morning message is sent on school days; none where there is no time.
    pub all_clear: Option<jiff::civil::Time>,
    /// When everything is looked at for it.
    pub seen_at: Option<jiff::civil::Time>,
    /// Roles it goes to.
    pub to: Vec<Box<str>>,
    /// Roles the part about the machine goes to.
    pub technician: Vec<Box<str>>,
    /// When the week's summary is sent.
    pub weekly: Option<(jiff::civil::Weekday, jiff::civil::Time)>,
    /// Roles it goes to.
    pub weekly_to: Vec<Box<str>>,
    /// After how many school days without a confirmed morning message it is red; 0 for never.
    pub confirm_days: u32,
}

/// Which addresses are where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub name: Box<str>,
    /// Its networks.
    pub networks: Vec<ipnet::IpNet>,
}
