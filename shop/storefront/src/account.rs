//! Signing up, in and out, and a customer's orders.

use axum::Form;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::client::Reply;

use crate::App;
use crate::backend::Session;
use crate::checkout::field;
use crate::failure;
use crate::order::status;
use crate::page::{Page, go_to, go_with, money, proof};
use crate::visitor::Visitor;

/// What was typed.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Typed {
    #[serde(default)]
    proof: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
}

/// Which of the two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    LogIn,
    SignUp,
}

pub(crate) async fn show(State(app): State<App>, visitor: Visitor) -> Response {
    if visitor.token().is_none() {
        return go_to(&app, &visitor, "/login");
    }
    let user = match app.backend.me(&visitor).await {
        Ok(user) => user,
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED => {
            let mut headers = HeaderMap::new();
            app.guard.sign_out(&mut headers);
            return go_with(headers, "/login");
        }
        Err(problem) => return failure::page(&app, &visitor, &problem),
    };
    let orders = match app.backend.orders(&visitor).await {
        Ok(orders) => orders,
        Err(problem) => return failure::page(&app, &visitor, &problem),
    };
    let main = html! {
        h1 { "Hello, " (user.name) }
        p.faint { (user.email) }
        h2 { "Your orders" }
        @if orders.is_empty() { p { "None yet." } }
        ul.summary {
            @for order in &orders {
                li { a href={ "/orders/" (order.id) } { (order.placed_at.get(..10).unwrap_or_default()) } ": " (money(&order.total)) ", " (status(&order.status)) }
            }
        }
        form action="/logout" method="post" { (proof(&app, &visitor)) button.quiet { "Sign out" } }
    };
    Page::new("Your account", main).answer(&app, &visitor, StatusCode::OK)
}

pub(crate) async fn login(State(app): State<App>, visitor: Visitor) -> Response {
    form(
        &app,
        &visitor,
        Kind::LogIn,
        &Typed::default(),
        None,
        StatusCode::OK,
    )
}

pub(crate) async fn signup(State(app): State<App>, visitor: Visitor) -> Response {
    form(
        &app,
        &visitor,
        Kind::SignUp,
        &Typed::default(),
        None,
        StatusCode::OK,
    )
}

pub(crate) async fn log_in(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Response {
    if !app.guard.accepts(&visitor, &typed.proof) {
        return failure::stranger(&app, &visitor);
    }
    let body = json!({ "email": typed.email, "password": typed.password });
    match app.backend.log_in(&body).await {
        Ok(reply) => welcome(&app, &visitor, Kind::LogIn, &typed, &reply).await,
        Err(problem) => failure::page(&app, &visitor, &problem),
    }
}

pub(crate) async fn sign_up(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Response {
    if !app.guard.accepts(&visitor, &typed.proof) {
        return failure::stranger(&app, &visitor);
    }
    let body = json!({ "name": typed.name, "email": typed.email, "password": typed.password });
    match app.backend.sign_up(&body).await {
        Ok(reply) => welcome(&app, &visitor, Kind::SignUp, &typed, &reply).await,
        Err(problem) => failure::page(&app, &visitor, &problem),
    }
}

pub(crate) async fn log_out(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Response {
    if !app.guard.accepts(&visitor, &typed.proof) {
        return failure::stranger(&app, &visitor);
    }
    app.backend.log_out(&visitor).await;
    let mut headers = HeaderMap::new();
    app.guard.sign_out(&mut headers);
    go_with(headers, "/")
}

/// Signed in: the guest's cart comes along. Otherwise the form again, with the reason.
async fn welcome(app: &App, visitor: &Visitor, kind: Kind, typed: &Typed, reply: &Reply) -> Response {
    let session: Option<Session> = reply.status.is_success().then(|| reply.json().ok()).flatten();
    let Some(session) = session else {
        let said: Value = reply.json().unwrap_or_default();
        let status = if reply.status.is_client_error() {
            reply.status
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        return form(app, visitor, kind, typed, Some(&said), status);
    };
    if let Err(problem) = app.backend.merge(&session.token, visitor.cart()).await {
        tracing::warn!(detail = problem.detail, "a guest's cart stays where it is");
    }
    let mut headers = HeaderMap::new();
    app.guard.sign_in(&session.token, &mut headers);
    app.guard.remember(visitor, &mut headers);
    go_with(headers, "/account")
}

fn form(
    app: &App,
    visitor: &Visitor,
    kind: Kind,
    typed: &Typed,
    said: Option<&Value>,
    status: StatusCode,
) -> Response {
    let (title, action, complete) = match kind {
        Kind::LogIn => ("Sign in", "/login", "current-password"),
        Kind::SignUp => ("Sign up", "/signup", "new-password"),
    };
    let detail = said.and_then(|said| said["detail"].as_str());
    let wrong = said.and_then(|said| said["field"].as_str()).unwrap_or_default();
    let other: Markup = match kind {
        Kind::LogIn => html! { p { "New here? " a href="/signup" { "Sign up" } } },
        Kind::SignUp => html! { p { "Been here before? " a href="/login" { "Sign in" } } },
    };
    let main = html! {
        h1 { (title) }
        @if let Some(detail) = detail { p.error role="alert" { (detail) } }
        form.checkout action=(action) method="post" {
            (proof(app, visitor))
            @if kind == Kind::SignUp { (field("name", "Name", "text", "name", &typed.name, wrong)) }
            (field("email", "E-mail", "email", "email", &typed.email, wrong))
            (field("password", "Password", "password", complete, "", wrong))
            @if kind == Kind::SignUp { p.faint { "At least 12 characters." } }
            button { (title) }
        }
        (other)
    };
    Page::new(title, main).answer(app, visitor, status)
}
