//! The products, as those who ask for them need them. What a database makes of it is [`crate::sql`]'s.

use service_kit::Problem;
use service_kit::event::Event;
use service_kit::store::Store;

use crate::change::{Changes, Draft};
use crate::list::{Page, Search};
use crate::product::{Product, is_sku};
use crate::sql;

/// A clone uses the same connections.
#[derive(Clone)]
pub(crate) struct Shelf {
    store: Store,
}

/// A part of the assortment: its slug, its name, how many products it has.
pub(crate) type Category = (String, String, i64);

/// What [`Shelf::verify`] counts.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) products: i64,
    pub(crate) events: i64,
    /// SKUs that were sold less than never.
    pub(crate) wrong: Vec<(String, i64)>,
}

impl Shelf {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    pub(crate) async fn find(&self, sku: &str) -> Result<Option<Product>, Problem> {
        if !is_sku(sku) {
            return Ok(None);
        }
        Ok(sql::find(&self.store, sku).await?)
    }

    /// Those that exist, in any order. They are what is charged, so they are never behind.
    pub(crate) async fn several(&self, skus: &[String]) -> Result<Vec<Product>, Problem> {
        let skus: Vec<&str> = skus
            .iter()
            .map(String::as_str)
            .filter(|sku| is_sku(sku))
            .collect();
        Ok(sql::several(&self.store, &skus).await?)
    }

    pub(crate) async fn page(&self, search: &Search) -> Result<Page, Problem> {
        Ok(sql::page(&self.store, search).await?)
    }

    /// Of the same category, the nearest in price.
    pub(crate) async fn related(&self, to: &Product) -> Result<Vec<Product>, Problem> {
        Ok(sql::related(&self.store, to).await?)
    }

    pub(crate) async fn categories(&self) -> Result<Vec<Category>, Problem> {
        Ok(sql::categories(&self.store).await?)
    }

    /// Creates or changes a product; says its new revision.
    pub(crate) async fn put(&self, sku: &str, draft: &Draft) -> Result<i64, Problem> {
        let mut writing = self.store.begin().await?;
        self.store.in_order(&mut writing).await?;
        let revision = sql::put(&mut writing, sku, draft).await?;
        self.store.commit(writing).await?;
        Ok(revision)
    }

    pub(crate) async fn changes(&self, after: i64) -> Result<Changes, Problem> {
        Ok(sql::changes(&self.store, after).await?)
    }

    /// Counts what an event says was sold, once, however often it comes. `sign` is -1 when it came back.
    pub(crate) async fn sold(&self, event: &Event, sign: i64) -> Result<(), Problem> {
        Ok(sql::sold(&self.store, event, sign).await?)
    }

    /// What was sold at all, by SKU.
    pub(crate) async fn sold_counts(&self) -> Result<Vec<(String, i64)>, Problem> {
        Ok(sql::sold_counts(&self.store).await?)
    }

    pub(crate) async fn verify(&self) -> Result<Counts, Problem> {
        Ok(sql::verify(&self.store).await?)
    }
}
