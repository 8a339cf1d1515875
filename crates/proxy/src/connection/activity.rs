//! What a client's connection is doing, so that one timer per connection is enough for all its time limits.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Read, ReadBufCursor, Write};

use crate::live::Times;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Milliseconds since the first call, at least 1, so that 0 can mean never.
fn now_ms() -> u64 {
    u64::try_from(START.elapsed().as_millis())
        .unwrap_or(u64::MAX)
        .max(1)
}

/// Noted by the socket and by requests, read by the watchdog.
pub(super) struct Activity {
    /// Requests that are being answered.
    active: AtomicU32,
    /// Whether a request's head has come in part.
    in_head: AtomicBool,
    /// Since when there is no request, or since when its head comes.
    since_ms: AtomicU64,
    /// Since when the client takes nothing; 0: it does.
    blocked_ms: AtomicU64,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            active: AtomicU32::new(0),
            in_head: AtomicBool::new(false),
            since_ms: AtomicU64::new(now_ms()),
            blocked_ms: AtomicU64::new(0),
        }
    }
}

/// What a watchdog wants.
pub(super) enum Due {
    /// Close at once: the client is too slow.
    Cut,
    /// Close, unless a request is coming: the client was idle for long.
    End,
}

impl Activity {
    /// Waits until a time limit is over. Looks as often as the shortest limit is long, so a limit holds up to twice itself.
    pub(super) async fn watch(&self, times: Times) -> Due {
        let period = times.head.min(times.keep_alive).min(times.idle);
        loop {
            tokio::time::sleep(period).await;
            if let Some(due) = self.due(times, now_ms()) {
                return due;
            }
        }
    }

    fn due(&self, times: Times, now_ms: u64) -> Option<Due> {
        let over = |since: u64, limit: Duration| now_ms.saturating_sub(since) >= millis(limit);
        let blocked = self.blocked_ms.load(Ordering::Relaxed);
        if blocked != 0 && over(blocked, times.idle) {
            return Some(Due::Cut);
        }
        if self.active.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let since = self.since_ms.load(Ordering::Relaxed);
        if self.in_head.load(Ordering::Relaxed) {
            return over(since, times.head).then_some(Due::Cut);
        }
        over(since, times.keep_alive).then_some(Due::End)
    }

    fn bytes_came(&self) {
        if self.active.load(Ordering::Relaxed) == 0 && !self.in_head.swap(true, Ordering::Relaxed) {
            self.since_ms.store(now_ms(), Ordering::Relaxed);
        }
    }

    fn wrote(&self, blocked: bool) {
        let before = self.blocked_ms.load(Ordering::Relaxed);
        if blocked && before == 0 {
            self.blocked_ms.store(now_ms(), Ordering::Relaxed);
        } else if !blocked && before != 0 {
            self.blocked_ms.store(0, Ordering::Relaxed);
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A request is being answered, until this is dropped.
pub(crate) struct Serving(Arc<Activity>);

impl Serving {
    pub(super) fn begin(activity: &Arc<Activity>) -> Self {
        activity.active.fetch_add(1, Ordering::Relaxed);
        activity.in_head.store(false, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.since_ms.store(now_ms(), Ordering::Relaxed);
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket that notes what happens on it.
pub(super) struct Watched<T> {
    io: T,
    activity: Arc<Activity>,
}

impl<T> Watched<T> {
    pub(super) fn new(io: T, activity: Arc<Activity>) -> Self {
        Self { io, activity }
    }
}

impl<T: Read + Unpin> Read for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        if read.is_ready() {
            self.activity.bytes_came();
        }
        read
    }
}

impl<T: Write + Unpin> Write for Watched<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.activity.wrote(written.is_pending());
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.activity.wrote(written.is_pending());
        written
    }
}
