//! The home page: products by category, by search, in an order.

use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use crate::App;
use crate::backend::{Category, Product, Products};
use crate::failure;
use crate::page::{Page, money};
use crate::visitor::Visitor;

const SORTS: [(&str, &str); 5] = [
    ("", "Newest"),
    ("popular", "Popular"),
    ("price", "Price, low first"),
    ("-price", "Price, high first"),
    ("name", "Name"),
];

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    category: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    sort: String,
    #[serde(default)]
    cursor: String,
}

pub(crate) async fn show(State(app): State<App>, visitor: Visitor, Query(wanted): Query<Wanted>) -> Response {
    let query = wanted.query(&wanted.cursor);
    let products = match app.backend.products(&query).await {
        Ok(products) => products,
        Err(problem) => return failure::page(&app, &visitor, &problem),
    };
    let categories = app.backend.categories().await;
    let title = categories
        .iter()
        .find(|category| category.slug == wanted.category)
        .map_or("Everything", |category| category.name.as_str());
    let main = content(title, &wanted, &categories, &products);
    let mut page = Page::new(title, main);
    page.query = &wanted.q;
    page.answer(&app, &visitor, StatusCode::OK)
}

fn content(title: &str, wanted: &Wanted, categories: &[Category], products: &Products) -> Markup {
    html! {
        nav.categories aria-label="Categories" {
            a href="/" aria-current=[wanted.category.is_empty().then_some("page")] { "Everything" }
            @for category in categories {
                a href={ "/?category=" (encode(&category.slug)) }
                    aria-current=[(category.slug == wanted.category).then_some("page")] { (category.name) }
            }
        }
        div.title {
            h1 { @if wanted.q.is_empty() { (title) } @else { "Search: " (wanted.q) } }
            form.sort action="/" method="get" {
                @if !wanted.category.is_empty() { input type="hidden" name="category" value=(wanted.category); }
                @if !wanted.q.is_empty() { input type="hidden" name="q" value=(wanted.q); }
                label for="sort" { "Order by" }
                select #sort name="sort" {
                    @for (value, name) in SORTS {
                        option value=(value) selected[value == wanted.sort] { (name) }
                    }
                }
                button.quiet { "Sort" }
            }
        }
        @if products.products.is_empty() {
            p { "Nothing fits. " a href="/" { "See everything" } }
        }
        (grid(&products.products))
        @if let Some(next) = &products.next {
            p.more { a.button href={ "/?" (wanted.query(next)) } { "More" } }
        }
    }
}

/// Products beside each other.
pub(crate) fn grid(products: &[Product]) -> Markup {
    html! {
        ul.grid {
            @for product in products {
                li {
                    a href={ "/products/" (product.sku) } {
                        img src={ "/pictures/" (product.sku) ".svg" } alt="" width="320" height="240" loading="lazy";
                        span.name { (product.name) }
                        span.price { (money(&product.price)) }
                    }
                }
            }
        }
    }
}

impl Wanted {
    fn query(&self, cursor: &str) -> String {
        let pairs = [
            ("category", self.category.as_str()),
            ("q", &self.q),
            ("sort", &self.sort),
            ("cursor", cursor),
        ];
        let given = pairs.iter().filter(|(_, value)| !value.is_empty());
        given
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect::<Vec<_>>()
            .join("&")
    }
}

/// Percent-encoding of all that is not unreserved (RFC 3986).
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    out
}
