//! What outlives a table: counts of a track; health, load and idle connections of a target.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use crate::counters::Counters;
use crate::health;
use crate::message::Health;
use crate::table::{Audience, Probe, Target};
use crate::upstream::{Link, Pool};

/// Counts of one track of one service of one table.
pub(crate) struct TrackState {
    pub(crate) table: String,
    pub(crate) service: String,
    pub(crate) track: String,
    in_flight: AtomicU64,
    tunnels: AtomicU64,
    counters: [Counters; Audience::ALL.len()],
    quiet: Arc<Notify>,
    /// What becomes of customers' tunnels, and of the others'.
    customers: watch::Sender<Retirement>,
    others: watch::Sender<Retirement>,
}

/// What becomes of a track's tunnels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retirement {
    /// They live on.
    Not,
    /// They end after so long.
    After(Duration),
    /// They end.
    Now,
}

impl TrackState {
    pub(super) fn new(table: &str, service: &str, track: &str, quiet: Arc<Notify>) -> Self {
        Self {
            table: table.to_owned(),
            service: service.to_owned(),
            track: track.to_owned(),
            in_flight: AtomicU64::new(0),
            tunnels: AtomicU64::new(0),
            counters: std::array::from_fn(|_| Counters::default()),
            quiet,
            customers: watch::Sender::new(Retirement::Not),
            others: watch::Sender::new(Retirement::Not),
        }
    }

    pub(crate) fn counters(&self, audience: Audience) -> &Counters {
        match audience {
            Audience::Customers => &self.counters[0],
            Audience::Preview => &self.counters[1],
            Audience::Internal => &self.counters[2],
        }
    }

    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::SeqCst)
    }

    pub(crate) fn tunnels(&self) -> u64 {
        self.tunnels.load(Ordering::SeqCst)
    }

    pub(crate) fn enter(&self) {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn exit(&self) {
        if self.in_flight.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.quiet.notify_waiters();
        }
    }

    pub(crate) fn open_tunnel(&self) {
        self.tunnels.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn close_tunnel(&self) {
        if self.tunnels.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.quiet.notify_waiters();
        }
    }

    /// The track has lost its weight, or has one again.
    pub(super) fn retire_customers(&self, how: Retirement) {
        self.customers
            .send_if_modified(|now| std::mem::replace(now, how) != how);
    }

    /// The track has left the table, or is there again.
    pub(super) fn retire_others(&self, how: Retirement) {
        self.others
            .send_if_modified(|now| std::mem::replace(now, how) != how);
    }

    pub(crate) fn retirement(&self, audience: Audience) -> watch::Receiver<Retirement> {
        match audience {
            Audience::Customers => self.customers.subscribe(),
            Audience::Preview | Audience::Internal => self.others.subscribe(),
        }
    }
}

/// One instance as the proxy sees it.
pub(crate) struct TargetState {
    pub(crate) spec: Target,
    pub(crate) probe: Probe,
    pub(crate) in_flight: AtomicU32,
    health: AtomicU8,
    because: Mutex<String>,
    pub(crate) pool: Pool,
    gone: AtomicBool,
    prober: OnceLock<AbortHandle>,
}

const UNKNOWN: u8 = 0;
const HEALTHY: u8 = 1;
const UNHEALTHY: u8 = 2;

impl TargetState {
    /// A target whose probing begins now; to be called where tasks can be spawned.
    pub(super) fn start(spec: Target, probe: Probe, workers: usize) -> Arc<Self> {
        let target = Arc::new(Self {
            spec,
            probe,
            in_flight: AtomicU32::new(0),
            health: AtomicU8::new(UNKNOWN),
            because: Mutex::default(),
            pool: Pool::new(workers),
            gone: AtomicBool::new(false),
            prober: OnceLock::new(),
        });
        let prober = tokio::spawn(health::watch(Arc::downgrade(&target)));
        let _ = target.prober.set(prober.abort_handle());
        target
    }

    /// No table names it any more: no probe, no idle connection.
    pub(super) fn leave(&self) {
        self.gone.store(true, Ordering::SeqCst);
        if let Some(prober) = self.prober.get() {
            prober.abort();
        }
        self.pool.clear();
    }

    /// Keeps an idle connection for the next request, unless the target has left.
    pub(crate) fn keep(&self, link: Link) {
        self.pool.put(link);
        if self.gone.load(Ordering::SeqCst) {
            self.pool.clear();
        }
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.health.load(Ordering::Relaxed) == HEALTHY
    }

    pub(crate) fn is_unknown(&self) -> bool {
        self.health.load(Ordering::Relaxed) == UNKNOWN
    }

    pub(crate) fn health(&self) -> Health {
        match self.health.load(Ordering::Relaxed) {
            UNKNOWN => Health::Unknown,
            HEALTHY => Health::Healthy,
            _ => Health::Unhealthy {
                because: self
                    .because
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone(),
            },
        }
    }

    /// Notes what a probe met; `None` is success. Returns whether that changed anything.
    pub(crate) fn judge(&self, because: Option<String>) -> bool {
        let now = if because.is_some() { UNHEALTHY } else { HEALTHY };
        *self.because.lock().unwrap_or_else(PoisonError::into_inner) = because.unwrap_or_default();
        self.health.swap(now, Ordering::Relaxed) != now
    }
}
