//! Worlds that follow a script instead of dice: what people do and when, and what is left in the end.

use std::collections::{BTreeMap, BTreeSet};

use windlass_core::machine::event::{Color, Event, Wish};
use windlass_core::machine::{Ask, ask};

use super::{Death, Flaw, Key, World};
use crate::check::Failure;

/// Jobs within which what a script waits for must have come.
const JOBS_MAX: usize = 400;

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Pushes a commit with this flaw to `develop`.
    Push(Flaw),
    /// Brings `main` to where `develop` is.
    Merge,
    /// Approves the plan that an environment shows.
    Approve(&'static str),
    /// Rolls an environment back.
    RollBack(&'static str),
}

/// When somebody does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Nothing goes on by itself any more.
    Rest,
    /// The rollout of an environment is in this phase.
    Phase(&'static str, &'static str),
}

/// What is left when a script has ended: what has to be the same however often the controller died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    environments: BTreeMap<String, Left>,
    reverts: BTreeSet<String>,
}

/// What is left in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Left {
    /// Release and track that serve, as everybody is shown.
    live: Option<(String, Color)>,
    /// What runs: release and ready instances of each track.
    runs: BTreeMap<Color, (String, u32)>,
    /// Where the proxy leads customers.
    weights: BTreeMap<Color, u32>,
    /// Ended rollouts: release, outcome, and who or what decided.
    history: Vec<(String, String, String)>,
    /// Releases that are kept out.
    holds: Vec<String>,
    /// Requests lost where two tracks make that needless.
    lost: u64,
}

impl World {
    /// The controller is to die once, around an action.
    pub(crate) fn doom(&mut self, death: Death) {
        self.death = Some(death);
    }

    /// Actions ever written to the outbox.
    pub(crate) fn sent(&self) -> usize {
        self.ledger.sent()
    }

    /// Follows a script to its end; the places of the outbox in the order in which they were done.
    pub(crate) fn follow(&mut self, script: &[(When, Act)]) -> Result<Vec<Key>, Failure> {
        let mut done = Vec::new();
        for (when, act) in script {
            self.until(*when, &mut done)?;
            self.plays(*act)?;
        }
        self.until(When::Rest, &mut done)?;
        // What is still on its way, such as messages to people.
        while !self.jobs.is_empty() {
            self.next_in_script(&mut done)?;
        }
        Ok(done)
    }

    fn until(&mut self, when: When, done: &mut Vec<Key>) -> Result<(), Failure> {
        for _ in 0..JOBS_MAX {
            let mut all = self.shown.environments.iter();
            let come = match when {
                When::Rest => all.all(|one| one.settled),
                When::Phase(name, phase) => all.any(|one| {
                    let rollout = one.rollout.as_ref();
                    one.name == name && rollout.is_some_and(|rollout| rollout.phase == phase)
                }),
            };
            if come {
                return Ok(());
            }
            self.next_in_script(done)?;
        }
        Err(missed(format!("{when:?} does not come")))
    }

    fn next_in_script(&mut self, done: &mut Vec<Key>) -> Result<(), Failure> {
        done.extend(self.jobs.iter().min_by_key(|job| job.due_ms).map(|job| job.key));
        self.next_job()
    }

    fn plays(&mut self, act: Act) -> Result<(), Failure> {
        match act {
            Act::Push(flaw) => {
                let commit = self.git.commit_with(flaw);
                self.seen("develop", commit, false)
            }
            Act::Merge => match self.git.merge_all() {
                Some(commit) => self.seen("main", commit, false),
                None => Ok(()),
            },
            Act::Approve(environment) => {
                let view = self.view();
                let mut plans = view.environments.iter().filter(|one| one.name == environment);
                let plan = plans.find_map(|one| one.rollout.as_ref()?.plan.clone());
                let plan = plan.ok_or_else(|| missed(format!("{environment} has no plan")))?;
                let wish = Wish::Approve {
                    plan: plan.digest,
                    break_glass: false,
                };
                self.asks(environment, wish)
            }
            Act::RollBack(environment) => self.asks(environment, Wish::Rollback { to: None }),
        }
    }

    fn asks(&mut self, environment: &str, wish: Wish) -> Result<(), Failure> {
        let asked = Ask {
            environment: environment.to_owned(),
            actor: "Ada".to_owned(),
            comment: "because".to_owned(),
            wish,
        };
        let event: Event =
            ask(&self.state, asked, self.now_ms()).map_err(|refusal| missed(refusal.to_string()))?;
        self.append(&event, None)
    }

    /// What is left.
    pub(crate) fn ending(&self) -> Ending {
        let environments = self.view().environments.into_iter().map(|one| {
            let runtime = &self.runtimes[&one.name];
            let proxy = &self.proxies[&one.name];
            let runs = runtime.tracks.iter();
            let left = Left {
                live: one.live.map(|live| (live.release, live.track)),
                runs: runs
                    .map(|(track, one)| (*track, (one.release.clone(), one.ready)))
                    .collect(),
                weights: proxy.weights.clone(),
                history: one
                    .history
                    .into_iter()
                    .map(|one| (one.release, one.outcome, one.decided_by))
                    .collect(),
                holds: one.holds.into_iter().map(|hold| hold.release).collect(),
                lost: if runtime.in_place { 0 } else { proxy.lost },
            };
            (one.name, left)
        });
        Ending {
            environments: environments.collect(),
            reverts: self.reverts.clone(),
        }
    }
}

/// The world did not follow its script.
fn missed(what: String) -> Failure {
    Failure {
        checker: "a script is followed to its end",
        what,
    }
}
