//! A guest who logs in takes the cart along.

use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use service_kit::auth::{Caller, is_cart_id};
use service_kit::{Json, Problem};

use crate::App;
use crate::cart::{Cart, present, touch};
use crate::item::{LINES_MAX, PIECES_MAX};

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
    let mut writing = app.store.begin().await?;
    let pieces: i64 = sqlx::query_scalar("select count(*) from line where owner = ?")
        .bind(&guest)
        .fetch_one(&mut *writing)
        .await?;
    if pieces > 0 {
        touch(&mut writing, &customer).await?;
        sqlx::query(
            "insert into line select ?1, sku, quantity, name, minor, currency, place + 1000000 from line \
             where owner = ?2 on conflict (owner, sku) do update set quantity = min(?3, quantity + excluded.quantity)",
        )
        .bind(&customer)
        .bind(&guest)
        .bind(PIECES_MAX)
        .execute(&mut *writing)
        .await?;
        // The oldest lines stay when there are too many.
        sqlx::query(
            "delete from line where owner = ?1 and sku not in \
             (select sku from line where owner = ?1 order by place, sku limit ?2)",
        )
        .bind(&customer)
        .bind(LINES_MAX)
        .execute(&mut *writing)
        .await?;
    }
    sqlx::query("delete from cart where owner = ?")
        .bind(&guest)
        .execute(&mut *writing)
        .await?;
    app.store.commit(writing).await?;
    present(&app, &customer).await.map(Json)
}
