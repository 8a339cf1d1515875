//! A state of the machine with the actions under way, and what they did to tracks and traffic so far.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher as _};
use std::io;

use windlass_core::config::Config;
use windlass_core::machine::action::Action;
use windlass_core::machine::analysis::Sample;
use windlass_core::machine::event::{Color, Event, Step, Wish};
use windlass_core::machine::release::{Plan, Release, id_of};
use windlass_core::machine::{Ask, State, ask, step, view};
use windlass_core::view::EnvironmentView;

use super::{Move, Setup};
use crate::check::replay;
use crate::world::START_MS;

const CONFIG: &str = "
platform: shop
services: { gateway: { build: { cargo: gateway } } }
chart: chart
edge: gateway
environments:
  test: { runtime: local, source: { branch: main }, port: 3100, watch: 2s, analysis: { requests: 10 }, SETTINGS }
";
const ENVIRONMENT: &str = "test";
/// Requests from one measurement to the next.
const REQUESTS: u64 = 100;

#[derive(Debug, Clone)]
pub(super) struct Node {
    state: State,
    now_ms: i64,
    pending: Vec<Action>,
    in_place: bool,
    /// Digest of the last plan that was made.
    plan: Option<String>,
    /// The outcome that led here.
    last: Option<Event>,
    /// Turn of the newest step that was carried out, and generation of the newest route: older ones come too late.
    newest: (u64, u64),
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
    pub(super) fn start(setup: &Setup) -> Result<Self, String> {
        let text = CONFIG.replace("SETTINGS", setup.settings);
        let config = Config::parse("windlass.yaml", &text).map_err(|error| error.to_string())?;
        let mut node = Self {
            state: State::default(),
            now_ms: START_MS,
            pending: Vec::new(),
            in_place: config.environments.iter().any(|one| !one.has_tracks()),
            newest: (0, 0),
            plan: None,
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
        node.take(&configured);
        for commit in ["a", "b"] {
            node = node.released(commit);
            if commit == "a" {
                while let Some(one) = node.well() {
                    node = node.after(&one)?;
                }
                node.settled()?;
            }
        }
        Ok(node)
    }

    fn released(&self, commit: &str) -> Self {
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
        let mut node = self.clone();
        node.take(&seen);
        node.pending
            .retain(|action| !matches!(action, Action::Build { .. }));
        node.take(&Event::ReleaseBuilt { release });
        node
    }

    fn environment(&self) -> Option<EnvironmentView> {
        view(&self.state, self.now_ms).environments.into_iter().next()
    }

    /// All that tells this state from another.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hashed = Hashed(DefaultHasher::new());
        let machine = (&self.state, &self.pending);
        let world = (&self.tracks, &self.weights, &self.dead, self.newest, self.newer);
        // Writing to a hasher does not fail.
        let _ = serde_json::to_writer(&mut hashed, &(machine, world));
        hashed.0.finish()
    }

    /// A controller that is started again finds the same state.
    pub(super) fn reads_back(&self) -> Result<(), String> {
        replay::check(&self.state, &self.state).map_err(|failure| failure.to_string())
    }

    /// What must be so in every state.
    pub(super) fn check(&self) -> Result<(), String> {
        self.comes_again()?;
        let Some(environment) = self.environment() else {
            return Ok(());
        };
        if !environment.settled && self.pending.is_empty() {
            return Err(format!("waits for nothing: {}", environment.summary));
        }
        if let Some(rollout) = &environment.rollout
            && rollout.waiting.is_none()
        {
            return Err(format!("does not say what it waits for: {}", environment.summary));
        }
        Ok(())
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
        if self.environment().is_some_and(|environment| environment.settled) {
            return self.plan.clone().and_then(|plan| self.approves(plan));
        }
        let next = self.pending.first()?;
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

    /// Somebody approves a plan, if it waits for that.
    fn approves(&self, plan: String) -> Option<Move> {
        let wish = Wish::Approve {
            plan,
            break_glass: false,
        };
        self.asked(&wish).map(|_| Move::Asks(wish))
    }

    /// All that can happen.
    pub(super) fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        for (place, action) in self.pending.iter().enumerate() {
            match action {
                Action::Carry { .. } | Action::Route { .. } => {
                    moves.extend([Move::Done(place), Move::Failed(place), Move::Crash(place)]);
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
        moves.extend(self.plan.clone().and_then(|plan| self.approves(plan)));
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
                let refused = node.effect(&action)?;
                node.outcome(&action, refused)
            }
            Move::Crash(place) => {
                let action = node.pending[*place].clone();
                node.effect(&action)?;
                node.last = None;
                return Ok(node);
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
                node.last = None;
                return Ok(node.released("c"));
            }
        };
        let Some(event) = event else { return Ok(node) };
        let outcome = matches!(
            &event,
            Event::Done { .. } | Event::Failed { .. } | Event::Measured { .. }
        );
        node.take(&event);
        node.last = outcome.then_some(event);
        Ok(node)
    }

    /// The outcome that led here changes nothing when it arrives once more.
    fn comes_again(&self) -> Result<(), String> {
        let Some(event) = &self.last else { return Ok(()) };
        let (state, actions) = step(&self.state, event, self.now_ms);
        if state == self.state && actions.is_empty() {
            return Ok(());
        }
        Err(format!("{event:?} once more leads to {actions:?}"))
    }

    fn take(&mut self, event: &Event) {
        let (state, actions) = step(&self.state, event, self.now_ms);
        self.state = state;
        let told = |action: &Action| matches!(action, Action::Notify { .. } | Action::ProposeRevert { .. });
        self.pending
            .extend(actions.into_iter().filter(|action| !told(action)));
    }

    /// What an action does to tracks and traffic, or what is wrong with it. Why it is refused, if it is.
    fn effect(&mut self, action: &Action) -> Result<Option<&'static str>, String> {
        match action {
            Action::Carry { turn, .. } if *turn < self.newest.0 => return Ok(Some("a newer step was done")),
            Action::Carry {
                release,
                track,
                step,
                turn,
                ..
            } => {
                self.newest.0 = *turn;
                self.carry(*step, *track, release)?;
            }
            Action::Route { generation, .. } if *generation < self.newest.1 => {
                return Ok(Some("the proxy refuses"));
            }
            Action::Route {
                weights, generation, ..
            } => {
                // A late route may find a track being started that died under its customers: it gets no more of them.
                let had = |track: &Color| self.weights.get(track).copied().unwrap_or_default();
                let proven = |track: &Color| self.tracks.get(track).is_some_and(|one| one.1);
                let may = |(track, share): (&Color, &u32)| {
                    self.in_place
                        || proven(track)
                        || (self.tracks.contains_key(track) && *share <= had(track))
                };
                if weights.values().sum::<u32>() != 100 || !weights.iter().all(may) {
                    return Err(format!("{weights:?} over {:?}", self.tracks));
                }
                self.newest.1 = *generation;
                self.weights.clone_from(weights);
            }
            Action::Build { .. }
            | Action::Measure { .. }
            | Action::Wake { .. }
            | Action::Notify { .. }
            | Action::ProposeRevert { .. } => {}
        }
        Ok(None)
    }

    fn carry(&mut self, step: Step, track: Color, release: &str) -> Result<(), String> {
        match step {
            Step::Start => {
                self.without_customers(track, release, "starts")?;
                // What runs there already is left alone, as long as it lives.
                let runs = self.tracks.get(&track).is_some_and(|one| one.0 == release);
                if !runs || self.dead.contains(&track) {
                    self.tracks.insert(track, (release.to_owned(), false));
                }
                self.dead.remove(&track);
            }
            Step::Ready => {
                if let Some(one) = self.tracks.get_mut(&track) {
                    one.1 = true;
                }
            }
            Step::StopOld | Step::Clean => {
                self.without_customers(track, "nothing", "stops")?;
                self.tracks.remove(&track);
            }
            Step::Prepare | Step::Migrate | Step::Verify | Step::Switch | Step::Return => {}
        }
        Ok(())
    }

    /// A track with customers is not touched, unless the same release is started where it died, or one track is all.
    fn without_customers(&self, track: Color, release: &str, what: &str) -> Result<(), String> {
        let same = self.tracks.get(&track).is_some_and(|one| one.0 == release);
        if !self.in_place && self.weights.contains_key(&track) && !same {
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
            None if step == Step::Prepare => {
                let digest = format!("plan {turn}");
                self.plan = Some(digest.clone());
                Event::Prepared {
                    environment,
                    rollout,
                    turn,
                    plan: Plan {
                        digest,
                        ..Plan::default()
                    },
                    settings: None,
                }
            }
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

/// Writes into a hasher.
struct Hashed(DefaultHasher);

impl io::Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
