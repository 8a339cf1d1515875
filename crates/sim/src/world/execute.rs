//! Carries out actions in the simulated world, as the engine does in the real one: idempotent, each with one outcome.

use std::collections::{BTreeMap, BTreeSet};

use windlass_core::machine::action::Action;
use windlass_core::machine::event::{Color, Event, Step};
use windlass_core::machine::release::{Finding, Plan, Release, id_of};

use super::git::Flaw;
use super::{Effect, Runtime, Sabotage, World};

/// An environment: the release on each track, releases migrated to, and weights.
type Structure = (BTreeMap<Color, String>, BTreeSet<String>, BTreeMap<Color, u32>);

/// Actions that fail for no reason of the release, of a thousand, while there are faults.
const FAILURES: u64 = 30;
/// Why nothing can be built or pulled.
const UNREACHABLE: &str = "the registry does not answer";

impl World {
    /// Does an action, and notes what it changed; `None` for the one without an outcome.
    pub(super) fn act(&mut self, action: &Action) -> Option<Event> {
        let before = self.structure();
        let outcome = self.execute(action);
        if let Action::Carry {
            environment, turn, ..
        }
        | Action::Route {
            environment, turn, ..
        } = action
        {
            let after = self.structure();
            let changed = before.iter().filter(|(name, was)| after.get(*name) != Some(was));
            let changed: Vec<String> = changed.map(|(name, _)| name.clone()).collect();
            let releases = |of: &BTreeMap<String, Structure>| -> BTreeSet<String> {
                let tracks = changed.iter().filter_map(|name| of.get(name));
                tracks.flat_map(|one| one.0.values().cloned()).collect()
            };
            let stopped = releases(&before).difference(&releases(&after)).cloned().collect();
            if !changed.is_empty() {
                self.effects.push(Effect::Changed {
                    environment: environment.clone(),
                    turn: *turn,
                    changed,
                    stopped,
                });
            }
        }
        outcome
    }

    /// What runs, what was migrated, and where customers are led.
    fn structure(&self) -> BTreeMap<String, Structure> {
        let runtimes = self.runtimes.iter();
        let of = |(name, runtime): (&String, &Runtime)| {
            let weights = self.proxies.get(name).map(|proxy| proxy.weights.clone());
            let structure = (
                runtime.releases(),
                runtime.migrated.clone(),
                weights.unwrap_or_default(),
            );
            (name.clone(), structure)
        };
        runtimes.map(of).collect()
    }

    fn execute(&mut self, action: &Action) -> Option<Event> {
        Some(match action {
            Action::Build { commit, .. } => self.build(commit),
            Action::Carry {
                environment,
                rollout,
                turn,
                release,
                track,
                step,
            } => {
                let done = self.carry_in_turn(*turn, environment, release, *track, *step);
                let (environment, rollout, turn) = (environment.clone(), *rollout, *turn);
                match done {
                    Ok(Some(plan)) => Event::Prepared {
                        environment,
                        rollout,
                        turn,
                        plan,
                        settings: None,
                    },
                    Ok(None) => done_event(&environment, rollout, turn, *step),
                    Err(reason) => failed_event(&environment, rollout, turn, *step, reason),
                }
            }
            Action::Route {
                environment,
                rollout,
                turn,
                generation,
                weights,
                step,
                ..
            } => {
                let stubborn = self.has(Sabotage::Stubborn) && *step == Step::Return;
                if !stubborn && self.route(environment, *generation, weights) {
                    done_event(environment, *rollout, *turn, *step)
                } else {
                    failed_event(
                        environment,
                        *rollout,
                        *turn,
                        *step,
                        "the proxy refuses".to_owned(),
                    )
                }
            }
            Action::Measure {
                environment,
                rollout,
                track,
                at_ms,
            } => self.measure(environment, *rollout, *track, *at_ms)?,
            Action::Wake {
                environment,
                rollout,
                at_ms,
            } => time_came(environment, *rollout, *at_ms),
            Action::Notify {
                environment, rollout, ..
            } => notified(environment, *rollout),
            Action::ProposeRevert {
                environment, commit, ..
            } => {
                self.reverts.insert(commit.clone());
                proposed(environment, commit)
            }
        })
    }

    fn measure(&self, environment: &str, rollout: u64, track: Color, at_ms: i64) -> Option<Event> {
        let proxy = self.proxies.get(environment)?;
        Some(Event::Measured {
            environment: environment.to_owned(),
            rollout,
            new: proxy.total(track),
            old: proxy.total(track.other()),
            at_ms: Some(at_ms),
        })
    }

    fn build(&mut self, commit: &str) -> Event {
        let unreachable = self.tick_ms < self.registry_until_ms;
        if unreachable || self.git.flaw(commit) == Flaw::Build {
            let reason = if unreachable {
                UNREACHABLE
            } else {
                "it does not compile"
            };
            return Event::BuildFailed {
                commit: commit.to_owned(),
                reason: reason.to_owned(),
            };
        }
        let release = Release {
            id: id_of(commit),
            commit: commit.to_owned(),
            subject: format!("subject of {commit}"),
            version: format!("1.0.0-{commit}"),
            images: BTreeMap::new(),
            built_at_ms: self.now_ms(),
        };
        Event::ReleaseBuilt { release }
    }

    fn fails(&mut self) -> bool {
        self.faults && self.seed.chance(FAILURES)
    }

    /// Does a step, unless a newer one was done.
    fn carry_in_turn(
        &mut self,
        turn: u64,
        environment: &str,
        release: &str,
        track: Color,
        step: Step,
    ) -> Result<Option<Plan>, String> {
        let belated = self.has(Sabotage::Belated);
        let runtime = self.runtimes.get_mut(environment);
        if runtime.is_some_and(|runtime| runtime.takes(turn) || belated) {
            self.carry(environment, release, track, step)
        } else {
            Err("a newer action was carried out".to_owned())
        }
    }

    /// Does a step; a plan for `Prepare`.
    fn carry(
        &mut self,
        environment: &str,
        release: &str,
        track: Color,
        step: Step,
    ) -> Result<Option<Plan>, String> {
        if self.fails() {
            return Err(format!("{} failed for no reason", step.name()));
        }
        let flaw = self.git.flaw(release);
        let share = self
            .proxies
            .get(environment)
            .and_then(|proxy| proxy.weights.get(&track).copied())
            .unwrap_or_default();
        if step == Step::Start && self.tick_ms < self.registry_until_ms {
            return Err(UNREACHABLE.to_owned());
        }
        if matches!(step, Step::StopOld | Step::Clean) && self.stops_wrongly(track, release) {
            return Ok(None);
        }
        let hasty = self.has(Sabotage::Hasty);
        let generation = self.state.generation(environment);
        let Some(runtime) = self.runtimes.get_mut(environment) else {
            return Err("no such environment".to_owned());
        };
        let replaced = |what: &str| Effect::Replaced {
            environment: environment.to_owned(),
            what: format!("{what} {release}@{}", track.name()),
            share,
            in_place: runtime.in_place,
        };
        match step {
            Step::Prepare => return Ok(Some(plan(environment, release, generation, flaw))),
            Step::Migrate if flaw == Flaw::Migration => return Err("the migration failed".to_owned()),
            Step::Start => {
                let other = runtime
                    .tracks
                    .get(&track)
                    .is_some_and(|one| one.release != release);
                if other {
                    self.effects.push(replaced("started over by"));
                }
                runtime.start(track, release);
                if hasty {
                    runtime.tracks.remove(&track.other());
                }
            }
            Step::Ready if flaw == Flaw::Unready => return Err("no instance is ready".to_owned()),
            Step::Ready => {
                if runtime
                    .tracks
                    .get(&track)
                    .is_none_or(|one| one.release != release)
                {
                    return Err(format!("{release} does not run on {}", track.name()));
                }
                runtime.become_ready(track);
            }
            Step::StopOld | Step::Clean => {
                let runs = runtime
                    .tracks
                    .get(&track)
                    .is_some_and(|one| one.release == release);
                if runs {
                    self.effects.push(replaced("stopped"));
                }
                runtime.stop(track, release);
            }
            Step::Migrate => {
                runtime.migrated.insert(release.to_owned());
            }
            Step::Verify => {}
            Step::Switch | Step::Return => return Err("traffic is led by routes".to_owned()),
        }
        Ok(None)
    }

    /// What a broken world does when it is to stop a track; whether that is all.
    fn stops_wrongly(&mut self, track: Color, release: &str) -> bool {
        if self.has(Sabotage::Sweeping) {
            self.runtimes
                .values_mut()
                .for_each(|one| one.stop(track, release));
        }
        self.has(Sabotage::Idle)
    }

    fn route(&mut self, environment: &str, generation: u64, weights: &BTreeMap<Color, u32>) -> bool {
        if self.fails() {
            return false;
        }
        let (Some(proxy), Some(runtime)) =
            (self.proxies.get_mut(environment), self.runtimes.get(environment))
        else {
            return false;
        };
        // The same route once more changes nothing.
        if proxy.generation == generation && proxy.weights == *weights {
            return true;
        }
        if !proxy.route(generation, weights) {
            return false;
        }
        // In place there is one track, which has all customers whatever is being done to it.
        let ready = |track: &Color| runtime.tracks.get(track).is_some_and(|one| one.proven);
        let proven = |track: &Color| runtime.in_place || ready(track);
        self.effects.push(Effect::Routed {
            environment: environment.to_owned(),
            generation,
            weights: weights
                .iter()
                .map(|(track, share)| (*share, proven(track)))
                .collect(),
        });
        true
    }
}

fn time_came(environment: &str, rollout: u64, at_ms: i64) -> Event {
    Event::TimeCame {
        environment: environment.to_owned(),
        rollout,
        at_ms,
    }
}

fn notified(environment: &str, rollout: u64) -> Event {
    Event::Notified {
        environment: environment.to_owned(),
        rollout,
        receipt: String::new(),
    }
}

fn proposed(environment: &str, commit: &str) -> Event {
    Event::RevertProposed {
        environment: environment.to_owned(),
        commit: commit.to_owned(),
        revert: "a branch proposes it".to_owned(),
    }
}

fn done_event(environment: &str, rollout: u64, turn: u64, step: Step) -> Event {
    Event::Done {
        environment: environment.to_owned(),
        rollout,
        turn,
        step,
        took_ms: 5,
    }
}

fn failed_event(environment: &str, rollout: u64, turn: u64, step: Step, reason: String) -> Event {
    Event::Failed {
        environment: environment.to_owned(),
        rollout,
        turn,
        step,
        reason,
    }
}

fn plan(environment: &str, release: &str, generation: u64, flaw: Flaw) -> Plan {
    let finding = Finding {
        rule: "root-user".to_owned(),
        message: "gateway runs as root".to_owned(),
        remedy: "set runAsNonRoot".to_owned(),
        blocks: true,
    };
    Plan {
        digest: format!("{environment}/{release}/{generation}"),
        objects: release.to_owned(),
        parent_generation: generation,
        changes: vec![format!("{release} comes")],
        findings: if flaw == Flaw::Finding {
            vec![finding]
        } else {
            Vec::new()
        },
        not_enforced: Vec::new(),
    }
}
