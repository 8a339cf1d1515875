//! What happens to every request: an id, the server's name, numbers, faults, and an answer even when a handler panics.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, header};
use uuid::Uuid;

use crate::context::{Context, READ_AFTER, parse_place, place_text};
use crate::input::check_address;
use crate::metrics::{Counter, Family, Gauge, Histogram, Metrics};
use crate::{Kit, Problem};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

/// Who is at the other end of the connection; in the extensions of every request.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub SocketAddr);

/// In the extensions of an answer: the route it is counted under, where the path that matched says too little.
#[derive(Debug, Clone, Copy)]
pub struct RouteLabel(pub &'static str);

#[derive(Debug)]
pub(crate) struct HttpMetrics {
    requests: Family<Counter>,
    duration: Family<Histogram>,
    in_flight: Gauge,
}

impl HttpMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let labels = &["route", "method", "status"];
        Self {
            requests: metrics.counter("shop_http_requests_total", "Requests answered.", labels),
            duration: metrics.histogram(
                "shop_http_request_duration_seconds",
                "Time to an answer.",
                &["route"],
            ),
            in_flight: metrics
                .gauge("shop_http_in_flight", "Requests being answered.", &[])
                .with(&[]),
        }
    }
}

/// Wraps the routes of the public port.
pub(crate) async fn customers(State(kit): State<Kit>, request: Request, next: Next) -> Response {
    let id = id_of(&request);
    let told = request
        .headers()
        .get(READ_AFTER)
        .and_then(|value| parse_place(value.to_str().ok()?))
        .unwrap_or_default();
    let context = Context::new(id.clone(), told);
    let mut response = context.clone().scope(answer(&kit, request, next, id)).await;
    if context.written() > told
        && let Ok(place) = HeaderValue::from_str(&place_text(context.written()))
    {
        response.headers_mut().insert(READ_AFTER, place);
    }
    response
}

async fn answer(kit: &Kit, request: Request, next: Next, id: HeaderValue) -> Response {
    let began = Instant::now();
    let http = &kit.inner().http;
    http.in_flight.add(1);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    let mut response = if matches!(route, "/health" | "/ready" | "/version") {
        next.run(request).await
    } else {
        harmed(kit, request, next).await
    };
    finish(kit, &mut response, id.clone());
    http.in_flight.add(-1);

    let route = response
        .extensions()
        .get::<RouteLabel>()
        .map_or(route, |label| label.0);
    let status = response.status();
    let took = began.elapsed();
    http.requests
        .with(&[route, method.as_str(), status.as_str()])
        .inc();
    http.duration.with(&[route]).observe(took);
    if status.is_server_error() {
        tracing::warn!(request_id = id.to_str().unwrap_or_default(), %method, route, status = status.as_u16(), ?took, "answered");
    } else {
        tracing::debug!(request_id = id.to_str().unwrap_or_default(), %method, route, status = status.as_u16(), ?took, "answered");
    }
    response
}

async fn harmed(kit: &Kit, request: Request, next: Next) -> Response {
    if let Err(problem) = check_address(request.uri()) {
        return problem.into_response();
    }
    let harm = kit.faults().request();
    if let Some(delay) = harm.delay {
        tokio::time::sleep(delay).await;
    }
    if harm.fails {
        return Problem::internal("SHOP_FAULT").into_response();
    }
    // One broken handler must not take its connection, and with it other requests, along.
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => Problem::internal("a handler panicked").into_response(),
    }
}

fn finish(kit: &Kit, response: &mut Response, id: HeaderValue) {
    let headers = response.headers_mut();
    if let Some(name) = &kit.inner().served_by
        && !headers.contains_key(SERVED_BY)
    {
        headers.insert(SERVED_BY, name.clone());
    }
    headers.insert(REQUEST_ID, id);
    // No browser takes an answer of ours for something that it does not say it is.
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if kit.is_draining() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// The caller's id when it is well-formed, else a new one.
fn id_of(request: &Request) -> HeaderValue {
    let fine = |id: &&HeaderValue| {
        (8..=64).contains(&id.len())
            && id
                .as_bytes()
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    };
    let given = request.headers().get(REQUEST_ID).filter(fine);
    given.cloned().unwrap_or_else(|| {
        let new = Uuid::now_v7().to_string();
        HeaderValue::from_str(&new).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    })
}
