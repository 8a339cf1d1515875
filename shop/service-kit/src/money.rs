//! An amount of money: whole minor units, so that nothing is ever rounded by accident.

use serde::{Deserialize, Serialize};

/// `{"minor":1990,"currency":"EUR"}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Cents, for a currency that has them.
    #[serde(deserialize_with = "crate::whole")]
    pub minor: i64,
    /// ISO 4217 code.
    pub currency: String,
}

impl Money {
    /// Cents of a currency.
    pub fn new(minor: i64, currency: &str) -> Self {
        Self {
            minor,
            currency: currency.to_owned(),
        }
    }
}
