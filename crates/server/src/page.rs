//! The release page: one page, rendered here, that works without scripts and keeps itself up to date where scripts run.
//! It shows the view and the ledger; it computes no state.

mod act;
mod checklist;
mod gates;
mod lane;
mod login;
mod phases;
mod timeline;
mod tracks;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;
use windlass_core::view::View;

use crate::Context;
use crate::handle::Handle;
use crate::session;

const STYLE: &str = include_str!("assets/page.css");
const SCRIPT: &str = include_str!("assets/page.js");
/// Nothing but our own files, forms only to ourselves, and no frame around the page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(crate) fn routes<H: Handle>() -> Router<Context<H>> {
    Router::new()
        .route("/", get(page::<H>))
        .route("/login", get(login::form::<H>).post(login::enter::<H>))
        .route("/logout", post(login::leave::<H>))
        .route("/act", post(act::act::<H>))
        .route(
            "/assets/page.css",
            get(|| async { asset("text/css; charset=utf-8", STYLE) }),
        )
        .route(
            "/assets/page.js",
            get(|| async { asset("text/javascript; charset=utf-8", SCRIPT) }),
        )
        .layer(from_fn(strict))
}

/// Who looks, and when.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    /// The name that they gave; `None` for whoever did not show the token.
    pub(crate) name: Option<String>,
    /// What their forms carry.
    pub(crate) form: String,
    /// Milliseconds since the epoch: when the view was made.
    pub(crate) now_ms: i64,
}

#[derive(Debug, Deserialize)]
struct Told {
    /// What became of a command, shown once.
    done: Option<String>,
}

async fn page<H: Handle>(
    State(context): State<Context<H>>,
    headers: HeaderMap,
    Query(told): Query<Told>,
) -> Response {
    let view = context.handle.view();
    let reader = Reader {
        name: session::who(&headers, &context.token),
        form: context.token.form(),
        now_ms: view.at_ms,
    };
    let moments = timeline::read(&context.handle, view.seq).await;
    let body = html! {
        @if let Some(done) = told.done.filter(|done| done == "asked") {
            p.told role="status" { "Done: " (done) " for. The lanes show what became of it." }
        }
        (content(&view, &reader, &moments))
    };
    let webhook = reader.name.is_some().then(|| context.token.webhook_secret());
    document(&view, &reader, &body, webhook.as_deref()).into_response()
}

/// All that changes with the view.
fn content(view: &View, reader: &Reader, moments: &[timeline::Moment]) -> Markup {
    html! {
        div #warnings data-live="" {
            @for warning in &view.warnings {
                p.warning role="alert" { strong { "Warning " } (warning) }
            }
            @for build in &view.builds {
                p.build data-state=(build.state) {
                    strong { (build.state) } " " code { (short(&build.commit)) } " " (build.subject)
                    @if !build.reason.is_empty() { pre { (build.reason) } }
                }
            }
        }
        div.lanes {
            @for environment in &view.environments {
                (lane::lane(environment, reader))
            }
        }
        section #timeline data-live="" aria-labelledby="timeline-title" {
            h2 #timeline-title { "Timeline" }
            (timeline::list(moments, reader.now_ms))
        }
    }
}

/// The frame around the content.
fn document(view: &View, reader: &Reader, body: &Markup, webhook: Option<&str>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (view.platform) " · Windlass" }
                link rel="stylesheet" href="/assets/page.css";
                link rel="icon" href="data:,";
                script src="/assets/page.js" defer {}
            }
            body {
                header.top {
                    h1 { (view.platform) }
                    p #ledger.ledger data-live="" { "event " (view.seq) " of the ledger" }
                    p #connection role="status" {}
                    @match &reader.name {
                        Some(name) => form.who action="/logout" method="post" {
                            input type="hidden" name="form" value=(reader.form);
                            span { "signed in as " strong { (name) } }
                            button.quiet type="submit" { "Sign out" }
                        }
                        None => p.who { a href="/login" { "Sign in to change something" } }
                    }
                }
                main { (body) }
                footer {
                    @if !view.isolation.is_empty() { p { "Instances: " (view.isolation) } }
                    @if let Some(secret) = webhook {
                        details {
                            summary { "Webhook for a Git host" }
                            p { "POST " code { "/hooks/github" } ", content type application/json, secret " code { (secret) } }
                        }
                    }
                    noscript { p { a href="/" { "Reload" } " to see what changed: this browser runs no scripts." } }
                    p { "The same on the command line: " code { "windlass status" } ", and as data: " a href="/api/v1/view" { "/api/v1/view" } }
                }
            }
        }
    }
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    (
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")],
        text,
    )
        .into_response()
}

/// Headers that keep others out of the page.
async fn strict(request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in fixed {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(header::HeaderValue::from_static("no-store"));
    response
}

/// The first digits of a commit.
fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

/// A time as a machine reads it is not needed here; people get the clock and how long ago it was.
fn when(at_ms: i64, now_ms: i64) -> Markup {
    use windlass_core::moment::{at, relative};
    html! { time title=(format!("{} UTC", at(at_ms, now_ms))) { (relative(at_ms, now_ms)) } }
}
