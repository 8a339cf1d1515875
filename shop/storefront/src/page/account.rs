//! A customer's account: name, password, addresses.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use maud::{Markup, html};

use crate::App;
use crate::backend::{Address, Trouble, User};
use crate::failure::Failure;
use crate::field::{Complaint, Fields, Input};
use crate::page::checkout::{COUNTRIES, address_fields, address_of, country};
use crate::page::product::After;
use crate::page::{Frame, done, pieces, token};
use crate::visitor::{Posted, Visitor};

const OWN_NAME: Input = Input::text("own-name", "Your name", "name");
const CURRENT: Input = Input::text("current", "Current password", "current-password").kind("password");
const NEW: Input = Input::text("new", "New password", "new-password")
    .kind("password")
    .hint("At least twelve characters. All other sessions end.");

/// `GET /account`
pub(crate) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Query(after): Query<After>,
) -> Result<Response, Failure> {
    page(
        &app,
        &visitor,
        &after.done,
        &Fields::default(),
        &Complaint::none(),
    )
    .await
}

async fn page(
    app: &App,
    visitor: &Visitor,
    code: &str,
    typed: &Fields,
    complaint: &Complaint,
) -> Result<Response, Failure> {
    if visitor.session.is_none() {
        return Err(Failure::SignIn);
    }
    let (user, addresses, pieces) = tokio::join!(
        app.backend.me(visitor),
        app.backend.addresses(visitor),
        pieces(app, visitor)
    );
    let (user, addresses) = (user?, addresses?);
    let content = html! {
        h1 { "Hello, " (user.name) }
        (done(code))
        (complaint.summary())
        p { a.button href="/orders" { "Your orders" } }
        div.panels {
            (addresses_panel(app, visitor, &addresses, typed, complaint))
            (user_panel(app, visitor, &user, typed, complaint))
        }
    };
    Ok(Frame::new(app, visitor, "Your account")
        .pieces(pieces)
        .respond(&content))
}

fn addresses_panel(
    app: &App,
    visitor: &Visitor,
    addresses: &[Address],
    typed: &Fields,
    complaint: &Complaint,
) -> Markup {
    html! {
        section.panel aria-labelledby="addresses" {
            h2 #addresses { "Addresses" }
            @for address in addresses {
                div.address {
                    address { (address.name) br; (address.street) br; (address.postcode) " " (address.city) ", " (country(&address.country)) }
                    form method="post" action={ "/account/addresses/" (address.id) "/remove" } {
                        (token(app, visitor))
                        button.link { "Remove" span.visually-hidden { " " (address.street) } }
                    }
                }
            }
            h3 { "Add an address" }
            form method="post" action="/account/addresses" {
                (token(app, visitor))
                (address_fields(typed, complaint))
                p { button { "Add" } }
            }
        }
    }
}

fn user_panel(app: &App, visitor: &Visitor, user: &User, typed: &Fields, complaint: &Complaint) -> Markup {
    let named = typed.clone().or("own-name", &user.name);
    html! {
        section.panel aria-labelledby="you" {
            h2 #you { "You" }
            p.small { "Signed in as " (user.email) }
            form method="post" action="/account/name" {
                (token(app, visitor))
                (OWN_NAME.show(&named, complaint))
                p { button { "Save" } }
            }
            h3 { "Password" }
            form method="post" action="/account/password" {
                (token(app, visitor))
                (CURRENT.show(typed, complaint))
                (NEW.show(typed, complaint))
                p { button { "Change the password" } }
            }
            form method="post" action="/sign-out" {
                (token(app, visitor))
                p { button.quiet { "Sign out" } }
            }
        }
    }
}

/// After a change: back to the account, or the account with what is wrong.
async fn answer(
    app: &App,
    posted: &Posted,
    result: Result<(), Trouble>,
    field: impl Fn(&str) -> String,
) -> Result<Response, Failure> {
    match result {
        Ok(()) => Ok(Redirect::to("/account?done=saved").into_response()),
        Err(Trouble::Refused(refusal))
            if refusal.status.is_client_error()
                && (refusal.status != StatusCode::UNAUTHORIZED || refusal.kind == "wrong-credentials") =>
        {
            let complaint = match (refusal.kind.as_str(), refusal.field.as_deref()) {
                ("wrong-credentials", _) => Complaint::of("current", "That is not your current password."),
                (_, Some(name)) => Complaint::of(&field(name), refusal.detail),
                (_, None) => Complaint::whole(refusal.detail),
            };
            let mut response = page(app, &posted.visitor, "", &posted.fields, &complaint).await?;
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(response)
        }
        Err(trouble) => Err(trouble.into()),
    }
}

/// `POST /account/name`
pub(crate) async fn rename(State(app): State<App>, posted: Posted) -> Result<Response, Failure> {
    let result = app
        .backend
        .rename(&posted.visitor, posted.fields.get("own-name"))
        .await;
    answer(&app, &posted, result, |field| format!("own-{field}")).await
}

/// `POST /account/password`
pub(crate) async fn change_password(State(app): State<App>, posted: Posted) -> Result<Response, Failure> {
    let (current, new) = (posted.fields.get("current"), posted.fields.get("new"));
    let result = app.backend.change_password(&posted.visitor, current, new).await;
    answer(&app, &posted, result, str::to_owned).await
}

/// `POST /account/addresses`
pub(crate) async fn add_address(State(app): State<App>, mut posted: Posted) -> Result<Response, Failure> {
    posted.fields = posted.fields.or("country", COUNTRIES[0].0);
    let address = address_of(&posted.fields);
    let result = app.backend.add_address(&posted.visitor, &address).await;
    answer(&app, &posted, result, str::to_owned).await
}

/// `POST /account/addresses/{id}/remove`
pub(crate) async fn remove_address(
    State(app): State<App>,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    let result = app.backend.remove_address(&posted.visitor, &id).await;
    answer(&app, &posted, result, str::to_owned).await
}
