//! Connections to targets: opened, driven, kept for the next request. HTTP/1.1 only; does not know routes or retries.
//!
//! A connection has no task of its own: whoever uses it drives it, first while waiting for the answer's head, then while
//! reading the body. This saves two switches of tasks per request. Idle ones are looked at when they are taken.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::body::Outgoing;

/// Idle connections that a worker keeps for one target.
const IDLE_MAX: usize = 256;
/// Idle connections are not used after this time. Below the 5 s after which Node.js closes them, the shortest time in
/// common use: a connection that the target is about to close must not get a request.
const IDLE_FOR: Duration = Duration::from_secs(4);
/// Longest head of an answer, in bytes.
const HEAD_BYTES_MAX: usize = 128 << 10;

thread_local! {
    /// Which of a pool's shares belongs to this thread.
    static SHARE: Cell<usize> = const { Cell::new(0) };
}

/// Makes this thread use its own share of all pools.
pub(crate) fn use_share(index: usize) {
    SHARE.set(index);
}

/// Idle connections to one target; one share per worker, because a connection belongs to the worker that opened it.
pub(crate) struct Pool {
    shares: Box<[Mutex<Vec<Link>>]>,
}

/// What reads and writes on a connection whenever it is polled.
type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A connection to a target.
pub(crate) struct Link {
    sender: SendRequest<Outgoing>,
    connection: Option<Driver>,
    idle_since: Instant,
    /// Whether it has carried a request before.
    pub(crate) used: bool,
}

/// Why a request got no answer.
pub(crate) struct Unanswered {
    /// The request, if it was never sent.
    pub(crate) request: Option<Request<Outgoing>>,
    pub(crate) error: hyper::Error,
}

impl Pool {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            shares: (0..workers.max(1)).map(|_| Mutex::default()).collect(),
        }
    }

    /// An idle connection that is still open, the one used last first.
    pub(crate) fn take(&self) -> Option<Link> {
        let share = self.share();
        loop {
            let mut link = share.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if link.idle_since.elapsed() < IDLE_FOR && link.is_open() {
                return Some(link);
            }
        }
    }

    /// Keeps a connection for later, unless it cannot carry another request.
    pub(crate) fn put(&self, mut link: Link) {
        if !link.is_open() {
            return;
        }
        link.used = true;
        link.idle_since = Instant::now();
        let mut share = self.share().lock().unwrap_or_else(PoisonError::into_inner);
        if share.len() < IDLE_MAX {
            share.push(link);
        }
    }

    /// Closes those that nobody used for long.
    pub(crate) fn expire(&self) {
        for share in &self.shares {
            let mut share = share.lock().unwrap_or_else(PoisonError::into_inner);
            share.retain(|link| link.idle_since.elapsed() < IDLE_FOR);
        }
    }

    pub(crate) fn clear(&self) {
        for share in &self.shares {
            share.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    fn share(&self) -> &Mutex<Vec<Link>> {
        &self.shares[SHARE.get() % self.shares.len()]
    }
}

impl Link {
    /// Opens a connection.
    pub(crate) async fn open(address: SocketAddr, within: Duration) -> io::Result<Self> {
        let stream = tokio::time::timeout(within, TcpStream::connect(address))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        Ok(Self {
            sender,
            connection: Some(Box::pin(connection.with_upgrades())),
            idle_since: Instant::now(),
            used: false,
        })
    }

    /// Sends a request and waits for the answer's head. Dropping the future closes the connection with the link.
    pub(crate) async fn send(
        &mut self,
        request: Request<Outgoing>,
    ) -> Result<Response<Incoming>, Unanswered> {
        let mut answer = std::pin::pin!(self.sender.try_send_request(request));
        let connection = &mut self.connection;
        std::future::poll_fn(|context| {
            drive(connection, context);
            answer.as_mut().poll(context)
        })
        .await
        .map_err(|mut error| Unanswered {
            request: error.take_message(),
            error: error.into_error(),
        })
    }

    /// Lets the connection read and write. To be called whenever its body is polled.
    pub(crate) fn drive(&mut self, context: &mut Context<'_>) {
        drive(&mut self.connection, context);
    }

    /// The connection itself, to be driven to its end by a task: for tunnels.
    pub(crate) fn into_driver(self) -> Option<Driver> {
        self.connection
    }

    fn is_open(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.connection.is_some() && self.sender.is_ready()
    }
}

fn drive(connection: &mut Option<Driver>, context: &mut Context<'_>) {
    if let Some(open) = connection
        && let Poll::Ready(_) = open.as_mut().poll(context)
    {
        // What ended it reaches the answer or its body, which wait for it.
        *connection = None;
    }
}
