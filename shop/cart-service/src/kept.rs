//! Where carts are kept: in a SQL database, or in Redis. What can be done to a cart is the same in both.

#[cfg(feature = "redis")]
mod document;
#[cfg(feature = "redis")]
mod redis;
mod sql;

use http::StatusCode;
use service_kit::event::Event;
use service_kit::store::Store;
use service_kit::{Kit, Problem, StartError};

#[cfg(feature = "redis")]
use self::redis::Documents;
use crate::catalogue::Product;
use crate::item::{LINES_MAX, PIECES_MAX};

/// A clone uses the same connections.
#[derive(Clone)]
pub(crate) enum Kept {
    Sql(Store),
    #[cfg(feature = "redis")]
    Redis(Documents),
}

/// A cart without today's prices.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    pub(crate) version: i64,
    pub(crate) lines: Vec<KeptLine>,
}

/// Some pieces of a product, as it was when they were put in.
#[derive(Debug, Clone)]
pub(crate) struct KeptLine {
    pub(crate) product: Product,
    pub(crate) quantity: i64,
}

/// What is done to a cart.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// So many pieces more.
    Add(Product, i64),
    /// Exactly so many pieces.
    Set(Product, i64),
    /// No pieces of this SKU.
    Remove(String),
    /// Nothing at all any more.
    Drop,
}

/// What [`Kept::verify`] counts.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) carts: i64,
    pub(crate) pieces: i64,
    /// Carts with too many lines: their owners, and how many.
    pub(crate) wrong: Vec<(String, i64)>,
}

impl Kept {
    pub(crate) fn of(kit: &Kit) -> Result<Self, StartError> {
        #[cfg(feature = "redis")]
        if kit.elsewhere().is_some() {
            return Documents::of(kit).map(Self::Redis);
        }
        kit.store().map(Self::Sql)
    }

    pub(crate) async fn content(&self, owner: &str) -> Result<Content, Problem> {
        match self {
            Self::Sql(store) => Ok(sql::content(store, owner).await?),
            #[cfg(feature = "redis")]
            Self::Redis(documents) => documents.content(owner).await,
        }
    }

    /// Does one change, if the cart still has the expected version.
    pub(crate) async fn change(
        &self,
        owner: &str,
        change: &Change,
        expected: Option<i64>,
    ) -> Result<(), Problem> {
        match self {
            Self::Sql(store) => sql::change(store, owner, change, expected).await,
            #[cfg(feature = "redis")]
            Self::Redis(documents) => documents.change(owner, change, expected).await,
        }
    }

    /// The pieces of one cart go into another; the first is gone then. Repeating it changes nothing.
    pub(crate) async fn merge(&self, from: &str, into: &str) -> Result<(), Problem> {
        match self {
            Self::Sql(store) => Ok(sql::merge(store, from, into).await?),
            #[cfg(feature = "redis")]
            Self::Redis(documents) => documents.merge(from, into).await,
        }
    }

    /// Takes out what was bought, once for each event.
    pub(crate) async fn bought(&self, event: &Event) -> Result<(), Problem> {
        match self {
            Self::Sql(store) => Ok(sql::bought(store, event).await?),
            #[cfg(feature = "redis")]
            Self::Redis(documents) => documents.bought(event).await,
        }
    }

    pub(crate) async fn verify(&self) -> Result<Counts, Problem> {
        match self {
            Self::Sql(store) => Ok(sql::verify(store).await?),
            #[cfg(feature = "redis")]
            Self::Redis(documents) => documents.verify().await,
        }
    }
}

/// Somebody else was faster.
fn changed() -> Problem {
    let detail = "The cart has been changed in the meantime. Please look at it again.";
    Problem::new(StatusCode::CONFLICT, "changed", detail)
}

/// There is no room for another product.
fn full() -> Problem {
    Problem::invalid(
        "sku",
        format!("A cart holds at most {LINES_MAX} different products."),
    )
}

/// Pieces of a line that has `there` and gets `more`.
fn cut(there: i64, more: i64) -> i64 {
    there.saturating_add(more).min(PIECES_MAX)
}
