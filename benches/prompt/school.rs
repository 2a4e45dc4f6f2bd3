//! A school to be measured: the shipped configuration but for what a test on one machine needs otherwise, a program that serves it, and what it says.
//!
//! Otherwise: names lead to this machine, ports are any, chat services are looked into and not warned about, phrases that nobody else has are planted, and
//! all that is to be told goes to a file. Beside the shipped lists there is one of the traffic's own sites.

use rustix::process::{Pid, Signal, kill_process};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use usher::audit::Folder;
use usher::audit::incident::{Incident, fold};
use usher::audit::journal::{Reader, Topic};

/// What is danger by itself, wherever it is typed. No lexicon has it.
pub const WORDS: &str = "marrowglass at midnight";
/// What is against the law: the name that stands for it in the shipped list.
pub const ILLEGAL: &str = "always-blocked-csa.usher.test";
/// The chat service.
pub const CHAT: &str = "chatgpt.com";
/// The search engine.
pub const ENGINE: &str = "www.google.co.uk";

/// Where engines are reached that are to keep things back.
const SAFE: [&str; 5] = ["forcesafesearch.google.com", "strict.bing.com", "safe.duckduckgo.com", "restrict.youtube.com", "restrictmoderate.youtube.com"];

/// Who is told, in the place of people.
const ROUTES: &str = "[routes]\nall = { to = [\"lines\"], names = true }\n[digest]\nto = [\"lines\"]\ntechnician = [\"lines\"]\nweekly_to = [\"lines\"]\n\
                      [[file]]\nname = \"lines\"\npath = \"alerts.jsonl\"\nnames = true\n";

/// The files of a school.
pub struct School {
    folder: TempDir,
}

fn shipped(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("it is shipped")
}

/// A text with something in it said otherwise.
fn edited(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "what is shipped says nothing of {from:?}");
    text.replace(from, to)
}

impl School {
    /// A school to which these hosts are this machine, each listed under its categories, and which believes sites that this authority speaks for.
    pub fn new(hosts: &BTreeMap<String, String>, authority: &str) -> Self {
        let school = Self { folder: tempfile::tempdir().expect("a folder") };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).display();
        let mut settings = format!(
            "data = \"data\"\n[proxy]\nlisten = [\"127.0.0.1:0\"]\n[destinations]\nallow = [\"127.0.0.0/8\"]\nplain_ports = \"any\"\ntunnel_ports = \"any\"\n\
             [files]\npolicy = \"policy.toml\"\ncategories = \"{root}/blocklists/categories.toml\"\nsources = \"sources.toml\"\n\
             canaries = \"{root}/blocklists/canaries.toml\"\nalerts = \"alerts.toml\"\n[scan]\nphrases = [\"{root}/blocklists/lexicon/phrases\", \"phrases\"]\n\
             [limits]\nrequests_per_second = 0\nconnections_per_client = 20000\n[upstream]\ntest_pages = []\n[tls]\nauthorities = [\"site.pem\"]\n[names]\n"
        );
        for host in hosts.keys().map(String::as_str).chain([ENGINE, CHAT, ILLEGAL]).chain(SAFE).collect::<BTreeSet<_>>() {
            writeln!(settings, "{host:?} = [\"127.0.0.1\"]").expect("a string takes all");
        }
        school.put("usher.toml", &settings);
        let policy = edited(&shipped("config/policy.toml"), "inspect = \"none\"", "inspect = \"search\"");
        school.put("policy.toml", &edited(&policy, "\"webmail\", \"web-hosting\", \"ai-tools\", \"blogs-forums\"", "\"webmail\""));
        let alerts = shipped("config/alerts.toml");
        let weights = alerts.split("[routes]").next().expect("a first part");
        school.put("alerts.toml", &format!("{weights}{ROUTES}"));
        let starter = format!("[[source]]\nname = \"starter\"\naddress = \"{root}/blocklists/starter\"\nfolders = \"{root}/blocklists/ut1.toml\"\n");
        school.put("sources.toml", &format!("{starter}[[source]]\nname = \"made up\"\naddress = \"lists\"\nfolders = \"folders.toml\"\n"));
        school.put("folders.toml", "");
        let mut lists: BTreeMap<&str, String> = BTreeMap::new();
        for (host, category) in hosts.iter().flat_map(|(host, categories)| categories.split_whitespace().map(move |category| (host, category))) {
            writeln!(lists.entry(category).or_default(), "{host}").expect("a string takes all");
        }
        lists.iter().for_each(|(category, list)| school.put(&format!("lists/{category}/domains"), list));
        school.put("phrases/planted", &format!("theme: suicide\nlanguage: English\nreads: asked\n60 {WORDS}\n"));
        school.put("site.pem", authority);
        let made = school.command(&["ca", "create", "--name", "A school that is measured"]).output().expect("usher runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        school
    }

    /// The path of a file.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(std::env::var("USHER_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_usher").to_owned()));
        command.arg("--config").arg(self.path("usher.toml")).args(arguments);
        command
    }

    /// The certificate of the school's authority, in PEM.
    pub fn authority(&self) -> Vec<u8> {
        let said = self.command(&["ca", "export"]).output().expect("usher runs");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        said.stdout
    }

    /// The matters that are stated, each with when, in Unix milliseconds.
    pub fn stated(&self) -> Vec<(Incident, i64)> {
        let statements = Reader::open(&Folder::at(self.path("data/log"))).and_then(|reader| reader.about(Topic::Alert, 0)).expect("the journal is read");
        fold(&statements)
            .into_iter()
            .map(|matter| {
                let at = matter.acts[0].1;
                (matter, at)
            })
            .collect()
    }

    /// Serves.
    pub fn serve(&self) -> Program {
        let child = self.command(&["serve"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("usher starts");
        let mut program = Program { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let mut out = BufReader::new(program.child.stdout.take().expect("its output"));
        let mut line = String::new();
        while program.address.port() == 0 {
            line.clear();
            assert!(out.read_line(&mut line).expect("it speaks") > 0, "it does not listen; see: usher config check");
            if let Some(address) = line.trim().strip_prefix("proxy") {
                program.address = address.trim().parse().expect("an address");
            }
        }
        // What it says later is of no use here, and must not stop it.
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        program
    }
}

/// A running `usher serve`.
pub struct Program {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Program {
    /// How long its threads of this name were at work; all of them, without a name.
    pub fn worked(&self, thread: Option<&str>) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        let of = |task: PathBuf| {
            let name = fs::read_to_string(task.join("comm")).ok()?;
            let work = fs::read_to_string(task.join("schedstat")).ok()?;
            thread.is_none_or(|thread| name.trim() == thread).then(|| work.split(' ').next().and_then(|ns| ns.parse::<u64>().ok())).flatten()
        };
        Duration::from_nanos(tasks.filter_map(|task| of(task.ok()?.path())).sum())
    }

    /// Ends it, and waits until it has.
    pub fn end(&mut self) {
        // It may have ended by itself, which the wait tells.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        self.child.wait().expect("it ends");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // As above.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
