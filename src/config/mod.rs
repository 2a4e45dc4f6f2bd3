//! The configuration: `usher.toml` for this installation, `policy.toml` for what the school decides.
//!
//! Every problem of every file is found before anything is done: [`Problems`], each with its file, line and a hint. Paths in a file are
//! relative to that file. A new setting: its key here, the field of the module that owns it, and the commented default in `config/`.

pub mod alerts;
mod antivirus;
mod canaries;
pub mod categories;
mod files;
mod log;
mod outputs;
pub mod policy;
pub mod reader;
mod rewrite;
pub mod scan;
mod school_time;
mod sources;
mod tls;
mod upstream;
mod ways;

pub use reader::{Problem, Problems};

use crate::alert::settings::Settings as Alerts;
use crate::audit::{self, Folder};
use crate::category::Taxonomy;
use crate::host::Host;
use crate::identity::local::Users;
use crate::illegal::store::{Paths, Slot};
use crate::library::judge::Canaries;
use crate::library::parent_check::Pages;
use crate::library::source::Source as ListSource;
use crate::library::{Books, Library};
use crate::outputs::Output;
use crate::policy::{Ports, Resolver};
use crate::proxy::Settings;
use crate::proxy::identify::Ask;
use crate::proxy::limits::Limits;
use crate::proxy::own_pages::own_names;
use crate::proxy::pages::{Contact, School as SchoolText, UNNAMED};
use crate::proxy::parent::Parent;
use crate::tls::{ca, origin};
use crate::upstream::Upstream;
use ipnet::IpNet;
use policy::{OpenPorts, School};
use reader::{FromToml, Source, Table};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The most threads that serve.
const MOST_WORKERS: usize = 1024;

/// The most that may be asked for held files, or be kept free on their disk, in MiB.
const MOST_HELD_MIB: u64 = 1 << 24;

/// What `usher.toml` says, checked.
#[derive(Debug)]
pub struct Config {
    /// The file.
    pub path: PathBuf,
    /// Where the proxy listens.
    pub listen: Vec<SocketAddr>,
    /// Threads that serve; as many as the machine has cores where it is not said.
    pub workers: Option<NonZeroUsize>,
    /// Where the record and the secret are kept.
    pub data: PathBuf,
    /// How records are kept.
    pub record: audit::Settings,
    /// How long records are kept.
    pub keep: audit::retention::Keep,
    /// The file of the key that signs the log, where it is not in its folder.
    pub log_key: Option<PathBuf>,
    /// When the log is shown with names.
    pub log_names: audit::lookups::Naming,
    /// Passwords, pages, warnings.
    pub settings: Settings,
    /// The limits.
    pub limits: Limits,
    /// Ranges that are open though they are special.
    pub allow: Vec<IpNet>,
    /// The ports that are open.
    pub ports: OpenPorts,
    /// Names that are known without asking a name server.
    pub names: HashMap<Host, Vec<IpAddr>>,
    /// The parent proxy, if there is one. Lists are fetched through its `upstream` too.
    pub parent: Option<Parent>,
    /// The pages that tell whether the parent filters.
    pub parent_pages: Pages,
    /// The policy file.
    pub policy: PathBuf,
    /// The categories file.
    pub categories: PathBuf,
    /// The sealed feed of illegal content and its key, if the school has one.
    pub illegal: Option<Paths>,
    /// Where lists come from.
    pub sources: PathBuf,
    /// The sites that tell whether lists are sound.
    pub canaries: PathBuf,
    /// Who is told of what, and whether `usher.toml` names the file: one that it does not name may be missing.
    pub alerts: (PathBuf, bool),
    /// Where the record is sent as it is committed.
    pub outputs: Vec<Output>,
    /// Whose certificates are believed.
    pub origins: origin::Settings,
    /// What is wrong with the files that say so. A problem of the whole where anybody's https is looked into.
    pub untrusted: Vec<Problem>,
    /// The virus scanners, if there are any.
    pub antivirus: Option<crate::antivirus::Settings>,
    /// The files and folders of phrases that pages are scored by, and whether `usher.toml` names them.
    pub phrases: (Vec<PathBuf>, bool),
}

/// What the other files say, checked.
#[derive(Debug)]
pub struct Rulebook {
    /// The categories.
    pub taxonomy: Taxonomy,
    /// The policy.
    pub school: School,
    /// Where lists come from.
    pub sources: Vec<ListSource>,
    /// The sites that tell whether lists are sound: those that are shipped, and the school's own.
    pub canaries: Canaries,
    /// The phrases that pages are scored by.
    pub phrases: scan::PhraseFiles,
    /// Who is told of what, and how matters are weighed.
    pub alerts: Arc<Alerts>,
    /// A digest of every byte of policy, categories and phrases.
    pub digest: blake3::Hash,
}

impl Rulebook {
    /// What the library works by.
    #[must_use]
    pub fn books(&self) -> Books<'_> {
        Books { sources: &self.sources, canaries: &self.canaries, taxonomy: &self.taxonomy, policy: &self.school.policy, timetable: &self.school.timetable }
    }
}

impl Config {
    /// Reads and checks `usher.toml`. If something is wrong there, the files it names are checked too, so that all is told at once.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        let source = Source::open(path).map_err(|problem| Problems(vec![problem]))?;
        let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
        let (config, mut problems) = source.read_as_far_as_possible(|file| read(file, path, &folder));
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            Some(config) => {
                problems.extend(config.rulebook().err().into_iter().flat_map(|more| more.0));
                Err(Problems(problems))
            }
            None => Err(Problems(problems)),
        }
    }

    /// Reads and checks the files that `usher.toml` names: categories, then all that needs them.
    pub fn rulebook(&self) -> Result<Rulebook, Problems> {
        let open = |path: &Path| Source::open(path).map_err(|problem| vec![problem]);
        let categories = open(&self.categories).map_err(Problems)?;
        let taxonomy = categories::read(&categories).map_err(Problems)?;
        let mut problems = Vec::new();
        let mut keep = |found: Vec<Problem>| problems.extend(found);
        let mut digest = blake3::Hasher::new();
        digest.update(categories.text().as_bytes());
        let phrases = scan::PhraseFiles::read(&self.phrases.0, self.phrases.1, &taxonomy).map_err(&mut keep);
        let phrases = phrases.unwrap_or_default();
        digest.update(phrases.digest().as_bytes());
        let school = open(&self.policy).and_then(|file| {
            digest.update(file.text().as_bytes());
            policy::read(&file, &taxonomy, &self.ports, &phrases)
        });
        let school = school.map_err(&mut keep).ok();
        if school.as_ref().is_some_and(|school| school.policy.inspected().next().is_some()) {
            keep(self.untrusted.clone());
        }
        let alerts = self.alerts(&taxonomy, school.as_ref(), &phrases).map_err(&mut keep).ok();
        let canaries = open(&self.canaries).and_then(|file| canaries::read(&file));
        let canaries = canaries.map_err(&mut keep).ok();
        let sources = self.sources(&taxonomy).map_err(&mut keep).ok();
        digest.update(format!("{:?}{}", self.ports, if self.parent.is_some() { " through a parent" } else { "" }).as_bytes());
        let digest = digest.finalize();
        match (school, sources, canaries, alerts) {
            (Some(mut school), Some(sources), Some(shipped), Some(alerts)) if problems.is_empty() => {
                // The way on past a warning on an https page is over https too.
                school.policy.inspection.own = own_names(&self.settings.own_host);
                school.policy.resolver = if self.parent.is_some() { Resolver::Parent } else { Resolver::Usher };
                let canaries = canaries::together(shipped, &school.canaries);
                Ok(Rulebook { taxonomy, school, sources, canaries, phrases, alerts: alerts.into(), digest })
            }
            _ => Err(Problems(problems)),
        }
    }

    /// Who is told of what. Without a policy, groups and periods are not looked up.
    fn alerts(&self, taxonomy: &Taxonomy, school: Option<&School>, phrases: &scan::PhraseFiles) -> Result<Alerts, Vec<Problem>> {
        let (path, is_named) = &self.alerts;
        self.alerts_of(path, *is_named, taxonomy, school, phrases)
    }

    /// The same of another file, such as one that is tried.
    pub fn alerts_in(&self, path: &Path, rulebook: &Rulebook) -> Result<Alerts, Problems> {
        self.alerts_of(path, true, &rulebook.taxonomy, Some(&rulebook.school), &rulebook.phrases).map_err(Problems)
    }

    fn alerts_of(
        &self,
        path: &Path,
        must_be_there: bool,
        taxonomy: &Taxonomy,
        school: Option<&School>,
        phrases: &scan::PhraseFiles,
    ) -> Result<Alerts, Vec<Problem>> {
        // A users file that cannot be read is told by whoever needs it.
        let users = Users::load(&self.users_path()).unwrap_or_default().users;
        let user_groups = users.into_values().filter_map(|user| user.group).collect();
        let folder = path.parent().unwrap_or(Path::new("."));
        let around = alerts::Around { taxonomy, school, phrases, user_groups: &user_groups, folder };
        if !must_be_there && !path.exists() {
            return Ok(alerts::none(&around));
        }
        alerts::read(&Source::open(path).map_err(|problem| vec![problem])?, &around)
    }

    /// The sources of `sources.toml`, then those that were imported.
    fn sources(&self, taxonomy: &Taxonomy) -> Result<Vec<ListSource>, Vec<Problem>> {
        let mut all = sources::read(&Source::open(&self.sources).map_err(|problem| vec![problem])?, &self.sources, taxonomy)?;
        let imported = self.imported_path();
        if imported.exists() {
            let file = Source::open(&imported).map_err(|problem| vec![problem])?;
            for source in sources::read(&file, &imported, taxonomy)? {
                if all.iter().any(|known| known.name == source.name) {
                    let what = format!("there is a source \"{}\" in {} too", source.name, self.sources.display());
                    return Err(vec![Problem { file: imported, line: 0, what, hint: Some("give one of them another name".into()) }]);
                }
                all.push(source);
            }
        }
        Ok(all)
    }

    /// The lists that were imported, as sources.
    #[must_use]
    pub fn imported_path(&self) -> PathBuf {
        self.data.join("lists").join("imported.toml")
    }

    /// The parent proxy, as lists are fetched through it.
    #[must_use]
    pub fn upstream(&self) -> Option<&Upstream> {
        self.parent.as_ref().map(|parent| &parent.upstream)
    }

    /// The library of lists.
    #[must_use]
    pub fn library(&self, secret: [u8; 32]) -> Library {
        Library::new(&self.data, secret)
    }

    /// The folder of the record.
    #[must_use]
    pub fn log(&self) -> Folder {
        let folder = Folder::at(self.data.join("log"));
        match &self.log_key {
            Some(key) => folder.with_key(key.clone()),
            None => folder,
        }
    }

    /// The school's certificate authority.
    #[must_use]
    pub fn authorities(&self) -> ca::Folder {
        ca::Folder::at(self.data.join("ca"))
    }

    /// Where it is kept which programs take no certificate but the site's own.
    #[must_use]
    pub fn pins_path(&self) -> PathBuf {
        self.data.join("pins")
    }

    /// Where it is kept how the programs of this school begin TLS.
    #[must_use]
    pub fn hellos_path(&self) -> PathBuf {
        self.data.join("hellos.json")
    }

    /// Where outputs keep their places.
    #[must_use]
    pub fn outputs_path(&self) -> PathBuf {
        self.data.join("outputs")
    }

    /// Where it is kept what is known of people for alerts.
    #[must_use]
    pub fn alerts_path(&self) -> PathBuf {
        self.data.join("alerts")
    }

    /// What is to be told of alerts, and how far that has come.
    #[must_use]
    pub fn outbox_path(&self) -> PathBuf {
        self.data.join("alerts").join("outbox.db")
    }

    /// Where files wait for a virus scanner.
    #[must_use]
    pub fn spool_path(&self) -> PathBuf {
        self.data.join("spool")
    }

    /// The users of this installation.
    #[must_use]
    pub fn users_path(&self) -> PathBuf {
        self.data.join("users.toml")
    }

    /// Where the sealed feed is, and what is kept of it.
    #[must_use]
    pub fn illegal_slot(&self, secret: &[u8; 32]) -> Slot {
        Slot::new(self.illegal.clone(), &self.data, secret)
    }

    /// The secret of this installation.
    #[must_use]
    pub fn secret_path(&self) -> PathBuf {
        self.data.join("secret.key")
    }
}

fn read(file: &Table<'_>, path: &Path, folder: &Path) -> Option<Config> {
    let beside = |name: PathBuf| folder.join(name);
    let data = file.need("data", "the folder for the record, such as \"../data\"").map(beside);
    let ProxyTable { listen, workers, ask, own_host } = read_proxy(file);
    let log = log::read(file, folder);
    let (allow, ports) = read_destinations(file);
    let names = read_names(file);
    let illegal = read_illegal(file, folder);
    let (parent, parent_pages) = upstream::read(file, folder);
    let alerts_named = file.has("files") && file.table("files").is_some_and(|files| files.has("alerts"));
    let [policy, categories, sources, canaries, alerts] = read_files(file).map(beside);
    let outputs = outputs::read(file, folder);
    let (origins, untrusted) = tls::read(file, folder);
    let antivirus = antivirus::read(file, folder);
    let school = read_school(file);
    let warning_holds = Duration::from_secs(60 * file.get_or::<u64>("warning_minutes", 15));
    let scan::Scan { phrases, named, limits: scanned } = scan::read(file, folder);
    let limits = Limits { scan: scanned, ..read_limits(file, antivirus.as_ref().map_or(0, |antivirus| antivirus.largest)) };
    let settings = Settings { ask, school, own_host: own_host?, warning_holds };
    Some(Config {
        path: path.to_owned(),
        listen,
        workers,
        data: data?,
        record: log.record,
        keep: log.keep,
        log_key: log.key,
        log_names: log.names,
        settings,
        limits,
        allow,
        ports,
        names,
        illegal,
        parent,
        parent_pages,
        policy,
        categories,
        sources,
        canaries,
        alerts: (alerts, alerts_named),
        outputs,
        origins,
        untrusted,
        antivirus,
        phrases: (phrases, named),
    })
}

/// What `[proxy]` says.
struct ProxyTable {
    listen: Vec<SocketAddr>,
    workers: Option<NonZeroUsize>,
    ask: Ask,
    own_host: Option<Host>,
}

fn read_proxy(file: &Table<'_>) -> ProxyTable {
    let here = vec![SocketAddr::from(([127, 0, 0, 1], 3128))];
    let mut read = ProxyTable { listen: here, workers: None, ask: Ask::Never, own_host: Host::parse("usher.internal").ok() };
    let Some(proxy) = file.table("proxy") else { return read };
    read.listen = proxy.get_or("listen", read.listen);
    if read.listen.is_empty() {
        proxy.wrong("listen", "there is no address to listen on", Some("such as [\"127.0.0.1:3128\"]".into()));
    }
    read.workers = NonZeroUsize::new(proxy.get_or("workers", 0));
    if read.workers.is_some_and(|workers| workers.get() > MOST_WORKERS) {
        proxy.wrong("workers", format!("at most {MOST_WORKERS}"), None);
    }
    read.ask = proxy.choice("ask_for_password", &Ask::NAMES, Some(read.ask)).unwrap_or(Ask::Never);
    read.own_host = proxy.get("own_name").or(read.own_host);
    proxy.done();
    read
}

fn read_destinations(file: &Table<'_>) -> (Vec<IpNet>, OpenPorts) {
    let common = || Ports::Only(vec![80, 8000, 8008, 8080, 8888]);
    let tls = || Ports::Only(vec![443]);
    let Some(table) = file.table("destinations") else { return (Vec::new(), OpenPorts { plain: common(), tunnel: tls() }) };
    let allow = table.get_or("allow", Vec::new());
    let ports = OpenPorts { plain: table.get("plain_ports").unwrap_or_else(common), tunnel: table.get("tunnel_ports").unwrap_or_else(tls) };
    table.done();
    (allow, ports)
}

impl FromToml for Ports {
    fn from_toml(value: &toml::de::DeValue<'_>) -> Result<Self, String> {
        match value.as_str() {
            Some("any") => Ok(Self::Any),
            Some(_) => Err("a list of ports is expected, such as [443], or \"any\"".to_owned()),
            None => Vec::from_toml(value).map(Self::Only),
        }
    }
}

fn read_names(file: &Table<'_>) -> HashMap<Host, Vec<IpAddr>> {
    let Some(table) = file.table("names") else { return HashMap::new() };
    let mut names = HashMap::new();
    for (name, addresses, span) in table.entries::<Vec<IpAddr>>() {
        match Host::parse(&name) {
            Ok(host) => drop(names.insert(host, addresses)),
            Err(error) => table.wrong_at(span, format!("names, \"{name}\": {error}"), None),
        }
    }
    names
}

/// The other files: policy, categories, sources, canaries, alerts.
fn read_files(file: &Table<'_>) -> [PathBuf; 5] {
    let table = file.table("files");
    let path = |key, default: &str| table.as_ref().and_then(|table| table.get(key)).unwrap_or_else(|| PathBuf::from(default));
    let paths = [
        path("policy", "policy.toml"),
        path("categories", "../blocklists/categories.toml"),
        path("sources", "../blocklists/sources.toml"),
        path("canaries", "../blocklists/canaries.toml"),
        path("alerts", "alerts.toml"),
    ];
    if let Some(table) = table {
        table.done();
    }
    paths
}

/// What `[illegal]` says. Half of it is a problem; whether the files are there and sound is for the tier to say, which stays in force without.
fn read_illegal(file: &Table<'_>, folder: &Path) -> Option<Paths> {
    file.table("illegal").and_then(|table| {
        let feed: Option<PathBuf> = table.need("feed", "the sealed feed, relative to this file");
        let key: Option<PathBuf> = table.need("key", "the key its publisher gave you with it, such as \"illegal.key\"");
        table.done();
        Some(Paths { feed: folder.join(feed?), key: folder.join(key?) })
    })
}

fn read_school(file: &Table<'_>) -> SchoolText {
    let mut school = SchoolText {
        name: UNNAMED.into(),
        appeal: String::new(),
        help_heading: "You are not alone".into(),
        help_text: "If things feel too much, there are people who listen, for free, at any hour. You do not have to give your name.".into(),
        contacts: Vec::new(),
    };
    if let Some(table) = file.table("school") {
        school.name = table.get_or("name", school.name);
        school.appeal = table.get_or("appeal", String::new());
        school.help_heading = table.get_or("help_heading", school.help_heading);
        school.help_text = table.get_or("help_text", school.help_text);
        school.contacts = table.tables("help").iter().filter_map(read_contact).collect();
        table.done();
    }
    if school.contacts.is_empty() {
        school.contacts = childline_and_shout();
    }
    school
}

fn read_contact(table: &Table<'_>) -> Option<Contact> {
    let name = table.need("name", "such as \"Childline\"");
    let reach = table.need("reach", "the number to call or text");
    let about = table.get_or("about", String::new());
    table.done();
    Some(Contact { name: name?, reach: reach?, about })
}

fn childline_and_shout() -> Vec<Contact> {
    let contact = |name: &str, reach: &str, about: &str| Contact { name: name.into(), reach: reach.into(), about: about.into() };
    vec![
        contact("Childline", "call 0800 1111", "Free, private, at any hour, for anyone under 19."),
        contact("Shout", "text SHOUT to 85258", "Free text messages, at any hour."),
    ]
}

/// What `[limits]` says, where files of up to `scanned` bytes are held for a scanner.
fn read_limits(file: &Table<'_>, scanned: u64) -> Limits {
    let mut limits = Limits::default();
    let Some(table) = file.table("limits") else { return limits };
    limits.head_bytes = table.get_or("head_bytes", limits.head_bytes);
    limits.head_fields = table.get_or("head_fields", limits.head_fields);
    limits.connections = table.get_or("connections", limits.connections);
    limits.connections_per_client = table.get_or("connections_per_client", limits.connections_per_client);
    if let Some(rate) = table.get::<u32>("requests_per_second") {
        limits.requests_per_second = NonZeroU32::new(rate);
    }
    limits.request_burst = table.get_or("request_burst", limits.request_burst);
    let seconds: [(&'static str, &mut Duration); 7] = [
        ("head_seconds", &mut limits.head_time),
        ("idle_seconds", &mut limits.idle_time),
        ("stall_seconds", &mut limits.stall_time),
        ("connect_seconds", &mut limits.connect_time),
        ("answer_seconds", &mut limits.answer_time),
        ("tunnel_idle_seconds", &mut limits.tunnel_idle_time),
        ("drain_seconds", &mut limits.drain_time),
    ];
    for (key, limit) in seconds {
        match table.get::<u64>(key) {
            Some(0) => table.wrong(key, "it must be above 0", None),
            Some(seconds) => *limit = Duration::from_secs(seconds),
            None => {}
        }
    }
    if !(1024..=1 << 20).contains(&limits.head_bytes) {
        table.wrong("head_bytes", "it must be from 1024 to 1048576", None);
    }
    let room: [(&'static str, &mut u64, u64); 2] =
        [("held_files_mib", &mut limits.held_files, (scanned >> 20).max(1)), ("free_disk_mib", &mut limits.free_disk, 0)];
    for (key, limit, least) in room {
        let mib = table.get_or::<u64>(key, *limit >> 20);
        if !(least..=MOST_HELD_MIB).contains(&mib) {
            let why = format!("it must be from {least} to {MOST_HELD_MIB}");
            let hint = (least > 1).then(|| "files of up to largest_mib under [antivirus] are held whole; make that smaller, or this larger".to_owned());
            table.wrong(key, why, hint);
        }
        *limit = mib.min(MOST_HELD_MIB) << 20;
    }
    table.done();
    limits
}

#[cfg(test)]
mod tests;
