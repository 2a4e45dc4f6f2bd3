//! The memory that undoing content codings takes: of all bodies together, and each person's share of it.
//!
//! Sites are asked for codings that take little. What takes much comes from a site that was not asked for it; it has a part of its own, so that it keeps
//! nobody from reading what takes little. Who finds no room waits for it, and is then refused: if it passed unread, whoever took their share first would
//! have the next page unread.

use super::limits::ScanLimits;
use crate::body::coding::{Coding, Codings};
use crate::shares::{Share, Shares, Taker};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Duration, Instant, timeout_at};

/// One permit, in bytes of memory.
const UNIT: usize = 64 << 10;
/// Of all, how much is for codings that take little: one part of so many.
const FOR_SMALL: usize = 4;
/// Of each of the two, how much one person may have: one part of so many.
const SHARE: usize = 4;

/// Memory that was taken, until it is dropped.
#[derive(Debug)]
pub struct Memory {
    _all: OwnedSemaphorePermit,
    _share: Share,
}

/// The memory there is.
pub struct Decoding {
    small: Pool,
    large: Pool,
}

struct Pool {
    units: usize,
    all: Arc<Semaphore>,
    shares: Arc<Shares>,
}

impl Pool {
    /// Of so many units, of which one person may have a part, and so many in any case.
    fn of(units: usize, least: usize) -> Self {
        Self { units, all: Arc::new(Semaphore::new(units)), shares: Shares::of((units / SHARE).max(least.min(units))) }
    }
}

impl Decoding {
    /// As much as the limits say.
    #[must_use]
    pub fn of(limits: &ScanLimits) -> Self {
        let units = limits.memory_mib * ((1 << 20) / UNIT);
        // One body can be read whoever sends it, also by two readers.
        Self { small: Pool::of(units / FOR_SMALL, 2), large: Pool::of(units - units / FOR_SMALL, 2 * Coding::Brotli.memory().div_ceil(UNIT)) }
    }

    fn pool(&self, bytes: usize) -> (&Pool, u32) {
        let pool = if bytes > 2 * Coding::SMALL { &self.large } else { &self.small };
        (pool, u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX))
    }

    /// So many bytes, now or soon; none, where there is no room for them.
    pub async fn take(&self, taker: &Taker, bytes: usize, patience: Duration) -> Option<Memory> {
        let (pool, units) = self.pool(bytes);
        let until = Instant::now() + patience;
        let share = pool.shares.take(taker, units, patience).await?;
        let all = timeout_at(until, pool.all.clone().acquire_many_owned(units)).await.ok()?.ok()?;
        Some(Memory { _all: all, _share: share })
    }

    /// So many bytes now, of what nobody will miss: while half of it is free.
    #[must_use]
    pub fn take_spare(&self, taker: &Taker, bytes: usize) -> Option<Memory> {
        let (pool, units) = self.pool(bytes);
        if pool.all.available_permits() < pool.units / 2 {
            return None;
        }
        let share = pool.shares.take_now(taker, units)?;
        Some(Memory { _all: pool.all.clone().try_acquire_many_owned(units).ok()?, _share: share })
    }

    /// For `readers` of one body in these codings; none, where there is nothing to undo.
    ///
    /// # Errors
    /// If there is no room for it.
    pub async fn take_for(&self, taker: &Taker, codings: &Codings, readers: usize, patience: Duration) -> Result<Option<Memory>, Full> {
        if codings.is_plain() {
            return Ok(None);
        }
        self.take(taker, codings.memory() * readers, patience).await.map(Some).ok_or(Full)
    }
}

/// There is no room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn device(last: u8) -> Taker {
        Taker::of(None, IpAddr::from([10, 0, 0, last]))
    }

    fn of(memory_mib: usize) -> Decoding {
        Decoding::of(&ScanLimits { memory_mib, ..ScanLimits::default() })
    }

    async fn take(decoding: &Decoding, taker: &Taker, bytes: usize) -> Option<Memory> {
        decoding.take(taker, bytes, Duration::ZERO).await
    }

    #[tokio::test]
    async fn a_body_of_any_coding_is_read_by_two_where_there_is_the_least_memory() {
        let decoding = of(ScanLimits::LEAST_MEMORY_MIB);
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
            assert!(take(&decoding, &device(1), 2 * coding.memory()).await.is_some(), "{coding:?}");
        }
    }

    #[tokio::test]
    async fn what_takes_much_leaves_room_for_what_takes_little() {
        let decoding = of(256);
        let mut taken = Vec::new();
        for last in 0..=255 {
            while let Some(memory) = take(&decoding, &device(last), Coding::Brotli.memory()).await {
                taken.push(memory);
            }
        }
        let (most, each) = (192 << 20, Coding::Brotli.memory());
        assert!(taken.len() <= most / each && taken.len() > most / each / 2, "{} at once", taken.len());
        assert!(take(&decoding, &device(7), Coding::SMALL).await.is_some());
    }

    #[tokio::test]
    async fn nobody_takes_all_of_either() {
        let decoding = of(256);
        for bytes in [Coding::SMALL, Coding::Brotli.memory()] {
            let mut taken = Vec::new();
            while let Some(memory) = take(&decoding, &device(1), bytes).await {
                taken.push(memory);
            }
            assert!(!taken.is_empty() && take(&decoding, &device(2), bytes).await.is_some(), "{bytes} bytes each");
        }
    }
}
