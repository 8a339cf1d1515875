//! Listening sockets: bound, accepted from, limited in connections. A connection goes to the next worker in turn.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::live::{Slot, Times};
use crate::worker::Workers;

/// Waiting after an accept that failed for want of something (file descriptors), so that it does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A listener of a table, from when its socket is bound.
pub(crate) struct Listening {
    pub(crate) slot: Arc<Slot>,
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    connections: AtomicU64,
    left: Notify,
}

impl Listening {
    pub(crate) fn times(&self) -> Option<Times> {
        self.slot
            .live()
            .route(&self.name)
            .map(|route| route.service.times)
    }

    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    fn is_full(&self) -> bool {
        let live = self.slot.live();
        let most = live
            .route(&self.name)
            .map(|route| route.service.limits.connections);
        most.is_some_and(|most| self.connections() >= u64::from(most))
    }

    async fn has_room(&self) {
        loop {
            let left = self.left.notified();
            if !self.is_full() {
                return;
            }
            left.await;
        }
    }
}

/// A connection that counts at its listener, and in all, until it is dropped.
pub(crate) struct Admitted {
    listening: Arc<Listening>,
    all: Arc<AtomicU64>,
}

impl Admitted {
    fn new(listening: &Arc<Listening>, all: &Arc<AtomicU64>) -> Self {
        listening.connections.fetch_add(1, Ordering::Relaxed);
        all.fetch_add(1, Ordering::Relaxed);
        Self {
            listening: Arc::clone(listening),
            all: Arc::clone(all),
        }
    }

    pub(crate) fn listening(&self) -> &Arc<Listening> {
        &self.listening
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
        self.listening.connections.fetch_sub(1, Ordering::Relaxed);
        self.listening.left.notify_waiters();
    }
}

/// A bound socket and the task that accepts from it; closed when dropped.
pub(crate) struct Open {
    pub(crate) listening: Arc<Listening>,
    socket: Arc<TcpListener>,
    accepting: AbortHandle,
}

impl Open {
    /// Begins to accept.
    pub(crate) fn begin(
        socket: Arc<TcpListener>,
        slot: &Arc<Slot>,
        name: &str,
        workers: &Workers,
    ) -> io::Result<Self> {
        let listening = Arc::new(Listening {
            slot: Arc::clone(slot),
            name: name.to_owned(),
            address: socket.local_addr()?,
            connections: AtomicU64::new(0),
            left: Notify::new(),
        });
        let source = tokio::net::TcpListener::from_std(socket.try_clone()?)?;
        let accepting = tokio::spawn(accept(source, Arc::clone(&listening), workers.clone())).abort_handle();
        Ok(Self {
            listening,
            socket,
            accepting,
        })
    }

    pub(crate) fn socket(&self) -> &Arc<TcpListener> {
        &self.socket
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(source: tokio::net::TcpListener, listening: Arc<Listening>, workers: Workers) {
    loop {
        listening.has_room().await;
        // Leaves this thread's event loop, for that of a worker.
        let accepted = source
            .accept()
            .await
            .and_then(|(stream, peer)| Ok((stream.into_std()?, peer)));
        match accepted {
            Ok((stream, peer)) => {
                let admitted = Admitted::new(&listening, workers.counter());
                workers.give(stream, peer, admitted).await;
            }
            Err(error) => {
                tracing::warn!(%error, listener = listening.name, "accepting a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Binds sockets; first looks among those that a predecessor handed over.
#[derive(Default)]
pub(crate) struct Binder {
    inherited: Mutex<BTreeMap<SocketAddr, TcpListener>>,
}

impl Binder {
    pub(crate) fn with(inherited: BTreeMap<SocketAddr, TcpListener>) -> Self {
        Self {
            inherited: Mutex::new(inherited),
        }
    }

    pub(crate) fn bind(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let inherited = self
            .inherited
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&address);
        let socket = inherited.map_or_else(|| TcpListener::bind(address), Ok)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    /// Closes what nobody asked for.
    pub(crate) fn forget(&self) {
        self.inherited
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
