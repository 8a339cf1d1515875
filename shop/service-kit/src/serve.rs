//! The two ports of a service, and how it stops: unready first, then polite, then done.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{HeaderValue, Request, StatusCode, header};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use serde_json::json;
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tower_service::Service as _;

use crate::Problem;
use crate::kit::{Definition, Environment, Kit, StartError};
use crate::middleware::{self, PeerAddress};
use crate::settings::Settings;

/// Open connections of one port; further ones wait in the listen queue.
const CONNECTIONS_MAX: usize = 8192;
/// A client that needs longer for its headers is dropped. It also bounds idle connections, and is longer than the clients of
/// this kit keep an idle one, so that they never send on one that is just being closed.
const HEADER_TIME_MAX: Duration = Duration::from_secs(30);
/// A client that takes nothing of its answer for so long is dropped, or a few thousand of them would hold all connections.
const STALL_MAX: Duration = if cfg!(test) {
    Duration::from_secs(1)
} else {
    Duration::from_secs(30)
};
/// Most bytes of a request's headers.
const HEADER_BYTES_MAX: usize = 32 * 1024;
/// After SIGTERM new connections are still taken for so long (at most a quarter of the grace), because those who send
/// requests need a moment to learn that this instance is no longer ready.
const LINGER_MAX: Duration = Duration::from_secs(2);

/// A service that runs inside this process.
pub struct Running {
    /// Where customers' requests go.
    pub public: SocketAddr,
    /// Where `/metrics` and `/verify` are.
    pub admin: SocketAddr,
    stop: watch::Sender<Stage>,
    done: JoinHandle<()>,
    kit: Kit,
}

/// In the extensions of an answer: it is not sent, and the connection is cut. For services that play a broken peer.
#[derive(Debug, Clone, Copy)]
pub struct CutConnection;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Closing,
}

impl Running {
    /// `http://host:port` of the public port.
    pub fn url(&self) -> String {
        format!("http://{}", self.public)
    }

    /// `http://host:port` of the administration port.
    pub fn admin_url(&self) -> String {
        format!("http://{}", self.admin)
    }

    /// What the service was given.
    pub fn kit(&self) -> &Kit {
        &self.kit
    }

    /// As on SIGTERM: unready at once, polite to new requests for a moment, then closed; requests in flight end, within the grace.
    pub async fn stop(self) {
        let grace = self.kit.inner().grace;
        self.kit.inner().readiness.start_draining();
        tracing::info!(?grace, "stopping");
        tokio::time::sleep(LINGER_MAX.min(grace / 4)).await;
        self.stop.send_replace(Stage::Closing);
        let _ = self.done.await;
        tracing::info!("stopped");
    }
}

/// Starts a service in this process. It returns when the ports are open; readiness comes later.
pub async fn start<D: Definition>(settings: Settings) -> Result<Running, StartError> {
    let bind = settings.text("BIND", "0.0.0.0");
    let port: u16 = settings.parsed("PORT", "a port, 0 to 65535", D::PORT)?;
    let admin_port = if port == 0 { 0 } else { port.wrapping_add(6000) };
    let admin_port: u16 = settings.parsed("ADMIN_PORT", "a port, 0 to 65535", admin_port)?;
    let kit = Kit::new::<D>(&settings)?;
    let parts = D::build(kit.clone()).await?;

    let (public_port, admin) = (
        listen(&bind, port, "PORT").await?,
        listen(&bind, admin_port, "ADMIN_PORT").await?,
    );
    let address = |listener: &TcpListener| {
        listener
            .local_addr()
            .map_err(|e| StartError::Failed(e.to_string()))
    };
    let (public_address, admin_address) = (address(&public_port)?, address(&admin)?);

    let (stop, stage) = watch::channel(Stage::Open);
    let background = background::<D>(&kit, &settings, parts.background);
    let public = match D::OPENAPI {
        Some(document) => parts
            .public
            .route("/openapi.json", get(async move || openapi(document))),
        None => parts.public,
    };
    let (public_routes, admin_routes) = routes(&kit, public, parts.admin);
    let grace = kit.inner().grace;
    let done = tokio::spawn(async move {
        let customers = serve(public_port, public_routes, stage.clone(), grace);
        // The administration port answers until the last request of customers is through.
        let (_closing, admin_stage) = watch::channel(Stage::Open);
        let administration = tokio::spawn(serve(admin, admin_routes, admin_stage, Duration::ZERO));
        customers.await;
        administration.abort();
        for task in background {
            task.abort();
        }
    });
    tracing::info!(service = D::NAME, version = kit.version(), %public_address, %admin_address, "listening");
    Ok(Running {
        public: public_address,
        admin: admin_address,
        stop,
        done,
        kit,
    })
}

fn background<D: Definition>(
    kit: &Kit,
    settings: &Settings,
    work: Vec<crate::kit::Background>,
) -> Vec<JoinHandle<()>> {
    let mut tasks: Vec<JoinHandle<()>> = work.into_iter().map(tokio::spawn).collect();
    let store = kit.store().ok();
    if kit.environment() == Environment::Development && (store.is_some() || kit.elsewhere().is_some()) {
        let store = store.clone();
        let settings = settings.clone();
        // Ready means with its data, so that nobody sees an empty shop for a moment.
        let done = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&done);
        kit.check("migrated", move || {
            let fine = seen.load(Ordering::Relaxed);
            std::future::ready(if fine { Ok(()) } else { Err("migrating".to_owned()) })
        });
        tasks.push(tokio::spawn(async move {
            crate::command::migrate_until_done::<D>(store.as_ref(), &settings).await;
            done.store(true, Ordering::Relaxed);
        }));
    }
    if let Some(store) = store {
        tasks.push(tokio::spawn(store.follow_replica()));
    }
    tasks.push(tokio::spawn(kit.inner().readiness.clone().watch()));
    tasks
}

async fn listen(bind: &str, port: u16, variable: &str) -> Result<TcpListener, StartError> {
    let failed =
        |cause: io::Error| StartError::Failed(format!("{variable}: cannot listen on {bind}:{port}: {cause}"));
    TcpListener::bind((bind, port)).await.map_err(failed)
}

fn routes(kit: &Kit, public: Router, admin: Router) -> (Router, Router) {
    let layer = axum::middleware::from_fn_with_state(kit.clone(), middleware::customers);
    let public = public
        .merge(probes(kit))
        .method_not_allowed_fallback(wrong_method)
        .layer(layer);
    let metrics = kit.metrics().clone();
    let text = "text/plain; version=0.0.4; charset=utf-8";
    let write = async move || {
        (
            [(header::CONTENT_TYPE, HeaderValue::from_static(text))],
            metrics.text(),
        )
    };
    let admin = kit
        .router()
        .merge(admin)
        .merge(probes(kit))
        .route("/metrics", get(write));
    (public, admin)
}

/// A document that is part of the program.
fn openapi(document: &'static str) -> impl IntoResponse {
    let json = HeaderValue::from_static("application/json");
    let fresh = HeaderValue::from_static("public, max-age=300");
    let headers = [(header::CONTENT_TYPE, json), (header::CACHE_CONTROL, fresh)];
    (headers, document)
}

async fn wrong_method() -> Problem {
    let detail = "This address does not take that method.";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}

fn probes(kit: &Kit) -> Router {
    let (for_ready, for_version) = (kit.clone(), kit.clone());
    let ready = async move || {
        let inner = for_ready.inner();
        let range = inner.schema.map(|schema| schema.range);
        let document = inner.readiness.document(inner.name, &inner.version, range);
        let fine = inner.readiness.is_ready();
        let status = if fine {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        (status, crate::Json(document)).into_response()
    };
    let version = async move || {
        let inner = for_version.inner();
        let range = inner.schema.map(|schema| schema.range);
        crate::Json(json!({"service": inner.name, "version": inner.version, "schema": range}))
    };
    let health = async || crate::Json(json!({"status": "alive"}));
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/version", get(version))
}

/// Accepts until told to close, then lets open requests end, for at most `grace`.
async fn serve(listener: TcpListener, routes: Router, mut stage: watch::Receiver<Stage>, grace: Duration) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            break;
        };
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            _ = stage.wait_for(|stage| *stage == Stage::Closing) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(cause) => {
                // Out of descriptors, or gone again before it was taken: neither ends the service.
                tracing::warn!(%cause, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(STALL_MAX));
        let routes = routes.clone();
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(PeerAddress(peer));
            let answer = routes.clone().call(request);
            async move {
                let Ok(response) = answer.await;
                // An error of the service ends the connection without an answer.
                let cut = response.extensions().get::<CutConnection>().is_some();
                if cut {
                    Err(io::Error::other("cut"))
                } else {
                    Ok(response)
                }
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME_MAX)
            .max_buf_size(HEADER_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A client that goes away in the middle is no event of ours.
            let _ = connection.await;
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!(?grace, "requests were still open at the end of the grace period");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_slow_with_its_headers_is_dropped_and_others_are_served() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_open, stage) = watch::channel(Stage::Open);
        let routes = Router::new().route("/", get(async || "fine"));
        tokio::spawn(serve(listener, routes, stage, Duration::ZERO));
        let mut slow = TcpStream::connect(address).await.unwrap();
        let began = Instant::now();
        let dropped = tokio::spawn(async move {
            // A little every second, so that it is never silent for long.
            for part in std::iter::once("GET / HTTP/1.1\r\n").chain(std::iter::repeat("X-Slow: 1\r\n")) {
                if slow.write_all(part.as_bytes()).await.is_err() {
                    break;
                }
                let mut answer = [0; 64];
                let read = tokio::time::timeout(Duration::from_secs(1), slow.read(&mut answer)).await;
                if let Ok(end) = read {
                    assert!(matches!(end, Ok(0) | Err(_)), "it is not answered");
                    break;
                }
            }
            began.elapsed()
        });
        let mut other = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
        other.write_all(request).await.unwrap();
        let mut answer = String::new();
        other.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("fine"),
            "{answer}"
        );
        let took = dropped.await.unwrap();
        let most = HEADER_TIME_MAX + Duration::from_secs(2);
        assert!((HEADER_TIME_MAX..most).contains(&took), "{took:?}");
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_of_its_answer_is_dropped_and_one_that_is_slow_is_not() {
        const BYTES: usize = 32 << 20;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_open, stage) = watch::channel(Stage::Open);
        let routes = Router::new().route("/", get(async || vec![b'x'; BYTES]));
        tokio::spawn(serve(listener, routes, stage, Duration::ZERO));
        let taken = async |pauses: u32, pause: Duration| {
            let mut client = TcpStream::connect(address).await.unwrap();
            let request = b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
            client.write_all(request).await.unwrap();
            let (mut count, mut part) = (0, vec![0; 4 << 20]);
            for _ in 0..pauses {
                tokio::time::sleep(pause).await;
                count += client.read(&mut part).await.unwrap_or(0);
            }
            while let Ok(read @ 1..) = client.read(&mut part).await {
                count += read;
            }
            count
        };
        let (stalled, slow) = tokio::join!(taken(1, STALL_MAX * 5), taken(10, STALL_MAX / 3));
        assert!(
            stalled < BYTES,
            "{stalled} bytes came although nobody took them for long"
        );
        assert!(slow > BYTES, "{slow} of {BYTES} bytes and their headers");
    }
}
