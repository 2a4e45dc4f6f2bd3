//! A real clamd that knows one signature, that of the EICAR test file. It listens on a socket in a folder of its own, and ends when dropped.

use super::PATIENCE;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

/// The test file of the European Institute for Computer Antivirus Research: harmless, and found by every scanner. In parts, so that none finds it here.
pub fn eicar() -> Vec<u8> {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE", "!$H+H*"].concat().into_bytes()
}

/// A running clamd.
pub struct Clamav {
    /// Its socket.
    pub socket: PathBuf,
    child: Child,
    _folder: TempDir,
}

/// A program, also where only root looks for it.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).chain([PathBuf::from("/usr/sbin")]).map(|folder| folder.join(name)).find(|path| path.is_file())
}

impl Clamav {
    /// Starts one; `None` where there is none.
    pub fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// Starts one with more settings.
    pub fn start_with(more: &str) -> Option<Self> {
        let program = program("clamd")?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
        let own = |name: &str| folder.path().join(name);
        let digits = eicar().iter().fold(String::new(), |mut digits, byte| {
            write!(digits, "{byte:02x}").expect("a string takes all");
            digits
        });
        fs::create_dir(own("signatures")).expect("a folder");
        fs::write(own("signatures/test.ndb"), format!("Eicar-Test-Signature:0:0:{digits}\n")).expect("a file");
        let socket = own("clamd.ctl");
        let settings = format!(
            "Foreground yes\nLocalSocket {}\nLocalSocketMode 666\nDatabaseDirectory {}\nPidFile {}\nTemporaryDirectory {}\nMaxThreads 4\nSelfCheck 0\n{more}\n",
            socket.display(),
            own("signatures").display(),
            own("pid").display(),
            folder.path().display()
        );
        fs::write(own("clamd.conf"), settings).expect("a file");
        let mut command = Command::new(program);
        command.arg("--config-file").arg(own("clamd.conf")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("clamd starts");
        let mut running = Self { socket, child, _folder: folder };
        running.await_answer();
        Some(running)
    }

    fn await_answer(&mut self) {
        let started = Instant::now();
        while !self.answers() {
            assert!(self.child.try_wait().expect("a status").is_none(), "clamd ended");
            assert!(started.elapsed() < PATIENCE, "clamd does not answer");
            std::thread::yield_now();
        }
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = UnixStream::connect(&self.socket) else { return false };
        let mut said = String::new();
        stream.write_all(b"zPING\0").is_ok() && stream.read_to_string(&mut said).is_ok() && said.contains("PONG")
    }
}

impl Drop for Clamav {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
