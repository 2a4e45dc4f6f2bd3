//! A real Squid as the parent proxy. It reaches nothing but this machine, and ends when dropped.

use super::in_time;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// The helper that checks passwords, where Debian has it.
const PASSWORDS: &str = "/usr/lib/squid/basic_ncsa_auth";

/// A running Squid that blocks `games.example` and asks for the name `school` with the password `right`.
pub struct Squid {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    _folder: TempDir,
}

impl Squid {
    /// Starts one that finds these names on this machine; `None` where there is none.
    pub fn start(names: &[&str]) -> Option<Self> {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::split_paths(&folders).chain([PathBuf::from("/usr/sbin")]).map(|folder| folder.join("squid")).find(|path| path.is_file())?;
        PathBuf::from(PASSWORDS).is_file().then_some(())?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Squid gives up what rights it has before it reads these.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("a file");
            path.display().to_string()
        };
        let hosts = put("hosts", &names.iter().map(|name| format!("127.0.0.1 {name}\n")).collect::<String>());
        // The password is "right" (openssl passwd -apr1).
        let users = put("users", "school:$apr1$usher001$DqJZsHvIPiz5ZSP3tRvMZ0\n");
        let settings = format!(
            "http_port {free}\nhosts_file {hosts}\nauth_param basic program {PASSWORDS} {users}\nauth_param basic children 1\n\
             acl known proxy_auth REQUIRED\nacl games dstdomain games.example\nhttp_access deny !known\nhttp_access deny games\nhttp_access allow all\n\
             cache deny all\naccess_log none\ncache_log /dev/null\npid_filename none\ncoredump_dir /\nnetdb_filename none\nshutdown_lifetime 0 seconds\n\
             pinger_enable off\nvisible_hostname parent.example\n"
        );
        let settings = put("squid.conf", &settings);
        let mut command = Command::new(program);
        command.args(["-N", "-d", "1", "-f", &settings]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("squid starts");
        let mut says = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let squid = Self { address: free, child, _folder: folder };
        in_time("squid", move || {
            let ready = says.any(|line| line.expect("text").contains("Accepting HTTP Socket connections"));
            assert!(ready, "squid ended without listening");
            // What else it says is of no interest, but must go somewhere.
            std::thread::spawn(move || says.for_each(drop));
        });
        Some(squid)
    }
}

impl Drop for Squid {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
