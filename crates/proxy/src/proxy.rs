//! All tables in force, and how wishes change them. One change at a time; requests never wait for one.

mod apply;
mod report;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, watch};
use tokio::time::Instant;

use crate::listen::{Binder, Listening, Open};
use crate::live::Slot;
use crate::message::{Done, Drained, Reason, Refusal};
use crate::store::Store;
use crate::worker::Workers;

/// Between two attempts to bind what could not be bound at the start.
const REOPEN_EVERY: Duration = Duration::from_millis(500);

/// The proxy of one state folder.
pub(crate) struct Proxy {
    tables: RwLock<BTreeMap<String, Entry>>,
    /// Held while a table changes, and while a successor takes over.
    pub(crate) changing: Mutex<()>,
    /// Whether a successor has the tables.
    succeeded: AtomicBool,
    store: Store,
    binder: Binder,
    workers: Workers,
    /// Ends all connections after the requests in progress.
    stop: watch::Sender<bool>,
}

/// One table with its sockets.
struct Entry {
    slot: Arc<Slot>,
    open: Vec<Open>,
    /// Listeners that could not be bound, with the reason.
    closed: BTreeMap<String, String>,
}

impl Proxy {
    pub(crate) fn new(state: &Path, workers: usize, binder: Binder) -> std::io::Result<Arc<Self>> {
        let stop = watch::Sender::new(false);
        let proxy = Self {
            tables: RwLock::default(),
            changing: Mutex::default(),
            succeeded: AtomicBool::new(false),
            store: Store::open(state)?,
            binder,
            workers: Workers::start(workers, &stop.subscribe())?,
            stop,
        };
        Ok(Arc::new(proxy))
    }

    /// Puts all stored tables in force. What cannot be bound is tried again until it can.
    pub(crate) async fn restore(self: &Arc<Self>) -> std::io::Result<()> {
        let _changing = self.changing.lock().await;
        for table in self.store.load()? {
            tracing::info!(table = table.name, generation = table.generation, "restored");
            self.install(table);
        }
        self.binder.forget();
        let proxy = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(proxy) = proxy.upgrade() {
                if !proxy.reopen().await {
                    return;
                }
                drop(proxy);
                tokio::time::sleep(REOPEN_EVERY).await;
            }
        });
        Ok(())
    }

    /// Waits until no request is in flight on a track, or until `within` is over.
    pub(crate) async fn drained(
        &self,
        name: &str,
        track: &str,
        within: Duration,
    ) -> Result<Drained, Refusal> {
        let slot = self.slot(name)?;
        let begun = Instant::now();
        loop {
            let mut quiet = std::pin::pin!(slot.quiet.notified());
            quiet.as_mut().enable();
            let (requests, tunnels) = slot.in_flight(track);
            let waited = begun.elapsed();
            if requests == 0 || waited >= within {
                let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
                return Ok(Drained {
                    requests,
                    tunnels,
                    waited_ms,
                });
            }
            let _ = tokio::time::timeout(within.saturating_sub(waited), quiet).await;
        }
    }

    pub(crate) fn pause(&self, name: &str) -> Result<Done, Refusal> {
        self.slot(name)?.pause.begin();
        tracing::info!(table = name, "requests are held");
        Ok(Done {})
    }

    pub(crate) fn resume(&self, name: &str) -> Result<Done, Refusal> {
        self.slot(name)?.pause.end();
        tracing::info!(table = name, "requests are released");
        Ok(Done {})
    }

    pub(crate) async fn remove(&self, name: &str) -> Result<Done, Refusal> {
        let _changing = self.change().await?;
        let removed = self
            .tables
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
        if let Some(entry) = removed {
            entry.slot.close();
            entry.slot.pause.end();
            let (store, name) = (self.store.clone(), name.to_owned());
            tracing::info!(table = name, "removed");
            blocking(move || store.remove(&name))
                .await
                .map_err(|error| unwritten(&error))?;
        }
        Ok(Done {})
    }

    /// Stops accepting and ends each connection after its request.
    pub(crate) fn stop(&self) {
        self.stop_accepting();
        self.stop.send_replace(true);
    }

    /// Stops accepting and asks each connection to end with its next answer, because a successor accepts now.
    pub(crate) fn leave_to_successor(&self) {
        self.succeeded.store(true, Ordering::SeqCst);
        self.stop_accepting();
        for entry in self
            .tables
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
        {
            entry.slot.epoch.send_modify(|epoch| *epoch += 1);
        }
    }

    /// Waits until no client is connected, at most for so long. Returns how many are left.
    pub(crate) async fn wait_for_clients(&self, within: Duration) -> u64 {
        const LOOK_EVERY: Duration = Duration::from_millis(10);
        let deadline = Instant::now() + within;
        loop {
            let left = self.workers.connections();
            if left == 0 || Instant::now() >= deadline {
                return left;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub(crate) fn workers(&self) -> usize {
        self.workers.number()
    }

    /// Calls `visit` with each open listener.
    pub(crate) fn each_open(&self, mut visit: impl FnMut(&Open)) {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        tables.values().flat_map(|entry| &entry.open).for_each(&mut visit);
    }

    /// The right to change tables, unless a successor has it.
    async fn change(&self) -> Result<MutexGuard<'_, ()>, Refusal> {
        let right = self.changing.lock().await;
        if self.succeeded.load(Ordering::SeqCst) {
            return Err(Refusal {
                reason: Reason::Busy,
                detail: "a successor has taken over".to_owned(),
                hint: "nothing changed; ask again, the socket leads to it now".to_owned(),
            });
        }
        Ok(right)
    }

    fn stop_accepting(&self) {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        for entry in tables.values_mut() {
            entry.open.clear();
        }
    }

    fn slot(&self, name: &str) -> Result<Arc<Slot>, Refusal> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        tables
            .get(name)
            .map(|entry| Arc::clone(&entry.slot))
            .ok_or_else(|| Refusal {
                reason: Reason::Unknown,
                detail: format!("there is no table {name}"),
                hint: "`apply` one first; `status` names those that there are".to_owned(),
            })
    }
}

fn unwritten(error: &std::io::Error) -> Refusal {
    Refusal {
        reason: Reason::Unwritten,
        detail: format!("the table could not be written: {error}"),
        hint: "nothing changed; look after the state folder's disk and apply again".to_owned(),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(std::io::Error::other)?
}

fn names(open: &[Open]) -> impl Iterator<Item = &Arc<Listening>> {
    open.iter().map(|open| &open.listening)
}
