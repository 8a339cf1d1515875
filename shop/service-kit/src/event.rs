//! What services tell each other: an envelope that only grows, so that both versions of a rollout can read it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The major form of the envelope. A reader refuses what is newer, because it cannot know what it means.
pub const SCHEMA: u32 = 1;

/// One thing that happened. Delivered at least once; readers remember `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The same for each delivery.
    pub id: Uuid,
    /// `order.paid` or `order.cancelled`; unknown ones are ignored.
    pub kind: String,
    /// [`SCHEMA`] of the writer.
    pub schema: u32,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// What it is about.
    pub order: OrderFacts,
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
    pub quantity: i64,
}
