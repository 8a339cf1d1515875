//! What the machine remembers. It is written into the ledger as a snapshot; its fields are the machine's own business,
//! everybody else reads the view.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::analysis::{Sample, Verdict};
use super::event::{Color, Step};
use super::release::{Plan, Release};
use crate::config::{Deploy, Environment, Strategy};
use crate::view::{ApprovalView, GateView, HistoryView};

/// The whole state of a platform's releases.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// One lane per environment, in the order of promotion.
    pub(super) lanes: Vec<Lane>,
    /// Releases by identifier.
    pub(super) releases: BTreeMap<String, Known>,
    /// Builds that run or failed, oldest first.
    pub(super) builds: Vec<Build>,
    /// Where each branch is; the working tree is the empty name.
    pub(super) heads: BTreeMap<String, Head>,
    /// Commits seen so far: later ones are newer.
    pub(super) commits: u64,
    /// How the steps of `ci` ended, by commit.
    #[serde(default)]
    pub(super) tested: BTreeMap<String, Tested>,
}

/// How the steps of `ci` ended for a commit, and who says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Tested {
    pub(super) actor: String,
    pub(super) at_ms: i64,
    pub(super) passed: Vec<String>,
    pub(super) failed: Vec<String>,
}

/// A release and its age in order of sight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) release: Release,
    /// The branch it was built on.
    pub(super) branch: String,
    /// Larger is newer.
    pub(super) order: u64,
}

/// A build that is not a release (yet).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Build {
    pub(super) commit: String,
    pub(super) branch: String,
    pub(super) subject: String,
    pub(super) order: u64,
    pub(super) since_ms: i64,
    /// Why it failed; `None` while it runs.
    pub(super) failed: Option<String>,
}

/// Where a branch is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) commit: String,
    pub(super) subject: String,
    pub(super) author: String,
    /// Commits of releases and builds that it contains.
    pub(super) contains: BTreeSet<String>,
    pub(super) seen_ms: i64,
    pub(super) order: u64,
    /// Whether it does not contain what the branch was at before.
    #[serde(default)]
    pub(super) rewritten: bool,
}

/// An environment: what serves, what is on its way, what is kept out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Lane {
    pub(super) config: Environment,
    /// Grows with every change of traffic.
    pub(super) generation: u64,
    /// Rollouts begun.
    pub(super) rollouts: u64,
    /// Actions with a turn sent.
    pub(super) turns: u64,
    /// What customers get.
    pub(super) live: Option<Running>,
    /// Releases that served for good, oldest first: where a rollback can go.
    pub(super) served: Vec<Running>,
    pub(super) rollout: Option<Rollout>,
    /// A release that a person wants here next.
    pub(super) wanted: Option<String>,
    /// A release to go back to as soon as nothing is in the way.
    pub(super) back: Option<Back>,
    pub(super) holds: Vec<Hold>,
    /// What is to be proposed to Git after a rollback.
    pub(super) revert: Option<Revert>,
    /// Ended rollouts, oldest first.
    pub(super) history: Vec<HistoryView>,
    /// What is known of the instances of each track.
    pub(super) tracks: BTreeMap<Color, Track>,
    /// Percent of new customers, as last asked for and acknowledged.
    pub(super) weights: BTreeMap<Color, u32>,
    /// The rollout that brought what serves, for its report.
    pub(super) last: Option<Box<Rollout>>,
    /// Who vouched for what, by release and item.
    pub(super) attested: BTreeMap<String, BTreeMap<String, Attestation>>,
    /// The time that is waited for, so that it is asked for once.
    pub(super) wake_ms: Option<i64>,
    /// What the runtime does not enforce, by the last plan.
    pub(super) not_enforced: Vec<String>,
    /// Receipts of messages to people, with the rollout that they are about; oldest first.
    pub(super) told: Vec<(u64, String)>,
    /// Whether the configuration no longer has it.
    pub(super) removed: bool,
}

/// A release on a track.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Running {
    pub(super) release: String,
    pub(super) track: Color,
    pub(super) since_ms: i64,
}

/// The revert of a release that customers were led back from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Revert {
    pub(super) release: String,
    /// What customers are led back to.
    pub(super) to: Option<String>,
    pub(super) reason: String,
}

/// A track that has, or may have, instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Track {
    pub(super) release: String,
    pub(super) ready: u32,
    pub(super) desired: u32,
    pub(super) trouble: String,
    /// Whether all of it was ready once; customers are never sent to a track that was not.
    pub(super) proven: bool,
    /// Whether it was told to stop.
    pub(super) stopping: bool,
}

/// A release that is kept out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Hold {
    pub(super) release: String,
    pub(super) reason: String,
    pub(super) by: String,
    pub(super) since_ms: i64,
    /// Where the revert is that was proposed, or why there is none.
    #[serde(default)]
    pub(super) revert: Option<String>,
}

/// Somebody vouched for an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Attestation {
    pub(super) actor: String,
    pub(super) comment: String,
    pub(super) at_ms: i64,
}

/// Where to go back to, and who says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Back {
    pub(super) release: String,
    pub(super) by: String,
    pub(super) reason: String,
}

/// One execution of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Rollout {
    pub(super) id: u64,
    pub(super) release: String,
    pub(super) track: Color,
    pub(super) strategy: Strategy,
    pub(super) purpose: Purpose,
    pub(super) phase: Phase,
    /// When each phase began, in order.
    pub(super) phases: Vec<(Phase, i64)>,
    pub(super) started_ms: i64,
    pub(super) paused: bool,
    /// What served when it began; `None` for a first release.
    pub(super) old: Option<Running>,
    pub(super) awaits: Option<Awaited>,
    /// A failed action that is tried again.
    pub(super) again: Option<Again>,
    pub(super) plan: Option<Plan>,
    /// Generation of traffic for which the plan was asked.
    pub(super) planned_for: u64,
    pub(super) approvals: Vec<ApprovalView>,
    /// The gates as they let it through.
    pub(super) gates: Vec<GateView>,
    /// The step of the canary that comes next.
    pub(super) canary: usize,
    pub(super) watch: Option<Watch>,
    /// How it will end; set while traffic is led back and tracks are cleaned.
    pub(super) ending: Option<Ending>,
    /// What to do as soon as the action under way is done.
    pub(super) stop: Option<Ending>,
    pub(super) switch_ms: Option<u64>,
    pub(super) rollback_ms: Option<u64>,
    /// What the release's own windlass.yaml says; in force for this rollout, and for good when it is promoted.
    #[serde(default)]
    pub(super) settings: Option<Box<Environment>>,
}

/// Why a rollout is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Purpose {
    /// The source has something newer.
    Sync,
    /// A person brings a release.
    Asked(String),
    /// Back to a release that served before, without gates.
    Back(Back),
}

/// Where a rollout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Phase {
    Prepare,
    Gates,
    StopOld,
    Migrate,
    Start,
    Ready,
    Verify,
    Canary,
    Switch,
    Watch,
    Return,
    Clean,
}

/// An action whose outcome is waited for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Awaited {
    pub(super) turn: u64,
    pub(super) step: Step,
    pub(super) since_ms: i64,
    /// Weights that hold once it is done.
    pub(super) weights: Option<BTreeMap<Color, u32>>,
}

/// A failed action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Again {
    /// How often it failed.
    pub(super) failures: u32,
    pub(super) reason: String,
    pub(super) since_ms: i64,
    /// When it is tried again; `None` when only a person can say so.
    pub(super) at_ms: Option<i64>,
}

/// The watch over a new release, and over a canary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Watch {
    pub(super) started_ms: i64,
    /// When it was measured last.
    pub(super) measured_ms: Option<i64>,
    /// When it began, until its first measurement: what passed before, in a canary, does not count.
    pub(super) from_ms: Option<i64>,
    /// When it is measured next; an earlier measurement is a duplicate.
    pub(super) due_ms: i64,
    /// Whether that measurement has been asked for.
    pub(super) asked: bool,
    /// Time under measurement: what counts, whatever the clock does.
    pub(super) watched_ms: u64,
    /// Of this, what had passed when the canary's pause began.
    pub(super) paused_at_ms: u64,
    /// Totals of the new track when it began.
    pub(super) since: Option<Sample>,
    /// Totals one measurement ago.
    pub(super) before: Option<Sample>,
    pub(super) verdict: Option<Verdict>,
}

/// How a rollout ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    pub(super) by: String,
    pub(super) reason: String,
}

/// What becomes of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    Promoted,
    RolledBack,
    Refused,
    Failed,
    Superseded,
    Aborted,
}

impl Outcome {
    /// As the view spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::RolledBack => "rolled-back",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
            Self::Aborted => "aborted",
        }
    }
}

impl Phase {
    /// As the view spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Gates => "gates",
            Self::StopOld => "stop-old",
            Self::Migrate => "migrate",
            Self::Start => "start",
            Self::Ready => "ready",
            Self::Verify => "verify",
            Self::Canary => "canary",
            Self::Switch => "switch",
            Self::Watch => "watch",
            Self::Return => "return",
            Self::Clean => "clean",
        }
    }
}

impl Lane {
    pub(super) fn new(config: Environment) -> Self {
        Self {
            config,
            generation: 0,
            rollouts: 0,
            turns: 0,
            live: None,
            served: Vec::new(),
            rollout: None,
            wanted: None,
            back: None,
            holds: Vec::new(),
            revert: None,
            history: Vec::new(),
            tracks: BTreeMap::new(),
            weights: BTreeMap::new(),
            last: None,
            attested: BTreeMap::new(),
            wake_ms: None,
            not_enforced: Vec::new(),
            told: Vec::new(),
            removed: false,
        }
    }

    /// The name in the state's map of heads that it follows.
    pub(super) fn branch(&self) -> &str {
        self.config.branch().unwrap_or_default()
    }

    /// What counts now: what the rollout's release brings along, else what is in force.
    pub(super) fn settings(&self) -> &Environment {
        let own = self
            .rollout
            .as_ref()
            .and_then(|rollout| rollout.settings.as_deref());
        own.unwrap_or(&self.config)
    }

    /// Whose approval counts; empty means anybody's.
    pub(super) fn approvers(&self) -> Vec<String> {
        match self.deploy() {
            Deploy::Auto => Vec::new(),
            Deploy::Approvals { people, .. } => people,
        }
    }

    pub(super) fn may_approve(&self, actor: &str) -> bool {
        let people = self.approvers();
        people.is_empty() || people.iter().any(|one| one == actor)
    }

    /// A permission of its own: who may approve may not pass the gates because of that, once people are named for it. What is
    /// in force says who, not the commit that wants to be let in.
    pub(super) fn may_break_glass(&self, actor: &str) -> bool {
        let people = &self.config.break_glass;
        if people.is_empty() {
            self.may_approve(actor)
        } else {
            people.iter().any(|one| one == actor)
        }
    }

    /// The track that a release takes: beside what serves, or in its place.
    pub(super) fn track_for(&self, settings: &Environment) -> Color {
        match &self.live {
            None => Color::Blue,
            Some(live) if settings.has_tracks() => live.track.other(),
            Some(live) => live.track,
        }
    }

    /// How many must approve, and who may. A commit can ask for more than is in force, not for less: it would let itself in.
    pub(super) fn deploy(&self) -> Deploy {
        self.config.deploy.stricter(&self.settings().deploy)
    }

    pub(super) fn held(&self, release: &str) -> Option<&Hold> {
        self.holds.iter().find(|hold| hold.release == release)
    }

    /// Whether a rollout of the release ended well here and it was not kept out since.
    pub(super) fn vouches_for(&self, release: &str) -> Option<&Running> {
        let served = self.served.iter().rev().find(|served| served.release == release);
        served.filter(|_| self.held(release).is_none())
    }

    /// Where a rollback goes: the last release that served before the live one and is not kept out.
    pub(super) fn previous(&self) -> Option<&Running> {
        let live = self.live.as_ref().map(|live| live.release.as_str());
        let not_live = |running: &&Running| Some(running.release.as_str()) != live;
        let warm = self.rollout.as_ref().and_then(Rollout::warm);
        let older = |served: &&Running| not_live(served) && self.held(&served.release).is_none();
        warm.filter(not_live)
            .or_else(|| self.served.iter().rev().find(older))
    }
}

impl Rollout {
    /// Whether the new release replaces the old one on the same track.
    pub(super) fn in_place(&self) -> bool {
        match self.strategy {
            Strategy::Recreate | Strategy::Rolling { .. } => true,
            Strategy::BlueGreen | Strategy::Canary { .. } => false,
        }
    }

    /// The old release while it runs beside the new one that already has customers.
    pub(super) fn warm(&self) -> Option<&Running> {
        let beside = match self.phase {
            Phase::Canary | Phase::Switch | Phase::Watch | Phase::Return => !self.in_place(),
            Phase::Prepare
            | Phase::Gates
            | Phase::StopOld
            | Phase::Migrate
            | Phase::Start
            | Phase::Ready
            | Phase::Verify
            | Phase::Clean => false,
        };
        self.old.as_ref().filter(|_| beside)
    }
}

impl State {
    pub(super) fn lane(&self, environment: &str) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.config.name == environment)
    }

    pub(super) fn known_commit(&self, commit: &str) -> Option<&Known> {
        self.releases
            .values()
            .find(|known| known.release.commit == commit)
    }

    /// Age of a release; 0 for an unknown one.
    pub(super) fn order(&self, release: &str) -> u64 {
        self.releases.get(release).map_or(0, |known| known.order)
    }

    /// The commit that each branch was seen at last; the working tree is the empty name.
    pub fn heads(&self) -> BTreeMap<String, String> {
        let head = |(branch, head): (&String, &Head)| (branch.clone(), head.commit.clone());
        self.heads.iter().map(head).collect()
    }

    /// The environments whose rollout is given up as soon as its step is over.
    pub fn given_up(&self) -> BTreeSet<String> {
        let lanes = self.lanes.iter();
        let ending = lanes.filter(|lane| {
            lane.rollout
                .as_ref()
                .is_some_and(|rollout| rollout.stop.is_some())
        });
        ending.map(|lane| lane.config.name.clone()).collect()
    }

    /// The generation of an environment's traffic: what its next plan is made for.
    pub fn generation(&self, environment: &str) -> u64 {
        self.lane(environment).map_or(0, |lane| lane.generation)
    }
}
