//! Signing in with the local token, and out.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

use crate::Context;
use crate::handle::Handle;
use crate::session;

/// What the form sends, and the address that `windlass up` prints carries.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Shown {
    token: Option<String>,
    name: Option<String>,
}

/// The form, or the way in at once for the address that `windlass up` prints: it has token and name.
pub(super) async fn form<H: Handle>(
    State(context): State<Context<H>>,
    Query(shown): Query<Shown>,
) -> Response {
    if shown.token.is_some() && shown.name.is_some() {
        return trade(&context, &shown);
    }
    page(shown.token.as_deref(), None).into_response()
}

/// Takes the form.
pub(super) async fn enter<H: Handle>(
    State(context): State<Context<H>>,
    Form(shown): Form<Shown>,
) -> Response {
    trade(&context, &shown)
}

/// Trades the token for a cookie.
fn trade<H>(context: &Context<H>, shown: &Shown) -> Response {
    if !context
        .token
        .fits(shown.token.as_deref().unwrap_or_default().trim())
    {
        let refused = page(
            None,
            Some("This is not the token. `windlass up` prints the address with the right one."),
        );
        return (StatusCode::UNAUTHORIZED, refused).into_response();
    }
    let mut response = Redirect::to("/").into_response();
    for cookie in session::cookies(&context.token, shown.name.as_deref().unwrap_or_default()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

#[derive(Debug, Deserialize)]
pub(super) struct Leave {
    form: String,
}

/// Forgets the cookie.
pub(super) async fn leave<H: Handle>(
    State(context): State<Context<H>>,
    headers: HeaderMap,
    Form(leave): Form<Leave>,
) -> Response {
    let mut response = Redirect::to("/").into_response();
    if session::who(&headers, &context.token).is_some() && context.token.fits_form(&leave.form) {
        for cookie in session::no_cookies() {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

fn page(token: Option<&str>, trouble: Option<&str>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Sign in · Windlass" }
                link rel="stylesheet" href="/assets/page.css";
                link rel="icon" href="data:,";
            }
            body.login {
                main {
                    h1 { "Sign in" }
                    @if let Some(trouble) = trouble { p.warning role="alert" { (trouble) } }
                    form method="post" action="/login" {
                        label { "Your name, for the ledger" input name="name" autocomplete="name" maxlength="60" required autofocus; }
                        @match token {
                            Some(token) => input type="hidden" name="token" value=(token);,
                            None => label { "Token" input name="token" type="password" autocomplete="off" required; },
                        }
                        button type="submit" { "Sign in" }
                    }
                    p { a href="/" { "Look without signing in" } }
                }
            }
        }
    }
}
