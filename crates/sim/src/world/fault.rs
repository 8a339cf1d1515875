//! Faults of the simulated world.

use windlass_core::machine::event::{Color, Event, Step};

use super::runtime::INSTANCES;
use super::{Job, Sabotage, World};
use crate::check::Failure;

/// Farthest that the clock jumps, in milliseconds.
const JUMP_MS_MAX: u64 = 3_600_000;
/// Farthest that a time server sets it.
const STEP_MS_MAX: u64 = 2_000;
/// Longest that probes fail.
const FLAP_MS_MAX: u64 = 5_000;
/// Longest that the registry does not answer.
const REGISTRY_MS_MAX: u64 = 10_000;

impl World {
    /// An outcome arrives: as it should, twice, later again, or not before the controller was started again.
    pub(super) fn deliver(&mut self, job: Job, event: &Event) -> Result<(), Failure> {
        if self.has(Sabotage::Endless)
            && matches!(
                event,
                Event::Done {
                    step: Step::Ready,
                    ..
                }
            )
        {
            let due_ms = self.tick_ms + 3_000;
            self.jobs.push(Job { due_ms, ..job });
            return Ok(());
        }
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
            // It is done once more.
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
        match self.seed.below(20) {
            0 | 1 => self.restart(),
            2 | 3 => {
                self.clock_jumps();
                Ok(())
            }
            4..=8 => self.instances_die(),
            9 | 10 => self.probes_flap(),
            11 => {
                self.second_starts();
                Ok(())
            }
            12 | 13 => self.second_acts(),
            14 => {
                self.registry_until_ms = self.tick_ms + self.some_ms(REGISTRY_MS_MAX);
                Ok(())
            }
            _ => self.instances_come_back(),
        }
    }

    fn some_ms(&mut self, max: u64) -> i64 {
        i64::try_from(self.seed.below(max)).unwrap_or_default()
    }

    /// The clock is set: mostly a little, as a time server does, sometimes far.
    fn clock_jumps(&mut self) {
        let max = if self.seed.chance(500) {
            STEP_MS_MAX
        } else {
            JUMP_MS_MAX
        };
        let jump = self.some_ms(max);
        let back = self.seed.chance(500);
        self.skew_ms += if back { -jump } else { jump };
    }

    /// Instances do not answer their probes, nor anybody else, for a while.
    fn probes_flap(&mut self) -> Result<(), Failure> {
        let left = u32::try_from(self.seed.below(u64::from(INSTANCES))).unwrap_or_default();
        let until_ms = self.tick_ms + self.some_ms(FLAP_MS_MAX);
        let Some((environment, track)) = self.some_track() else {
            return Ok(());
        };
        self.set_ready(&environment, track, left)?;
        let runtime = self.runtimes.get_mut(&environment);
        let instances = runtime.and_then(|runtime| runtime.tracks.get_mut(&track));
        if let Some(instances) = instances.filter(|one| one.proven) {
            instances.flaps_until_ms = Some(until_ms);
        }
        Ok(())
    }

    /// The controller looks at what runs; what it has not seen yet becomes an event, sometimes late.
    pub(super) fn look(&mut self) -> Result<(), Failure> {
        let mut news = Vec::new();
        for (name, runtime) in &mut self.runtimes {
            for (track, one) in &mut runtime.tracks {
                let late = self.faults && self.seed.chance(500);
                if one.seen != Some(one.ready) && !late {
                    one.seen = Some(one.ready);
                    news.push((name.clone(), *track, one.ready));
                }
            }
        }
        for (environment, track, ready) in news {
            let trouble = if ready < INSTANCES { "no answer" } else { "" };
            let seen = Event::Observed {
                environment,
                track,
                ready,
                desired: INSTANCES,
                trouble: trouble.to_owned(),
            };
            self.append(&seen, None)?;
        }
        Ok(())
    }

    /// Some or all instances of a track die, and that is seen.
    fn instances_die(&mut self) -> Result<(), Failure> {
        let left = u32::try_from(self.seed.below(u64::from(INSTANCES))).unwrap_or_default();
        let Some((environment, track)) = self.some_track() else {
            return Ok(());
        };
        self.set_ready(&environment, track, left)
    }

    fn instances_come_back(&mut self) -> Result<(), Failure> {
        let Some((environment, track)) = self.some_track() else {
            return Ok(());
        };
        self.set_ready(&environment, track, INSTANCES)
    }

    /// All instances of tracks that were ready are ready again.
    pub(super) fn heal(&mut self) -> Result<(), Failure> {
        let all: Vec<(String, Color)> = self
            .runtimes
            .iter()
            .flat_map(|(name, runtime)| runtime.tracks.keys().map(|track| (name.clone(), *track)))
            .collect();
        for (environment, track) in all {
            self.set_ready(&environment, track, INSTANCES)?;
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

    fn set_ready(&mut self, environment: &str, track: Color, ready: u32) -> Result<(), Failure> {
        let instances = self
            .runtimes
            .get_mut(environment)
            .and_then(|runtime| runtime.tracks.get_mut(&track));
        // What was never ready does not become so by itself.
        let Some(instances) = instances.filter(|instances| instances.proven) else {
            return Ok(());
        };
        instances.ready = ready;
        instances.flaps_until_ms = None;
        self.look()
    }
}
