//! The files of a school: what a technician and a head teacher would write.

use super::School;
use super::program::{Following, Program, with_little_disk};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use tempfile::TempDir;
use usher::identity::local::Users;

/// Sites that are on this machine. The rest of the world is not there.
pub const SITES: [&str; 8] =
    ["news.example", "games.example", "chat.example", "video.example", "hurt.example", "adult.example", "terror.example", "shop.example"];

/// The setting of the phrase files that ship. Of the glossaries there are Polish and Welsh: all of them take a program that is not optimised seconds to read.
pub fn shipped_phrases() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("blocklists/lexicon/phrases");
    let names = fs::read_dir(&folder).expect("the folder").map(|entry| entry.expect("a file").file_name().into_string().expect("a name"));
    let is_read = |name: &String| name.strip_prefix("words-").map_or(name != "README", |language| ["english", "polish", "welsh"].contains(&language));
    let mut files: Vec<String> = names.filter(is_read).map(|name| format!("{:?}", folder.join(name))).collect();
    files.sort();
    format!("phrases = [{}]", files.join(", "))
}

const CATEGORIES: [(&str, &str, &str, &str); 9] = [
    ("child-sexual-abuse", "Child sexual abuse", "illegal", "block"),
    ("terrorism", "Terrorism", "illegal", "block"),
    ("self-harm", "Self-harm", "danger", "help"),
    ("adult", "Adult", "harm", "block"),
    ("games", "Games", "distraction", "block"),
    ("chat", "Chat", "distraction", "block"),
    ("streaming", "Streaming", "distraction", "block"),
    ("help", "Help", "help", "block"),
    ("web-hosting", "Free web hosting", "distraction", "block"),
];

/// Phrases that pages are read for.
const PHRASES: &str = "theme: suicide
category: self-harm
language: English
40 painless way to die
40 lethal method
40 goodbye note
theme: pornography
category: adult
60 free hot videos
60 adults only cams
theme: all
-60 samaritans
theme: suicide
reads: asked
60 painless way to (die|go)
";

/// Year 7 is in one range of addresses, staff in another; whoever is elsewhere is nobody in particular. Tunnels may carry what is not TLS, so that tests of
/// other things can be plain.
const GROUPS: &str = r#"
[[group]]
name = "year-7"
members = { networks = ["127.0.7.0/24"], users = ["7-*"] }
block = ["games", "self-harm"]
warn = ["streaming"]
not_tls = "pass"

[[group]]
name = "staff"
staff = true
members = { networks = ["127.0.9.0/24"], users = ["staff-*"] }
block = ["adult"]
warn = ["chat"]
not_tls = "pass"
"#;

/// A school that is yet to open.
pub struct World {
    proxy: String,
    allow: Vec<String>,
    names: BTreeMap<String, Vec<String>>,
    limits: String,
    upstream: String,
    policy: String,
    listed: Vec<(String, String)>,
    sources: String,
    canaries: String,
    users: Users,
    outputs: String,
    log: String,
    tls: String,
    antivirus: String,
    scan: String,
}

impl World {
    /// Games, self-harm, streaming and so on each with one site; year 7 and staff; sites on this machine may be visited.
    pub fn new() -> Self {
        let listed = [("games", "games.example"), ("chat", "chat.example"), ("streaming", "video.example"), ("self-harm", "hurt.example")];
        let graver = [("adult", "adult.example"), ("terrorism", "terror.example"), ("child-sexual-abuse", "abuse.example")];
        Self {
            proxy: String::new(),
            allow: vec!["127.0.0.0/8".into(), "::1/128".into()],
            names: SITES.iter().map(|site| ((*site).to_owned(), vec!["127.0.0.1".to_owned()])).collect(),
            limits: String::new(),
            upstream: String::new(),
            policy: GROUPS.to_owned(),
            listed: listed.into_iter().chain(graver).map(|(category, site)| (category.to_owned(), site.to_owned())).collect(),
            sources: String::new(),
            canaries: String::new(),
            users: Users::default(),
            outputs: String::new(),
            log: String::new(),
            tls: String::new(),
            antivirus: String::new(),
            scan: String::new(),
        }
    }

    /// A place the record is sent to, called `siem`.
    pub fn output(mut self, text: &str) -> Self {
        self.outputs = format!("{}[[output]]\nname = \"siem\"\n{text}\n", self.outputs);
        self
    }

    /// Another source of lists.
    pub fn source(mut self, text: &str) -> Self {
        self.sources = format!("{}[[source]]\n{text}\n", self.sources);
        self
    }

    /// The sites that tell whether lists are sound.
    pub fn canaries(mut self, text: &str) -> Self {
        self.canaries = format!("{}{text}\n", self.canaries);
        self
    }

    /// A setting under `[proxy]`.
    pub fn proxy(mut self, setting: &str) -> Self {
        self.proxy = format!("{}{setting}\n", self.proxy);
        self
    }

    /// A setting under `[limits]`.
    pub fn limit(mut self, setting: &str) -> Self {
        self.limits = format!("{}{setting}\n", self.limits);
        self
    }

    /// A setting under `[upstream]`.
    pub fn upstream(mut self, setting: &str) -> Self {
        self.upstream = format!("{}{setting}\n", self.upstream);
        self
    }

    /// A setting under `[log]`.
    pub fn log(mut self, setting: &str) -> Self {
        self.log = format!("{}{setting}\n", self.log);
        self
    }

    /// A setting under `[tls]`.
    pub fn tls(mut self, setting: &str) -> Self {
        self.tls = format!("{}{setting}\n", self.tls);
        self
    }

    /// Year 7's `files`.
    pub fn files(mut self, settings: &str) -> Self {
        self.policy = self.policy.replacen("block =", &format!("files = {{ {settings} }}\nblock ="), 1);
        self
    }

    /// A setting under `[antivirus]`.
    pub fn antivirus(mut self, setting: &str) -> Self {
        self.antivirus = format!("{}{setting}\n", self.antivirus);
        self
    }

    /// Everybody's pages are read for these phrases, and this is what a group says of them.
    pub fn reading(mut self, phrases: &str) -> Self {
        self.policy = self.policy.replace("members =", &format!("phrases = {phrases}\nmembers ="));
        self.scan("phrases = [\"phrases\"]")
    }

    /// What is typed and read is weighed by [`shipped_phrases`].
    pub fn shipped_phrases(self) -> Self {
        self.scan(&shipped_phrases())
    }

    /// A setting under `[scan]`.
    pub fn scan(mut self, setting: &str) -> Self {
        self.scan = format!("{}{setting}\n", self.scan);
        self
    }

    /// Everybody's https is looked into, as far as a group does not say otherwise.
    pub fn inspecting(mut self) -> Self {
        self.policy = self.policy.replace("members =", "inspect = \"all\"\nmembers =");
        self
    }

    /// The policy with something else in place of this, for every group.
    pub fn edit_policy(&mut self, from: &str, to: &str) {
        assert!(self.policy.contains(from), "the policy says nothing of {from:?}");
        self.policy = self.policy.replace(from, to);
    }

    /// The policy with something in it said otherwise.
    pub fn edited(mut self, from: &str, to: &str) -> Self {
        self.edit_policy(from, to);
        self
    }

    /// The parent proxy everything goes through.
    pub fn parent(self, address: std::net::SocketAddr) -> Self {
        self.upstream(&format!("address = \"{address}\""))
    }

    /// More of the policy.
    pub fn policy(mut self, text: &str) -> Self {
        self.policy = format!("{}{text}\n", self.policy);
        self
    }

    /// The special ranges that may be visited, and no others.
    pub fn allow(mut self, ranges: &[&str]) -> Self {
        self.allow = ranges.iter().map(|range| (*range).to_owned()).collect();
        self
    }

    /// A name and an address it leads to, beside any it was given before.
    pub fn named(mut self, name: &str, address: &str) -> Self {
        self.names.entry(name.to_owned()).or_default().push(address.to_owned());
        self
    }

    /// Another line of a category's list.
    pub fn listed(mut self, category: &str, line: &str) -> Self {
        self.listed.push((category.to_owned(), line.to_owned()));
        self
    }

    /// A user with a password.
    pub fn user(mut self, name: &str, password: &str, group: Option<&str>) -> Self {
        self.users.add(name, group.map(str::to_owned), password).expect("a user can be added");
        self
    }

    /// Writes the files.
    pub fn write(&self) -> Files {
        let files = Files { folder: tempfile::tempdir().expect("a temporary folder") };
        files.put("usher.toml", &self.settings());
        files.put("policy.toml", &self.policy);
        files.put("categories.toml", &categories());
        files.put("folders.toml", "");
        files.put("phrases/danger", PHRASES);
        files.put("canaries.toml", &self.canaries);
        files.put("sources.toml", &format!("[[source]]\nname = \"school\"\naddress = \"lists\"\nfolders = \"folders.toml\"\n{}", self.sources));
        for (category, line) in &self.listed {
            let path = format!("lists/{category}/domains");
            let before = fs::read_to_string(files.path(&path)).unwrap_or_default();
            files.put(&path, &format!("{before}{line}\n"));
        }
        if !self.users.users.is_empty() {
            fs::create_dir_all(files.path("data")).expect("a data folder");
            self.users.save(&files.path("data/users.toml")).expect("users are saved");
        }
        files
    }

    fn settings(&self) -> String {
        let mut text = format!("data = \"data\"\n[proxy]\nlisten = [\"127.0.0.1:0\"]\nworkers = 1\n{}", self.proxy);
        let allow: Vec<_> = self.allow.iter().map(|range| format!("{range:?}")).collect();
        let lines = [
            format!("[destinations]\nallow = [{}]\nplain_ports = \"any\"\ntunnel_ports = \"any\"\n[names]", allow.join(", ")),
            self.names.iter().map(|(name, addresses)| format!("{name:?} = {addresses:?}\n")).collect(),
            "[files]\npolicy = \"policy.toml\"\ncategories = \"categories.toml\"\nsources = \"sources.toml\"\ncanaries = \"canaries.toml\"".to_owned(),
            "[school]\nname = \"Example School\"\nappeal = \"Tell the library.\"".to_owned(),
            format!("[limits]\n{}", self.limits),
            // The parent is checked by tests of that alone.
            format!("[upstream]\n{}{}", self.upstream, if self.upstream.is_empty() || self.upstream.contains("test_pages") { "" } else { "test_pages = []\n" }),
            if self.log.is_empty() { String::new() } else { format!("[log]\n{}", self.log) },
            if self.scan.is_empty() { String::new() } else { format!("[scan]\n{}", self.scan) },
            if self.tls.is_empty() { String::new() } else { format!("[tls]\n{}", self.tls) },
            if self.antivirus.is_empty() { String::new() } else { format!("[antivirus]\n{}", self.antivirus) },
            self.outputs.clone(),
        ];
        for line in lines {
            writeln!(text, "{line}").expect("a string takes all");
        }
        text
    }

    /// Opens the school in this process.
    pub async fn start(self) -> School {
        School::open(self.write()).await
    }

    /// Opens the school as a program of its own.
    pub fn serve(self) -> Program {
        Program::start(Arc::new(self.write()))
    }
}

fn categories() -> String {
    let one = |(id, name, theme, page): &(&str, &str, &str, &str)| {
        format!("[[category]]\nid = \"{id}\"\nname = \"{name}\"\ncovers = \"{name} sites.\"\ntheme = \"{theme}\"\nseverity = 3\npage = \"{page}\"\n")
    };
    CATEGORIES.iter().map(one).collect()
}

/// A school's files, gone when dropped.
pub struct Files {
    folder: TempDir,
}

impl Files {
    /// The path of a file.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file.
    pub fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// Changes what a file says.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).expect("a file");
        assert!(text.contains(from), "{name} says nothing of {from:?}");
        self.put(name, &text.replace(from, to));
    }

    /// Runs a command to its end.
    pub fn usher(&self, arguments: &[&str]) -> Said {
        Said::new(&self.command(arguments).output().expect("usher runs"))
    }

    /// Runs a command that can write no more than so many blocks of 512 bytes to each file.
    pub fn usher_with_little_disk(&self, arguments: &[&str], blocks: u32) -> Said {
        let mut command = with_little_disk(blocks);
        command.arg(env!("CARGO_BIN_EXE_usher")).arg("--config").arg(self.path("usher.toml")).args(arguments);
        Said::new(&command.output().expect("usher runs"))
    }

    /// Runs a command that reads this to its end.
    pub fn usher_told(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = self.command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("usher runs");
        // It may have no use for it.
        let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
        Said::new(&child.wait_with_output().expect("usher ends"))
    }

    /// Starts a command that goes on until it is ended.
    pub fn follow(&self, arguments: &[&str]) -> Following {
        Following::start(self.command(arguments))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
        command.arg("--config").arg(self.path("usher.toml")).args(arguments).env("COLUMNS", "200");
        command
    }
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// Its exit code; `None` if it was killed.
    pub code: Option<i32>,
    /// To its reader.
    pub out: String,
    /// To whoever runs it.
    pub err: String,
}

impl Said {
    fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Its lines as JSON objects.
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?} is no JSON: {error}"))).collect()
    }
}
