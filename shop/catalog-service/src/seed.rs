//! The demo's products, written once into an empty catalogue.

use service_kit::store::Store;
use service_kit::{Money, demo};

use crate::change::{Draft, put};
use crate::product::Fact;

/// Does nothing when there is any product.
pub(crate) async fn fill(store: &Store) -> Result<(), sqlx::Error> {
    let mut writing = store.begin().await?;
    let there: i64 = sqlx::query_scalar("select count(*) from product")
        .fetch_one(&mut *writing)
        .await?;
    if there > 0 {
        return Ok(());
    }
    for ((slug, title), place) in demo::categories().zip(0_i64..) {
        sqlx::query("insert into category values (?, ?, ?) on conflict do nothing")
            .bind(slug)
            .bind(title)
            .bind(place)
            .execute(&mut *writing)
            .await?;
    }
    for product in demo::products() {
        let facts = product.facts.into_iter();
        let draft = Draft {
            name: product.name,
            description: product.description,
            category: product.category.to_owned(),
            price: Money::new(product.price_minor, "EUR"),
            facts: facts
                .map(|(name, value)| Fact {
                    name: name.to_owned(),
                    value,
                })
                .collect(),
        };
        put(&mut writing, &product.sku, &draft).await?;
    }
    store.commit(writing).await
}
