//! Usher as a program of its own, to be killed, told to stop, and starved of disk.

use super::PATIENCE;
use super::world::Files;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use usher::audit::query::{Filter, Log, Row};

/// A running `usher serve`, killed when dropped.
pub struct Program {
    /// Its files.
    pub files: Arc<Files>,
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    _out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
}

impl Program {
    /// Starts it and waits until it says where it listens.
    pub fn start(files: Arc<Files>) -> Self {
        let command = Command::new(env!("CARGO_BIN_EXE_usher"));
        Self::spawn(command, files)
    }

    /// Starts it with no more than so many blocks of 512 bytes to each file.
    pub fn start_with_little_disk(files: Arc<Files>, blocks: u32) -> Self {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("trap '' XFSZ; ulimit -S -f {blocks}; exec \"$0\" \"$@\"")).arg(env!("CARGO_BIN_EXE_usher"));
        Self::spawn(command, files)
    }

    fn spawn(mut command: Command, files: Arc<Files>) -> Self {
        command.arg("--config").arg(files.path("usher.toml")).arg("serve").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("usher starts");
        let mut out = BufReader::new(child.stdout.take().expect("its words"));
        let err = BufReader::new(child.stderr.take().expect("its complaints"));
        let address = listening(&mut out);
        let mut program = Self { files, address: SocketAddr::from(([0, 0, 0, 0], 0)), child, _out: out, err };
        program.address = address.unwrap_or_else(|| panic!("it does not listen: {}", program.complaints()));
        program
    }

    fn complaints(&mut self) -> String {
        let mut text = String::new();
        self.err.read_to_string(&mut text).expect("text");
        text
    }

    /// Waits until it says something with these words in it.
    pub fn says(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.err.read_line(&mut line).expect("text") > 0, "it ended without saying {words:?}");
            if line.contains(words) {
                return line;
            }
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it runs");
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }

    /// Lets its files grow again.
    pub fn give_disk(&self) {
        let maximum = rustix::process::getrlimit(Resource::Fsize).maximum;
        prlimit(Some(self.pid()), Resource::Fsize, Rlimit { current: maximum, maximum }).expect("a limit that is its own to raise");
    }

    /// Asks for a page over a blocking connection; the whole answer, or what came of it.
    pub fn get(&self, url: &str) -> String {
        let mut tcp = TcpStream::connect(self.address).expect("connected");
        tcp.set_read_timeout(Some(PATIENCE)).expect("a setting");
        let host = url.split('/').nth(2).unwrap_or_default();
        write!(tcp, "GET {url} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("sent");
        let mut bytes = Vec::new();
        tcp.read_to_end(&mut bytes).expect("an answer");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What is on record, newest first.
    pub fn rows(&self) -> Vec<Row> {
        let log = Log::open(&self.files.path("data/log.db")).expect("a log");
        log.search(&Filter { limit: 1_000_000, ..Filter::default() }).expect("the log is read")
    }
}

/// The address in the hello text.
fn listening(out: &mut BufReader<ChildStdout>) -> Option<SocketAddr> {
    let mut line = String::new();
    while out.read_line(&mut line).ok()? > 0 {
        if let Some(address) = line.trim().strip_prefix("proxy") {
            return address.trim().parse().ok();
        }
        line.clear();
    }
    None
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
