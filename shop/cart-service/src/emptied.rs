//! Pieces that were bought leave the cart. What was added in the meantime stays.

use axum::extract::State;
use service_kit::event::Event;
use service_kit::{Json, Problem};

use crate::App;

/// `POST /internal/events`
pub(crate) async fn event(State(app): State<App>, Json(event): Json<Event>) -> Result<(), Problem> {
    event.check()?;
    if event.kind != "order.paid" || !event.order.from_cart {
        return Ok(());
    }
    app.kept.bought(&event).await
}
