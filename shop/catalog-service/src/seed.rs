//! The demo's products, written once into an empty catalogue.

use service_kit::store::Store;
use service_kit::{Money, demo};

use crate::change::Draft;
use crate::product::Fact;
use crate::sql::put;

/// SKU and what is said about it, of every product of the demo.
pub(crate) fn drafts() -> impl Iterator<Item = (String, Draft)> {
    demo::products().map(|product| {
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
        (product.sku, draft)
    })
}

/// Does nothing when there is any product.
pub(crate) async fn fill(store: &Store) -> Result<(), sqlx::Error> {
    let mut writing = store.begin().await?;
    store.in_order(&mut writing).await?;
    let there: i64 = sqlx::query_scalar("select count(*) from product")
        .fetch_one(&mut *writing)
        .await?;
    if there > 0 {
        return Ok(());
    }
    for ((slug, title), place) in demo::categories().zip(0_i64..) {
        sqlx::query("insert into category values ($1, $2, $3) on conflict do nothing")
            .bind(slug)
            .bind(title)
            .bind(place)
            .execute(&mut *writing)
            .await?;
    }
    for (sku, draft) in drafts() {
        put(&mut writing, &sku, &draft).await?;
    }
    store.commit(writing).await
}
