//! A real nginx as a site that speaks HTTP/2. It reaches nothing, and ends when dropped.

use super::in_time;
use super::secure::Authority;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A running nginx.
pub struct Nginx {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    _folder: TempDir,
}

impl Nginx {
    /// Starts one for this name, which says in what version it was asked and ends each connection after twenty requests; `None` where there is none.
    pub fn start(authority: &Authority, name: &str) -> Option<Self> {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::split_paths(&folders).chain([PathBuf::from("/usr/sbin")]).map(|folder| folder.join("nginx")).find(|path| path.is_file())?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let (certificate, key) = authority.certificate_pem(&[name]);
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("a file");
            path.display().to_string()
        };
        let (certificate, key) = (put("certificate.pem", &certificate), put("key.pem", &key));
        let place = folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|kind| format!("{kind}_temp_path {place}/{kind};\n")).concat();
        // What a form holds is counted by a second server, to which the first passes it on once it is whole.
        let form = format!("server {{ listen unix:{place}/form; location / {{ return 200 \"$http_content_length bytes over $http_x_over\"; }} }}");
        let site = format!(
            "server {{ listen {address} ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key}; keepalive_requests 20;\n\
             client_max_body_size 10m; client_body_buffer_size 1m; location / {{ return 200 \"a page over $server_protocol\"; }}\n\
             location /form {{ proxy_pass http://unix:{place}/form:/; proxy_set_header X-Over $server_protocol; }} }}"
        );
        let process = format!("daemon off; master_process off; pid {place}/pid; error_log {place}/error.log; events {{}}");
        let settings = put("nginx.conf", &format!("{process}\nhttp {{\naccess_log off;\n{temporary}{form}\n{site}\n}}\n"));
        let mut command = Command::new(program);
        command.args(["-c", &settings, "-e", "stderr"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("nginx starts");
        let nginx = Self { address, child, _folder: folder };
        in_time("nginx", move || while TcpStream::connect(address).is_err() {});
        Some(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
