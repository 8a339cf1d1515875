//! Buying: one form, and an answer to everything that can come of it. The form carries the key that makes sending it twice
//! harmless.

use axum::Form;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::App;
use crate::backend::{Address, Cart};
use crate::failure;
use crate::page::{Page, go_to, money, proof};
use crate::visitor::Visitor;

/// What was typed.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Typed {
    #[serde(default)]
    proof: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    email: String,
    #[serde(flatten)]
    address: Address,
    #[serde(default)]
    card: String,
}

pub(crate) async fn show(State(app): State<App>, visitor: Visitor) -> Response {
    let typed = Typed {
        key: fresh_key(),
        ..Typed::default()
    };
    form(&app, &visitor, &typed, None, StatusCode::OK).await
}

pub(crate) async fn submit(
    State(app): State<App>,
    visitor: Visitor,
    Form(mut typed): Form<Typed>,
) -> Response {
    if !app.guard.accepts(&visitor, &typed.proof) {
        return failure::stranger(&app, &visitor);
    }
    let mut body = json!({ "address": typed.address, "payment": { "card": typed.card } });
    if visitor.token().is_none() {
        body["email"] = typed.email.as_str().into();
    }
    let reply = match app.backend.checkout(&visitor, &typed.key, &body).await {
        Ok(reply) => reply,
        Err(problem) => return failure::page(&app, &visitor, &problem),
    };
    let said: Value = reply.json().unwrap_or_default();
    if reply.status.is_success()
        && let Some(id) = said["id"].as_str()
    {
        return go_to(&app, &visitor, &format!("/orders/{id}"));
    }
    // This key's answer is final; another try is another purchase.
    if matches!(reply.status.as_u16(), 402 | 409) && reply.problem_kind().as_deref() != Some("in-progress") {
        typed.key = fresh_key();
    }
    let status = if reply.status.is_server_error() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        reply.status
    };
    form(&app, &visitor, &typed, Some(&said), status).await
}

fn fresh_key() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// The form, with what was typed and what was wrong with it.
async fn form(
    app: &App,
    visitor: &Visitor,
    typed: &Typed,
    said: Option<&Value>,
    status: StatusCode,
) -> Response {
    let cart = match app.backend.cart(visitor).await {
        Ok(cart) => cart,
        Err(problem) => return failure::page(app, visitor, &problem),
    };
    if cart.lines.is_empty() {
        return go_to(app, visitor, "/cart");
    }
    let detail = said.and_then(|said| said["detail"].as_str());
    let wrong = said.and_then(|said| said["field"].as_str()).unwrap_or_default();
    let main = html! {
        h1 { "Check out" }
        @if let Some(detail) = detail { p.error role="alert" { (detail) } }
        (summary(&cart))
        form.checkout action="/checkout" method="post" {
            (proof(app, visitor))
            input type="hidden" name="key" value=(typed.key);
            @if visitor.token().is_none() {
                (field("email", "E-mail", "email", "email", &typed.email, wrong))
            }
            fieldset {
                legend { "Where it goes" }
                (field("name", "Name", "text", "name", &typed.address.name, wrong))
                (field("street", "Street and number", "text", "street-address", &typed.address.street, wrong))
                (field("postcode", "Postcode", "text", "postal-code", &typed.address.postcode, wrong))
                (field("city", "City", "text", "address-level2", &typed.address.city, wrong))
                (field("country", "Country", "text", "country-name", &typed.address.country, wrong))
            }
            fieldset {
                legend { "How you pay" }
                (field("card", "Card number", "text", "cc-number", "", wrong))
                p.faint { "A test shop: 4242 4242 4242 4242 is approved, 4000 0000 0000 0002 declined." }
            }
            button { "Buy now" }
        }
    };
    Page::new("Check out", main).answer(app, visitor, status)
}

fn summary(cart: &Cart) -> Markup {
    html! {
        ul.summary {
            @for line in &cart.lines {
                li { (line.quantity) " × " (line.name) }
            }
            @if let Some(subtotal) = &cart.subtotal { li { strong { "Total " (money(subtotal)) } } }
        }
    }
}

/// A labelled field; `wrong` is the path of the field that was refused, such as `address.city`.
pub(crate) fn field(name: &str, label: &str, kind: &str, complete: &str, value: &str, wrong: &str) -> Markup {
    let bad = wrong.rsplit('.').next() == Some(name);
    html! {
        label for=(name) { (label) }
        input id=(name) name=(name) type=(kind) value=(value) autocomplete=(complete) required maxlength="120"
            aria-invalid=[bad.then_some("true")];
    }
}
