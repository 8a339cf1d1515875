//! Simulated people: they push, and they ask for what the view offers, and sometimes for what it does not.

use windlass_core::machine::event::{Event, Wish};
use windlass_core::machine::{Ask, ask};
use windlass_core::view::EnvironmentView;

use super::{Sabotage, World};
use crate::check::{Failure, refusal};

const PEOPLE: [&str; 3] = ["Ada", "Bob", "Eve"];

impl World {
    /// Somebody pushes to `develop`, merges to `main`, or rewrites a branch.
    pub(super) fn somebody_pushes(&mut self) -> Result<(), Failure> {
        let (branch, commit, rewritten) = match self.seed.below(10) {
            0..=5 => ("develop", Some(self.git.commit(&mut self.seed)), false),
            6..=8 => ("main", self.git.merge(&mut self.seed), false),
            _ => {
                let branch = ["develop", "main"][self.seed.place(2)];
                (branch, self.git.reset(branch), true)
            }
        };
        let Some(commit) = commit else { return Ok(()) };
        self.seen(branch, commit, rewritten)
    }

    /// The controller sees where a branch is.
    pub(super) fn seen(&mut self, branch: &str, commit: String, rewritten: bool) -> Result<(), Failure> {
        let seen = Event::SnapshotSeen {
            branch: branch.to_owned(),
            subject: format!("subject of {commit}"),
            author: "Ada".to_owned(),
            contains: self.git.contained(branch),
            commit,
            rewritten,
        };
        self.append(&seen, None)
    }

    /// Somebody asks for something.
    pub(super) fn somebody_asks(&mut self) -> Result<(), Failure> {
        let view = self.view();
        let place = self.seed.place(view.environments.len());
        let environment = &view.environments[place];
        let wish = self.wish(environment);
        let asked = Ask {
            environment: environment.name.clone(),
            actor: PEOPLE[self.seed.place(PEOPLE.len())].to_owned(),
            comment: "because".to_owned(),
            wish,
        };
        match ask(&self.state, asked, self.now_ms()) {
            Ok(event) => self.append(&event, None),
            Err(mut refusal) => {
                if self.has(Sabotage::Curt) {
                    refusal.hint.clear();
                }
                refusal::check(&refusal)
            }
        }
    }

    fn wish(&mut self, environment: &EnvironmentView) -> Wish {
        let rollout = environment.rollout.as_ref();
        let plan = rollout.and_then(|rollout| rollout.plan.as_ref());
        let plan = plan.map_or_else(|| "no plan".to_owned(), |plan| plan.digest.clone());
        let releases = self.view().releases;
        let release = releases
            .get(self.seed.place(releases.len()))
            .map_or_else(|| "sha-nothing".to_owned(), |one| one.release.id.clone());
        match self.seed.below(24) {
            0..=9 => Wish::Approve {
                plan,
                break_glass: self.seed.chance(100),
            },
            10 => Wish::Reject { plan },
            11 | 12 => Wish::Promote { release: None },
            13 => Wish::Promote {
                release: Some(release),
            },
            14 | 15 => Wish::Rollback { to: None },
            16 => Wish::Rollback { to: Some(release) },
            17 => Wish::Hold { release },
            18 => Wish::ClearHold { release },
            19 => Wish::Pause,
            20 | 21 => Wish::Resume,
            22 => Wish::Abort,
            _ => Wish::Retry,
        }
    }
}
