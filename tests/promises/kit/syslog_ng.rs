//! A real syslog-ng. It listens on this machine only, over TCP and TLS, writes what it understood as JSON, and ends when dropped.

use super::{Authority, PATIENCE};
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

/// A running syslog-ng.
pub struct SyslogNg {
    /// Where it listens without TLS.
    pub plain: SocketAddr,
    /// Where it listens with TLS, its certificate for `127.0.0.1`.
    pub secure: SocketAddr,
    child: Child,
    folder: TempDir,
}

impl SyslogNg {
    /// Starts one with a certificate of this authority; `None` where there is none.
    pub fn start(authority: &Authority) -> Option<Self> {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::split_paths(&folders).chain([PathBuf::from("/usr/sbin")]).map(|folder| folder.join("syslog-ng")).find(|path| path.is_file())?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let free = || TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let (plain, secure) = (free(), free());
        let (certificate, key) = authority.certificate_pem(&["127.0.0.1"]);
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("a file");
            path.display().to_string()
        };
        let (certificate, key, out) = (put("certificate.pem", &certificate), put("key.pem", &key), put("out", ""));
        let settings = format!(
            "@version: 3.38\noptions {{ keep-hostname(yes); }};\n\
             source plain {{ syslog(ip(\"127.0.0.1\") port({}) transport(\"tcp\")); }};\n\
             source secure {{ syslog(ip(\"127.0.0.1\") port({}) transport(\"tls\") tls(key-file(\"{key}\") cert-file(\"{certificate}\") peer-verify(optional-untrusted))); }};\n\
             destination understood {{ file(\"{out}\" template(\"$(format-json --scope rfc5424 --key .SDATA.*)\\n\") flush-lines(1)); }};\n\
             log {{ source(plain); source(secure); destination(understood); }};\n",
            plain.port(),
            secure.port()
        );
        let settings = put("syslog-ng.conf", &settings);
        let own = |name: &str| folder.path().join(name).display().to_string();
        let mut command = Command::new(program);
        command.args(["-F", "--no-caps", "-f", &settings, "-p", &own("pid"), "-R", &own("persist"), "-c", &own("control")]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("syslog-ng starts");
        let mut running = Self { plain, secure, child, folder };
        running.await_listening();
        Some(running)
    }

    fn await_listening(&mut self) {
        let started = Instant::now();
        while [self.plain, self.secure].iter().any(|address| TcpStream::connect(address).is_err()) {
            if self.child.try_wait().expect("a status").is_some() {
                let mut said = String::new();
                let read = self.child.stderr.take().map(|mut pipe| std::io::Read::read_to_string(&mut pipe, &mut said));
                panic!("syslog-ng ended ({read:?}): {said}");
            }
            assert!(started.elapsed() < PATIENCE, "syslog-ng does not listen");
            std::thread::yield_now();
        }
    }

    /// What it understood, once there are so many messages.
    pub async fn understood(&self, count: usize) -> Vec<serde_json::Value> {
        let started = Instant::now();
        loop {
            let text = fs::read_to_string(self.folder.path().join("out")).expect("a file");
            let whole: Vec<_> = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).collect();
            if whole.len() >= count {
                return whole.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect();
            }
            assert!(started.elapsed() < PATIENCE, "{count} messages are expected, not {text}");
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for SyslogNg {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
