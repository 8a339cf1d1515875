//! A state of the machine with the actions under way, and what they did to tracks and traffic so far.

use std::collections::{BTreeMap, BTreeSet};

use windlass_core::config::Config;
use windlass_core::machine::action::Action;
use windlass_core::machine::analysis::Sample;
use windlass_core::machine::event::{Color, Event, Step, Wish};
use windlass_core::machine::release::{Plan, Release, id_of};
use windlass_core::machine::{Ask, State, ask, step, view};
use windlass_core::view::EnvironmentView;

use super::Move;
use crate::world::START_MS;

const CONFIG: &str = "
platform: shop
services: { gateway: { build: { cargo: gateway } } }
chart: chart
edge: gateway
environments:
  test: { runtime: local, source: { branch: main }, port: 3100, deploy: auto, strategy: blue-green, watch: 2s, analysis: { requests: 10 } }
";
const ENVIRONMENT: &str = "test";
/// Requests from one measurement to the next.
const REQUESTS: u64 = 100;

#[derive(Debug, Clone)]
pub(super) struct Node {
    state: State,
    now_ms: i64,
    pending: Vec<Action>,
    last: Option<Event>,
    /// Releases on tracks, and whether they were ready.
    tracks: BTreeMap<Color, (String, bool)>,
    weights: BTreeMap<Color, u32>,
    requests: u64,
    errors: u64,
    newer: bool,
    dead: BTreeSet<Color>,
}

impl Node {
    /// The first release serves, the second one has its plan.
    pub(super) fn start() -> Result<Self, String> {
        let config = Config::parse("windlass.yaml", CONFIG).map_err(|error| error.to_string())?;
        let mut node = Self {
            state: State::default(),
            now_ms: START_MS,
            pending: Vec::new(),
            last: None,
            tracks: BTreeMap::new(),
            weights: BTreeMap::new(),
            requests: 0,
            errors: 0,
            newer: false,
            dead: BTreeSet::new(),
        };
        let configured = Event::Configured {
            environments: config.environments,
        };
        node = node.take(&configured)?;
        for commit in ["a", "b"] {
            node = node.released(commit)?;
            if commit == "a" {
                while let Some(one) = node.well() {
                    node = node.after(&one)?;
                }
                node.settled()?;
            }
        }
        Ok(node)
    }

    fn released(&self, commit: &str) -> Result<Self, String> {
        let contains = ["a", "b", "c"].iter().filter(|one| **one <= commit);
        let seen = Event::SnapshotSeen {
            branch: "main".to_owned(),
            commit: commit.to_owned(),
            subject: commit.to_owned(),
            author: "Ada".to_owned(),
            contains: contains.map(|one| (*one).to_owned()).collect(),
            rewritten: false,
        };
        let release = Release {
            id: id_of(commit),
            commit: commit.to_owned(),
            subject: commit.to_owned(),
            version: commit.to_owned(),
            images: BTreeMap::new(),
            built_at_ms: START_MS,
        };
        let mut node = self.take(&seen)?;
        node.pending
            .retain(|action| !matches!(action, Action::Build { .. }));
        node.take(&Event::ReleaseBuilt { release })
    }

    fn environment(&self) -> Option<EnvironmentView> {
        view(&self.state, self.now_ms).environments.into_iter().next()
    }

    /// All that tells this state from another.
    pub(super) fn text(&self) -> String {
        let state = serde_json::to_string(&self.state).unwrap_or_default();
        format!(
            "{state}{:?}{:?}{:?}{:?}{}",
            self.pending, self.tracks, self.weights, self.dead, self.newer
        )
    }

    /// Whether nothing is left to do without a person.
    pub(super) fn settled(&self) -> Result<(), String> {
        match self.environment() {
            Some(environment) if !environment.settled => Err(format!("no rest: {}", environment.summary)),
            _ => Ok(()),
        }
    }

    /// What happens when all goes well, if anything is under way.
    pub(super) fn well(&self) -> Option<Move> {
        let settled = self.environment().is_some_and(|environment| environment.settled);
        let next = self.pending.first().filter(|_| !settled)?;
        Some(match next {
            Action::Measure { .. } => Move::Measured(0, true),
            Action::Build { .. }
            | Action::Carry { .. }
            | Action::Route { .. }
            | Action::Wake { .. }
            | Action::Notify { .. }
            | Action::ProposeRevert { .. } => Move::Done(0),
        })
    }

    /// All that can happen.
    pub(super) fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        for (place, action) in self.pending.iter().enumerate() {
            match action {
                Action::Carry { .. } | Action::Route { .. } => {
                    moves.extend([Move::Done(place), Move::Failed(place)]);
                }
                Action::Measure { .. } => {
                    moves.extend([Move::Measured(place, true), Move::Measured(place, false)]);
                }
                Action::Build { .. }
                | Action::Wake { .. }
                | Action::Notify { .. }
                | Action::ProposeRevert { .. } => moves.push(Move::Done(place)),
            }
        }
        if self.last.is_some() {
            moves.push(Move::Again);
        }
        if !self.newer {
            moves.push(Move::Newer);
        }
        moves.extend([Move::Dies(true), Move::Dies(false)]);
        let wishes = [
            Wish::Rollback { to: None },
            Wish::Abort,
            Wish::Pause,
            Wish::Resume,
            Wish::Promote { release: None },
            Wish::Retry,
        ];
        let possible = |wish: &Wish| self.asked(wish).is_some();
        moves.extend(wishes.into_iter().filter(possible).map(Move::Asks));
        moves
    }

    fn asked(&self, wish: &Wish) -> Option<Event> {
        let asked = Ask {
            environment: ENVIRONMENT.to_owned(),
            actor: "Ada".to_owned(),
            comment: String::new(),
            wish: wish.clone(),
        };
        ask(&self.state, asked, self.now_ms).ok()
    }

    /// The state after something happened.
    pub(super) fn after(&self, one: &Move) -> Result<Self, String> {
        let mut node = self.clone();
        let event = match one {
            Move::Done(place) => {
                let action = node.pending.remove(*place);
                node.effect(&action)?;
                node.outcome(&action, None)
            }
            Move::Failed(place) => {
                let action = node.pending.remove(*place);
                node.outcome(&action, Some("it failed"))
            }
            Move::Measured(place, good) => {
                let action = node.pending.remove(*place);
                node.requests += REQUESTS;
                node.errors += if *good { 0 } else { REQUESTS };
                node.outcome(&action, None)
            }
            Move::Again => node.last.clone(),
            Move::Dies(new) => {
                let live = node.weights.keys().next().copied();
                let track = live.filter(|_| *new).or_else(|| live.map(Color::other));
                node.dead.extend(track);
                track.map(|track| Event::Observed {
                    environment: ENVIRONMENT.to_owned(),
                    track,
                    ready: 0,
                    desired: 3,
                    trouble: "killed".to_owned(),
                })
            }
            Move::Asks(wish) => node.asked(wish),
            Move::Newer => {
                node.newer = true;
                return node.released("c");
            }
        };
        let Some(event) = event else { return Ok(node) };
        let outcome = matches!(
            &event,
            Event::Done { .. } | Event::Failed { .. } | Event::Measured { .. }
        );
        node.last = outcome.then(|| event.clone());
        node.take(&event)
    }

    fn take(&self, event: &Event) -> Result<Self, String> {
        let mut node = self.clone();
        let (state, actions) = step(&node.state, event, node.now_ms);
        node.state = state;
        node.pending.extend(
            actions
                .into_iter()
                .filter(|action| !matches!(action, Action::Notify { .. } | Action::ProposeRevert { .. })),
        );
        let Some(environment) = node.environment() else {
            return Ok(node);
        };
        if !environment.settled && node.pending.is_empty() {
            return Err(format!("waits for nothing: {}", environment.summary));
        }
        if let Some(rollout) = &environment.rollout
            && rollout.waiting.is_none()
        {
            return Err(format!("does not say what it waits for: {}", environment.summary));
        }
        Ok(node)
    }

    /// What an action does to tracks and traffic, or what is wrong with it.
    fn effect(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Carry {
                release, track, step, ..
            } => match step {
                Step::Start => {
                    self.without_customers(*track, release, "starts")?;
                    self.tracks.insert(*track, (release.clone(), false));
                    self.dead.remove(track);
                }
                Step::Ready => {
                    if let Some(one) = self.tracks.get_mut(track) {
                        one.1 = true;
                    }
                }
                Step::StopOld | Step::Clean => {
                    self.without_customers(*track, "nothing", "stops")?;
                    self.tracks.remove(track);
                }
                Step::Prepare | Step::Migrate | Step::Verify | Step::Switch | Step::Return => {}
            },
            Action::Route { weights, .. } => {
                let proven = |track: &Color| self.tracks.get(track).is_some_and(|one| one.1);
                if weights.values().sum::<u32>() != 100 || !weights.keys().all(proven) {
                    return Err(format!("{weights:?} over {:?}", self.tracks));
                }
                self.weights.clone_from(weights);
            }
            Action::Build { .. }
            | Action::Measure { .. }
            | Action::Wake { .. }
            | Action::Notify { .. }
            | Action::ProposeRevert { .. } => {}
        }
        Ok(())
    }

    /// A track with customers is not touched, unless the same release is started where it died.
    fn without_customers(&self, track: Color, release: &str, what: &str) -> Result<(), String> {
        let same = self.tracks.get(&track).is_some_and(|one| one.0 == release);
        if self.weights.contains_key(&track) && !same {
            return Err(format!("{release} {what} on {track:?}, which has customers"));
        }
        Ok(())
    }

    fn outcome(&mut self, action: &Action, failed: Option<&str>) -> Option<Event> {
        let environment = ENVIRONMENT.to_owned();
        let (rollout, turn, step) = match action {
            Action::Carry {
                rollout, turn, step, ..
            }
            | Action::Route {
                rollout, turn, step, ..
            } => (*rollout, *turn, *step),
            Action::Measure { rollout, at_ms, .. } => {
                self.now_ms += 1_000;
                let sample = |errors| Sample {
                    requests: self.requests,
                    errors,
                    ..Sample::default()
                };
                return Some(Event::Measured {
                    environment,
                    rollout: *rollout,
                    new: sample(self.errors),
                    old: sample(0),
                    at_ms: Some(*at_ms),
                });
            }
            Action::Wake { rollout, at_ms, .. } => {
                self.now_ms = self.now_ms.max(*at_ms);
                return Some(Event::TimeCame {
                    environment,
                    rollout: *rollout,
                    at_ms: *at_ms,
                });
            }
            Action::Build { .. } | Action::Notify { .. } | Action::ProposeRevert { .. } => return None,
        };
        Some(match failed {
            Some(reason) => Event::Failed {
                environment,
                rollout,
                turn,
                step,
                reason: reason.to_owned(),
            },
            None if step == Step::Prepare => Event::Prepared {
                environment,
                rollout,
                turn,
                plan: Plan {
                    digest: format!("plan {turn}"),
                    ..Plan::default()
                },
                settings: None,
            },
            None => Event::Done {
                environment,
                rollout,
                turn,
                step,
                took_ms: 1,
            },
        })
    }
}
