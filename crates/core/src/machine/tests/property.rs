//! What is true whatever happens in whatever order: random scripts of pushes, outcomes, measurements, time and people.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::action::Action;
use super::super::event::{Event, Step, Wish};
use super::super::release::id_of;
use super::{Play, ask, step, turn};
use crate::machine::Ask;

/// Staging deploys by itself; production is frozen every day and wants approvals and vouching.
const FROZEN: &str = "
platform: shop
services: { gateway: { build: { cargo: gateway } } }
chart: chart
edge: gateway
environments:
  staging: { source: { branch: develop }, port: 3100, watch: 2s, analysis: { requests: 10 } }
  production:
    source: { branch: main }
    port: 3200
    deploy: { approvals: 1 }
    watch: 2s
    promote-from: staging
    analysis: { requests: 10 }
    gates: { checklist: [documentation-updated] }
    freeze: [{ days: [mon, tue, wed, thu, fri, sat, sun], reason: sale }]
";
const ENVIRONMENTS: [&str; 2] = ["staging", "production"];
/// Outcomes after which a rollback must have moved customers.
const OUTCOMES_MAX: usize = 12;

/// Something that may happen; what makes no sense at the moment does not.
#[derive(Debug, Clone)]
enum Move {
    /// A new commit on develop, built; it says whether main gets it too.
    Push(bool),
    /// The same heads are seen once more, as after a restart of the controller.
    Again,
    /// The action under way is done, with good measurements meanwhile.
    Done(usize),
    /// It fails.
    Failed(usize),
    /// Traffic fails.
    Bad(usize),
    /// Everything goes well for a while.
    Well(usize),
    /// Milliseconds pass.
    Passes(i64),
    /// A person asks for something, about the release of so many commits ago.
    Asks(usize, usize, usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let place = 0..ENVIRONMENTS.len();
    let one = prop_oneof![
        2 => any::<bool>().prop_map(Move::Push),
        1 => Just(Move::Again),
        4 => place.clone().prop_map(Move::Done),
        1 => place.clone().prop_map(Move::Failed),
        1 => place.clone().prop_map(Move::Bad),
        6 => place.clone().prop_map(Move::Well),
        1 => prop_oneof![Just(1_000), Just(3_600_000), Just(90_000_000)].prop_map(Move::Passes),
        4 => (place, 0..WISHES, 0..3_usize).prop_map(|(place, wish, back)| Move::Asks(place, wish, back)),
    ];
    proptest::collection::vec(one, 1..32)
}

const WISHES: usize = 12;

/// A play with what the invariants need to remember.
struct Watched {
    play: Play,
    commits: Vec<String>,
    merged: usize,
    approved: BTreeSet<(String, String)>,
    plans: usize,
    /// Releases that reached production.
    production: usize,
}

impl Watched {
    fn new() -> Self {
        Self {
            play: Play::new(FROZEN),
            commits: Vec::new(),
            merged: 0,
            approved: BTreeSet::new(),
            plans: 0,
            production: 0,
        }
    }

    fn make(&mut self, one: &Move) {
        match one {
            Move::Push(merge) => {
                self.commits.push(format!("c{:06}", self.commits.len()));
                if *merge {
                    self.merged = self.commits.len();
                }
                self.heads();
                let newest = self.commits.last().cloned().unwrap_or_default();
                self.event(&format!("built {newest}"));
            }
            Move::Again => self.heads(),
            Move::Done(place) => self.outcome(ENVIRONMENTS[*place]),
            Move::Failed(place) => {
                if self.under_way(ENVIRONMENTS[*place]) {
                    self.event(&format!("{} fail it broke", ENVIRONMENTS[*place]));
                }
            }
            Move::Bad(place) => {
                self.event("+1000");
                self.event(&format!("{} bad", ENVIRONMENTS[*place]));
            }
            Move::Well(place) => {
                for _ in 0..OUTCOMES_MAX {
                    self.outcome(ENVIRONMENTS[*place]);
                }
            }
            Move::Passes(ms) => self.event(&format!("+{ms}")),
            Move::Asks(place, wish, back) => self.wish(ENVIRONMENTS[*place], *wish, *back),
        }
    }

    /// Branches as they are.
    fn heads(&mut self) {
        for (branch, count) in [("develop", self.commits.len()), ("main", self.merged)] {
            if let Some(head) = self.commits[..count].last() {
                let all = self.commits[..count].join(" ");
                self.event(&format!("push {branch} {head} {all}"));
            }
        }
    }

    /// Whether the environment waits for the outcome of its last action.
    fn under_way(&self, name: &str) -> bool {
        let sent = self.play.sent.get(name).and_then(|sent| sent.last());
        let rollout = self.play.environment(name).rollout;
        match (sent.and_then(turn), rollout) {
            (Some((rollout, ..)), Some(shown)) => rollout == shown.id,
            _ => false,
        }
    }

    /// The action under way is done; without one, traffic is good for a second and a person helps out.
    fn outcome(&mut self, name: &str) {
        if self.under_way(name) {
            let last = self
                .play
                .sent
                .get(name)
                .and_then(|sent| sent.last())
                .and_then(turn);
            if last.is_some_and(|(.., step)| step == Step::Prepare) {
                self.plans += 1;
                self.event(&format!("{name} plan p{}", self.plans));
            } else {
                self.event(&format!("{name} done"));
            }
        }
        self.event("+1000");
        self.event(&format!("{name} good"));
        if self.play.environment(name).waits_for_person {
            // In an emergency, as it is frozen; whether that is allowed now is not this test's business.
            self.wish(name, 1, 0);
        }
    }

    /// One of all wishes; one that is not granted says why and what to do.
    fn wish(&mut self, name: &str, which: usize, back: usize) {
        let shown = self.play.environment(name);
        let plan = shown
            .rollout
            .and_then(|rollout| rollout.plan)
            .map(|plan| plan.digest);
        let plan = plan.unwrap_or_default();
        let commit = self.commits.iter().rev().nth(back).cloned().unwrap_or_default();
        let release = id_of(&commit);
        let wish = match which {
            0 | 1 => Wish::Approve {
                plan: plan.clone(),
                break_glass: which == 1,
            },
            2 => Wish::Reject { plan: plan.clone() },
            3 => Wish::Promote { release: None },
            4 => Wish::Promote {
                release: Some(release),
            },
            5 => Wish::Rollback { to: None },
            6 => Wish::Hold { release },
            7 => Wish::ClearHold { release },
            8 => Wish::Pause,
            9 => Wish::Resume,
            10 => Wish::Retry,
            _ => Wish::Attest {
                item: "documentation-updated".to_owned(),
            },
        };
        let approves = matches!(wish, Wish::Approve { .. });
        let asked = Ask {
            environment: name.to_owned(),
            actor: "Bob".to_owned(),
            comment: "because".to_owned(),
            wish,
        };
        match ask(&self.play.state, asked, self.play.now_ms) {
            Ok(event) => {
                if approves {
                    self.approved.insert((name.to_owned(), plan));
                }
                self.apply(&event);
            }
            Err(refusal) => assert!(
                !refusal.detail.is_empty() && !refusal.hint.is_empty(),
                "{refusal:?}"
            ),
        }
    }

    fn event(&mut self, text: &str) {
        if text.starts_with('+') {
            // Times that were asked for come; what follows is checked with the next event.
            self.play.happens(text, text);
            return;
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let event = self.play.event(&words, text);
        self.apply(&event);
    }

    fn apply(&mut self, event: &Event) {
        let asked = matches!(event, Event::Asked { .. });
        let before = self.play.state.clone();
        let actions = self.play.apply(event);
        self.explained();
        for action in &actions {
            self.no_release_without_approval(action);
            if !asked {
                self.holds_stay(action);
            }
        }
        if let Event::Asked {
            environment,
            wish: Wish::Rollback { .. },
            ..
        } = event
            && before != self.play.state
        {
            self.rollback_arrives(environment);
        }
    }

    /// Every deny and every defer has a reason and a remedy, and every wait says what it is for.
    fn explained(&self) {
        for name in ENVIRONMENTS {
            let shown = self.play.environment(name);
            let Some(rollout) = shown.rollout else { continue };
            for gate in &rollout.gates {
                assert!(!gate.reason.is_empty(), "{gate:?}");
                assert_eq!(gate.remedy.is_empty(), gate.answer == "allow", "{gate:?}");
            }
            let waiting = rollout
                .waiting
                .unwrap_or_else(|| panic!("{name} waits for nothing: {}", shown.summary));
            assert!(
                !waiting.what.is_empty() && !waiting.remedy.is_empty(),
                "{waiting:?}"
            );
        }
    }

    /// The first step that changes anything in production comes after an approval of exactly its plan.
    fn no_release_without_approval(&mut self, action: &Action) {
        let Action::Carry {
            environment,
            step: Step::Migrate | Step::StopOld,
            ..
        } = action
        else {
            return;
        };
        if environment != "production" {
            return;
        }
        let rollout = self.play.environment(environment).rollout.unwrap();
        let plan = rollout.plan.unwrap().digest;
        assert!(
            self.approved.contains(&(environment.clone(), plan.clone())),
            "{action:?}: nobody approved {plan}"
        );
        self.production += 1;
    }

    /// Nothing but a person's word plans or starts a release that is kept out.
    fn holds_stay(&self, action: &Action) {
        let Action::Carry {
            environment,
            release,
            step: Step::Prepare | Step::Migrate,
            ..
        } = action
        else {
            return;
        };
        let shown = self.play.environment(environment);
        assert!(
            shown.holds.iter().all(|hold| hold.release != *release),
            "{action:?} though it is kept out"
        );
    }

    /// A rollback that was granted moves customers back without waiting for gate, freeze or person.
    fn rollback_arrives(&self, name: &str) {
        let target = self.play.state.lane(name).and_then(|lane| {
            let back = lane.back.as_ref().map(|back| back.release.clone());
            let rollout = lane.rollout.as_ref();
            let purpose = rollout.and_then(|rollout| match &rollout.purpose {
                super::super::state::Purpose::Back(back) => Some(back.release.clone()),
                super::super::state::Purpose::Sync | super::super::state::Purpose::Asked(_) => None,
            });
            let old = rollout.and_then(|rollout| rollout.old.as_ref().map(|old| old.release.clone()));
            back.or(purpose).or(old)
        });
        let Some(target) = target else { return };
        let (mut state, mut sent) = (
            self.play.state.clone(),
            self.play.sent.get(name).cloned().unwrap_or_default(),
        );
        for _ in 0..OUTCOMES_MAX {
            let live = state.lane(name).and_then(|lane| lane.live.as_ref());
            let settled = live.is_some_and(|live| live.release == target);
            let moved = state.lane(name).is_some_and(|lane| lane.back.is_none());
            if settled && moved {
                return;
            }
            let Some((rollout, turn, step_done)) = sent.last().and_then(turn) else {
                break;
            };
            let done = Event::Done {
                environment: name.to_owned(),
                rollout,
                turn,
                step: step_done,
                took_ms: 1,
            };
            let (next, actions) = step(&state, &done, self.play.now_ms);
            state = next;
            sent.extend(actions.into_iter().filter(|action| turn_of(action, name)));
        }
        panic!("{name} does not get back to {target}: {:?}", sent.last());
    }
}

fn turn_of(action: &Action, name: &str) -> bool {
    match action {
        Action::Carry { environment, .. } | Action::Route { environment, .. } => environment == name,
        Action::Build { .. }
        | Action::Measure { .. }
        | Action::Wake { .. }
        | Action::Notify { .. }
        | Action::ProposeRevert { .. } => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gates_explain_themselves_holds_stay_freezes_let_back_and_production_is_approved(script in moves()) {
        let mut watched = Watched::new();
        for one in &script {
            watched.make(one);
        }
    }
}

/// The script in which all of it happens: without it the property could hold because nothing ever does.
#[test]
fn the_property_meets_releases_rollbacks_and_holds_in_production() {
    let mut watched = Watched::new();
    for _ in 0..2 {
        watched.make(&Move::Push(true));
        watched.make(&Move::Well(0));
        watched.make(&Move::Well(1));
    }
    assert_eq!(watched.production, 2);
    let live = |watched: &Watched| {
        watched
            .play
            .environment("production")
            .live
            .map(|live| live.release)
    };
    assert_eq!(live(&watched), Some(id_of("c000001")));
    watched.make(&Move::Asks(1, 5, 0));
    watched.make(&Move::Well(1));
    assert_eq!(live(&watched), Some(id_of("c000000")));
    watched.make(&Move::Again);
    watched.make(&Move::Well(1));
    assert_eq!(
        live(&watched),
        Some(id_of("c000000")),
        "sync does not undo the hold"
    );
}
