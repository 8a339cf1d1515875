//! Starts the instances of a release on its track. Those that run already and need no change are left alone.

use super::{Carry, localised};
use crate::world::{World, scope};

pub(super) async fn start(world: &World, carry: &Carry) -> Result<(), String> {
    let (_, objects) = localised(world, carry).await?;
    let scope = scope(&carry.environment, carry.track);
    world
        .runtime
        .apply(&scope, &objects)
        .await
        .map_err(|e| e.to_string())
}
