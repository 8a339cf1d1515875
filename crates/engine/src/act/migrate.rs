//! Runs a release's Jobs before its instances start: each once, known by name and content.

use std::fmt::Write as _;

use super::{Carry, localised};
use crate::render::Track;
use crate::world::{World, scope};

/// Lines of a failed Job's log in the reason.
const LINES: usize = 5;

pub(super) async fn migrate(world: &World, carry: &Carry) -> Result<(), String> {
    let (_, objects) = localised(world, carry).await?;
    let scope = scope(&carry.environment, carry.track);
    for job in Track::jobs(&objects) {
        let outcome = world
            .runtime
            .run_job(&scope, &job, &objects)
            .await
            .map_err(|e| e.to_string())?;
        if !outcome.succeeded {
            let mut reason = format!(
                "Job {} failed in {} tries: {}",
                job.name(),
                outcome.tries,
                outcome.message
            );
            let from = outcome.log.len().saturating_sub(LINES);
            for line in &outcome.log[from..] {
                let _ = write!(reason, "\n  {line}");
            }
            return Err(reason);
        }
    }
    Ok(())
}
