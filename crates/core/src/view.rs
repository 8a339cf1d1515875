//! What people and programs are shown: a fold of the machine's state. The API, the command line and the release page all
//! read this shape; none of them computes a state of its own.
//!
//! Times are milliseconds since the epoch, durations milliseconds, shares 0 to 1, weights percent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::machine::event::Color;
use crate::machine::release::{Finding, Release};

/// The platform as it is now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Name of the platform.
    pub platform: String,
    /// When this was true.
    pub at_ms: i64,
    /// Sequence number of the last event in it.
    pub seq: u64,
    /// How the local runtime keeps instances from the machine, in a sentence.
    pub isolation: String,
    /// In the order of promotion.
    pub environments: Vec<EnvironmentView>,
    /// Newest first.
    pub releases: Vec<ReleaseView>,
    /// Builds that run or that failed last, newest first.
    pub builds: Vec<BuildView>,
    /// What is wrong with the controller's surroundings: a repository that vanished, a branch that was rewritten.
    pub warnings: Vec<String>,
}

/// One environment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentView {
    /// Its name.
    pub name: String,
    /// `local`, or the cluster.
    pub runtime: String,
    /// The branch or folder that it follows.
    pub source: String,
    /// Where customers find it.
    pub url: Option<String>,
    /// Where the new track can be tried before customers meet it, while there is one.
    pub preview_url: Option<String>,
    /// `blue-green`, ...
    pub strategy: String,
    /// How releases are let in, in words: `by itself`, `1 approval`.
    pub deploy: String,
    /// One sentence: what is the matter.
    pub summary: String,
    /// The part of it about the rollout and about instances that are not ready; empty when all is well.
    pub news: String,
    /// Whether nothing is in progress that will go on by itself.
    pub settled: bool,
    /// Whether a person has to decide something.
    pub waits_for_person: bool,
    /// Grows with each change of traffic; a plan names the one that it was made for.
    pub generation: u64,
    /// What customers get.
    pub live: Option<LiveView>,
    /// What a rollback would bring back.
    pub previous: Option<LiveView>,
    /// The tracks that exist.
    pub tracks: Vec<TrackView>,
    /// The rollout in progress or, when none is, the candidate that waits.
    pub rollout: Option<RolloutView>,
    /// What comes next from the source, and what keeps it from beginning.
    pub next: Option<WaitingView>,
    /// Releases that are kept out.
    pub holds: Vec<HoldView>,
    /// Ended rollouts, newest first.
    pub history: Vec<HistoryView>,
    /// The three checklists of the guide.
    pub checklist: Vec<ChecklistView>,
    /// Commands that make sense now: `approve`, `rollback`, ...
    pub commands: Vec<String>,
    /// What the manifests ask for that the runtime does not enforce.
    pub not_enforced: Vec<String>,
}

impl EnvironmentView {
    /// What comes next, unless a hold that is listed anyway keeps it out.
    #[must_use]
    pub fn next_without_hold(&self) -> Option<&WaitingView> {
        self.next.as_ref().filter(|next| next.held.is_none())
    }
}

/// A release where it serves or could serve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveView {
    /// The release.
    pub release: String,
    /// What customers see as the version.
    pub version: String,
    /// First line of the commit's message.
    pub subject: String,
    /// The commit.
    pub commit: String,
    /// Its track; for a release that was cleaned up, the one that it had.
    pub track: Color,
    /// Since when it serves, or served last.
    pub since_ms: i64,
    /// Whether it runs, so that going back takes one swap.
    pub warm: bool,
}

/// One track.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrackView {
    /// Which.
    pub track: Color,
    /// The release on it.
    pub release: String,
    /// Its version.
    pub version: String,
    /// `starting`, `live`, `warm`, `canary`, `stopping`.
    pub state: String,
    /// Percent of new customers.
    pub weight: u32,
    /// Instances that are ready.
    pub ready: u32,
    /// Instances that should be.
    pub desired: u32,
    /// What keeps the others from it.
    pub trouble: String,
    /// Its requests lately; filled in by the controller from the proxy.
    pub traffic: Option<TrafficView>,
}

/// Requests of the last seconds, and since the track was started.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrafficView {
    /// Requests a second.
    pub rate: f64,
    /// Share of failed ones.
    pub errors: f64,
    /// 95th percentile of latency.
    pub p95_ms: Option<f64>,
    /// Requests in flight.
    pub in_flight: u64,
    /// Requests since the track was started.
    pub requests: u64,
}

/// A rollout in progress, or a candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RolloutView {
    /// Number within the environment.
    pub id: u64,
    /// The release.
    pub release: String,
    /// Its version.
    pub version: String,
    /// First line of the commit's message.
    pub subject: String,
    /// The track that it takes.
    pub track: Color,
    /// Name of the phase that it is in.
    pub phase: String,
    /// All phases of the strategy, in order.
    pub phases: Vec<PhaseView>,
    /// When it began.
    pub started_ms: i64,
    /// Whether it was told to wait.
    pub paused: bool,
    /// What it waits for.
    pub waiting: Option<WaitingView>,
    /// The plan, once made.
    pub plan: Option<PlanView>,
    /// Gates before the deployment.
    pub gates: Vec<GateView>,
    /// Who approved.
    pub approvals: Vec<ApprovalView>,
    /// The watch, once it began.
    pub watch: Option<WatchView>,
}

/// A box of the phase strip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseView {
    /// Its name.
    pub name: String,
    /// `done`, `now`, `waiting`, `failed` or `todo`.
    pub state: String,
    /// When it began.
    pub since_ms: Option<i64>,
}

/// What is waited for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WaitingView {
    /// What.
    pub what: String,
    /// Since when.
    pub since_ms: i64,
    /// When it goes on by itself, if it does.
    pub until_ms: Option<i64>,
    /// What would unblock it.
    pub remedy: String,
    /// Whether only a person can.
    pub person: bool,
    /// The release whose hold in this environment is what is in the way.
    pub held: Option<String>,
}

/// A plan as people see it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanView {
    /// Its digest.
    pub digest: String,
    /// The changes, one line each.
    pub changes: Vec<String>,
    /// What was found wrong.
    pub findings: Vec<Finding>,
}

/// A gate's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateView {
    /// Its name.
    pub name: String,
    /// `allow`, `deny` or `defer`.
    pub answer: String,
    /// Why.
    pub reason: String,
    /// What would change the answer; empty for `allow`.
    pub remedy: String,
    /// Until when it defers, if a time is known.
    pub until_ms: Option<i64>,
    /// What the answer rests on.
    pub evidence: Vec<String>,
}

/// Somebody's approval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalView {
    /// Who.
    pub actor: String,
    /// Why.
    pub comment: String,
    /// When.
    pub at_ms: i64,
    /// Of which plan.
    pub plan: String,
    /// Whether it went around the gates.
    pub break_glass: bool,
}

/// The watch after the switch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatchView {
    /// When it began.
    pub started_ms: i64,
    /// When it ends if all stays well.
    pub ends_ms: i64,
    /// `good`, `inconclusive` or `bad`.
    pub verdict: String,
    /// The numbers behind it.
    pub because: String,
}

/// A release that is kept out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HoldView {
    /// The release.
    pub release: String,
    /// Why.
    pub reason: String,
    /// Who, or what.
    pub by: String,
    /// Since when.
    pub since_ms: i64,
    /// What would let it in again.
    pub remedy: String,
    /// Where the revert is that was proposed, or why there is none.
    pub revert: Option<String>,
}

/// An ended rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryView {
    /// Number within the environment.
    pub rollout: u64,
    /// The release.
    pub release: String,
    /// Its version.
    pub version: String,
    /// First line of the commit's message.
    pub subject: String,
    /// `promoted`, `rolled-back`, `refused`, `failed`, `superseded` or `aborted`.
    pub outcome: String,
    /// A person's name, `gates`, `readiness`, `analysis`, ...
    pub decided_by: String,
    /// Why.
    pub reason: String,
    /// When it began.
    pub started_ms: i64,
    /// When it ended.
    pub ended_ms: i64,
    /// How long the switch of traffic took.
    pub switch_ms: Option<u64>,
    /// How long the switch back took.
    pub rollback_ms: Option<u64>,
    /// The plan that it carried out.
    pub plan: Option<String>,
    /// Who approved.
    pub approvals: Vec<ApprovalView>,
    /// The gates as they answered.
    pub gates: Vec<GateView>,
}

/// One item of a checklist of the guide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChecklistView {
    /// `pre-deployment`, `during-deployment` or `post-deployment`.
    pub list: String,
    /// Its identifier: `tests-passing`, ...
    pub item: String,
    /// As the guide words it.
    pub title: String,
    /// `done`, `open` or `failed`.
    pub state: String,
    /// What shows it.
    pub evidence: String,
}

/// A release and where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseView {
    /// The release itself.
    #[serde(flatten)]
    pub release: Release,
    /// `live`, `previous`, `rolling-out`, `waiting`, `held`, by environment.
    pub environments: BTreeMap<String, String>,
    /// `latest`, `staging`, versions: names that people use for it.
    pub tags: Vec<String>,
}

/// A build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BuildView {
    /// Of which commit.
    pub commit: String,
    /// First line of its message.
    pub subject: String,
    /// `building` or `failed`.
    pub state: String,
    /// Why it failed.
    pub reason: String,
    /// Since when.
    pub since_ms: i64,
}
