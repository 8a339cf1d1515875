//! Pieces that were bought leave the cart. What was added in the meantime stays.

use axum::extract::State;
use service_kit::event::{Event, SCHEMA};
use service_kit::{Json, Problem};

use crate::App;

/// `POST /internal/events`
pub(crate) async fn event(State(app): State<App>, Json(event): Json<Event>) -> Result<(), Problem> {
    if event.schema > SCHEMA {
        return Err(Problem::invalid(
            "schema",
            format!("Events up to schema {SCHEMA} are known."),
        ));
    }
    if event.kind != "order.paid" || !event.order.from_cart {
        return Ok(());
    }
    app.kept.bought(&event).await
}
