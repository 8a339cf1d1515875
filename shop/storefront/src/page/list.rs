//! Lists of products: by category, by words, in an order.

use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use crate::App;
use crate::backend::{Category, escape};
use crate::failure::Failure;
use crate::page::{Frame, grid, pieces};
use crate::visitor::Visitor;

const PAGE: u32 = 24;
const ORDERS: [(&str, &str); 5] = [
    ("", "Newest first"),
    ("popular", "Often bought"),
    ("price", "Price, low to high"),
    ("-price", "Price, high to low"),
    ("name", "Name"),
];

/// What is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wish {
    category: String,
    q: String,
    sort: String,
    cursor: String,
}

impl Wish {
    /// As a query; empty parts are left out.
    fn query(&self) -> String {
        let parts = [
            ("category", &self.category),
            ("q", &self.q),
            ("sort", &self.sort),
            ("cursor", &self.cursor),
        ];
        let parts = parts.iter().filter(|(_, value)| !value.is_empty());
        let parts: Vec<String> = parts
            .map(|(name, value)| format!("{name}={}", escape(value)))
            .collect();
        parts.join("&")
    }
}

/// `GET /products`
pub(crate) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Query(wish): Query<Wish>,
) -> Result<Response, Failure> {
    let asked = format!("{}&limit={PAGE}", wish.query());
    let (listing, categories, pieces) = tokio::join!(
        app.backend.products(&asked),
        app.backend.categories(),
        pieces(&app, &visitor)
    );
    let (listing, categories) = (listing?, categories.unwrap_or_default());
    let title = title(&wish, &categories);
    let content = html! {
        div.shelf {
            (parts(&wish, &categories))
            div {
                div.headline {
                    h1 { (title) }
                    (order(&wish))
                }
                @if listing.products.is_empty() {
                    p.calm { "Nothing was found. Try other words, or " a href="/products" { "look at everything" } "." }
                } @else {
                    (grid(&listing.products))
                }
                @if let Some(next) = listing.next {
                    @let more = Wish { cursor: next, ..wish.clone() };
                    p.more { a.button.quiet data-more href={ "/products?" (more.query()) } { "Show more" } }
                }
            }
        }
    };
    let frame = Frame::new(&app, &visitor, &title)
        .module("list.js")
        .search(&wish.q);
    Ok(frame.pieces(pieces).respond(&content))
}

fn title(wish: &Wish, categories: &[Category]) -> String {
    let name = categories
        .iter()
        .find(|category| category.slug == wish.category)
        .map_or("All products", |category| &category.name);
    if wish.q.is_empty() {
        name.to_owned()
    } else if wish.category.is_empty() {
        format!("“{}”", wish.q)
    } else {
        format!("“{}” in {name}", wish.q)
    }
}

fn parts(wish: &Wish, categories: &[Category]) -> Markup {
    let link = |slug: &str| {
        let other = Wish {
            category: slug.to_owned(),
            cursor: String::new(),
            ..wish.clone()
        };
        format!("/products?{}", other.query())
    };
    let current = |slug: &str| (wish.category == slug).then_some("page");
    html! {
        nav.parts aria-label="Categories" {
            ul {
                li { a href=(link("")) aria-current=[current("")] { "Everything" } }
                @for category in categories {
                    li {
                        a href=(link(&category.slug)) aria-current=[current(&category.slug)] {
                            (category.name) " " span.count { (category.products) }
                        }
                    }
                }
            }
        }
    }
}

fn order(wish: &Wish) -> Markup {
    html! {
        form.order data-filter action="/products" {
            @for (name, value) in [("category", &wish.category), ("q", &wish.q)] {
                @if !value.is_empty() { input type="hidden" name=(name) value=(value); }
            }
            label for="sort" { "Order" }
            select #sort name="sort" {
                @for (word, text) in ORDERS {
                    @let chosen = wish.sort == word;
                    option value=(word) selected[chosen] { (text) }
                }
            }
            button.quiet data-apply { "Apply" }
        }
    }
}
