//! Stops a track: no new request, then the end of those under way, then the instances. Claims stay.

use std::time::Duration;

use super::Carry;
use crate::world::{World, scope};

/// How long requests may take to end on a track that gets none any more.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);
/// How long instances may take to end; each has its own grace period below that.
const STOP_WITHIN: Duration = Duration::from_secs(30);

pub(super) async fn clean(world: &World, carry: &Carry) -> Result<(), String> {
    world
        .router
        .close_track(&carry.environment, carry.track, DRAIN_WITHIN)
        .await
        .map_err(|e| e.to_string())?;
    let scope = scope(&carry.environment, carry.track);
    world.runtime.stop(&scope, STOP_WITHIN).await;
    Ok(())
}
