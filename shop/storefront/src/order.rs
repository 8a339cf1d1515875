//! An order: what was bought, and how it stands.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};

use crate::App;
use crate::backend::Order;
use crate::page::{Page, money};
use crate::visitor::Visitor;
use crate::{failure, list};

pub(crate) async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Response {
    let order = match app.backend.order(&visitor, &list::encode(&id)).await {
        Ok(order) => order,
        Err(problem) => return failure::page(&app, &visitor, &problem),
    };
    let title = match order.status.as_str() {
        "paid" => "Thank you!",
        "pending" => "Your payment is on its way",
        _ => "Your order",
    };
    let main = html! {
        h1 { (title) }
        p { "Order " code { (order.id) } ": " (status(&order.status)) }
        (lines(&order))
        p { a.button href="/" { "Back to the shop" } }
    };
    Page::new(title, main).answer(&app, &visitor, StatusCode::OK)
}

fn lines(order: &Order) -> Markup {
    html! {
        ul.summary {
            @for line in &order.lines {
                li { (line.quantity) " × " a href={ "/products/" (line.sku) } { (line.name) } @if let Some(price) = &line.price { ", " (money(price)) " each" } }
            }
            li { strong { "Total " (money(&order.total)) } @if let Some(tax) = &order.tax { ", of which tax " (money(tax)) } }
        }
    }
}

/// In words; what is not known is shown as it is.
pub(crate) fn status(status: &str) -> &str {
    match status {
        "paid" => "paid, and on its way to you",
        "pending" => "waiting for the bank; this page tells when it has answered",
        "failed" => "not paid; nothing was charged",
        "cancelled" => "cancelled",
        other => other,
    }
}
