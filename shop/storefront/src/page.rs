//! What all pages share: head, header, footer, money, and the token of forms.

pub(crate) mod account;
pub(crate) mod cart;
pub(crate) mod checkout;
pub(crate) mod front;
pub(crate) mod help;
pub(crate) mod list;
pub(crate) mod order;
pub(crate) mod product;
pub(crate) mod sign;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use maud::{DOCTYPE, Markup, html};
use service_kit::Money;

use crate::App;
use crate::backend::{Cart, Product, escape};
use crate::visitor::Visitor;
use crate::{csrf, picture};

const SHOP: &str = "Harbour & Linden";

/// A page around its content.
pub(crate) struct Frame<'a> {
    app: &'a App,
    visitor: &'a Visitor,
    title: &'a str,
    module: Option<&'static str>,
    search: &'a str,
    pieces: u64,
    refresh_s: Option<u32>,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(app: &'a App, visitor: &'a Visitor, title: &'a str) -> Self {
        Self {
            app,
            visitor,
            title,
            module: None,
            search: "",
            pieces: 0,
            refresh_s: None,
        }
    }

    /// With a module that makes this page quicker.
    pub(crate) fn module(mut self, name: &'static str) -> Self {
        self.module = Some(name);
        self
    }

    /// With what was searched for.
    pub(crate) fn search(mut self, words: &'a str) -> Self {
        self.search = words;
        self
    }

    /// With the number at the cart.
    pub(crate) fn pieces(mut self, pieces: u64) -> Self {
        self.pieces = pieces;
        self
    }

    /// Loaded again by the browser after so many seconds.
    pub(crate) fn refresh(mut self, seconds: u32) -> Self {
        self.refresh_s = Some(seconds);
        self
    }

    /// The whole page.
    pub(crate) fn respond(self, content: &Markup) -> Response {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                (self.head())
                body {
                    a.skip href="#content" { "Skip to content" }
                    (self.header())
                    p.live data-live role="status" hidden {}
                    main #content tabindex="-1" { (content) }
                    (self.footer())
                }
            }
        };
        let mut response = page.into_response();
        self.visitor.introduce(&mut response);
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, html);
        response
    }

    fn head(&self) -> Markup {
        let assets = &self.app.assets;
        let title = if self.title.is_empty() {
            format!("{SHOP}: things for every day")
        } else {
            format!("{} · {SHOP}", self.title)
        };
        html! {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                meta name="description" content="Well-made things for kitchen, desk, garden and travel. Free delivery.";
                meta name="color-scheme" content="light dark";
                @if let Some(seconds) = self.refresh_s { meta http-equiv="refresh" content=(seconds); }
                link rel="stylesheet" href=(assets.path("style.css"));
                link rel="icon" type="image/svg+xml" href=(assets.path("icon.svg"));
                link rel="modulepreload" href=(assets.path("shop.js"));
                script type="module" src=(assets.path(self.module.unwrap_or("shop.js"))) {}
            }
        }
    }

    fn header(&self) -> Markup {
        let signed_in = self.visitor.session.is_some();
        html! {
            header.top {
                div.inner {
                    a.brand href="/" {
                        img src=(self.app.assets.path("icon.svg")) alt="" width="32" height="32";
                        span { (SHOP) }
                    }
                    form.search role="search" action="/products" {
                        label.visually-hidden for="q" { "Search products" }
                        input #q name="q" type="search" placeholder="Search products" value=(self.search) maxlength="100" autocomplete="off";
                        button { span.visually-hidden { "Search" } (glass()) }
                    }
                    nav.tools aria-label="Shop" {
                        a href="/products" { "Products" }
                        @if signed_in { a href="/account" { "Account" } } @else { a href="/sign-in" { "Sign in" } }
                        a.cart href="/cart" {
                            "Cart"
                            @let none = self.pieces == 0;
                            " " span.badge data-pieces hidden[none] { (self.pieces) }
                            span.visually-hidden { " pieces" }
                        }
                    }
                }
            }
        }
    }

    fn footer(&self) -> Markup {
        html! {
            footer.foot {
                div.inner {
                    p { strong { (SHOP) } br; "A demonstration shop: nothing is delivered and no card is charged." }
                    nav aria-label="Service" {
                        a href="/help" { "Delivery and returns" }
                        a href="/orders" { "Your orders" }
                        a href="/account" { "Your account" }
                    }
                    p.version { "Served by storefront " span { (self.app.version) } }
                }
            }
        }
    }
}

fn glass() -> Markup {
    html! {
        svg aria-hidden="true" viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" {
            circle cx="11" cy="11" r="7" {}
            path d="M16.5 16.5 21 21" {}
        }
    }
}

/// How many pieces are in somebody's cart; 0 when that cannot be told at the moment, because no page fails for it.
pub(crate) async fn pieces(app: &App, visitor: &Visitor) -> u64 {
    if !visitor.is_known() {
        return 0;
    }
    app.backend
        .cart(visitor)
        .await
        .map_or(0, |cart: Cart| cart.pieces)
}

/// The hidden field that every form has.
pub(crate) fn token(app: &App, visitor: &Visitor) -> Markup {
    html! { input type="hidden" name=(csrf::FIELD) value=(visitor.token(app)); }
}

/// `€19.90`
pub(crate) fn money(money: &Money) -> String {
    let (sign, minor) = if money.minor < 0 {
        ("-", -money.minor)
    } else {
        ("", money.minor)
    };
    let amount = format!("{}.{:02}", thousands(minor / 100), minor % 100);
    match money.currency.as_str() {
        "EUR" => format!("{sign}€{amount}"),
        "USD" => format!("{sign}${amount}"),
        "GBP" => format!("{sign}£{amount}"),
        other => format!("{sign}{amount} {other}"),
    }
}

fn thousands(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `2026-11-26T12:00:00.000Z` is `26 Nov 2026`; anything else stays as it is.
pub(crate) fn day(time: &str) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let date = time.split('T').next().unwrap_or_default();
    let parts: Vec<&str> = date.split('-').collect();
    let &[year, month, day] = parts.as_slice() else {
        return time.to_owned();
    };
    let name = month
        .parse::<usize>()
        .ok()
        .and_then(|month| MONTHS.get(month.checked_sub(1)?));
    match name {
        Some(name) => format!("{} {name} {year}", day.trim_start_matches('0')),
        None => time.to_owned(),
    }
}

/// `next=/cart`: where to go after signing in.
pub(crate) fn refer(here: &str) -> String {
    format!("next={}", escape(local(here)))
}

/// The same path if it is one of ours, else the front page: nobody is sent elsewhere by a link to us.
pub(crate) fn local(path: &str) -> &str {
    let fine = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && !path.chars().any(char::is_control);
    if fine { path } else { "/" }
}

/// Products beside each other.
pub(crate) fn grid(products: &[Product]) -> Markup {
    html! {
        ul.grid data-grid {
            @for (place, product) in products.iter().enumerate() {
                li {
                    a.card href={ "/products/" (product.sku) } {
                        // The first row is on the screen at once; the others come when they are looked at.
                        @let loading = if place < 4 { "eager" } else { "lazy" };
                        img src=(picture::path(product)) alt="" width="400" height="400" loading=(loading);
                        span.name { (product.name) }
                        span.price { (money(&product.price)) }
                    }
                }
            }
        }
    }
}

/// A good word on top of a page, after something was done. Only words of ours, by a code in the address.
pub(crate) fn done(code: &str) -> Markup {
    let text = match code {
        "added" => "It is in your cart.",
        "changed" => "Your cart was changed.",
        "removed" => "It was taken out of your cart.",
        "saved" => "Your changes are saved.",
        "welcome" => "Welcome! Your account is ready.",
        "cancelled" => "The order was cancelled, and any payment is given back.",
        _ => "",
    };
    html! { @if !text.is_empty() { p.notice.good role="status" { (text) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_and_days_read_as_people_write_them() {
        assert_eq!(money(&Money::new(1990, "EUR")), "€19.90");
        assert_eq!(money(&Money::new(123_456_705, "EUR")), "€1,234,567.05");
        assert_eq!(money(&Money::new(-5, "SEK")), "-0.05 SEK");
        assert_eq!(day("2026-11-06T12:00:00.000Z"), "6 Nov 2026");
        assert_eq!(day("soon"), "soon");
    }

    #[test]
    fn nobody_is_sent_to_another_site() {
        for (path, expected) in [
            ("/cart?a=b", "/cart?a=b"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\nb", "/"),
            ("", "/"),
        ] {
            assert_eq!(local(path), expected, "{path}");
        }
    }
}
