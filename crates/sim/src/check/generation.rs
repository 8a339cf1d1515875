//! The generation of an environment's traffic never decreases, and one generation is one set of weights.

use std::collections::BTreeMap;

use super::{Checker, Sight};
use crate::world::Effect;

#[derive(Debug, Default)]
pub(super) struct Generation {
    last: BTreeMap<String, (u64, Vec<u32>)>,
}

impl Checker for Generation {
    fn name(&self) -> &'static str {
        "generations of traffic never decrease"
    }

    fn see(&mut self, sight: &Sight<'_>) -> Result<(), String> {
        for effect in sight.effects {
            let Effect::Routed {
                environment,
                generation,
                weights,
            } = effect
            else {
                continue;
            };
            let shares: Vec<u32> = weights.iter().map(|(share, _)| *share).collect();
            let before = self
                .last
                .insert(environment.clone(), (*generation, shares.clone()));
            if let Some((last, known)) = before
                && (*generation < last || (*generation == last && known != shares))
            {
                return Err(format!(
                    "{environment}: {generation} {shares:?} after {last} {known:?}"
                ));
            }
        }
        Ok(())
    }
}
