//! What the traffic was, in a table: shares, how many different hosts and paths, how long paths are.
//!
//! Different ones are counted by a 64-bit hash each, which takes memory: for some millions, not for a hundred.

use super::Exchange;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use usher::audit::Verdict;

/// The longest path that is told from longer ones.
const LONGEST: usize = 4096;

/// What was counted.
pub struct Summary {
    /// Requests.
    pub requests: u64,
    /// By class.
    pub classes: BTreeMap<&'static str, u64>,
    /// By kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Those that were blocked.
    pub blocked: u64,
    hosts: HashSet<u64>,
    paths: HashSet<u64>,
    users: HashSet<u64>,
    agents: HashSet<u64>,
    entries: HashSet<u64>,
    lengths: Vec<u64>,
}

impl Default for Summary {
    fn default() -> Self {
        let (classes, kinds) = (BTreeMap::new(), BTreeMap::new());
        let [hosts, paths, users, agents, entries] = std::array::from_fn(|_| HashSet::new());
        Self { requests: 0, classes, kinds, blocked: 0, hosts, paths, users, agents, entries, lengths: vec![0; LONGEST + 1] }
    }
}

impl Summary {
    /// Counts one.
    pub fn add(&mut self, exchange: &Exchange) {
        let opening = &exchange.opening;
        self.requests += 1;
        *self.classes.entry(opening.class.as_str()).or_default() += 1;
        *self.kinds.entry(opening.kind.as_str()).or_default() += 1;
        self.blocked += u64::from(opening.verdict == Verdict::Blocked);
        self.hosts.insert(hash(&opening.host));
        self.paths.insert(hash(&(&opening.host, &opening.path)));
        self.users.extend(opening.user.as_deref().map(|user| hash(&user)));
        self.agents.extend(opening.agent.as_deref().map(|agent| hash(&agent)));
        self.entries.extend(opening.entry.as_ref().map(|entry| hash(&entry.text)));
        self.lengths[opening.path.len().min(LONGEST)] += 1;
    }

    /// The share of a class, of 1.
    pub fn class(&self, name: &str) -> f64 {
        self.share(self.classes.get(name).copied().unwrap_or_default())
    }

    /// The share of a kind, of 1.
    pub fn kind(&self, name: &str) -> f64 {
        self.share(self.kinds.get(name).copied().unwrap_or_default())
    }

    /// A share of all requests.
    pub fn share(&self, count: u64) -> f64 {
        count as f64 / self.requests.max(1) as f64
    }

    /// The length that so many of a hundred paths are not over.
    pub fn path_length(&self, percent: u64) -> usize {
        let mut left = self.requests * percent / 100;
        let over = |count: &u64| {
            let here = left < *count;
            left = left.saturating_sub(*count);
            here
        };
        self.lengths.iter().position(over).unwrap_or(LONGEST)
    }

    /// Paths of a thousand bytes and more.
    pub fn long_paths(&self) -> u64 {
        self.lengths[1000..].iter().sum()
    }

    /// Different users, agents, and entries that blocked.
    pub fn different(&self) -> (usize, usize, usize) {
        (self.users.len(), self.agents.len(), self.entries.len())
    }

    /// Different hosts.
    pub fn hosts(&self) -> usize {
        self.hosts.len()
    }

    fn mean_path(&self) -> f64 {
        let bytes: u64 = self.lengths.iter().zip(0u64..).map(|(count, length)| count * length).sum();
        bytes as f64 / self.requests.max(1) as f64
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "requests              {:>12}", self.requests)?;
        for (name, count) in &self.classes {
            writeln!(f, "  class {name:<12}  {count:>12}  {:5.1} %", 100.0 * self.class(name))?;
        }
        for (name, count) in &self.kinds {
            writeln!(f, "  kind {name:<13}  {count:>12}  {:5.1} %", 100.0 * self.kind(name))?;
        }
        writeln!(f, "  blocked             {:>12}  {:5.1} %", self.blocked, 100.0 * self.share(self.blocked))?;
        let (users, agents, entries) = self.different();
        writeln!(f, "different users       {users:>12}")?;
        writeln!(f, "different agents      {agents:>12}")?;
        writeln!(f, "different hosts       {:>12}", self.hosts())?;
        writeln!(f, "different paths       {:>12}  {:5.1} %", self.paths.len(), 100.0 * self.share(self.paths.len() as u64))?;
        writeln!(f, "different entries     {entries:>12}")?;
        let [half, most] = [50, 95].map(|percent| self.path_length(percent));
        writeln!(f, "path bytes            {:>12.1}  median {half}, 95th {most}, 1,000 and more: {}", self.mean_path(), self.long_paths())
    }
}
