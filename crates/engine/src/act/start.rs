//! Starts the instances of a release on its track. Those that run already and need no change are left alone; a rolling
//! update replaces the others one pod at a time.

use std::time::Duration;

use windlass_core::config::Strategy;

use super::ready::deadline;
use super::{Carry, localised};
use crate::world::{World, scope};

/// For requests that the proxy had chosen an instance for when it was told not to.
const LEAVE: Duration = Duration::from_millis(100);

pub(super) async fn start(world: &World, carry: &Carry) -> Result<(), String> {
    let (_, objects) = localised(world, carry).await?;
    let scope = scope(&carry.environment, carry.track);
    let settings = world.settings_of(&carry.environment, &carry.release);
    let applied = match settings.map(|settings| settings.strategy) {
        Some(Strategy::Rolling { .. }) => {
            let follow = || async {
                world.router.follow(&world.runtime, &carry.environment).await;
                tokio::time::sleep(LEAVE).await;
            };
            let patience = deadline(&objects);
            world.runtime.roll(&scope, &objects, patience, follow).await
        }
        Some(Strategy::Recreate | Strategy::BlueGreen | Strategy::Canary { .. }) | None => {
            world.runtime.apply(&scope, &objects).await
        }
    };
    applied.map_err(|e| e.to_string())
}
