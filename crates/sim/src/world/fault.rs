//! Faults of the simulated world.

use windlass_core::machine::event::{Color, Event};

use super::runtime::INSTANCES;
use super::{Job, World};
use crate::check::Failure;

/// Farthest that the clock jumps, in milliseconds.
const JUMP_MS_MAX: u64 = 3_600_000;

impl World {
    /// An outcome arrives: as it should, twice, later again, or not before the controller was started again.
    pub(super) fn deliver(&mut self, job: Job, event: &Event) -> Result<(), Failure> {
        let fate = if self.faults { self.seed.below(100) } else { 100 };
        match fate {
            // Done, but the controller died before it could write that.
            0..=2 => self.restart(),
            // Written, but the controller died before it could act upon it.
            3..=4 => {
                self.append(event, Some(job.key))?;
                self.restart()
            }
            // Twice.
            5..=7 => {
                self.append(event, Some(job.key))?;
                self.append(event, None)
            }
            // Lost: it is sent again after a while.
            8..=9 => {
                let late = Job {
                    due_ms: self.tick_ms + 3_000,
                    ..job
                };
                self.jobs.push(late);
                Ok(())
            }
            // A second controller took it for its own, as well.
            10..=11 => {
                let again = Job {
                    due_ms: self.tick_ms + 500,
                    ..job.clone()
                };
                self.jobs.push(again);
                self.append(event, Some(job.key))
            }
            _ if self.ledger.waits(job.key) => self.append(event, Some(job.key)),
            _ => self.append(event, None),
        }
    }

    /// Something breaks that no action did.
    pub(super) fn something_breaks(&mut self) -> Result<(), Failure> {
        match self.seed.below(10) {
            0 => self.restart(),
            1 => {
                let jump = i64::try_from(self.seed.below(JUMP_MS_MAX)).unwrap_or_default();
                let back = self.seed.chance(500);
                self.skew_ms += if back { -jump } else { jump };
                Ok(())
            }
            2..=5 => self.instances_die(),
            _ => self.instances_come_back(),
        }
    }

    /// Some or all instances of a track die, and that is seen.
    fn instances_die(&mut self) -> Result<(), Failure> {
        let left = u32::try_from(self.seed.below(u64::from(INSTANCES))).unwrap_or_default();
        let Some((environment, track)) = self.some_track() else {
            return Ok(());
        };
        self.set_ready(&environment, track, left, "exited with code 1")
    }

    fn instances_come_back(&mut self) -> Result<(), Failure> {
        let Some((environment, track)) = self.some_track() else {
            return Ok(());
        };
        self.set_ready(&environment, track, INSTANCES, "")
    }

    /// All instances of tracks that were ready are ready again.
    pub(super) fn heal(&mut self) -> Result<(), Failure> {
        let all: Vec<(String, Color)> = self
            .runtimes
            .iter()
            .flat_map(|(name, runtime)| runtime.tracks.keys().map(|track| (name.clone(), *track)))
            .collect();
        for (environment, track) in all {
            self.set_ready(&environment, track, INSTANCES, "")?;
        }
        Ok(())
    }

    fn some_track(&mut self) -> Option<(String, Color)> {
        let environments: Vec<String> = self.runtimes.keys().cloned().collect();
        let environment = environments.get(self.seed.place(environments.len()))?.clone();
        let tracks: Vec<Color> = self.runtimes.get(&environment)?.tracks.keys().copied().collect();
        let track = *tracks.get(self.seed.place(tracks.len()))?;
        Some((environment, track))
    }

    fn set_ready(
        &mut self,
        environment: &str,
        track: Color,
        ready: u32,
        trouble: &str,
    ) -> Result<(), Failure> {
        let instances = self
            .runtimes
            .get_mut(environment)
            .and_then(|runtime| runtime.tracks.get_mut(&track));
        // What was never ready does not become so by itself.
        let Some(instances) = instances.filter(|instances| instances.proven) else {
            return Ok(());
        };
        instances.ready = ready;
        let seen = Event::Observed {
            environment: environment.to_owned(),
            track,
            ready,
            desired: INSTANCES,
            trouble: trouble.to_owned(),
        };
        self.append(&seen, None)
    }
}
