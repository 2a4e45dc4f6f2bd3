//! Asking publishers: everybody at once, each told of as it ends.

use super::fetch::{self, Fetched, Progress, Roots};
use super::source::Source;
use super::state::Last;
use super::update::{Candidate, Teller, Told};
use super::{Library, LibraryError, Order, trust};
use crate::files;
use crate::upstream::Upstream;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use tokio::sync::mpsc;

/// Steps of fetches on their way to whoever shows them; one that finds no room is not shown.
const STEPS: usize = 256;

impl Library {
    /// Fetches from everybody at once.
    pub(super) fn fetch_all(
        &self,
        wanted: &[&Source],
        upstream: Option<&Upstream>,
        order: &Order,
        told: Teller<'_>,
    ) -> Result<(Vec<Candidate>, BTreeMap<String, Last>), LibraryError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(self.fail())?;
        let (steps, mut news) = mpsc::channel(STEPS);
        let mut fetches = tokio::task::JoinSet::new();
        for source in wanted.iter().filter(|source| source.is_fetched()) {
            let folder = self.kept().join(&source.name);
            files::private_folder(&folder).map_err(self.fail())?;
            let state = self.state(&source.name)?;
            // Without the list it speaks of, "unchanged" would say nothing.
            let validators = if folder.join("list").exists() { state.validators } else { fetch::Validators::default() };
            let job = Job { source: (*source).clone(), upstream: upstream.cloned(), validators, into: folder.join("incoming"), steps: steps.clone() };
            fetches.spawn_on(job.run(), runtime.handle());
        }
        drop(steps);
        let mut candidates = Vec::new();
        let mut asked = BTreeMap::new();
        runtime.block_on(async {
            loop {
                tokio::select! {
                    Some((source, progress)) = news.recv() => told(Told::Fetching { source: &source, progress }),
                    // A fetch that panicked has told of it.
                    Some(Ok((source, outcome))) = fetches.join_next() => {
                        let last = match outcome {
                            Ok(Some(candidate)) => {
                                candidates.push(candidate);
                                Last::Updated
                            }
                            Ok(None) => Last::Unchanged,
                            Err(why) => Last::Failed(why),
                        };
                        told(Told::Fetched { source: &source, last: &last });
                        asked.insert(source, last);
                    }
                    else => break,
                }
            }
        });
        for (name, last) in asked.iter().filter(|(_, last)| !matches!(last, Last::Updated)) {
            self.note_state(name, last, order)?;
        }
        Ok((candidates, asked))
    }
}

/// One fetch, with all it needs.
struct Job {
    source: Source,
    upstream: Option<Upstream>,
    validators: fetch::Validators,
    into: PathBuf,
    steps: mpsc::Sender<(String, Progress)>,
}

impl Job {
    async fn run(self) -> (String, Result<Option<Candidate>, String>) {
        let outcome = self.fetch().await;
        (self.source.name, outcome)
    }
}

impl Job {
    /// The candidate, if there is a new one. The error is for people.
    async fn fetch(&self) -> Result<Option<Candidate>, String> {
        let Source { address, caps, check, name, .. } = &self.source;
        let mut told = |progress| {
            // A step that finds no room is one that nobody would have seen.
            let _ = self.steps.try_send((name.clone(), progress));
        };
        let request =
            |address, validators, into, caps| fetch::Request { address, validators, into, caps, upstream: self.upstream.as_ref(), roots: &Roots::System };
        let fetched = fetch::fetch(request(address, &self.validators, &self.into, *caps), &mut told).await;
        let Fetched::New(delivery) = fetched.map_err(|error| error.to_string())? else { return Ok(None) };
        if let Some(check) = check {
            let beside = self.into.with_extension("proof");
            let proof = match check.proof_of(address) {
                None => Vec::new(),
                Some(proof) => {
                    let few = fetch::Caps { bytes: trust::PROOF, ..*caps };
                    let none = fetch::Validators::default();
                    fetch::fetch(request(&proof, &none, &beside, few), &mut |_| {}).await.map_err(|error| error.to_string())?;
                    fs::read(&beside).map_err(|error| error.to_string())?
                }
            };
            check.verify(&self.into, &address.file_name(), &proof).map_err(|error| error.to_string())?;
        }
        Ok(Some(Candidate { source: name.clone(), file: self.into.clone(), validators: delivery.validators }))
    }
}
