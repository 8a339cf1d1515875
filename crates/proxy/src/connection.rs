//! One client's connection: which HTTP it speaks, how long it may wait, and when it has to end.

mod activity;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::forward;
use crate::listen::{Admitted, Listening};
use crate::live::Times;

pub(crate) use activity::Serving;
use activity::{Activity, Due, Watched};

/// Longest head of a request, in bytes; above, 431 is answered.
pub(crate) const HEAD_BYTES_MAX: usize = 64 << 10;
/// Requests at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 256;
/// What an HTTP/2 connection begins with; no method of HTTP/1.1 begins like this.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";
/// Between two looks at a preface that has come in part.
const PREFACE_PAUSE: Duration = Duration::from_millis(5);

/// What requests of one connection have in common.
pub(crate) struct Connection {
    pub(crate) listening: Arc<Listening>,
    pub(crate) peer: HeaderValue,
    /// Polite retirements of its table before it began.
    pub(crate) epoch: u64,
    activity: Arc<Activity>,
    /// Counts it at its listener.
    _admitted: Admitted,
}

impl Connection {
    /// Whether it has to end with its next answer.
    pub(crate) fn is_outdated(&self) -> bool {
        *self.listening.slot.epoch.borrow() != self.epoch
    }

    /// Marks the connection as busy.
    pub(crate) fn serving(self: &Arc<Self>) -> Serving {
        Serving::begin(&self.activity)
    }
}

/// Serves a client until it goes away, is outdated or makes no progress. `stop` ends it after its request.
pub(crate) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    admitted: Admitted,
    stop: watch::Receiver<bool>,
) {
    let listening = Arc::clone(admitted.listening());
    let Some(times) = listening.times() else { return };
    let epoch = listening.slot.epoch.subscribe();
    let activity = Arc::new(Activity::default());
    let peer = HeaderValue::from_str(&peer.ip().to_canonical().to_string());
    let Ok(peer) = peer else { return };
    let connection = Arc::new(Connection {
        epoch: *epoch.borrow(),
        listening,
        peer,
        activity,
        _admitted: admitted,
    });
    let _ = stream.set_nodelay(true);
    let mut stopped = stop.clone();
    let spoken = tokio::select! {
        spoken = detect(&stream, &times) => spoken,
        _ = stopped.wait_for(|stop| *stop) => return,
    };
    match spoken {
        Ok(Spoken::Http1) => http_1(stream, connection, times, stop).await,
        Ok(Spoken::Http2) => http_2(stream, connection, times, stop, epoch).await,
        Err(error) => tracing::debug!(%error, "a client said nothing"),
    }
}

enum Spoken {
    Http1,
    Http2,
}

/// Looks at the first bytes without taking them.
async fn detect(stream: &TcpStream, times: &Times) -> io::Result<Spoken> {
    let mut start = [0; PREFACE.len()];
    let late = |_| io::Error::from(io::ErrorKind::TimedOut);
    let mut seen = tokio::time::timeout(times.keep_alive, stream.peek(&mut start))
        .await
        .map_err(late)??;
    let preface = async {
        while seen > 0 && seen < PREFACE.len() && PREFACE.starts_with(&start[..seen]) {
            tokio::time::sleep(PREFACE_PAUSE).await;
            seen = stream.peek(&mut start).await?;
        }
        Ok::<_, io::Error>(())
    };
    tokio::time::timeout(times.head, preface).await.map_err(late)??;
    match seen {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ if start == PREFACE => Ok(Spoken::Http2),
        _ => Ok(Spoken::Http1),
    }
}

async fn http_1(
    stream: TcpStream,
    connection: Arc<Connection>,
    times: Times,
    mut stop: watch::Receiver<bool>,
) {
    let activity = Arc::clone(&connection.activity);
    let service = service_fn(move |request: Request<Incoming>| {
        let connection = Arc::clone(&connection);
        async move { Ok::<_, Infallible>(forward::answer(connection, request).await) }
    });
    let io = Watched::new(TokioIo::new(stream), Arc::clone(&activity));
    let mut served = pin!(
        http1::Builder::new()
            .header_read_timeout(None)
            .max_header_size(HEAD_BYTES_MAX)
            .max_buf_size(2 * HEAD_BYTES_MAX)
            .serve_connection(io, service)
            .with_upgrades()
    );
    let mut watchdog = pin!(activity.watch(times));
    let mut ending = false;
    loop {
        tokio::select! {
            biased;
            ended = &mut served => return report(ended),
            due = &mut watchdog => match due {
                Due::Cut => return,
                Due::End => {
                    served.as_mut().graceful_shutdown();
                    watchdog.set(activity.watch(times));
                }
            },
            _ = stop.wait_for(|stop| *stop), if !ending => {
                ending = true;
                served.as_mut().graceful_shutdown();
            }
        }
    }
}

async fn http_2(
    stream: TcpStream,
    connection: Arc<Connection>,
    times: Times,
    mut stop: watch::Receiver<bool>,
    mut epoch: watch::Receiver<u64>,
) {
    let activity = Arc::clone(&connection.activity);
    let begun = connection.epoch;
    let service = service_fn(move |request: Request<Incoming>| {
        let connection = Arc::clone(&connection);
        async move { Ok::<_, Infallible>(forward::answer(connection, request).await) }
    });
    let io = Watched::new(TokioIo::new(stream), Arc::clone(&activity));
    let mut served = pin!(
        http2::Builder::new(TokioExecutor::new())
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
            .serve_connection(io, service)
    );
    let mut watchdog = pin!(activity.watch(times));
    let mut ending = false;
    loop {
        tokio::select! {
            biased;
            ended = &mut served => return report(ended),
            due = &mut watchdog => match due {
                Due::Cut => return,
                Due::End => {
                    served.as_mut().graceful_shutdown();
                    watchdog.set(activity.watch(times));
                }
            },
            _ = stop.wait_for(|stop| *stop), if !ending => {
                ending = true;
                served.as_mut().graceful_shutdown();
            }
            // GOAWAY says which requests were taken, so nothing that is on its way is lost.
            _ = epoch.wait_for(|epoch| *epoch != begun), if !ending => {
                ending = true;
                served.as_mut().graceful_shutdown();
            }
        }
    }
}

fn report(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a client's connection broke off");
    }
}
