//! A real c-icap: its echo service, and its virus scanner, which asks a clamd. It listens on a port of its own and ends when dropped.

use super::clamav::program;
use super::{Clamav, PATIENCE};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

/// A running c-icap.
pub struct CIcap {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    _folder: TempDir,
}

/// Where its modules are, if they are all there.
fn modules() -> Option<PathBuf> {
    let libraries = fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok).map(|entry| entry.path().join("c_icap"));
    libraries
        .chain([PathBuf::from("/usr/lib/c_icap")])
        .find(|folder| ["srv_echo.so", "virus_scan.so", "clamd_mod.so"].iter().all(|name| folder.join(name).is_file()))
}

impl CIcap {
    /// Starts one that asks this clamd; `None` where there is none.
    pub fn start(clamav: &Clamav) -> Option<Self> {
        let (program, modules) = (program("c-icap")?, modules()?);
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("a mode");
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let own = |name: &str| folder.path().join(name).display().to_string();
        let modules = modules.display();
        let settings = format!(
            "PidFile {}\nCommandsSocket {}\nTimeout 30\nKeepAliveTimeout 30\nMaxKeepAliveRequests 100\nStartServers 1\nMaxServers 1\nThreadsPerChild 10\n\
             MinSpareThreads 5\nMaxSpareThreads 10\nListenAddress 127.0.0.1\nPort {address}\nTmpDir {}\nMaxMemObject 131072\nDebugLevel 1\nModulesDir {modules}\n\
             ServicesDir {modules}\nTemplateDir /usr/share/c_icap/templates/\nTemplateDefaultLanguage en\nLoadMagicFile /etc/c-icap/c-icap.magic\nServerLog {}\n\
             AccessLog {}\nService echo srv_echo.so\nService antivirus_module virus_scan.so\nServiceAlias avscan virus_scan?allow204=on&sizelimit=off&mode=simple\n\
             virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE\nvirus_scan.MaxObjectSize 50M\nModule common clamd_mod.so\n\
             clamd_mod.ClamdSocket {}\nvirus_scan.DefaultEngine clamd\n",
            own("pid"),
            own("ctl"),
            folder.path().display(),
            own("server.log"),
            own("access.log"),
            clamav.socket.display()
        )
        .replace("ListenAddress 127.0.0.1\n", "");
        fs::write(own("c-icap.conf"), settings).expect("a file");
        let mut command = Command::new(program);
        // It has processes of its own, which are to end with it.
        command.args(["-N", "-f", &own("c-icap.conf")]).process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("c-icap starts");
        let mut running = Self { address, child, _folder: folder };
        running.await_listening();
        Some(running)
    }

    fn await_listening(&mut self) {
        let started = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            let log = || fs::read_to_string(self._folder.path().join("server.log")).unwrap_or_default();
            assert!(self.child.try_wait().expect("a status").is_none(), "c-icap ended: {}", log());
            assert!(started.elapsed() < PATIENCE, "c-icap does not listen: {}", log());
            std::thread::yield_now();
        }
    }
}

impl Drop for CIcap {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}
