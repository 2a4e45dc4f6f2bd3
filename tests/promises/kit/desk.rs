//! The place of a list, and fetching into it.

use super::soon;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tokio_rustls::rustls::RootCertStore;
use usher::host::Host;
use usher::library::fetch::{Address, Caps, Delivery, FetchError, Fetched, Progress, Request, Roots, Validators, fetch};
use usher::upstream::{Credentials, Upstream};

/// The place of one list, and how it is fetched.
pub struct Desk {
    /// Where it is.
    pub folder: TempDir,
    /// The limits.
    pub caps: Caps,
    /// Who is trusted.
    pub roots: Roots,
    upstream: Option<Upstream>,
    /// What is known of the list that is there.
    pub known: Validators,
}

impl Desk {
    /// With yesterday's list in its place.
    pub fn new() -> Self {
        let desk = Self {
            folder: tempfile::tempdir().expect("a folder"),
            caps: Caps::default(),
            roots: Roots::Only(Arc::new(RootCertStore::empty())),
            upstream: None,
            known: Validators::default(),
        };
        fs::write(desk.place(), "yesterday").expect("written");
        desk
    }

    /// The list's path.
    pub fn place(&self) -> PathBuf {
        self.folder.path().join("list.txt")
    }

    /// Through a parent proxy.
    pub fn through(mut self, proxy: SocketAddr, credentials: Option<(&str, &str)>) -> Self {
        let credentials = credentials.map(|(user, password)| Credentials { user: user.into(), password: password.into() });
        self.upstream = Some(Upstream { host: Host::from(proxy.ip()), port: proxy.port(), credentials });
        self
    }

    /// Fetches.
    pub async fn fetch(&self, address: &str) -> Result<Fetched, FetchError> {
        self.fetch_telling(address, &mut |_| {}).await
    }

    /// Fetches, telling how it goes on.
    pub async fn fetch_telling(&self, address: &str, told: &mut (dyn FnMut(Progress) + Send)) -> Result<Fetched, FetchError> {
        let address = Address::parse(address, self.folder.path()).expect("an address");
        let place = self.place();
        let request =
            Request { address: &address, validators: &self.known, into: &place, caps: self.caps, upstream: self.upstream.as_ref(), roots: &self.roots };
        soon("a fetch", fetch(request, told)).await
    }

    /// Fetches what must come.
    pub async fn delivers(&self, address: &str) -> Delivery {
        match self.fetch(address).await {
            Ok(Fetched::New(delivery)) => delivery,
            other => panic!("{address}: {other:?}"),
        }
    }

    /// Fetches what must not come, and says what a person is told. What was there before is there.
    pub async fn refuses(&self, address: &str) -> (FetchError, String) {
        let error = self.fetch(address).await.expect_err(address);
        assert_eq!(self.text(), "yesterday", "{error}");
        let text = error.to_string();
        (error, text)
    }

    /// What the list says.
    pub fn text(&self) -> String {
        fs::read_to_string(self.place()).expect("a list is in its place")
    }

    /// The files beside the list.
    pub fn leavings(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> = names.filter(|name| name != "list.txt").collect();
        names.sort();
        names
    }
}
