//! Two controllers never have double effect: no action changes the world twice, none after a newer one did, and no event
//! is taken from a controller that missed another one's.

use std::collections::BTreeMap;

use super::{Checker, Sight};
use crate::world::Effect;

#[derive(Debug, Default)]
pub(super) struct Double {
    /// Turn of the newest action that changed an environment.
    newest: BTreeMap<String, u64>,
}

impl Checker for Double {
    fn name(&self) -> &'static str {
        "two controllers never have double effect"
    }

    fn see(&mut self, sight: &Sight<'_>) -> Result<(), String> {
        for effect in sight.effects {
            match effect {
                Effect::Changed {
                    environment, turn, ..
                } => {
                    let newest = self.newest.insert(environment.clone(), *turn);
                    if newest.is_some_and(|newest| newest >= *turn) {
                        return Err(format!("{environment}: {effect:?} after turn {newest:?}"));
                    }
                }
                Effect::Wrote { missed } if *missed > 0 => {
                    return Err(format!("an event was taken from who had missed {missed}"));
                }
                Effect::Wrote { .. } | Effect::Routed { .. } | Effect::Replaced { .. } => {}
            }
        }
        Ok(())
    }
}
