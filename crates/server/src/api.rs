//! The HTTP API, version 1: reads, one way to change something, and a stream of changes. Documented in docs/openapi.json.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::Stream;
use serde::Deserialize;
use serde_json::{Value, json};
use windlass_core::view::View;

use crate::Context;
use crate::handle::{Handle, Refusal};
use crate::problem::Problem;

/// Records in one page of the ledger.
const EVENTS_MAX: u32 = 1_000;
/// Lines in one answer of logs.
const LINES_MAX: usize = 10_000;

impl<H> Context<H> {
    /// Refuses whoever carries no token as `Authorization: Bearer`.
    fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let given = given
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        if self.token.fits(given) {
            return Ok(());
        }
        Err(Problem(Refusal {
            status: 401,
            detail: "the request carries no valid token".to_owned(),
            hint: "send `Authorization: Bearer TOKEN`; `windlass up` prints the token".to_owned(),
        }))
    }
}

pub(crate) fn routes<H: Handle>() -> Router<Context<H>> {
    Router::new()
        .route("/api/v1/health", get(|| async { Json(json!({ "ok": true })) }))
        .route("/api/v1/view", get(view::<H>))
        .route("/api/v1/commands", post(commands::<H>))
        .route("/api/v1/poke", post(poke::<H>))
        .route("/api/v1/events", get(events::<H>))
        .route("/api/v1/stream", get(stream::<H>))
        .route(
            "/api/v1/environments/{environment}/workloads",
            get(workloads::<H>),
        )
        .route(
            "/api/v1/environments/{environment}/services/{service}/logs",
            get(logs::<H>),
        )
}

async fn view<H: Handle>(State(context): State<Context<H>>) -> Json<Arc<View>> {
    Json(context.handle.view())
}

/// A change. Needs the token.
async fn commands<H: Handle>(
    State(context): State<Context<H>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Json<Value>, Problem> {
    context.check(&headers)?;
    let command = serde_json::from_value(body).map_err(|error| Refusal {
        status: 400,
        detail: format!("the command is not understood: {error}"),
        hint: "docs/openapi.json describes the commands".to_owned(),
    })?;
    let seq = context.handle.submit(command).await?;
    Ok(Json(json!({ "seq": seq })))
}

/// Somebody pushed. Needs the token.
async fn poke<H: Handle>(
    State(context): State<Context<H>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    context.check(&headers)?;
    context.handle.poke();
    Ok(Json(json!({ "ok": true })))
}

#[derive(Debug, Deserialize)]
struct Page {
    #[serde(default)]
    after: u64,
    limit: Option<u32>,
}

async fn events<H: Handle>(
    State(context): State<Context<H>>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Problem> {
    let limit = page.limit.unwrap_or(EVENTS_MAX).min(EVENTS_MAX);
    let events = context.handle.events(page.after, limit).await?;
    Ok(Json(json!({ "events": events })))
}

async fn workloads<H: Handle>(
    State(context): State<Context<H>>,
    Path(environment): Path<String>,
) -> Result<Json<Value>, Problem> {
    let workloads = context.handle.instances(&environment).await?;
    Ok(Json(json!({ "workloads": workloads })))
}

#[derive(Debug, Deserialize)]
struct Tail {
    lines: Option<usize>,
}

async fn logs<H: Handle>(
    State(context): State<Context<H>>,
    Path((environment, service)): Path<(String, String)>,
    Query(tail): Query<Tail>,
) -> Result<Json<Value>, Problem> {
    let lines = tail.lines.unwrap_or(100).min(LINES_MAX);
    let lines = context.handle.logs(&environment, &service, lines).await?;
    Ok(Json(json!({ "lines": lines })))
}

/// Server-sent events: one `change` with the ledger's last sequence number each time something happened.
async fn stream<H: Handle>(
    State(context): State<Context<H>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = context.handle.changes();
    let stream = futures_util::stream::unfold((changes, true), |(mut changes, first)| async move {
        if !first && changes.changed().await.is_err() {
            return None;
        }
        let seq = *changes.borrow_and_update();
        Some((
            Ok(Event::default().event("change").data(seq.to_string())),
            (changes, false),
        ))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}
