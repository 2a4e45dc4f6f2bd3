//! The morning message and the week's summary of a running Usher: when it is time, everything is looked at, and what is due is stated.

use super::health::{Live, Subject};
use super::keeper::again_and_again;
use super::reload::Reloader;
use crate::alert::regular::{Clerk, InForce, Places, RegularError};
use crate::alert::settings::Settings;
use crate::config::Config;
use crate::telemetry::events::DigestFailed;
use crate::tls::ca;
use jiff::Timestamp;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often is asked whether something is due.
const LOOK: Duration = Duration::from_millis(500);
/// How long is waited after a failure.
const AGAIN: Duration = Duration::from_secs(60);

/// Sees to regular messages.
pub(super) struct Regular {
    reloader: Reloader,
    live: Live,
    data: PathBuf,
    alerts: PathBuf,
    authorities: ca::Folder,
    free_disk: u64,
    listens: Option<SocketAddr>,
    secret: [u8; 32],
    settings_path: PathBuf,
    places: Places,
    /// Since when Usher runs.
    since: Timestamp,
    clerk: Option<Clerk>,
    /// The settings that were last held against those before.
    seen: Option<Arc<Settings>>,
    not_before: Option<Instant>,
    is_failing: bool,
}

impl Regular {
    pub(super) fn new(config: &Config, secret: [u8; 32], reloader: Reloader, live: Live, listens: Option<SocketAddr>) -> Self {
        let library = config.library(secret);
        let places = Places { log: config.log(), alerts: config.alerts_path(), outbox: config.outbox_path(), history: library.history_path() };
        Self {
            since: (reloader.clock)(),
            reloader,
            live,
            data: config.data.clone(),
            alerts: config.alerts_path(),
            authorities: config.authorities(),
            free_disk: config.limits.free_disk,
            listens,
            secret,
            settings_path: config.alerts.0.clone(),
            places,
            clerk: None,
            seen: None,
            not_before: None,
            is_failing: false,
        }
    }

    /// Sees to it until it is dropped.
    pub(super) async fn run(self) {
        again_and_again(LOOK, self, Self::turn).await;
    }

    fn turn(&mut self) {
        if self.not_before.is_some_and(|at| Instant::now() < at) {
            return;
        }
        let done = self.try_turn();
        if let Err(error) = &done
            && !self.is_failing
        {
            DigestFailed { error }.emit();
        }
        self.is_failing = done.is_err();
        self.not_before = self.is_failing.then(|| Instant::now() + AGAIN);
    }

    fn try_turn(&mut self) -> Result<(), RegularError> {
        let now = (self.reloader.clock)();
        let mut clerk = match self.clerk.take() {
            Some(clerk) => clerk,
            None => Clerk::begin(self.places.clone(), self.since)?,
        };
        let done = self.write(&mut clerk, now);
        self.clerk = Some(clerk);
        done
    }

    fn write(&mut self, clerk: &mut Clerk, now: Timestamp) -> Result<(), RegularError> {
        let settings = self.reloader.alerts();
        if self.seen.as_ref().is_none_or(|seen| !Arc::ptr_eq(seen, &settings)) {
            // Without a file it says nothing, which is something.
            let text = match std::fs::read_to_string(&self.settings_path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
                text => text?,
            };
            clerk.settings_are(&text, now)?;
            self.seen = Some(settings.clone());
        }
        let snapshot = self.reloader.in_force.get();
        let in_force = InForce { settings: &settings, timetable: &snapshot.timetable, groups: &snapshot.policy.groups };
        clerk.turn(now, in_force, &mut || self.subject().look(now))
    }

    fn subject(&self) -> Subject {
        let standing = self.reloader.standing();
        Subject {
            data: self.data.clone(),
            log: standing.log,
            alerts: self.alerts.clone(),
            authorities: self.authorities.clone(),
            free_disk: self.free_disk,
            listens: self.listens,
            secret: self.secret,
            rulebook: standing.rulebook,
            library: standing.library,
            upstream: standing.upstream,
            snapshot: self.reloader.in_force.get(),
            illegal: self.reloader.watch().standing(),
            live: Some(self.live.clone()),
        }
    }
}
