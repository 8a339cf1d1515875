//! A guest who logs in takes the cart along.

use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use service_kit::auth::{Caller, is_cart_id};
use service_kit::{Json, Problem};

use crate::App;
use crate::cart::{Cart, present};

#[derive(Debug, Deserialize)]
pub(crate) struct From {
    from: String,
}

/// `POST /cart/merge`. Repeating it changes nothing: the guest's cart is gone with the first.
pub(crate) async fn merge(
    State(app): State<App>,
    headers: HeaderMap,
    Json(from): Json<From>,
) -> Result<Json<Cart>, Problem> {
    let customer = Caller::Customer(app.sessions.customer(&headers)?).owner();
    if !is_cart_id(&from.from) {
        return Err(Problem::invalid("from", "It must be the id of a guest's cart."));
    }
    let guest = Caller::Guest(from.from).owner();
    app.kept.merge(&guest, &customer).await?;
    present(&app, &customer).await.map(Json)
}
