//! The cart.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::json;
use service_kit::Json;

use crate::App;
use crate::backend::{Cart, Line, Product, Trouble, escape};
use crate::failure::Failure;
use crate::page::product::After;
use crate::page::{Frame, done, money, token};
use crate::picture;
use crate::visitor::{Posted, Visitor};

/// `GET /cart`
pub(crate) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Query(after): Query<After>,
) -> Result<Response, Failure> {
    let cart = app.backend.cart(&visitor).await?;
    let known = app.backend.products_of(&cart.lines).await;
    let content = html! {
        h1 { "Your cart" }
        (done(&after.done))
        @if cart.lines.is_empty() {
            p.calm { "There is nothing in it yet. " a href="/products" { "Look around" } "." }
        } @else {
            div.columns {
                ul.lines { @for line in &cart.lines { (self::line(&app, &visitor, line, &known)) } }
                (summary(&cart))
            }
        }
    };
    let frame = Frame::new(&app, &visitor, "Cart").module("cart.js");
    Ok(frame.pieces(cart.pieces).respond(&content))
}

fn line(app: &App, visitor: &Visitor, line: &Line, known: &[Product]) -> Markup {
    let id = format!("quantity-{}", line.sku);
    let action = format!("/cart/items/{}", line.sku);
    html! {
        li.line {
            img src=(picture::path_of_line(line, known)) alt="" width="96" height="96";
            div.what {
                a href={ "/products/" (line.sku) } { (line.name) }
                p.small { (money(&line.price)) " each" }
            }
            form data-quantity method="post" action=(action) {
                (token(app, visitor))
                label.visually-hidden for=(id) { "Pieces of " (line.name) }
                input.pieces id=(id) name="quantity" type="number" value=(line.quantity) min="0" max="99" required inputmode="numeric";
                button.quiet data-apply { "Change" }
                button.link formaction={ (action) "/remove" } formnovalidate {
                    "Remove" span.visually-hidden { " " (line.name) }
                }
            }
        }
    }
}

fn summary(cart: &Cart) -> Markup {
    html! {
        section.summary aria-labelledby="sum" {
            h2 #sum { "Sum" }
            dl {
                div { dt { (cart.pieces) @if cart.pieces == 1 { " piece" } @else { " pieces" } }
                    dd { (cart.subtotal.as_ref().map(money).unwrap_or_default()) } }
                div { dt { "Delivery" } dd { "free" } }
                @if let Some(sum) = &cart.subtotal {
                    div.total { dt { "To pay, with tax" } dd { (money(sum)) } }
                }
            }
            p { a.button.strong href="/checkout" { "Check out" } }
            p { a href="/products" { "Look for more" } }
        }
    }
}

/// `POST /cart/items`
pub(crate) async fn add(State(app): State<App>, posted: Posted) -> Result<Response, Failure> {
    let Posted {
        visitor,
        fields,
        by_script,
    } = posted;
    let sku = fields.get("sku");
    let quantity = pieces_of(fields.get("quantity"))?.max(1);
    let added = app.backend.add(&visitor, sku, quantity).await;
    if !by_script {
        return added
            .map(|_| Redirect::to("/cart?done=added").into_response())
            .map_err(Failure::from);
    }
    // A module shows this on the product's page.
    Ok(match added {
        Ok(cart) => Json(json!({"pieces": cart.pieces, "text": "It is in your cart."})).into_response(),
        Err(Trouble::Refused(refusal)) if refusal.status != 401 => {
            (refusal.status, Json(json!({"text": refusal.detail}))).into_response()
        }
        Err(trouble) => return Err(trouble.into()),
    })
}

/// `POST /cart/items/{sku}`
pub(crate) async fn change(
    State(app): State<App>,
    Path(sku): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    let quantity = pieces_of(posted.fields.get("quantity"))?;
    app.backend.set_quantity(&posted.visitor, &sku, quantity).await?;
    let code = if quantity == 0 { "removed" } else { "changed" };
    Ok(Redirect::to(&format!("/cart?done={}", escape(code))).into_response())
}

/// `POST /cart/items/{sku}/remove`
pub(crate) async fn remove(
    State(app): State<App>,
    Path(sku): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    app.backend.set_quantity(&posted.visitor, &sku, 0).await?;
    Ok(Redirect::to("/cart?done=removed").into_response())
}

fn pieces_of(text: &str) -> Result<i64, Failure> {
    let number = text.parse().ok().filter(|number| (0..=99).contains(number));
    number.ok_or_else(|| Failure::Refused("The number of pieces must be from 0 to 99.".to_owned()))
}
