//! From a name to its addresses: those the configuration knows, else the system's name servers, remembered for a while.
//!
//! An answer is kept as long as its records say, within limits; that there is none is kept for some seconds, so that a page that asks for a
//! missing name fifty times costs one question. The resolver's own cache forgets "no IPv6 address" answers that come without an SOA record, which
//! many school name servers give; this one does not ask again for half of every name.

use super::dial::DialError;
use super::limits::{NAME_KEPT_LEAST, NAME_KEPT_MOST, NAMES_KEPT, NO_NAME_KEPT};
use crate::host::Host;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is known of a name until some moment.
#[derive(Clone)]
struct Known {
    addresses: Result<Arc<[IpAddr]>, Arc<str>>,
    until: Instant,
}

/// What is known of names, for all workers.
pub struct KnownNames {
    fixed: HashMap<Host, Arc<[IpAddr]>>,
    asked: Mutex<HashMap<Host, Known>>,
}

impl KnownNames {
    /// Only `fixed` is known, and stays known.
    #[must_use]
    pub fn new(fixed: HashMap<Host, Vec<IpAddr>>) -> Self {
        let fixed = fixed.into_iter().map(|(host, addresses)| (host, addresses.into())).collect();
        Self { fixed, asked: Mutex::default() }
    }

    fn get(&self, host: &Host) -> Option<Known> {
        self.asked.lock().get(host).filter(|known| known.until > Instant::now()).cloned()
    }

    fn keep(&self, host: &Host, known: Known) {
        let mut asked = self.asked.lock();
        if asked.len() >= NAMES_KEPT {
            asked.retain(|_, known| known.until > Instant::now());
        }
        if asked.len() >= NAMES_KEPT {
            asked.clear();
        }
        asked.insert(host.clone(), known);
    }
}

/// Resolves names for one worker.
pub struct Names {
    resolver: TokioResolver,
    known: Arc<KnownNames>,
}

impl Names {
    /// A resolver that asks the system's name servers for what is not `known`, each for at most `limit`.
    ///
    /// # Errors
    /// If the system's resolver settings cannot be read.
    pub fn new(known: Arc<KnownNames>, limit: Duration) -> Result<Self, String> {
        let mut builder = TokioResolver::builder_tokio().map_err(|error| error.to_string())?;
        let options = builder.options_mut();
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.timeout = limit / 2;
        // What is known is kept here.
        options.cache_size = 0;
        let resolver = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { resolver, known })
    }

    /// The addresses of a host, in the order they were given.
    pub async fn resolve(&self, host: &Host) -> Result<Arc<[IpAddr]>, DialError> {
        if let Some(address) = host.address() {
            return Ok([address].into());
        }
        if let Some(fixed) = self.known.fixed.get(host) {
            return Ok(fixed.clone());
        }
        let known = match self.known.get(host) {
            Some(known) => known,
            // Boxed because a resolver's state is large, and most names are known.
            None => Box::pin(self.ask(host)).await,
        };
        known.addresses.map_err(|error| DialError::Resolve { host: host.clone(), error: error.to_string() })
    }

    /// The addresses of a host that are known without asking anybody, also of `localhost` (RFC 6761 section 6.3); empty if none is.
    pub fn known(&self, host: &Host) -> Arc<[IpAddr]> {
        if let Some(address) = host.address() {
            return [address].into();
        }
        if let Some(fixed) = self.known.fixed.get(host) {
            return fixed.clone();
        }
        let is_local = host.suffixes().last() == Some("localhost");
        if is_local { [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()].into() } else { [].into() }
    }

    async fn ask(&self, host: &Host) -> Known {
        // A name with a dot is whole: the final dot keeps the resolver from trying it below the school's own domains.
        let name = if host.as_str().contains('.') { format!("{host}.") } else { host.to_string() };
        let now = Instant::now();
        let known = match self.resolver.lookup_ip(name).await {
            Ok(found) => Known { until: found.valid_until().clamp(now + NAME_KEPT_LEAST, now + NAME_KEPT_MOST), addresses: Ok(found.iter().collect()) },
            Err(error) => Known { until: now + NO_NAME_KEPT, addresses: Err(reason(&error.to_string()).into()) },
        };
        self.known.keep(host, known.clone());
        known
    }
}

/// What the resolver said, as far as it means something to a person.
fn reason(error: &str) -> &str {
    if error.contains("no records found") { "there is no such name" } else { error.split(" for Query").next().unwrap_or(error) }
}
