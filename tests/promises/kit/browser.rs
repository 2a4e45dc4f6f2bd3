//! A real browser behind the proxy: Chromium, told what to do over its debugging pipe (the Chrome DevTools Protocol). It reaches nothing but the
//! proxy, and ends when the pipe does.

use super::PATIENCE;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use tempfile::TempDir;

/// It keeps to itself: a profile that is thrown away, no updates, no calls home; also what is at this machine's own addresses goes through the proxy.
const ARGUMENTS: &[&str] = &[
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-domain-reliability",
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,NetworkTimeServiceQuerying,OptimizationHints,MediaRouter,Translate",
    "--no-pings",
    "--password-store=basic",
    "--lang=en-GB",
    "--proxy-bypass-list=<-loopback>",
];

/// A browser with one page open.
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: mpsc::Receiver<Value>,
    /// What it told meanwhile.
    events: VecDeque<Value>,
    session: Option<String>,
    calls: u64,
    _profile: TempDir,
}

impl Browser {
    /// Starts one; `None` where there is none.
    pub fn behind(proxy: SocketAddr) -> Option<Self> {
        Self::start(proxy, tempfile::tempdir().expect("a temporary folder"))
    }

    /// Starts one that trusts these authorities; `None` where there is none, or nothing to install them with (NSS's `certutil`).
    pub fn trusting(pems: &[&str], proxy: SocketAddr) -> Option<Self> {
        let home = tempfile::tempdir().expect("a temporary folder");
        let store = home.path().join(".pki/nssdb");
        fs::create_dir_all(&store).expect("a folder");
        let store = format!("sql:{}", store.display());
        let certutil = |arguments: &[&str]| Command::new("certutil").args(["-d", &store]).args(arguments).output().ok().map(|output| output.status.success());
        certutil(&["-N", "--empty-password"]).filter(|made| *made)?;
        for (number, pem) in pems.iter().enumerate() {
            let file = home.path().join(format!("{number}.pem"));
            fs::write(&file, pem).expect("a file");
            let (nick, file) = (format!("authority {number}"), file.display().to_string());
            assert_eq!(certutil(&["-A", "-t", "C,,", "-n", &nick, "-i", &file]), Some(true));
        }
        Self::start(proxy, home)
    }

    fn start(proxy: SocketAddr, profile: TempDir) -> Option<Self> {
        let program = found()?;
        // It reads file 3 and writes file 4.
        let mut command = Command::new("sh");
        // Where it looks for authorities.
        command.env("HOME", profile.path());
        command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1"]).arg(program).args(ARGUMENTS);
        command.arg(format!("--proxy-server=http://{proxy}")).arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        let (to, out) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let mut browser = Self { child, to, from: listen(out), events: VecDeque::new(), session: None, calls: 0, _profile: profile };
        browser.open_a_page();
        Some(browser)
    }

    fn open_a_page(&mut self) {
        let target = self.call("Target.createTarget", &json!({ "url": "about:blank" }))["targetId"].clone();
        let session = self.call("Target.attachToTarget", &json!({ "targetId": target, "flatten": true }))["sessionId"].clone();
        self.session = session.as_str().map(str::to_owned);
        self.call("Page.enable", &json!({}));
    }

    /// Goes to a page and waits until it is there with all its parts; or says what the browser says is wrong.
    pub fn go(&mut self, url: &str) -> Result<(), String> {
        self.events.clear();
        let answer = self.call("Page.navigate", &json!({ "url": url }));
        if let Some(error) = answer["errorText"].as_str() {
            return Err(error.to_owned());
        }
        self.wait_for("Page.loadEventFired");
        Ok(())
    }

    /// Clicks on the first of these, and waits for the page it leads to.
    pub fn click(&mut self, selector: &str) {
        self.events.clear();
        self.value(&format!("document.querySelector({selector:?}).click()"));
        self.wait_for("Page.loadEventFired");
    }

    /// What a script in the page comes to.
    pub fn value(&mut self, script: &str) -> Value {
        let answer = self.call("Runtime.evaluate", &json!({ "expression": script, "awaitPromise": true, "returnByValue": true }));
        assert!(answer["exceptionDetails"].is_null(), "{script}: {answer}");
        answer["result"]["value"].clone()
    }

    /// The words a person sees on the page.
    pub fn words(&mut self) -> String {
        self.value("document.body.innerText").as_str().expect("a page").to_owned()
    }

    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.calls += 1;
        let mut message = json!({ "id": self.calls, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        write!(self.to, "{message}\0").and_then(|()| self.to.flush()).expect("the browser listens");
        loop {
            let told = self.next(method);
            if told["id"] == self.calls {
                assert!(told["error"].is_null(), "{method}: {told}");
                return told["result"].clone();
            }
            self.events.push_back(told);
        }
    }

    fn wait_for(&mut self, event: &str) {
        while self.events.pop_front().is_none_or(|told| told["method"] != event) {
            if self.events.is_empty() {
                let told = self.next(event);
                self.events.push_back(told);
            }
        }
    }

    fn next(&self, what: &str) -> Value {
        self.from.recv_timeout(PATIENCE * 3).unwrap_or_else(|_| panic!("{what}: the browser says nothing"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The browser of this machine: `USHER_CHROMIUM`, or the first of the usual names.
fn found() -> Option<PathBuf> {
    if let Some(named) = env::var_os("USHER_CHROMIUM") {
        return Some(named.into());
    }
    let folders: Vec<_> = env::split_paths(&env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

/// Its messages, each ended by a zero byte.
fn listen(out: ChildStdout) -> mpsc::Receiver<Value> {
    let (to, from) = mpsc::channel();
    std::thread::spawn(move || {
        for message in BufReader::new(out).split(0).map_while(Result::ok) {
            let told = serde_json::from_slice(&message).expect("the browser speaks JSON");
            if to.send(told).is_err() {
                return;
            }
        }
    });
    from
}
