//! One product.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};

use crate::App;
use crate::backend::Product;
use crate::page::{Page, money, proof};
use crate::visitor::Visitor;
use crate::{failure, list};

/// Pieces below which a product is called scarce.
const SCARCE: i64 = 5;

pub(crate) async fn show(State(app): State<App>, visitor: Visitor, Path(sku): Path<String>) -> Response {
    let sku = list::encode(&sku);
    let product = match app.backend.product(&sku).await {
        Ok(product) => product,
        Err(problem) => return failure::page(&app, &visitor, &problem),
    };
    let available = app.backend.available(&sku).await;
    let related = app.backend.related(&sku).await;
    let form = order_form(&app, &visitor, &product, available);
    let main = html! {
        article.product {
            img src={ "/pictures/" (product.sku) ".svg" } alt={ "Picture of " (product.name) } width="640" height="480";
            div {
                p.faint { a href={ "/?category=" (list::encode(&product.category)) } { (product.category) } }
                h1 { (product.name) }
                p.price { (money(&product.price)) }
                p { (product.description) }
                @if !product.facts.is_empty() {
                    dl { @for fact in &product.facts { dt { (fact.name) } dd { (fact.value) } } }
                }
                (form)
            }
        }
        @if !related.is_empty() {
            h2 { "Goes well with it" }
            (list::grid(&related))
        }
    };
    let mut page = Page::new(&product.name, main);
    page.scripts = &["quantity.js"];
    page.answer(&app, &visitor, StatusCode::OK)
}

fn order_form(app: &App, visitor: &Visitor, product: &Product, available: Option<i64>) -> Markup {
    html! {
        @match available {
            Some(pieces) if pieces <= 0 => { p.notice { "Sold out at the moment." } }
            Some(pieces) if pieces < SCARCE => { p.notice { "Only " (pieces) " left." } }
            _ => {}
        }
        form.order action="/cart" method="post" {
            (proof(app, visitor))
            input type="hidden" name="do" value="add";
            input type="hidden" name="sku" value=(product.sku);
            label for="quantity" { "Pieces" }
            input #quantity type="number" name="quantity" value="1" min="1" max="99" inputmode="numeric" required;
            button disabled[available.is_some_and(|pieces| pieces <= 0)] { "Put into the cart" }
        }
    }
}
