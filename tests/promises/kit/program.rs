//! Usher as a program of its own, to be killed, told to stop, and starved of disk.

use super::world::Files;
use super::{PATIENCE, in_time};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use usher::audit::Folder;
use usher::audit::lookups::Unshown;
use usher::audit::query::{Filter, Log, Row};

/// A command that runs the program it is given, once a shell has done this.
pub fn once(shell: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{shell}; exec \"$0\" \"$@\""));
    command
}

/// A command that runs a command of Usher with no more than so many blocks of 512 bytes to each of its files. What is more fails, as on a full disk.
pub fn with_little_disk(blocks: u32) -> Command {
    once(&format!("trap '' XFSZ; ulimit -S -f {blocks}"))
}

/// A running `usher serve`, killed when dropped.
pub struct Program {
    /// Its files.
    pub files: Arc<Files>,
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    out: Option<BufReader<ChildStdout>>,
    err: Option<BufReader<ChildStderr>>,
}

impl Program {
    /// Starts it and waits until it says where it listens. `USHER_BINARY` says which program to try in place of the one that was built beside the tests.
    pub fn start(files: Arc<Files>) -> Self {
        let command = Command::new(std::env::var("USHER_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_usher").to_owned()));
        Self::spawn(command, files)
    }

    /// Starts it once a shell has done this.
    pub fn start_after(files: Arc<Files>, shell: &str) -> Self {
        let mut command = once(shell);
        command.arg(env!("CARGO_BIN_EXE_usher"));
        Self::spawn(command, files)
    }

    /// Starts it with no more than so many blocks of 512 bytes to each file.
    pub fn start_with_little_disk(files: Arc<Files>, blocks: u32) -> Self {
        // The signal that comes with it is for Usher to deal with.
        let mut command = once(&format!("ulimit -S -f {blocks}"));
        command.arg(env!("CARGO_BIN_EXE_usher"));
        Self::spawn(command, files)
    }

    fn spawn(mut command: Command, files: Arc<Files>) -> Self {
        command.arg("--config").arg(files.path("usher.toml")).arg("serve").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("usher starts");
        let (out, err) = (child.stdout.take().map(BufReader::new), child.stderr.take().map(BufReader::new));
        let mut program = Self { files, address: SocketAddr::from(([0, 0, 0, 0], 0)), child, out, err };
        program.address = program.listening();
        program
    }

    /// The address in the hello text.
    fn listening(&mut self) -> SocketAddr {
        loop {
            let line = next_line(&mut self.out);
            if let Some(address) = line.trim().strip_prefix("proxy") {
                return address.trim().parse().expect("an address");
            }
            assert!(!line.is_empty(), "it does not listen: {}", all(&mut self.err));
        }
    }

    /// Waits until it says something with these words in it.
    pub fn says(&mut self, words: &str) -> String {
        loop {
            let line = next_line(&mut self.err);
            if line.contains(words) {
                return line;
            }
            assert!(!line.is_empty(), "it ended without saying {words:?}");
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// How many files and connections it has open.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("it runs").count()
    }

    /// How much memory it has (`VmRSS`) or had at most (`VmHWM`), in KiB.
    pub fn memory(&self, which: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':')).expect("such a line");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// How long its threads of this name were at work.
    pub fn worked(&self, thread: &str) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        let of = |task: std::path::PathBuf| {
            let name = std::fs::read_to_string(task.join("comm")).ok()?;
            let work = std::fs::read_to_string(task.join("schedstat")).ok()?;
            (name.trim() == thread).then(|| work.split(' ').next().and_then(|ns| ns.parse::<u64>().ok())).flatten()
        };
        Duration::from_nanos(tasks.filter_map(|task| of(task.ok()?.path())).sum())
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it runs");
    }

    /// All it has said to whoever runs it and that was not read yet, once it has ended.
    pub fn complaints(&mut self) -> String {
        all(&mut self.err)
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        all(&mut self.out);
        self.child.wait().expect("it ends")
    }

    /// Lets none of its files be written any more.
    pub fn take_disk(&self) {
        self.limit_files(Some(0));
    }

    /// Lets its files grow again.
    pub fn give_disk(&self) {
        self.limit_files(getrlimit(Resource::Fsize).maximum);
    }

    fn limit_files(&self, current: Option<u64>) {
        let maximum = getrlimit(Resource::Fsize).maximum;
        prlimit(Some(self.pid()), Resource::Fsize, Rlimit { current, maximum }).expect("a limit that is its own to set");
    }

    /// Asks for a page over a blocking connection; the whole answer, or what came of it.
    pub fn get(&self, url: &str) -> String {
        self.get_with(url, "")
    }

    /// Asks for a page as somebody who gives a name and a password.
    pub fn get_as(&self, url: &str, name: &str, password: &str) -> String {
        self.get_with(url, &format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(format!("{name}:{password}"))))
    }

    fn get_with(&self, url: &str, fields: &str) -> String {
        let mut tcp = TcpStream::connect(self.address).expect("connected");
        tcp.set_read_timeout(Some(PATIENCE)).expect("a setting");
        let host = url.split('/').nth(2).unwrap_or_default();
        write!(tcp, "GET {url} HTTP/1.1\r\nHost: {host}\r\n{fields}Connection: close\r\n\r\n").expect("sent");
        let mut bytes = Vec::new();
        tcp.read_to_end(&mut bytes).expect("an answer");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What is on record, newest first.
    pub fn rows(&self) -> Vec<Row> {
        rows(&self.files)
    }
}

/// What a school has on record, newest first. Every part of the log can be read.
pub fn rows(files: &Files) -> Vec<Row> {
    let log = Log::open(&Folder::at(files.path("data/log"))).expect("a log");
    let page = Unshown::of(&log).search(&Filter { limit: 1_000_000, patience: Duration::MAX, ..Filter::default() }).expect("the log is read");
    assert!(page.passed_over.is_empty(), "{:?}", page.passed_over);
    page.rows
}

/// The next line of a pipe; empty at its end.
fn next_line<R: BufRead + Send + 'static>(pipe: &mut Option<R>) -> String {
    let mut reader = pipe.take().expect("somebody reads it");
    let (reader, line) = in_time("a line", move || {
        let mut line = String::new();
        reader.read_line(&mut line).expect("text");
        (reader, line)
    });
    *pipe = Some(reader);
    line
}

/// All that is left of a pipe, once whoever writes it has ended.
fn all<R: BufRead + Send + 'static>(pipe: &mut Option<R>) -> String {
    let mut reader = pipe.take().expect("somebody reads it");
    in_time("the end", move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("text");
        text
    })
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that goes on until it is ended, such as `usher log tail`. Killed when dropped.
pub struct Following {
    child: Child,
    out: Option<BufReader<ChildStdout>>,
    err: Option<BufReader<ChildStderr>>,
}

impl Following {
    pub(super) fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("usher starts");
        let (out, err) = (child.stdout.take().map(BufReader::new), child.stderr.take().map(BufReader::new));
        Self { child, out, err }
    }

    /// The next line it prints; empty at its end.
    pub fn line(&mut self) -> String {
        next_line(&mut self.out)
    }

    /// Reads no more of it: the next line it prints goes nowhere.
    pub fn stop_reading(&mut self) {
        self.out = None;
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Waits for its end: how it ended, and what it complained about.
    pub fn ended(&mut self) -> (ExitStatus, String) {
        let complaints = all(&mut self.err);
        (self.child.wait().expect("it ends"), complaints)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
