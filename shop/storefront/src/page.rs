//! The frame of every page: head, header with search and cart, footer; and the answer that carries it.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};
use service_kit::Money;

use crate::App;
use crate::visitor::Visitor;

/// Our own files and nothing else; no inline script or style.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page.
pub(crate) struct Page<'a> {
    pub(crate) title: &'a str,
    /// What was searched for, to be shown again.
    pub(crate) query: &'a str,
    /// Scripts of this page alone.
    pub(crate) scripts: &'a [&'a str],
    pub(crate) main: Markup,
}

impl<'a> Page<'a> {
    pub(crate) fn new(title: &'a str, main: Markup) -> Self {
        Self {
            title,
            query: "",
            scripts: &[],
            main,
        }
    }

    /// The answer, with the visitor's cookies.
    pub(crate) fn answer(self, app: &App, visitor: &Visitor, status: StatusCode) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        );
        app.guard.remember(visitor, &mut headers);
        (status, headers, self.frame(app, visitor)).into_response()
    }

    fn frame(self, app: &App, visitor: &Visitor) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · Harbour Goods" }
                    link rel="icon" href="/pictures/harbour.svg" type="image/svg+xml";
                    link rel="stylesheet" href=(app.assets.url("shop.css"));
                    @for script in self.scripts {
                        script type="module" src=(app.assets.url(script)) {}
                    }
                }
                body {
                    a.skip href="#main" { "Skip to content" }
                    header {
                        a.brand href="/" { "Harbour Goods" }
                        form.search action="/" method="get" role="search" {
                            label.hidden for="q" { "Search products" }
                            input #q type="search" name="q" value=(self.query) placeholder="Search" maxlength="80";
                            button { "Search" }
                        }
                        nav aria-label="Your shop" {
                            @if visitor.token().is_some() {
                                a href="/account" { "Account" }
                            } @else {
                                a href="/login" { "Sign in" }
                            }
                            a href="/cart" { "Cart" }
                        }
                    }
                    main #main { (self.main) }
                    footer {
                        p { "Goods from people we know, sent from Hamburg. Prices contain tax; shipping is free." }
                        p.version { "Version " (app.version) }
                    }
                }
            }
        }
    }
}

/// To another page, with the visitor's cookies.
pub(crate) fn go_to(app: &App, visitor: &Visitor, path: &str) -> Response {
    let mut headers = HeaderMap::new();
    app.guard.remember(visitor, &mut headers);
    go_with(headers, path)
}

/// To another page, with these headers.
pub(crate) fn go_with(mut headers: HeaderMap, path: &str) -> Response {
    if let Ok(path) = HeaderValue::from_str(path) {
        headers.insert(header::LOCATION, path);
    }
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// Proves where a form came from.
pub(crate) fn proof(app: &App, visitor: &Visitor) -> Markup {
    html! { input type="hidden" name="proof" value=(app.guard.proof(visitor)); }
}

/// `19.90 €`.
pub(crate) fn money(money: &Money) -> String {
    let (sign, minor) = (if money.minor < 0 { "-" } else { "" }, money.minor.unsigned_abs());
    let unit = if money.currency == "EUR" {
        "€"
    } else {
        &money.currency
    };
    format!("{sign}{}.{:02} {unit}", minor / 100, minor % 100)
}
