//! Programs in Python and for Node that are no part of Usher: clients and servers as others write them. They end when dropped.

use super::{PATIENCE, in_time};
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;

/// Where a program for these tests is.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promises/clients").join(name)
}

/// Python with all of these modules; `None` where there is none. `USHER_PYTHON` says which Python.
pub fn python(modules: &str) -> Option<Command> {
    let python = std::env::var("USHER_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let command = || {
        let mut command = Command::new(&python);
        // What the environment of whoever runs the tests says of proxies is not meant for them.
        for name in ["http_proxy", "https_proxy", "grpc_proxy", "no_proxy", "no_grpc_proxy", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"] {
            command.env_remove(name);
        }
        command
    };
    let mut trying = command();
    trying.args(["-c", &format!("import {modules}")]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    trying.status().is_ok_and(|status| status.success()).then(command)
}

/// Node; `None` where there is none.
pub fn node() -> Option<Command> {
    let found = Command::new("node").arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success()).then(|| {
        let mut command = Command::new("node");
        command.env_remove("NODE_EXTRA_CA_CERTS").env_remove("NODE_OPTIONS");
        command
    })
}

/// What a program says that comes to its end.
#[derive(Debug)]
pub struct Ended {
    /// Whether it was a good end.
    pub good: bool,
    /// What it said.
    pub out: String,
    /// What it complained of.
    pub err: String,
}

/// Runs a program to its end.
pub fn told(command: &mut Command) -> Ended {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let (out, err) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
    let (heard, ended) = mpsc::channel();
    let [said, complaints] = [text_of(out, heard.clone()), text_of(err, heard)];
    for _ in 0..2 {
        // Whoever hangs is ended, so that what it says has an end.
        if ended.recv_timeout(3 * PATIENCE).is_err() {
            let _ = child.kill();
        }
    }
    let good = child.wait().expect("it ends").success();
    Ended { good, out: said.join().expect("no panic"), err: complaints.join().expect("no panic") }
}

/// All of a pipe, read beside all else.
fn text_of(mut pipe: impl Read + Send + 'static, heard: mpsc::Sender<()>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe");
        // Nobody may wait any more.
        let _ = heard.send(());
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A program that goes on until it is dropped.
pub struct Running {
    child: Child,
    out: Option<BufReader<ChildStdout>>,
}

impl Running {
    /// Starts it.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
        let out = child.stdout.take().map(BufReader::new);
        Self { child, out }
    }

    /// The next line it says; empty at its end.
    pub fn line(&mut self) -> String {
        let mut reader = self.out.take().expect("somebody reads it");
        let (reader, line) = in_time("a line", move || {
            let mut line = String::new();
            reader.read_line(&mut line).expect("text");
            (reader, line)
        });
        self.out = Some(reader);
        line
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
