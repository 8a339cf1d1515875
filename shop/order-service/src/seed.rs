//! The demo's stock, written once into an empty store.

use service_kit::demo;
use service_kit::store::Store;

use crate::stock::adjust;

/// Does nothing when there is any stock.
pub(crate) async fn fill(store: &Store) -> Result<(), sqlx::Error> {
    let mut writing = store.begin().await?;
    let there: i64 = sqlx::query_scalar("select count(*) from stock")
        .fetch_one(&mut *writing)
        .await?;
    if there > 0 {
        return Ok(());
    }
    for product in demo::products() {
        adjust(&mut writing, &product.sku, product.on_hand, "seed").await?;
    }
    store.commit(writing).await
}
