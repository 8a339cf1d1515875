//! What services tell each other: an envelope that only grows, so that both versions of a rollout can read it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Problem;

/// The major form of the envelope. A reader refuses what is newer, because it cannot know what it means.
pub const SCHEMA: u32 = 1;
/// More than any order has, of lines and of pieces of one.
const LINES_MAX: usize = 50;
const PIECES_MAX: i64 = 1_000_000;

/// One thing that happened. Delivered at least once; readers remember `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The same for each delivery.
    pub id: Uuid,
    /// `order.paid` or `order.cancelled`; unknown ones are ignored.
    pub kind: String,
    /// [`SCHEMA`] of the writer.
    #[serde(deserialize_with = "crate::whole")]
    pub schema: u32,
    /// Milliseconds since 1970.
    #[serde(deserialize_with = "crate::whole")]
    pub at_ms: i64,
    /// What it is about.
    pub order: OrderFacts,
}

impl Event {
    /// Refuses what no version that this one knows would say.
    pub fn check(&self) -> Result<(), Problem> {
        if self.schema > SCHEMA {
            return Err(Problem::invalid(
                "schema",
                format!("Events up to schema {SCHEMA} are known."),
            ));
        }
        let lines = &self.order.lines;
        if lines.len() > LINES_MAX || !lines.iter().all(|line| (1..=PIECES_MAX).contains(&line.quantity)) {
            return Err(Problem::invalid(
                "order.lines",
                format!("At most {LINES_MAX} lines of 1 to {PIECES_MAX} pieces."),
            ));
        }
        Ok(())
    }
}

/// What others need to know about an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFacts {
    /// The order.
    pub id: Uuid,
    /// `user:<id>` or `guest:<cart>`.
    pub owner: String,
    /// Whether the pieces come from the owner's cart.
    #[serde(default)]
    pub from_cart: bool,
    /// What was bought.
    pub lines: Vec<Pieces>,
}

/// Some pieces of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pieces {
    /// The product.
    pub sku: String,
    /// How many.
    #[serde(deserialize_with = "crate::whole")]
    pub quantity: i64,
}
