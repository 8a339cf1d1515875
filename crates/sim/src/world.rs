//! One simulated world: a controller with its ledger, branches that people push to, instances, a proxy, and a clock.

mod execute;
mod fault;
mod git;
mod ledger;
mod person;
mod proxy;
mod runtime;
mod sabotage;
mod script;
mod second;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use windlass_core::config::Config;
use windlass_core::machine::action::Action;
use windlass_core::machine::event::Event;
use windlass_core::machine::{State, step, view};
use windlass_core::view::View;

use crate::check::{Checker, Failure, Sight, checkers, converged, outbox, replay, rest};
use crate::seed::Seed;
pub(crate) use git::Flaw;
use git::Git;
pub(crate) use ledger::Key;
use ledger::Ledger;
pub use proxy::Proxy;
pub use runtime::Runtime;
pub use sabotage::Sabotage;
pub(crate) use script::{Act, Ending, When};
use second::Controller;

/// The start of all worlds: a Monday, noon, milliseconds since the epoch.
pub const START_MS: i64 = 1_767_614_400_000;
/// Longest that an action takes without a fault.
const ACTION_MS_MAX: u64 = 2_000;
/// Actions that are due within so many milliseconds can be done in any order.
const OVERTAKES_MS_MAX: i64 = 3_000;
/// How long nobody steers after a death at a given place.
const DOWN_MS: i64 = 1_500;
/// Events that a failure shows.
const TAIL: usize = 25;
/// Deliveries after which a world without faults must be at rest.
const REST_MAX: u32 = 2_000;

/// A world.
#[derive(Debug)]
pub struct World {
    seed: Seed,
    /// Milliseconds since the start; only grows.
    tick_ms: i64,
    /// What the wall clock shows beside `START_MS` and the ticks.
    skew_ms: i64,
    ledger: Ledger,
    state: State,
    /// The state's view after the last event.
    shown: View,
    jobs: Vec<Job>,
    git: Git,
    runtimes: BTreeMap<String, Runtime>,
    proxies: BTreeMap<String, Proxy>,
    effects: Vec<Effect>,
    checkers: Vec<Box<dyn Checker>>,
    crashes: usize,
    faults: bool,
    sabotage: Option<Sabotage>,
    /// Events in the ledger when the controller read or wrote it last.
    head: usize,
    second: Option<Controller>,
    /// Until when nothing can be built or pulled.
    registry_until_ms: i64,
    death: Option<Death>,
    /// Commits whose revert was proposed.
    reverts: BTreeSet<String>,
}

/// When the controller is to die: around the action at this place of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Death {
    pub(crate) key: Key,
    pub(crate) moment: Moment,
}

/// Where in the life of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It is written, but not begun.
    Before,
    /// It is done, but that is not written.
    Unwritten,
    /// Its outcome is written, but nothing of what follows is begun.
    Written,
}

/// An action on its way.
#[derive(Debug, Clone)]
struct Job {
    key: Key,
    action: Action,
    due_ms: i64,
}

/// What an action did to the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Traffic was led by these weights; beside each track whether it ran and had been ready.
    Routed {
        /// Where.
        environment: String,
        /// Of the route.
        generation: u64,
        /// Percent and whether the track may have customers.
        weights: Vec<(u32, bool)>,
    },
    /// A track was stopped or started over while it had this share of customers.
    Replaced {
        /// Where.
        environment: String,
        /// What was done to what.
        what: String,
        /// Percent of customers at that moment.
        share: u32,
        /// Whether the environment has one track only.
        in_place: bool,
    },
    /// An action with a turn changed what runs, what was migrated, or where customers are led.
    Changed {
        /// The environment that the action names.
        environment: String,
        /// Of the action.
        turn: u64,
        /// Environments that are not as they were.
        changed: Vec<String>,
        /// Releases that no longer run there.
        stopped: Vec<String>,
    },
    /// An event of a second controller was taken.
    Wrote {
        /// Events that it had not read.
        missed: usize,
    },
}

impl World {
    /// The world of a seed.
    pub fn new(seed: u64) -> Self {
        let mut numbers = Seed::new(seed);
        let text = settings::settings(&mut numbers);
        Self::of(&text, numbers)
    }

    /// A world with this configuration in which nothing breaks by chance.
    pub(crate) fn calm(text: &str) -> Self {
        let mut world = Self::of(text, Seed::new(0));
        world.faults = false;
        world
    }

    fn of(text: &str, numbers: Seed) -> Self {
        let config = Config::parse("windlass.yaml", text)
            .unwrap_or_else(|error| panic!("the simulation's own configuration: {error}"));
        let names: Vec<String> = config.environments.iter().map(|one| one.name.clone()).collect();
        let runtime = |environment: &windlass_core::config::Environment| {
            (environment.name.clone(), Runtime::new(!environment.has_tracks()))
        };
        let mut world = Self {
            seed: numbers,
            tick_ms: 0,
            skew_ms: 0,
            ledger: Ledger::default(),
            state: State::default(),
            shown: View::default(),
            jobs: Vec::new(),
            git: Git::default(),
            runtimes: config.environments.iter().map(runtime).collect(),
            proxies: names.into_iter().map(|name| (name, Proxy::default())).collect(),
            effects: Vec::new(),
            checkers: checkers(),
            crashes: 0,
            faults: true,
            sabotage: None,
            head: 0,
            second: None,
            registry_until_ms: 0,
            death: None,
            reverts: BTreeSet::new(),
        };
        let configured = Event::Configured {
            environments: config.environments,
        };
        // Nothing can be wrong with an empty world.
        let _ = world.append(&configured, None);
        world
    }

    /// What the wall clock shows.
    pub fn now_ms(&self) -> i64 {
        START_MS + self.tick_ms + self.skew_ms
    }

    /// The state as its view.
    pub fn view(&self) -> View {
        view(&self.state, self.now_ms())
    }

    /// Milliseconds that have passed, whatever the clock shows.
    pub fn tick_ms(&self) -> i64 {
        self.tick_ms
    }

    /// Actions of the outbox that nobody is doing, and so will never be answered.
    pub(crate) fn forgotten(&self) -> Vec<Action> {
        let unanswered = self.ledger.unanswered().into_iter();
        let forgotten = unanswered.filter(|(key, _)| self.jobs.iter().all(|job| job.key != *key));
        forgotten.map(|(_, action)| action).collect()
    }

    /// Actions without an outcome.
    pub(crate) fn unanswered(&self) -> Vec<Action> {
        self.ledger
            .unanswered()
            .into_iter()
            .map(|(_, action)| action)
            .collect()
    }

    /// The proxy of each environment.
    pub fn proxies(&self) -> &BTreeMap<String, Proxy> {
        &self.proxies
    }

    /// Events in the ledger.
    pub fn events(&self) -> usize {
        self.ledger.len()
    }

    /// The last events, one a line.
    pub fn tail(&self) -> String {
        self.ledger.tail(TAIL)
    }

    /// Deaths of the controller.
    pub fn crashes(&self) -> usize {
        self.crashes
    }

    /// What runs where.
    pub fn runtimes(&self) -> &BTreeMap<String, Runtime> {
        &self.runtimes
    }

    /// Ended rollouts with this outcome, as far as they are remembered.
    pub fn outcomes(&self, outcome: &str) -> usize {
        let ended = self.view().environments.into_iter().flat_map(|one| one.history);
        ended.filter(|one| one.outcome == outcome).count()
    }

    /// Actions of an environment that are not answered yet.
    pub fn pending(&self, environment: &str) -> usize {
        self.ledger.pending(environment)
    }

    /// One thing happens: mostly an action is done, sometimes people or faults intervene.
    pub fn something_happens(&mut self) -> Result<(), Failure> {
        match self.seed.below(100) {
            0..=5 => self.somebody_pushes(),
            6..=12 => self.somebody_asks(),
            13..=24 => self.something_breaks(),
            _ => self.next_job(),
        }
    }

    /// Faults end; the world must come to rest, with everything decided or somebody named who has to.
    pub fn comes_to_rest(&mut self) -> Result<(), Failure> {
        self.faults = false;
        self.second = None;
        self.registry_until_ms = 0;
        self.restart()?;
        self.heal()?;
        for _ in 0..REST_MAX {
            // What waits for a person goes on being measured, and times go on being waited for.
            let waits = |job: &Job| matches!(job.action, Action::Measure { .. } | Action::Wake { .. });
            let settled = self.shown.environments.iter().all(|one| one.settled);
            if self.jobs.is_empty() || (settled && self.jobs.iter().all(waits)) {
                break;
            }
            self.next_job()?;
        }
        self.look()?;
        rest::check(&self.shown)?;
        outbox::check_at_rest(self)?;
        converged::check(self)
    }

    /// Writes an event with its actions, as the controller does, and has all checkers look.
    fn append(&mut self, event: &Event, answers: Option<Key>) -> Result<(), Failure> {
        let now_ms = self.now_ms();
        let (state, actions) = step(&self.state, event, now_ms);
        self.state = state;
        let Some(keys) = self.ledger.append(event, &actions, now_ms, answers, self.head) else {
            // Another controller wrote meanwhile: this one starts over.
            self.effects.clear();
            return self.restart();
        };
        self.head = self.ledger.len();
        for (key, action) in keys.into_iter().zip(&actions) {
            self.send(key, action.clone());
        }
        let effects = std::mem::take(&mut self.effects);
        let mut checkers = std::mem::take(&mut self.checkers);
        let after = self.view();
        let shown = std::mem::replace(&mut self.shown, after);
        let sight = Sight {
            world: self,
            event,
            actions: &actions,
            before: &shown,
            after: &self.shown,
            effects: &effects,
        };
        let failure = checkers.iter_mut().find_map(|checker| {
            checker.see(&sight).err().map(|what| Failure {
                checker: checker.name(),
                what: format!("{what}\nafter {event:?}"),
            })
        });
        self.checkers = checkers;
        failure.map_or(Ok(()), Err)
    }

    /// Puts an action on its way.
    fn send(&mut self, key: Key, action: Action) {
        let wait = match &action {
            Action::Measure { at_ms, .. } | Action::Wake { at_ms, .. } => (at_ms - self.now_ms()).max(0),
            Action::Build { .. }
            | Action::Carry { .. }
            | Action::Route { .. }
            | Action::Notify { .. }
            | Action::ProposeRevert { .. } => 0,
        };
        let takes = i64::try_from(self.seed.below(ACTION_MS_MAX)).unwrap_or_default();
        self.jobs.push(Job {
            key,
            action,
            due_ms: self.tick_ms + wait + takes / 10,
        });
    }

    /// The job that is due next is done; sometimes another one overtakes it.
    fn next_job(&mut self) -> Result<(), Failure> {
        self.look()?;
        let Some(due_ms) = self.jobs.iter().map(|job| job.due_ms).min() else {
            self.pass(1_000);
            return Ok(());
        };
        let soon = if self.faults && self.seed.chance(100) {
            due_ms + OVERTAKES_MS_MAX
        } else {
            due_ms
        };
        let mut places: Vec<usize> = (0..self.jobs.len()).collect();
        places.retain(|place| self.jobs[*place].due_ms <= soon);
        let job = self.jobs.remove(places[self.seed.place(places.len())]);
        self.pass(due_ms - self.tick_ms);
        let death = self.death.filter(|death| death.key == job.key);
        if death.is_some_and(|death| death.moment == Moment::Before) {
            return self.dies();
        }
        let outcome = self.act(&job.action);
        if death.is_some_and(|death| death.moment == Moment::Unwritten) {
            return self.dies();
        }
        match outcome {
            None => self.ledger.answered(job.key),
            Some(event) => self.deliver(job, &event)?,
        }
        if death.is_some() {
            return self.dies();
        }
        Ok(())
    }

    /// The controller dies as it was told to, and is started again after a while.
    fn dies(&mut self) -> Result<(), Failure> {
        self.death = None;
        self.jobs.clear();
        self.pass(DOWN_MS);
        self.restart()
    }

    /// Time passes; customers come.
    fn pass(&mut self, passed_ms: i64) {
        let passed_ms = passed_ms.max(0);
        self.tick_ms += passed_ms;
        for (name, proxy) in &mut self.proxies {
            if let Some(runtime) = self.runtimes.get_mut(name) {
                runtime.pass(self.tick_ms);
                proxy.serve(passed_ms, runtime, &self.git);
            }
        }
    }

    /// The controller is started again: the state is read back, and what is not answered is sent again.
    fn restart(&mut self) -> Result<(), Failure> {
        self.crashes += 1;
        let mut replayed = self.ledger.replay();
        if self.has(Sabotage::Torn) {
            replayed = State::default();
        }
        if self.head == self.ledger.len() {
            replay::check(&self.state, &replayed)?;
        }
        self.head = self.ledger.len();
        self.state = replayed;
        self.shown = self.view();
        self.jobs.clear();
        // What runs is looked at anew.
        let runtimes = self.runtimes.values_mut();
        for instances in runtimes.flat_map(|runtime| runtime.tracks.values_mut()) {
            instances.seen = None;
        }
        if self.has(Sabotage::Forgetful) {
            return Ok(());
        }
        for (key, action) in self.ledger.unanswered() {
            self.send(key, action);
        }
        Ok(())
    }
}
