//! Stops a track: no new request, then the end of those under way, then the instances. Claims stay.
//!
//! Where the new release takes the place of the old one, customers' requests wait in the proxy from the moment the old one
//! gets none any more until the new one has them; the listener stays open all the time.

use std::time::Duration;

use windlass_core::config::Strategy;
use windlass_core::machine::event::Step;

use super::Carry;
use crate::world::{World, scope};

/// How long requests may take to end on a track that gets none any more.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);
/// How long instances may take to end; each has its own grace period below that.
const STOP_WITHIN: Duration = Duration::from_secs(30);

pub(super) async fn clean(world: &World, carry: &Carry) -> Result<(), String> {
    let settings = world.settings_of(&carry.environment, &carry.release);
    let in_place = settings.is_some_and(|settings| settings.strategy == Strategy::Recreate);
    if carry.step == Step::StopOld || in_place {
        if carry.step == Step::StopOld {
            world.router.hold(&carry.environment).await;
        }
        world
            .router
            .drain(&carry.environment, carry.track, DRAIN_WITHIN)
            .await;
    } else {
        world
            .router
            .close_track(&carry.environment, carry.track, DRAIN_WITHIN)
            .await
            .map_err(|e| e.to_string())?;
    }
    let scope = scope(&carry.environment, carry.track);
    world.runtime.stop(&scope, STOP_WITHIN).await;
    Ok(())
}
