//! Products as documents in MongoDB, in the part of it that Amazon DocumentDB has too.
//!
//! No transaction over several documents is needed, because there are two logs that only grow: `change` (what was said about
//! products) and `sale` (pieces that were sold). Whoever appends takes the number after the last one, and only one insert of
//! a number succeeds. Products are what the logs say: writing that down may be repeated, and never goes back to something older,
//! so whoever finds it undone after a crash does it.

mod changes;
mod connection;
mod migrate;
mod read;
mod sales;
mod seed;

use mongodb::bson::Document;
use mongodb::error::{Error, ErrorKind, WriteFailure};
use mongodb::{Collection, Database};
use serde::{Deserialize, Serialize};
use service_kit::Money;

pub(crate) use self::connection::{within, words};
use crate::product::{Fact, Product};

/// What went wrong with a command.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Somebody else was faster so often.
const TRIES_MAX: u32 = 100;
/// MongoDB's code for a second document under a unique key.
const DUPLICATE: i32 = 11000;

/// A clone uses the same connections.
#[derive(Clone, Debug)]
pub(crate) struct Documents {
    database: Database,
}

/// A product as it is kept. What a newer version wrote besides stays there.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    #[serde(rename = "_id")]
    sku: String,
    name: String,
    description: String,
    category: String,
    minor: i64,
    currency: String,
    facts: Vec<Fact>,
    revision: i64,
    sold: i64,
    /// The last of its sales that `sold` knows.
    sold_step: i64,
    /// Lower case of what is searched.
    words: String,
}

impl From<Kept> for Product {
    fn from(kept: Kept) -> Self {
        Self {
            sku: kept.sku,
            name: kept.name,
            description: kept.description,
            category: kept.category,
            price: Money {
                minor: kept.minor,
                currency: kept.currency,
            },
            facts: kept.facts,
            revision: kept.revision,
        }
    }
}

impl Documents {
    fn products(&self) -> Collection<Kept> {
        self.database.collection("product")
    }

    fn categories_kept(&self) -> Collection<Document> {
        self.database.collection("category")
    }

    fn changes_kept(&self) -> Collection<changes::Change> {
        self.database.collection("change")
    }

    fn sales(&self) -> Collection<sales::Sale> {
        self.database.collection("sale")
    }

    /// Events that were applied.
    fn inbox(&self) -> Collection<Document> {
        self.database.collection("inbox")
    }
}

/// Whether there is such a document already.
fn is_duplicate(error: &Error) -> bool {
    let kind = error.kind.as_ref();
    if let ErrorKind::InsertMany(many) = kind {
        let all = many.write_errors.as_deref();
        return many.write_concern_error.is_none()
            && all.is_some_and(|all| all.iter().all(|one| one.code == DUPLICATE));
    }
    matches!(kind, ErrorKind::Write(WriteFailure::WriteError(one)) if one.code == DUPLICATE)
        || matches!(kind, ErrorKind::Command(command) if command.code == DUPLICATE)
}

/// Nothing to do when it is there already.
fn once<T>(result: Result<T>) -> Result<()> {
    match result {
        Err(error) if !is_duplicate(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Something of our own that went wrong.
fn own(cause: impl std::fmt::Display) -> Error {
    Error::custom(cause.to_string())
}

/// After so many tries; whoever asked may try again.
fn busy() -> Error {
    Error::custom(connection::Busy)
}

#[cfg(test)]
mod tests;
