//! Delivery and returns.

use axum::extract::State;
use axum::response::Response;
use maud::html;

use crate::App;
use crate::page::{Frame, pieces};
use crate::visitor::Visitor;

/// `GET /help`
pub(crate) async fn show(State(app): State<App>, visitor: Visitor) -> Response {
    let content = html! {
        article.text {
            h1 { "Delivery and returns" }
            h2 { "Delivery" }
            p { "Delivery is free, to eight countries of Europe. What is in stock leaves us within a day and is with you in two to three." }
            h2 { "Changing your mind" }
            p { "You can cancel an order on its page until it leaves us. After that you have thirty days to send it back." }
            h2 { "Payment" }
            p { "Your card is charged when you order, once, and only if all of it is in stock. We never see or keep its number: it goes to the payment provider." }
            h2 { "Your data" }
            p { "Two cookies: one for your cart, one while you are signed in. No others, and nothing from other sites." }
        }
    };
    let pieces = pieces(&app, &visitor).await;
    Frame::new(&app, &visitor, "Delivery and returns")
        .pieces(pieces)
        .respond(&content)
}
