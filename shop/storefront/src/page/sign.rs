//! Signing in, up and out.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use crate::App;
use crate::backend::{Refusal, Session, Trouble};
use crate::failure::Failure;
use crate::field::{Complaint, Fields, Input};
use crate::page::{Frame, local, refer, token};
use crate::visitor::{Posted, Visitor};

const NAME: Input = Input::text("name", "Name", "name");
const EMAIL: Input = Input::text("email", "Email", "email").kind("email");
const PASSWORD: Input = Input::text("password", "Password", "current-password").kind("password");
/// When a password is made up; also on the account's page.
pub(crate) const NEW_PASSWORD: Input = Input::text("password", "Password", "new-password")
    .kind("password")
    .hint("At least twelve characters. A short sentence is easy to remember.");

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Next {
    next: String,
}

/// `GET /sign-in`
pub(crate) async fn show_in(State(app): State<App>, visitor: Visitor, Query(next): Query<Next>) -> Response {
    let typed = Fields::default().with("next", local(&next.next));
    page_in(&app, &visitor, &typed, &Complaint::none())
}

/// `GET /sign-up`
pub(crate) async fn show_up(State(app): State<App>, visitor: Visitor, Query(next): Query<Next>) -> Response {
    let typed = Fields::default().with("next", local(&next.next));
    page_up(&app, &visitor, &typed, &Complaint::none())
}

fn page_in(app: &App, visitor: &Visitor, typed: &Fields, complaint: &Complaint) -> Response {
    let next = refer(typed.get("next"));
    let inputs = html! { (EMAIL.show(typed, complaint)) (PASSWORD.show(typed, complaint)) };
    let other = html! { "New here? " a href={ "/sign-up?" (next) } { "Create an account" } "." };
    let content = form(
        app,
        visitor,
        typed,
        complaint,
        ("/sign-in", "Sign in"),
        &inputs,
        &other,
    );
    Frame::new(app, visitor, "Sign in").respond(&content)
}

fn page_up(app: &App, visitor: &Visitor, typed: &Fields, complaint: &Complaint) -> Response {
    let next = refer(typed.get("next"));
    let inputs = html! {
        (NAME.show(typed, complaint))
        (EMAIL.show(typed, complaint))
        (NEW_PASSWORD.show(typed, complaint))
    };
    let other = html! { "You have an account? " a href={ "/sign-in?" (next) } { "Sign in" } "." };
    let what = ("/sign-up", "Create an account");
    let content = form(app, visitor, typed, complaint, what, &inputs, &other);
    Frame::new(app, visitor, "Create an account").respond(&content)
}

fn form(
    app: &App,
    visitor: &Visitor,
    typed: &Fields,
    complaint: &Complaint,
    (action, title): (&str, &str),
    inputs: &Markup,
    other: &Markup,
) -> Markup {
    html! {
        section.narrow {
            h1 { (title) }
            (complaint.summary())
            form method="post" action=(action) {
                (token(app, visitor))
                input type="hidden" name="next" value=(typed.get("next"));
                (inputs)
                p { button.strong { (title) } }
            }
            p { (other) }
        }
    }
}

/// `POST /sign-in`
pub(crate) async fn sign_in(State(app): State<App>, posted: Posted) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = posted;
    let answer = app
        .backend
        .sign_in(fields.get("email"), fields.get("password"))
        .await;
    match answer {
        Ok(session) => {
            let target = local(fields.get("next")).to_owned();
            Ok(enter(&app, &visitor, &session, &target).await)
        }
        Err(Trouble::Refused(refusal)) if !refusal.status.is_server_error() => {
            let complaint = match refusal.status.as_u16() {
                401 => Complaint::whole("Email and password do not fit together."),
                _ => complaint_of(&refusal),
            };
            let mut response = page_in(&app, &visitor, &fields, &complaint);
            *response.status_mut() = refusal.status;
            Ok(response)
        }
        Err(trouble) => Err(trouble.into()),
    }
}

/// `POST /sign-up`
pub(crate) async fn sign_up(State(app): State<App>, posted: Posted) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = posted;
    let answer = app
        .backend
        .sign_up(fields.get("name"), fields.get("email"), fields.get("password"))
        .await;
    match answer {
        Ok(session) => {
            let target = match local(fields.get("next")) {
                "/" => "/account?done=welcome".to_owned(),
                next => next.to_owned(),
            };
            Ok(enter(&app, &visitor, &session, &target).await)
        }
        Err(Trouble::Refused(refusal)) if !refusal.status.is_server_error() => {
            let mut response = page_up(&app, &visitor, &fields, &complaint_of(&refusal));
            *response.status_mut() = refusal.status;
            Ok(response)
        }
        Err(trouble) => Err(trouble.into()),
    }
}

fn complaint_of(refusal: &Refusal) -> Complaint {
    match refusal.field.as_deref() {
        Some(field) => Complaint::of(field, refusal.detail.clone()),
        None => Complaint::whole(refusal.detail.clone()),
    }
}

/// The guest's cart comes along; if that fails it stays where it is, and signing in does not.
async fn enter(app: &App, visitor: &Visitor, session: &Session, target: &str) -> Response {
    if let Err(trouble) = app.backend.merge_cart(&session.token, visitor.guest()).await {
        tracing::warn!(?trouble, "a guest's cart was not taken along");
    }
    let mut response = (StatusCode::SEE_OTHER, Redirect::to(target)).into_response();
    visitor.sign_in(&mut response, &session.token);
    response
}

/// `POST /sign-out`
pub(crate) async fn sign_out(State(app): State<App>, posted: Posted) -> Result<Response, Failure> {
    if posted.visitor.session.is_some()
        && let Err(trouble) = app.backend.sign_out(&posted.visitor).await
    {
        let failure = Failure::from(trouble);
        // A session that is over already is what was wanted; one that goes on is not.
        if failure != Failure::SignIn {
            return Err(failure);
        }
    }
    let mut response = Redirect::to("/").into_response();
    posted.visitor.sign_out(&mut response);
    Ok(response)
}
