//! A track with customers is neither stopped nor started over, where there are two tracks.

use super::{Checker, Sight};
use crate::world::Effect;

#[derive(Debug)]
pub(super) struct Tracks;

impl Checker for Tracks {
    fn name(&self) -> &'static str {
        "a track with customers is never stopped or started over"
    }

    fn see(&mut self, sight: &Sight<'_>) -> Result<(), String> {
        for effect in sight.effects {
            if let Effect::Replaced {
                environment,
                what,
                share,
                in_place: false,
            } = effect
                && *share > 0
            {
                return Err(format!("{environment}: {what} with {share} % of customers"));
            }
        }
        Ok(())
    }
}
