//! A rollback comes within a bound of time as it really passes, whatever the clock shows: customers are led back, and none
//! stay on a new release that answers nothing while the old one is warm.

use std::collections::BTreeMap;

use windlass_core::view::EnvironmentView;

use super::{Checker, Sight};
use crate::world::World;

/// Longest that leading back may take, with failures on the way, in milliseconds.
const BOUND_MS: i64 = 60_000;

#[derive(Debug, Default)]
pub(super) struct Soon {
    /// Since when each environment should lead its customers back.
    since: BTreeMap<String, i64>,
}

impl Checker for Soon {
    fn name(&self) -> &'static str {
        "a rollback comes within its bound"
    }

    fn see(&mut self, sight: &Sight<'_>) -> Result<(), String> {
        let now_ms = sight.world.tick_ms();
        for one in &sight.after.environments {
            if !should_go_back(sight.world, one) {
                self.since.remove(&one.name);
                continue;
            }
            let passed_ms = now_ms - *self.since.entry(one.name.clone()).or_insert(now_ms);
            if passed_ms > BOUND_MS {
                return Err(format!("{}: {} for {passed_ms} ms", one.name, one.summary));
            }
        }
        Ok(())
    }
}

/// Whether the new release has customers and the old one could have them, and either somebody decided so or nothing answers.
fn should_go_back(world: &World, one: &EnvironmentView) -> bool {
    let (Some(rollout), Some(runtime), Some(proxy)) = (
        &one.rollout,
        world.runtimes().get(&one.name),
        world.proxies().get(&one.name),
    ) else {
        return false;
    };
    let on_new = proxy.weights.contains_key(&rollout.track);
    let warm = runtime.answering(rollout.track.other()) > 0;
    let decided = rollout.phase == "return";
    let watched = matches!(rollout.phase.as_str(), "canary" | "watch");
    let dead = runtime.answering(rollout.track) == 0;
    !runtime.is_in_place() && on_new && warm && (decided || (watched && dead))
}
