//! Policy, lists and users, read anew and put in force whole or not at all.

use super::watch::Watch;
use super::{AppError, apart, bring_up, compose, no_inspector, own_order};
use crate::alert::settings::Settings as Alerts;
use crate::audit::Folder;
use crate::audit::retention::Keep;
use crate::config::{Config, Rulebook};
use crate::identity::local::{Checker, Users};
use crate::library::parent_check::Pages;
use crate::library::{Library, LibraryError};
use crate::proxy::{Clock, Inspector};
use crate::snapshot::{InForce, SnapshotId};
use crate::telemetry::events;
use crate::upstream::Upstream;
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// Reads policy, lists and users anew, and puts them in force whole or not at all.
#[derive(Clone)]
pub struct Reloader {
    path: PathBuf,
    secret: [u8; 32],
    pub(super) in_force: Arc<InForce>,
    checker: Arc<Checker>,
    watch: Arc<Watch>,
    pub(super) clock: Clock,
    /// What https is looked into with, if it can be.
    inspector: Option<Arc<Inspector>>,
    /// What was read last and is in force. Whoever changes what is in force holds it meanwhile.
    standing: Arc<Mutex<Standing>>,
}

/// What a reloader changes.
pub(super) struct Parts {
    pub(super) in_force: Arc<InForce>,
    pub(super) checker: Arc<Checker>,
    pub(super) watch: Arc<Watch>,
    pub(super) clock: Clock,
    pub(super) inspector: Option<Arc<Inspector>>,
}

/// What the lists are kept by.
#[derive(Clone)]
pub(super) struct Standing {
    pub(super) rulebook: Arc<Rulebook>,
    pub(super) library: Library,
    pub(super) upstream: Option<Upstream>,
    /// The pages a parent proxy must block.
    pub(super) pages: Pages,
    /// The database of the record, for events.
    pub(super) log: Folder,
    /// How long records are kept.
    pub(super) keep: Keep,
}

impl Standing {
    fn new(config: &Config, secret: [u8; 32], rulebook: Arc<Rulebook>) -> Self {
        Self {
            rulebook,
            library: config.library(secret),
            upstream: config.upstream().cloned(),
            pages: config.parent_pages.clone(),
            log: config.log(),
            keep: config.keep,
        }
    }
}

impl Reloader {
    pub(super) fn new(config: &Config, secret: [u8; 32], parts: Parts, rulebook: Arc<Rulebook>) -> Self {
        let Parts { in_force, checker, watch, clock, inspector } = parts;
        let standing = Standing::new(config, secret, rulebook);
        Self { path: config.path.clone(), secret, in_force, checker, watch, clock, inspector, standing: Arc::new(Mutex::new(standing)) }
    }

    /// What the lists are kept by now.
    pub(super) fn standing(&self) -> Standing {
        self.standing.lock().clone()
    }

    /// Who is told of what, and how matters are weighed, as it was read last.
    #[must_use]
    pub fn alerts(&self) -> Arc<Alerts> {
        self.standing.lock().rulebook.alerts.clone()
    }

    /// Whoever looks after the illegal tier.
    pub(super) fn watch(&self) -> Arc<Watch> {
        self.watch.clone()
    }

    /// Reloads, off the threads that serve. What is wrong is told, and what was in force stays in force. A bad feed of illegal content does not keep
    /// the rest from being taken up: its last good one stays.
    pub async fn reload(&self) -> Result<SnapshotId, AppError> {
        let started = Instant::now();
        let this = self.clone();
        let read = tokio::task::spawn_blocking(move || apart(|| this.read_anew())).await;
        match read.unwrap_or_else(|error| Err(AppError::Resolver(error.to_string()))) {
            Ok((id, entries)) => {
                events::Reloaded { snapshot: id.to_string(), entries, took_ms: started.elapsed().as_millis() }.emit();
                Ok(id)
            }
            Err(error) => {
                events::ReloadRefused { problems: &error.to_string() }.emit();
                Err(error)
            }
        }
    }

    fn read_anew(&self) -> Result<(SnapshotId, usize), AppError> {
        let mut standing = self.standing.lock();
        let config = Config::load(&self.path)?;
        let users = Users::load(&config.users_path())?;
        let rulebook = Arc::new(config.rulebook()?);
        let is_inspected = rulebook.school.policy.inspected().next().is_some();
        if self.inspector.is_none() && is_inspected {
            return Err(no_inspector(&config, &rulebook.school.policy, (self.clock)()));
        }
        let library = config.library(self.secret);
        let (snapshot, stock) = bring_up(&library, &rulebook, &own_order((self.clock)(), "files changed"))?;
        // The last that may fail: whom the school believes changes with all else, or not at all.
        if let Some(inspector) = &self.inspector {
            match inspector.origins.replace(config.origins.clone(), rulebook.school.timetable.zone.clone()) {
                Ok(_) => {}
                // Nobody is looked into, so nobody is believed: all else need not wait for that to be mended.
                Err(error) if !is_inspected => events::AuthorityUnusable { error: &error.to_string() }.emit(),
                Err(error) => return Err(error.into()),
            }
            if let Err(error) = inspector.memory.pins.refresh((self.clock)()) {
                events::PinsUnusable { error: &error }.emit();
            }
        }
        stock.remarks.iter().for_each(|remark| events::ListsRemark { remark }.emit());
        self.checker.replace(users);
        *standing = Standing::new(&config, self.secret, rulebook);
        let id = self.watch.put_in_force(&snapshot, config.illegal, &self.in_force);
        Ok((id, snapshot.lists.len()))
    }

    /// Takes up the lists that are in force in the library, as when another program updated them, with policy and users as they are. `None` if they
    /// are in force already.
    pub(super) fn take_up(&self) -> Result<Option<(SnapshotId, usize)>, AppError> {
        let standing = self.standing.lock();
        let books = standing.rulebook.books();
        let shelf = standing.library.in_force(&books)?.ok_or(LibraryError::NoGeneration(0))?;
        let lists = standing.library.with_own(shelf.lists, &books, (self.clock)())?;
        let rules = compose(&standing.rulebook, lists, &mut Vec::new());
        if rules.rules == self.in_force.peek().rules {
            return Ok(None);
        }
        Ok(Some((self.watch.put_rules(&rules, &self.in_force), rules.lists.len())))
    }
}
