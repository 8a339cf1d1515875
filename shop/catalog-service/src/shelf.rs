//! The products, as those who ask for them need them. What a store makes of it is [`crate::sql`]'s, or that of `documents`.

#[cfg(feature = "mongodb")]
use crate::documents::{Documents, within};
use service_kit::event::Event;
use service_kit::store::Store;
use service_kit::{Kit, Problem, StartError};

use crate::change::{Changes, Draft};
use crate::list::{Page, Search};
use crate::product::Product;
use crate::sql;
use service_kit::is_sku;

/// A clone uses the same connections.
#[derive(Clone)]
pub(crate) enum Shelf {
    Sql(Store),
    #[cfg(feature = "mongodb")]
    Documents(Documents),
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
    pub(crate) async fn of(kit: &Kit) -> Result<Self, StartError> {
        #[cfg(feature = "mongodb")]
        if kit.elsewhere().is_some() {
            return Documents::of(kit).await.map(Self::Documents);
        }
        std::future::ready(kit.store().map(Self::Sql)).await
    }

    pub(crate) async fn find(&self, sku: &str) -> Result<Option<Product>, Problem> {
        if !is_sku(sku) {
            return Ok(None);
        }
        match self {
            Self::Sql(store) => Ok(sql::find(store, sku).await?),
            #[cfg(feature = "mongodb")]
            Self::Documents(documents) => within(documents.find(sku)).await,
        }
    }

    /// Those that exist, in any order. They are what is charged, so they are never behind.
    pub(crate) async fn several(&self, skus: &[String]) -> Result<Vec<Product>, Problem> {
        let skus: Vec<&str> = skus
            .iter()
            .map(String::as_str)
            .filter(|sku| is_sku(sku))
            .collect();
        match self {
            Self::Sql(store) => Ok(sql::several(store, &skus).await?),
            #[cfg(feature = "mongodb")]
            Self::Documents(documents) => within(documents.several(&skus)).await,
        }
    }

    pub(crate) async fn page(&self, search: &Search) -> Result<Page, Problem> {
        match self {
            Self::Sql(store) => Ok(sql::page(store, search).await?),
            #[cfg(feature = "mongodb")]
            Self::Documents(documents) => within(documents.page(search)).await,
        }
    }

    /// Of the same category, the nearest in price.
    pub(crate) async fn related(&self, to: &Product) -> Result<Vec<Product>, Problem> {
        match self {
            Self::Sql(store) => Ok(sql::related(store, to).await?),
            #[cfg(feature = "mongodb")]
            Self::Documents(documents) => within(documents.related(to)).await,
        }
    }

    pub(crate) async fn categories(&self) -> Result<Vec<Category>, Problem> {
        match self {
            Self::Sql(store) => Ok(sql::categories(store).await?),
            #[cfg(feature = "mongodb")]
            Self::Documents(documents) => within(documents.categories()).await,
        }
    }

    /// Creates or changes a product; says its new revision.
    pub(crate) async fn put(&self, sku: &str, draft: &Draft) -> Result<i64, Problem> {
        match self {
            Self::Sql(store) => {
                let mut writing = store.begin().await?;
                store.in_order(&mut writing).await?;
                let revision = sql::put(&mut writing, sku, draft).await?;
                store.commit(writing).await?;
                Ok(revision)
            }
            #[cfg(feature = "mongodb")]
            Self::Documents(documents) => within(documents.put(sku, draft)).await,
        }
    }

    pub(crate) async fn changes(&self, after: i64) -> Result<Changes, Problem> {
        match self {
            Self::Sql(store) => Ok(sql::changes(store, after).await?),
            #[cfg(feature = "mongodb")]
            Self::Documents(documents) => within(documents.changes(after)).await,
        }
    }

    /// Counts what an event says was sold, once, however often it comes. `sign` is -1 when it came back.
    pub(crate) async fn sold(&self, event: &Event, sign: i64) -> Result<(), Problem> {
        match self {
            Self::Sql(store) => Ok(sql::sold(store, event, sign).await?),
            #[cfg(feature = "mongodb")]
            Self::Documents(documents) => within(documents.sold(event, sign)).await,
        }
    }

    /// What was sold at all, by SKU.
    pub(crate) async fn sold_counts(&self) -> Result<Vec<(String, i64)>, Problem> {
        match self {
            Self::Sql(store) => Ok(sql::sold_counts(store).await?),
            #[cfg(feature = "mongodb")]
            Self::Documents(documents) => within(documents.sold_counts()).await,
        }
    }

    pub(crate) async fn verify(&self) -> Result<Counts, Problem> {
        match self {
            Self::Sql(store) => Ok(sql::verify(store).await?),
            #[cfg(feature = "mongodb")]
            Self::Documents(documents) => within(documents.verify()).await,
        }
    }
}
