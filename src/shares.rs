//! A fair share of what there is little of: nobody takes all of it, by accident or on purpose.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// How much each client has taken of something, and how much it may.
#[derive(Debug)]
pub struct Shares {
    taken: Mutex<HashMap<IpAddr, usize>>,
    most: usize,
}

impl Shares {
    /// Each client may have so much of it at a time.
    #[must_use]
    pub fn of(most: usize) -> Arc<Self> {
        Arc::new(Self { taken: Mutex::default(), most })
    }

    /// So much of it for a client, until it is dropped; nothing, if that is more than its share.
    #[must_use]
    pub fn take(self: &Arc<Self>, client: IpAddr, amount: usize) -> Option<Share> {
        let mut taken = self.taken.lock();
        let of_client = taken.get(&client).copied().unwrap_or_default().saturating_add(amount);
        (of_client <= self.most).then(|| {
            taken.insert(client, of_client);
            Share { of: self.clone(), client, amount }
        })
    }
}

/// What a client has taken.
#[derive(Debug)]
pub struct Share {
    of: Arc<Shares>,
    client: IpAddr,
    amount: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.of.taken.lock();
        if let Some(of_client) = taken.get_mut(&self.client) {
            *of_client -= self.amount;
            if *of_client == 0 {
                taken.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_more_than_a_share_and_what_is_given_back_is_forgotten() {
        let (shares, one, other) = (Shares::of(3), IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let first = shares.take(one, 2).expect("a share");
        assert!(shares.take(one, 2).is_none() && shares.take(other, 3).is_some());
        let second = shares.take(one, 1).expect("the rest of it");
        drop(first);
        assert!(shares.take(one, 2).is_some());
        drop(second);
        assert!(shares.taken.lock().is_empty());
    }
}
