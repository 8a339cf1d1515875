//! One product.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use crate::App;
use crate::backend::{Product, Trouble};
use crate::failure::Failure;
use crate::page::{Frame, done, grid, money, pieces, token};
use crate::picture;
use crate::visitor::Visitor;

/// Fewer than these are worth a word.
const FEW: i64 = 10;

/// What was done just now.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct After {
    pub(crate) done: String,
}

/// `GET /products/{sku}`
pub(crate) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(sku): Path<String>,
    Query(after): Query<After>,
) -> Result<Response, Failure> {
    let (product, related, available, categories, pieces) = tokio::join!(
        app.backend.product(&sku),
        app.backend.related(&sku),
        app.backend.available(&sku),
        app.backend.categories(),
        pieces(&app, &visitor),
    );
    let product = match product {
        Err(Trouble::Refused(refusal)) if refusal.status == 404 => {
            return Err(Failure::NotFound("product"));
        }
        other => other?,
    };
    let related = related.map(|listing| listing.products).unwrap_or_default();
    let category = categories
        .unwrap_or_default()
        .into_iter()
        .find(|category| category.slug == product.category);
    let content = html! {
        nav.crumbs aria-label="You are here" {
            ol {
                li { a href="/products" { "Products" } }
                @if let Some(category) = category {
                    li { a href={ "/products?category=" (category.slug) } { (category.name) } }
                }
                li aria-current="page" { (product.name) }
            }
        }
        (done(&after.done))
        article.product {
            img.large src=(picture::path(&product)) alt={ (product.name) ", " (product.fact("Colour")) } width="400" height="400";
            div {
                h1 { (product.name) }
                p.price.big { (money(&product.price)) " " span.small { "with tax, delivery is free" } }
                p { (product.description) }
                (buy(&app, &visitor, &product, available))
                @if !product.facts.is_empty() {
                    dl.facts {
                        @for fact in &product.facts { div { dt { (fact.name) } dd { (fact.value) } } }
                        div { dt { "Number" } dd { (product.sku) } }
                    }
                }
            }
        }
        @if !related.is_empty() {
            section aria-labelledby="related" {
                h2 #related { "Goes well with it" }
                (grid(&related))
            }
        }
    };
    let frame = Frame::new(&app, &visitor, &product.name).module("product.js");
    Ok(frame.pieces(pieces).respond(&content))
}

fn buy(app: &App, visitor: &Visitor, product: &Product, available: Option<i64>) -> Markup {
    if available.is_some_and(|pieces| pieces <= 0) {
        return html! { p.stock.out { "Sold out at the moment." } };
    }
    html! {
        @match available {
            Some(few) if few < FEW => p.stock.few { "Only " (few) " left." },
            Some(_) => p.stock { "In stock, with you in two to three days." },
            None => {},
        }
        form.buy data-add method="post" action="/cart/items" {
            (token(app, visitor))
            input type="hidden" name="sku" value=(product.sku);
            div.field.short {
                label for="quantity" { "Pieces" }
                input #quantity name="quantity" type="number" value="1" min="1" max="99" required inputmode="numeric";
            }
            button.strong { "Add to cart" }
        }
    }
}
