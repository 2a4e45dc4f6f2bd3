//! What a certificate for a host costs: minted for the first connection to it, and looked up for every other.
//!
//! `first` is a mint with all that a TLS server of the host needs; `kept` goes round hosts whose leaves are ready. The targets are 2 ms and 50 µs.

mod names;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use std::hint::black_box;
use std::sync::Arc;
use usher::host::Host;
use usher::tls::ca::{Authority, Kept, Plan};
use usher::tls::leaves::Leaves;
use usher::tls::mint::{LeafKey, mint};

/// Hosts of one round: as many as are kept.
const HOSTS: usize = 8192;

fn authority() -> Arc<Authority> {
    let plan = Plan { name: "Example School web filter".to_owned(), years: 1, never: Vec::new() };
    Arc::new(Kept::create(&plan, Timestamp::now()).and_then(|kept| Ok(kept.authority()?)).expect("an authority"))
}

fn hosts() -> Vec<Host> {
    names::names(HOSTS).iter().map(|name| Host::parse(name).expect("a host")).collect()
}

fn leaf(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("leaf");
    let (authority, hosts, now) = (authority(), hosts(), Timestamp::now());
    let key = LeafKey::generate().expect("a key");
    let mut round = hosts.iter().cycle();
    group.bench_function("minted", |bencher| bencher.iter(|| mint(&authority, &key, black_box(round.next().expect("a host")), now).expect("minted")));
    let fresh = || Leaves::new(authority.clone()).expect("leaves");
    group.bench_function("first", |bencher| {
        bencher.iter_batched(fresh, |leaves| leaves.of(black_box(&hosts[0]), now).expect("minted"), BatchSize::SmallInput);
    });
    // Twice the room, so that all of them are there however they spread over its parts.
    let leaves = Leaves::with_room(authority.clone(), 2 * HOSTS).expect("leaves");
    hosts.iter().for_each(|host| drop(leaves.of(host, now).expect("minted")));
    group.bench_function("kept", |bencher| bencher.iter(|| leaves.of(black_box(round.next().expect("a host")), now).expect("kept")));
    group.finish();
}

criterion_group!(benches, leaf);
criterion_main!(benches);
