//! A table in force: what requests read, and what outlives a table of it (in-flight counts, counters, pools, health).
//!
//! ```text
//! Slot (one per table name) --swap--> Live --> Route (per listener) --> LiveService --> LiveTrack --> TargetState
//!                                                                                        `--> TrackState
//! ```
//! States are shared between the old and the new `Live`, so a count never starts anew while requests are in flight.

mod build;
mod state;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::header::{HeaderName, HeaderValue};
use tokio::sync::{Notify, watch};

use crate::message::Retire;
use crate::table::{Audience, Limits, Table, Timeouts};

pub(crate) use state::{Retirement, TargetState, TrackState};

/// All that has one table name.
pub(crate) struct Slot {
    live: ArcSwap<Live>,
    /// Tracks of the table in force, and those of older ones that still have something in flight.
    tracks: Mutex<BTreeMap<(String, String), Arc<TrackState>>>,
    /// Woken whenever a track comes to rest.
    pub(crate) quiet: Arc<Notify>,
    /// Counts the polite retirements; a connection that began before the newest one ends with its next answer.
    pub(crate) epoch: watch::Sender<u64>,
    pub(crate) pause: Pause,
}

/// Whether customers' requests are held.
#[derive(Default)]
pub(crate) struct Pause {
    on: AtomicBool,
    held: AtomicU32,
    released: Notify,
}

/// One table in force. Never changed, only replaced.
pub(crate) struct Live {
    /// With the addresses that listeners really have.
    pub(crate) table: Table,
    routes: BTreeMap<String, Route>,
    services: Vec<Arc<LiveService>>,
}

/// Where a listener leads.
pub(crate) struct Route {
    pub(crate) service: Arc<LiveService>,
    pub(crate) audience: Audience,
    /// Index of the only track.
    pub(crate) track: Option<usize>,
    pub(crate) override_header: Option<HeaderName>,
}

pub(crate) struct LiveService {
    pub(crate) name: String,
    pub(crate) tracks: Vec<LiveTrack>,
    /// Sum of the weights.
    pub(crate) weight: u64,
    pub(crate) limits: Limits,
    pub(crate) times: Times,
}

pub(crate) struct LiveTrack {
    pub(crate) name: String,
    /// The name for the answer's header.
    pub(crate) label: HeaderValue,
    pub(crate) weight: u32,
    pub(crate) state: Arc<TrackState>,
    pub(crate) targets: Vec<Arc<TargetState>>,
}

/// [`Timeouts`] as durations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) head: Duration,
    pub(crate) keep_alive: Duration,
    pub(crate) idle: Duration,
    pub(crate) connect: Duration,
    pub(crate) response: Duration,
    pub(crate) tunnel_grace: Duration,
}

impl From<Timeouts> for Times {
    fn from(from: Timeouts) -> Self {
        Self {
            head: Duration::from_millis(from.head_ms),
            keep_alive: Duration::from_millis(from.keep_alive_ms),
            idle: Duration::from_millis(from.idle_ms),
            connect: Duration::from_millis(from.connect_ms),
            response: Duration::from_millis(from.response_ms),
            tunnel_grace: Duration::from_millis(from.tunnel_grace_ms),
        }
    }
}

impl Live {
    pub(crate) fn route(&self, listener: &str) -> Option<&Route> {
        self.routes.get(listener)
    }

    pub(crate) fn services(&self) -> &[Arc<LiveService>] {
        &self.services
    }

    fn tracks(&self) -> impl Iterator<Item = (&LiveService, &LiveTrack)> {
        self.services
            .iter()
            .flat_map(|service| service.tracks.iter().map(move |track| (&**service, track)))
    }

    fn targets(&self) -> impl Iterator<Item = &Arc<TargetState>> {
        self.tracks().flat_map(|(_, track)| &track.targets)
    }
}

impl Slot {
    /// A slot whose first table is in force. `workers` is the number of pools of each target.
    pub(crate) fn new(table: Table, workers: usize) -> Self {
        let quiet = Arc::new(Notify::new());
        let live = Arc::new(build::live(table, None, &quiet, workers));
        let slot = Self {
            live: ArcSwap::new(Arc::clone(&live)),
            tracks: Mutex::default(),
            quiet,
            epoch: watch::Sender::new(0),
            pause: Pause::default(),
        };
        slot.remember(&live);
        slot
    }

    /// The table in force.
    pub(crate) fn live(&self) -> arc_swap::Guard<Arc<Live>> {
        self.live.load()
    }

    /// Whether this is still the table in force. To be asked after a claim was counted: a drain looks at the counts only
    /// after it replaced the table, so one of the two sees the other.
    pub(crate) fn is_live(&self, live: &Arc<Live>) -> bool {
        fence(Ordering::SeqCst);
        Arc::ptr_eq(&self.live.load(), live)
    }

    /// Puts a table in force and retires what it leaves without requests.
    pub(crate) fn replace(&self, table: Table, retire: Retire, workers: usize) {
        let old = self.live.load_full();
        let new = Arc::new(build::live(table, Some(&old), &self.quiet, workers));
        self.live.store(Arc::clone(&new));
        fence(Ordering::SeqCst);
        self.remember(&new);
        self.retire(&old, &new, retire);
    }

    /// Ends all probes and pools; what is in flight goes on.
    pub(crate) fn close(&self) {
        for target in self.live.load().targets() {
            target.leave();
        }
    }

    /// Every track that has a count.
    pub(crate) fn tracks(&self) -> Vec<Arc<TrackState>> {
        let tracks = self.tracks.lock().unwrap_or_else(PoisonError::into_inner);
        tracks.values().cloned().collect()
    }

    /// Requests and tunnels on a track of all services.
    pub(crate) fn in_flight(&self, track: &str) -> (u64, u64) {
        self.tracks()
            .iter()
            .filter(|state| state.track == track)
            .fold((0, 0), |(requests, tunnels), state| {
                (requests + state.in_flight(), tunnels + state.tunnels())
            })
    }

    fn remember(&self, live: &Live) {
        let mut tracks = self.tracks.lock().unwrap_or_else(PoisonError::into_inner);
        let named: BTreeMap<_, _> = live
            .tracks()
            .map(|(service, track)| {
                (
                    (service.name.clone(), track.name.clone()),
                    Arc::clone(&track.state),
                )
            })
            .collect();
        tracks.retain(|key, state| named.contains_key(key) || state.in_flight() + state.tunnels() > 0);
        tracks.extend(named);
    }

    fn retire(&self, old: &Live, new: &Live, retire: Retire) {
        let kept: Vec<*const TargetState> = new.targets().map(Arc::as_ptr).collect();
        for target in old.targets() {
            if !kept.contains(&Arc::as_ptr(target)) {
                target.leave();
            }
        }
        let mut moved = false;
        for (service, track) in old.tracks() {
            let now = new
                .tracks()
                .find(|(_, now)| Arc::ptr_eq(&now.state, &track.state));
            let how = match retire {
                Retire::Polite => Retirement::After(service.times.tunnel_grace),
                Retire::AtOnce => Retirement::Now,
            };
            if track.weight > 0 && now.is_none_or(|(_, now)| now.weight == 0) {
                moved = true;
                track.state.retire_customers(how);
            }
            if now.is_none() {
                track.state.retire_others(how);
            }
        }
        for (_, track) in new.tracks() {
            track.state.retire_others(Retirement::Not);
            if track.weight > 0 {
                track.state.retire_customers(Retirement::Not);
            }
        }
        if moved && retire == Retire::Polite {
            self.epoch.send_modify(|epoch| *epoch += 1);
        }
    }
}

impl Pause {
    pub(crate) fn held(&self) -> u32 {
        self.held.load(Ordering::SeqCst)
    }

    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Ordering::SeqCst)
    }

    /// Waits until requests are released. Fails with a sentence if there are too many or it takes too long.
    pub(crate) async fn hold(&self, held_max: u32, within: Duration) -> Result<(), &'static str> {
        if self.held.fetch_add(1, Ordering::SeqCst) >= held_max {
            self.held.fetch_sub(1, Ordering::SeqCst);
            return Err("requests are held, and there are too many of them");
        }
        let _held = Held(&self.held);
        tokio::time::timeout(within, async {
            loop {
                let mut released = std::pin::pin!(self.released.notified());
                released.as_mut().enable();
                if !self.is_on() {
                    return;
                }
                released.await;
            }
        })
        .await
        .map_err(|_| "requests are held, and it takes too long")
    }

    pub(crate) fn begin(&self) {
        self.on.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    pub(crate) fn end(&self) {
        self.on.store(false, Ordering::SeqCst);
        self.released.notify_waiters();
    }
}

/// One request that is held.
struct Held<'a>(&'a AtomicU32);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
