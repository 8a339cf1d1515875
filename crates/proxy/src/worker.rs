//! Threads that serve connections, each with its own event loop: a request and its connection to the target stay on one
//! thread, so nothing on the way of a request waits for another thread.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::{mpsc, watch};

use crate::connection;
use crate::listen::Admitted;
use crate::upstream;

/// Accepted connections that a worker has not taken yet; more wait in the listener's backlog.
const QUEUE_MAX: usize = 256;
/// More threads bring nothing here.
pub(crate) const WORKERS_MAX: usize = 64;

/// The threads. They end when the last handle is dropped and their last connection has ended.
#[derive(Clone)]
pub(crate) struct Workers {
    queues: Arc<[mpsc::Sender<Arrival>]>,
    turn: Arc<AtomicUsize>,
    connections: Arc<AtomicU64>,
}

struct Arrival {
    stream: TcpStream,
    peer: SocketAddr,
    admitted: Admitted,
}

impl Workers {
    /// Starts `number` threads; `stop` ends their connections after the requests in progress.
    pub(crate) fn start(number: usize, stop: &watch::Receiver<bool>) -> io::Result<Self> {
        let number = number.clamp(1, WORKERS_MAX);
        let queues: io::Result<Vec<_>> = (0..number).map(|index| start_one(index, stop.clone())).collect();
        Ok(Self {
            queues: queues?.into(),
            turn: Arc::default(),
            connections: Arc::default(),
        })
    }

    pub(crate) fn number(&self) -> usize {
        self.queues.len()
    }

    /// Clients that are connected, over all listeners there ever were.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn counter(&self) -> &Arc<AtomicU64> {
        &self.connections
    }

    /// Gives a connection to the next worker in turn.
    pub(crate) async fn give(&self, stream: TcpStream, peer: SocketAddr, admitted: Admitted) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.queues.len();
        let arrival = Arrival {
            stream,
            peer,
            admitted,
        };
        if self.queues[turn].send(arrival).await.is_err() {
            tracing::error!(worker = turn, "a worker has ended; its connection is closed");
        }
    }
}

fn start_one(index: usize, stop: watch::Receiver<bool>) -> io::Result<mpsc::Sender<Arrival>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    std::thread::Builder::new()
        .name(format!("proxy-{index}"))
        .spawn(move || {
            upstream::use_share(index);
            runtime.block_on(work(receiver, stop));
        })?;
    Ok(sender)
}

async fn work(mut arrivals: mpsc::Receiver<Arrival>, stop: watch::Receiver<bool>) {
    while let Some(arrival) = arrivals.recv().await {
        match tokio::net::TcpStream::from_std(arrival.stream) {
            Ok(stream) => {
                tokio::spawn(connection::serve(
                    stream,
                    arrival.peer,
                    arrival.admitted,
                    stop.clone(),
                ));
            }
            Err(error) => tracing::warn!(%error, "taking a connection"),
        }
    }
}
