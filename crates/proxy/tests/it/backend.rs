//! An instance of a service. What it does is in the path of a request.
//!
//! | path | what |
//! |---|---|
//! | `/health` | 200, or 503 after `ill` |
//! | `/slow/MS` | waits before the head |
//! | `/drip/N` | N chunks, 20 ms apart |
//! | `/echo` | the body |
//! | `/head` | the request's head as text |
//! | `/ws` | switches protocols and echoes |
//! | others | its name |

use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::task::AbortHandle;

type Answer = Response<BoxBody<Bytes, Infallible>>;

pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    listening: AbortHandle,
}

struct Shared {
    name: String,
    ill: AtomicBool,
    requests: AtomicU64,
    connections: AtomicU64,
    killed: tokio::sync::watch::Sender<bool>,
}

impl Backend {
    pub(crate) async fn start(name: &str) -> Self {
        Self::start_at(name, "127.0.0.1:0".parse().expect("an address")).await
    }

    pub(crate) async fn start_at(name: &str, address: SocketAddr) -> Self {
        let listener = bind(address).await;
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            ill: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            killed: tokio::sync::watch::Sender::new(false),
        });
        let listening = tokio::spawn(listen(listener, Arc::clone(&shared))).abort_handle();
        Self {
            address,
            shared,
            listening,
        }
    }

    /// Closes the listener and cuts all connections, whatever is on them, as SIGKILL does.
    pub(crate) fn kill(&self) {
        self.listening.abort();
        self.shared.killed.send_replace(true);
    }

    pub(crate) fn set_ill(&self, ill: bool) {
        self.shared.ill.store(ill, Ordering::SeqCst);
    }

    /// Requests other than probes.
    pub(crate) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// Connections so far, probes' included.
    pub(crate) fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The one before may need a moment to close.
async fn bind(address: SocketAddr) -> tokio::net::TcpListener {
    for _ in 0..1_000 {
        if let Ok(listener) = tokio::net::TcpListener::bind(address).await {
            return listener;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("{address} stays taken");
}

async fn listen(listener: tokio::net::TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        shared.connections.fetch_add(1, Ordering::SeqCst);
        stream.set_nodelay(true).expect("no delay");
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let mut killed = shared.killed.subscribe();
            let service = service_fn(|request| answer(request, Arc::clone(&shared)));
            let served = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            tokio::select! {
                _ = served => {}
                _ = killed.wait_for(|killed| *killed) => {}
            }
        });
    }
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Answer, Infallible> {
    let path = request.uri().path().to_owned();
    let mut parts = path.trim_start_matches('/').split('/');
    let (verb, value) = (parts.next().unwrap_or_default(), parts.next());
    let number = value.and_then(|value| value.parse().ok()).unwrap_or(0_u64);
    if verb == "health" {
        let ill = shared.ill.load(Ordering::SeqCst);
        let mut response = whole(Bytes::new());
        if ill {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        return Ok(response);
    }
    shared.requests.fetch_add(1, Ordering::SeqCst);
    Ok(match verb {
        "slow" => {
            tokio::time::sleep(Duration::from_millis(number)).await;
            whole(Bytes::from(shared.name.clone()))
        }
        "drip" => drip(number),
        "echo" => match request.into_body().collect().await {
            Ok(body) => whole(body.to_bytes()),
            Err(_) => whole(Bytes::from_static(b"broken")),
        },
        "head" => whole(Bytes::from(head(&request))),
        "ws" => switch(request, &shared),
        _ => whole(Bytes::from(shared.name.clone())),
    })
}

fn whole(bytes: Bytes) -> Answer {
    Response::new(Full::new(bytes).boxed())
}

fn drip(chunks: u64) -> Answer {
    let stream = futures_util::stream::unfold(chunks, |left| async move {
        if left == 0 {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some((Ok(Frame::data(Bytes::from_static(b"drop"))), left - 1))
    });
    Response::new(BodyExt::boxed(
        StreamBody::new(Box::pin(stream)) as StreamBody<std::pin::Pin<Box<_>>>
    ))
}

fn head(request: &Request<Incoming>) -> String {
    let mut text = format!("{} {} {:?}\n", request.method(), request.uri(), request.version());
    for (name, value) in request.headers() {
        writeln!(text, "{name}: {}", value.to_str().unwrap_or("?")).expect("written");
    }
    text
}

fn switch(mut request: Request<Incoming>, shared: &Arc<Shared>) -> Answer {
    let upgrade = hyper::upgrade::on(&mut request);
    let mut killed = shared.killed.subscribe();
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let (mut read, mut write) = tokio::io::split(TokioIo::new(upgraded));
        tokio::select! {
            _ = tokio::io::copy(&mut read, &mut write) => {}
            _ = killed.wait_for(|killed| *killed) => {}
        }
    });
    let mut response = whole(Bytes::new());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, "upgrade".parse().expect("a value"));
    headers.insert(header::UPGRADE, "echo".parse().expect("a value"));
    response
}
