//! Orders: the confirmation, the history, cancelling.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;

use crate::App;
use crate::backend::{Line, Order, Trouble, escape};
use crate::failure::Failure;
use crate::page::checkout::country;
use crate::page::product::After;
use crate::page::{Frame, day, done, money, pieces, token};
use crate::picture;
use crate::visitor::{Posted, Visitor};

/// A pending order is looked at again after so many seconds.
const LOOK_AGAIN_S: u32 = 2;

/// Where in the history.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Place {
    cursor: String,
}

/// `GET /orders`
pub(crate) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    Query(place): Query<Place>,
) -> Result<Response, Failure> {
    if !visitor.is_known() {
        return Err(Failure::SignIn);
    }
    let (orders, pieces) = tokio::join!(
        app.backend.orders(&visitor, &place.cursor),
        pieces(&app, &visitor)
    );
    let orders = orders?;
    let lines: Vec<Line> = orders
        .orders
        .iter()
        .flat_map(|order| shown(order).cloned())
        .collect();
    let known = app.backend.products_of(&lines).await;
    let content = html! {
        h1 { "Your orders" }
        @if orders.orders.is_empty() {
            p.calm { "You have not ordered anything yet. " a href="/products" { "Look around" } "." }
        }
        ul.orders {
            @for order in &orders.orders {
                li {
                    a href={ "/orders/" (order.id) } {
                        span.pictures {
                            @for line in shown(order) {
                                img src=(picture::path_of_line(line, &known)) alt="" width="64" height="64" loading="lazy";
                            }
                        }
                        span.what { strong { (names(order)) } span.small { (day(&order.placed_at)) } }
                        span class={ "state " (class(&order.status)) } { (words(&order.status)) }
                        span.price { (money(&order.total)) }
                    }
                }
            }
        }
        @if let Some(next) = &orders.next {
            p.more { a.button.quiet href={ "/orders?cursor=" (escape(next)) } { "Older orders" } }
        }
    };
    Ok(Frame::new(&app, &visitor, "Your orders")
        .pieces(pieces)
        .respond(&content))
}

/// `GET /orders/{id}`
pub(crate) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(after): Query<After>,
) -> Result<Response, Failure> {
    let order = match app.backend.order(&visitor, &id).await {
        Err(Trouble::Refused(refusal)) if refusal.status == 404 => return Err(Failure::NotFound("order")),
        other => other?,
    };
    let (pieces, known) = tokio::join!(pieces(&app, &visitor), app.backend.products_of(&order.lines));
    let title = match order.status.as_str() {
        "paid" => "Thank you!",
        "pending" => "Nearly done",
        "cancelled" => "This order was cancelled",
        "failed" => "This order was not paid",
        _ => "Your order",
    };
    let content = html! {
        h1 { (title) }
        (done(&after.done))
        (state(&order))
        div.columns {
            section aria-labelledby="things" {
                h2 #things { "What you ordered" }
                ul.lines { @for line in &order.lines {
                    li.line {
                        img src=(picture::path_of_line(line, &known)) alt="" width="96" height="96";
                        div.what {
                            a href={ "/products/" (line.sku) } { (line.name) }
                            p.small { (line.quantity) " × " (money(&line.price)) }
                        }
                    }
                } }
            }
            (sum(&app, &visitor, &order))
        }
    };
    let mut frame = Frame::new(&app, &visitor, title).pieces(pieces);
    if order.status == "pending" {
        frame = frame.refresh(LOOK_AGAIN_S);
    }
    Ok(frame.respond(&content))
}

/// The lines of which the list of orders shows pictures.
fn shown(order: &Order) -> impl Iterator<Item = &Line> {
    order.lines.iter().take(3)
}

fn state(order: &Order) -> Markup {
    let text = match order.status.as_str() {
        "paid" => "Your payment has arrived, and we are packing.",
        "pending" => {
            "The bank takes a little longer. This page looks again by itself; you can also come back later."
        }
        "cancelled" => "Nothing will be sent. What you paid is on its way back to you.",
        "failed" => "Nothing was charged, and nothing will be sent.",
        _ => "",
    };
    let tone = if order.status == "paid" {
        "notice good"
    } else {
        "notice"
    };
    html! { @if !text.is_empty() { p class=(tone) role="status" { (text) } } }
}

fn sum(app: &App, visitor: &Visitor, order: &Order) -> Markup {
    html! {
        section.summary aria-labelledby="sum" {
            h2 #sum { "Order" }
            p.small.id { (order.id) }
            dl {
                div { dt { "Placed" } dd { (day(&order.placed_at)) } }
                div { dt { "State" } dd { (words(&order.status)) } }
                @if let Some(subtotal) = &order.subtotal { div { dt { "Goods" } dd { (money(subtotal)) } } }
                div { dt { "Delivery" } dd { "free" } }
                @if let Some(tax) = &order.tax { div { dt { "Tax in it" } dd { (money(tax)) } } }
                div.total { dt { "Total" } dd { (money(&order.total)) } }
            }
            @if let Some(address) = &order.address {
                h3 { "Delivery to" }
                address { (address.name) br; (address.street) br; (address.postcode) " " (address.city) br; (country(&address.country)) }
            }
            @if let Some(email) = order.email.as_deref().filter(|email| !email.is_empty()) { p.small { "Confirmation to " (email) } }
            @if matches!(order.status.as_str(), "paid" | "pending") {
                form method="post" action={ "/orders/" (order.id) "/cancel" } {
                    (token(app, visitor))
                    button.quiet { "Cancel this order" }
                }
            }
            p { a href="/orders" { "All your orders" } }
        }
    }
}

/// `POST /orders/{id}/cancel`
pub(crate) async fn cancel(
    State(app): State<App>,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    app.backend.cancel(&posted.visitor, &id).await?;
    Ok(Redirect::to(&format!("/orders/{}?done=cancelled", escape(&id))).into_response())
}

fn names(order: &Order) -> String {
    let mut names = order.lines.iter().map(|line| line.name.as_str());
    let first = names.next().unwrap_or("Order").to_owned();
    match names.count() {
        0 => first,
        1 => format!("{first} and one more"),
        more => format!("{first} and {more} more"),
    }
}

fn words(status: &str) -> &str {
    match status {
        "paid" => "Paid",
        "pending" => "In payment",
        "failed" => "Not paid",
        "cancelled" => "Cancelled",
        // Of a newer version: shown as it is.
        other => other,
    }
}

fn class(status: &str) -> &'static str {
    match status {
        "paid" => "good",
        "failed" | "cancelled" => "bad",
        _ => "calm",
    }
}
