//! How fast one client may ask: a bucket of tokens for each address.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use http::HeaderMap;
use service_kit::PeerAddress;

/// Locks, so that clients seldom wait for each other.
const SHARDS: usize = 16;
/// Clients of a shard that are remembered; a full shard forgets those whose bucket is full again.
const CLIENTS_MAX: usize = 4096;
/// How many seconds' worth may be asked for at once.
const BURST_S: f64 = 2.0;

pub(crate) struct Limits {
    /// Tokens a second; 0 is no limit.
    rate: f64,
    shards: Vec<Mutex<HashMap<IpAddr, Bucket>>>,
    hasher: RandomState,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
    /// Tokens that were taken and that other instances have not been told of.
    untold: u32,
}

impl Limits {
    pub(crate) fn new(per_second: u32) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self {
            rate: f64::from(per_second),
            shards,
            hasher: RandomState::new(),
        }
    }

    /// Whether this client may ask now.
    pub(crate) fn admits(&self, client: IpAddr, now: Instant) -> bool {
        // A client on this machine is a proxy that says nothing of its clients, or a test: it is no flood from outside.
        if self.rate == 0.0 || client.is_loopback() {
            return true;
        }
        let mut shard = self.shards[self.place(client)]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let most = self.rate * BURST_S;
        let filled = |bucket: &Bucket| {
            (bucket.tokens + now.saturating_duration_since(bucket.at).as_secs_f64() * self.rate).min(most)
        };
        if shard.len() >= CLIENTS_MAX {
            shard.retain(|_, bucket| filled(bucket) < most);
            if shard.len() >= CLIENTS_MAX {
                shard.clear();
            }
        }
        let bucket = shard.entry(client).or_insert(Bucket {
            tokens: most,
            at: now,
            untold: 0,
        });
        let tokens = filled(bucket);
        let admitted = tokens >= 1.0;
        let taken = u32::from(admitted);
        *bucket = Bucket {
            tokens: tokens - f64::from(taken),
            at: now,
            untold: bucket.untold.saturating_add(taken),
        };
        admitted
    }

    /// What each client took since this was last asked for.
    #[cfg(any(feature = "redis", test))]
    pub(crate) fn untold(&self) -> Vec<(IpAddr, u32)> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for (client, bucket) in shard.iter_mut().filter(|(_, bucket)| bucket.untold > 0) {
                all.push((*client, std::mem::take(&mut bucket.untold)));
            }
        }
        all
    }

    /// A client took so many tokens at other instances.
    #[cfg(any(feature = "redis", test))]
    pub(crate) fn taken_elsewhere(&self, client: IpAddr, tokens: u32) {
        let mut shard = self.shards[self.place(client)]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = shard.get_mut(&client) {
            // At most a burst of debt, so that nobody is shut out for long.
            bucket.tokens = (bucket.tokens - f64::from(tokens)).max(-self.rate * BURST_S);
        }
    }

    fn place(&self, client: IpAddr) -> usize {
        usize::try_from(self.hasher.hash_one(client) % SHARDS as u64).unwrap_or(0)
    }
}

/// The client's address. A forwarded one counts only from a peer in a private network (our own load balancer), and there
/// only the last entry, which that peer wrote itself: what a client puts in front of it is ignored.
pub(crate) fn client(peer: Option<&PeerAddress>, headers: &HeaderMap) -> IpAddr {
    let unknown = IpAddr::from([127, 0, 0, 1]);
    let peer = peer.map_or(unknown, |peer| peer.0.ip().to_canonical());
    let ours = match peer {
        IpAddr::V4(address) => address.is_private() || address.is_loopback(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    };
    if !ours {
        return peer;
    }
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
    let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    last.unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_client_that_asks_too_fast_is_held_back_and_others_are_not() {
        let limits = Limits::new(10);
        let (one, other) = (IpAddr::from([203, 0, 113, 1]), IpAddr::from([203, 0, 113, 2]));
        let start = Instant::now();
        let admitted = (0..100).filter(|_| limits.admits(one, start)).count();
        assert_eq!(admitted, 20);
        assert!(limits.admits(other, start));
        let later = start + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| limits.admits(one, later)).count(), 10);
        let unlimited = Limits::new(0);
        assert!((0..100).all(|_| unlimited.admits(one, start)));

        let mut untold = limits.untold();
        untold.sort_unstable();
        assert_eq!(untold, [(one, 30), (other, 1)]);
        assert!(limits.untold().is_empty(), "each is told once");
        limits.taken_elsewhere(other, 15);
        let much_later = start + Duration::from_secs(1);
        let admitted = (0..100).filter(|_| limits.admits(other, much_later)).count();
        assert_eq!(
            admitted, 14,
            "20 less one here and 15 elsewhere, and 10 of a second"
        );
    }

    #[test]
    fn what_a_client_says_of_itself_is_not_believed() {
        let peer = |text: &str| Some(PeerAddress(text.parse().unwrap()));
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "198.51.100.7, 203.0.113.9".parse().unwrap());
        let cases = [
            ("8.8.8.8:1", "8.8.8.8"),
            ("10.0.0.5:1", "203.0.113.9"),
            ("[::ffff:127.0.0.1]:1", "203.0.113.9"),
        ];
        for (from, expected) in cases {
            assert_eq!(
                client(peer(from).as_ref(), &headers).to_string(),
                expected,
                "{from}"
            );
        }
    }
}
