//! Pages for what went wrong.

use axum::response::Response;
use http::StatusCode;
use maud::html;
use service_kit::Problem;

use crate::App;
use crate::page::Page;
use crate::visitor::Visitor;

/// What another service, or we, could not do.
pub(crate) fn page(app: &App, visitor: &Visitor, problem: &Problem) -> Response {
    let status = problem.status;
    let title = match status {
        StatusCode::NOT_FOUND => "Nothing is here",
        status if status.is_client_error() => "That did not work",
        _ => "The shop is out of breath",
    };
    let main = html! {
        h1 { (title) }
        p { (problem.detail) }
        p { a.button href="/" { "Back to the shop" } }
    };
    Page::new(title, main).answer(app, visitor, status)
}

/// A form that was not written for this visitor.
pub(crate) fn stranger(app: &App, visitor: &Visitor) -> Response {
    let main = html! {
        h1 { "This form has expired" }
        p { "It was written for another visit. Nothing was changed." }
        p { a.button href="/cart" { "To the cart" } }
    };
    Page::new("This form has expired", main).answer(app, visitor, StatusCode::FORBIDDEN)
}
