//! The admin listener, on loopback only: `GET /metrics` for Prometheus, `GET /healthz`.

use std::convert::Infallible;
use std::fmt::Write;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use crate::live::TrackState;
use crate::message::{Health, Status};
use crate::proxy::Proxy;
use crate::table::Audience;

/// The listener.
pub(crate) struct Admin {
    address: SocketAddr,
    socket: TcpListener,
}

impl Admin {
    /// Serves metrics from now on.
    pub(crate) fn begin(socket: TcpListener, proxy: Arc<Proxy>) -> io::Result<Self> {
        let address = socket.local_addr()?;
        if !address.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("the admin listener is for this machine only, {address} is not"),
            ));
        }
        socket.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(socket.try_clone()?)?;
        tokio::spawn(serve(listener, address, proxy));
        Ok(Self { address, socket })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

async fn serve(listener: tokio::net::TcpListener, address: SocketAddr, proxy: Arc<Proxy>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            continue;
        };
        let proxy = Arc::clone(&proxy);
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let response = respond(&request, address, &proxy);
                async move { Ok::<_, Infallible>(response) }
            });
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "an admin connection broke off");
            }
        });
    }
}

fn respond(request: &Request<Incoming>, address: SocketAddr, proxy: &Proxy) -> Response<Full<Bytes>> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => (StatusCode::OK, metrics(proxy, address)),
        (&Method::GET, "/healthz") => (StatusCode::OK, "ok\n".to_owned()),
        _ => (
            StatusCode::NOT_FOUND,
            "there are /metrics and /healthz\n".to_owned(),
        ),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4"),
    );
    response
}

/// Reads one number of a track.
type Value = fn(&TrackState, Audience) -> u64;

/// The text format of Prometheus, version 0.0.4.
fn metrics(proxy: &Proxy, address: SocketAddr) -> String {
    let mut text = String::new();
    let plain: [(&str, &str, &str, Value); 6] = [
        (
            "requests_total",
            "counter",
            "Requests answered or failed.",
            |track, audience| track.counters(audience).read().requests,
        ),
        (
            "errors_total",
            "counter",
            "Requests answered with 5xx or not at all.",
            |track, audience| track.counters(audience).read().errors,
        ),
        (
            "given_up_total",
            "counter",
            "Requests that the client gave up.",
            |track, audience| track.counters(audience).read().given_up,
        ),
        (
            "retries_total",
            "counter",
            "Requests sent to a second target.",
            |track, audience| track.counters(audience).read().retries,
        ),
        (
            "in_flight",
            "gauge",
            "Requests in flight on the track.",
            |track, _| track.in_flight(),
        ),
        ("tunnels", "gauge", "Open tunnels of the track.", |track, _| {
            track.tunnels()
        }),
    ];
    for (name, kind, help, value) in plain {
        head(&mut text, name, kind, help);
        proxy.each_track(|track, audience| {
            let labels = labels(track, audience);
            line(&mut text, name, &labels, value(track, audience));
        });
    }
    head(
        &mut text,
        "request_duration_seconds",
        "histogram",
        "Until the answer's head.",
    );
    proxy.each_track(|track, audience| histogram(&mut text, track, audience));
    gauges(&mut text, &proxy.status(Some(address)));
    text
}

fn histogram(text: &mut String, track: &TrackState, audience: Audience) {
    let reading = track.counters(audience).read();
    let labels = labels(track, audience);
    for (step, count) in &reading.within_ms {
        let le = f64::from(*step) / 1_000.0;
        line(
            text,
            "request_duration_seconds_bucket",
            &format!("{labels},le=\"{le}\""),
            *count,
        );
    }
    let infinite = format!("{labels},le=\"+Inf\"");
    line(
        text,
        "request_duration_seconds_bucket",
        &infinite,
        reading.requests,
    );
    line(text, "request_duration_seconds_sum", &labels, reading.seconds);
    line(text, "request_duration_seconds_count", &labels, reading.requests);
}

fn gauges(text: &mut String, status: &Status) {
    head(
        text,
        "target_healthy",
        "gauge",
        "Whether the target gets requests.",
    );
    for table in &status.tables {
        for target in &table.targets {
            let labels = format!(
                "table=\"{}\",service=\"{}\",track=\"{}\",target=\"{}\"",
                table.name, target.service, target.track, target.address
            );
            line(
                text,
                "target_healthy",
                &labels,
                u8::from(target.health == Health::Healthy),
            );
        }
    }
    head(text, "connections", "gauge", "Clients connected to the listener.");
    for table in &status.tables {
        for listener in &table.listeners {
            let labels = format!("table=\"{}\",listener=\"{}\"", table.name, listener.name);
            line(text, "connections", &labels, listener.connections);
        }
    }
    head(text, "generation", "gauge", "Generation of the table in force.");
    for table in &status.tables {
        line(
            text,
            "generation",
            &format!("table=\"{}\"", table.name),
            table.generation,
        );
    }
}

fn labels(track: &TrackState, audience: Audience) -> String {
    format!(
        "table=\"{}\",service=\"{}\",track=\"{}\",audience=\"{}\"",
        track.table,
        track.service,
        track.track,
        audience.as_str()
    )
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(
        text,
        "# HELP windlass_proxy_{name} {help}\n# TYPE windlass_proxy_{name} {kind}"
    );
}

fn line(text: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = writeln!(text, "windlass_proxy_{name}{{{labels}}} {value}");
}
