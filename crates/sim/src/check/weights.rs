//! Customers are led only to tracks that run and were ready, and all customers are led somewhere.

use super::{Checker, Sight};
use crate::world::Effect;

#[derive(Debug)]
pub(super) struct Weights;

impl Checker for Weights {
    fn name(&self) -> &'static str {
        "weights sum to 100 over tracks that were ready"
    }

    fn see(&mut self, sight: &Sight<'_>) -> Result<(), String> {
        for effect in sight.effects {
            let Effect::Routed {
                environment, weights, ..
            } = effect
            else {
                continue;
            };
            let sum: u32 = weights.iter().map(|(share, _)| share).sum();
            if sum != 100 || weights.iter().any(|(_, proven)| !proven) {
                return Err(format!("{environment}: {weights:?}"));
            }
        }
        Ok(())
    }
}
