//! The cart: what is in it, and changing that.

use axum::Form;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use maud::html;
use serde::Deserialize;

use crate::App;
use crate::backend::Line;
use crate::page::{Page, go_to, money, proof};
use crate::visitor::Visitor;
use crate::{failure, list};

/// A change.
#[derive(Debug, Deserialize)]
pub(crate) struct Change {
    #[serde(default)]
    proof: String,
    /// `add` or `set`.
    #[serde(default, rename = "do")]
    what: String,
    #[serde(default)]
    sku: String,
    #[serde(default)]
    quantity: u32,
}

pub(crate) async fn show(State(app): State<App>, visitor: Visitor) -> Response {
    let cart = match app.backend.cart(&visitor).await {
        Ok(cart) => cart,
        Err(problem) => return failure::page(&app, &visitor, &problem),
    };
    let main = html! {
        h1 { "Your cart" }
        @if cart.lines.is_empty() {
            p { "It is empty. " a href="/" { "Look around" } }
        } @else {
            ul.lines { @for line in &cart.lines { li { (row(&app, &visitor, line)) } } }
            p.total { (cart.pieces) " pieces, " @if let Some(subtotal) = &cart.subtotal { strong { (money(subtotal)) } } }
            p { a.button href="/checkout" { "Check out" } }
        }
    };
    Page::new("Your cart", main).answer(&app, &visitor, StatusCode::OK)
}

fn row(app: &App, visitor: &Visitor, line: &Line) -> maud::Markup {
    let field = format!("quantity-{}", line.sku);
    html! {
        img src={ "/pictures/" (line.sku) ".svg" } alt="" width="80" height="60";
        a href={ "/products/" (line.sku) } { (line.name) }
        form action="/cart" method="post" {
            (proof(app, visitor))
            input type="hidden" name="do" value="set";
            input type="hidden" name="sku" value=(line.sku);
            label.hidden for=(field) { "Pieces of " (line.name) }
            input id=(field) type="number" name="quantity" value=(line.quantity) min="0" max="99" inputmode="numeric";
            button.quiet { "Change" }
        }
        span.price { @if let Some(price) = &line.price { (money(price)) } }
    }
}

pub(crate) async fn change(State(app): State<App>, visitor: Visitor, Form(change): Form<Change>) -> Response {
    if !app.guard.accepts(&visitor, &change.proof) {
        return failure::stranger(&app, &visitor);
    }
    let sku = change.sku.trim();
    let done = if change.what == "add" {
        app.backend.add(&visitor, sku, change.quantity).await
    } else {
        app.backend
            .set(&visitor, &list::encode(sku), change.quantity)
            .await
    };
    match done {
        Ok(()) => go_to(&app, &visitor, "/cart"),
        Err(problem) => failure::page(&app, &visitor, &problem),
    }
}
