//! One release on its way: push, staging, main, plan, approval, outcome. And a person who takes a release back by hand.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use windlass_core::machine::event::Wish;
use windlass_core::machine::release::id_of;
use windlass_core::view::{EnvironmentView, GateView, HistoryView, RolloutView};

use super::script::{Act, Change};
use super::stage::{PRODUCTION, STAGING, Stage};
use super::witness::Witness;
use crate::say::first_line;

/// Longest way of a release through one environment; the first one is built on it.
const WAY_TIMEOUT: Duration = Duration::from_mins(2);
/// The first release is compiled on its way.
const FIRST_TIMEOUT: Duration = Duration::from_mins(15);
/// A build that takes longer than this is worth a word, and another one now and then.
const TELL_FIRST: Duration = Duration::from_secs(2);
/// From word to word about it.
const TELL_AGAIN: Duration = Duration::from_secs(20);
/// After a rollback the witnesses look for answers of the bad version for so long.
const AFTERMATH: Duration = Duration::from_millis(1_500);
/// Who approves.
const APPROVER: &str = "ana";
/// Who is on call.
const ON_CALL: &str = "bo";

/// A release, and how it went.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Played {
    /// What the script calls it.
    pub(super) name: String,
    /// The release.
    pub(super) release: String,
    /// What customers see as the version.
    pub(super) version: String,
    /// What the script expects.
    pub(super) expected: String,
    /// Who or what should decide so, and a word that the reason should have.
    pub(super) because: (&'static str, &'static str),
    /// How it ended in staging.
    pub(super) staging: Option<HistoryView>,
    /// How it ended in production.
    pub(super) production: Option<HistoryView>,
    /// The plan that was approved.
    pub(super) plan: String,
    /// The gates as they were when it was approved.
    pub(super) gates: Vec<GateView>,
}

/// A rollback by hand.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ByHand {
    /// The release that was taken back.
    pub(super) release: String,
    /// How it ended.
    pub(super) outcome: String,
    /// Who did it.
    pub(super) decided_by: String,
    /// From the command to the last answer of the version, in milliseconds, over all connections; 0 when none came after it.
    pub(super) last_answer_ms: u64,
    /// The swap itself.
    pub(super) rollback_ms: Option<u64>,
    /// Connections that looked.
    pub(super) connections: usize,
}

/// Plays one release.
pub(super) fn play(stage: &mut Stage, number: usize, act: &Act) -> Result<Played> {
    stage.phase(act.name);
    stage.tell(format!("RELEASE {number} \"{}\": {}", act.message, act.story));
    change(stage, &act.change)?;
    let commit = stage.repository.push(act.message, &["develop"])?;
    let release = id_of(&commit);
    stage.tell(format!("pushed {release} to develop"));
    stage.poke();
    let timeout = if number == 1 { FIRST_TIMEOUT } else { WAY_TIMEOUT };
    let staging = follow(stage, STAGING, &release, timeout, None)?;
    let mut played = Played {
        name: act.name.to_owned(),
        version: staging
            .as_ref()
            .map(|ended| ended.version.clone())
            .unwrap_or_default(),
        release: release.clone(),
        expected: act.expected.to_owned(),
        because: act.because,
        staging,
        production: None,
        plan: String::new(),
        gates: Vec::new(),
    };
    if played
        .staging
        .as_ref()
        .is_none_or(|ended| ended.outcome != "promoted")
    {
        stage.tell(format!("{release} did not get through staging"));
        return Ok(played);
    }
    stage.repository.push_head(&["main"])?;
    stage.tell(format!(
        "merged to main: the same release, the same images, is a candidate for {PRODUCTION}"
    ));
    stage.poke();
    let candidate = candidate(stage, &release)?;
    (played.plan, played.gates) = approve(stage, &candidate)?;
    let kill = act.kill.then_some(candidate.id);
    played.production = follow(stage, PRODUCTION, &release, WAY_TIMEOUT, kill)?;
    Ok(played)
}

/// A person brings the first release back by hand, sees that it was a mistake, and returns: measured at the customers' side.
pub(super) fn roll_back_by_hand(stage: &mut Stage, played: &[Played]) -> Result<ByHand> {
    stage.phase("rollback-by-hand");
    let first = played.first().context("nothing was released")?;
    let release = &first.release;
    stage.tell(format!(
        "BY HAND: {APPROVER} brings {release} back to {PRODUCTION}, which turns out to be a mistake"
    ));
    stage.ask(
        APPROVER,
        "compare with the first release",
        Wish::Promote {
            release: Some(release.clone()),
        },
    )?;
    let candidate = candidate(stage, release)?;
    approve(stage, &candidate)?;
    let arrived = stage.until(PRODUCTION, WAY_TIMEOUT, |_, _, seen| {
        Ok(seen
            .live
            .as_ref()
            .filter(|live| live.release == *release)
            .map(|_| ()))
    })?;
    if arrived.is_none() {
        bail!(
            "{release} did not come back to {PRODUCTION}\nhint: the controller's log is {}",
            stage.log().display()
        );
    }
    // Customers meet it for a moment, on connections that stay open.
    std::thread::sleep(Duration::from_secs(1));
    let command = Instant::now();
    stage.ask(ON_CALL, "that was the wrong one", Wish::Rollback { to: None })?;
    stage.tell(format!("{ON_CALL} types: windlass rollback {PRODUCTION}"));
    let ended = stage
        .until(PRODUCTION, WAY_TIMEOUT, |_, _, seen| {
            let back = seen.live.as_ref().is_some_and(|live| live.release != *release);
            Ok(ended(seen, release, Some(candidate.id)).filter(|_| back))
        })?
        .with_context(|| format!("the rollback of {release} did not end"))?;
    std::thread::sleep(AFTERMATH.saturating_sub(command.elapsed()));
    let last = stage
        .witness
        .as_ref()
        .and_then(|witness| witness.answered_after(&first.version, command));
    let last_answer_ms = last
        .map(|last| u64::try_from(last.as_millis()).unwrap_or(u64::MAX))
        .unwrap_or_default();
    stage.tell(format!(
        "the last answer of {release} came {last_answer_ms} ms after the command, on any connection"
    ));
    Ok(ByHand {
        release: release.clone(),
        outcome: ended.outcome,
        decided_by: ended.decided_by,
        last_answer_ms,
        rollback_ms: ended.rollback_ms,
        connections: Witness::connections(),
    })
}

fn change(stage: &Stage, change: &Change) -> Result<()> {
    match change {
        Change::Nothing => Ok(()),
        Change::Source { path, from, to } => stage.repository.edit(path, from, to),
        Change::Fault { service, fault } => stage.repository.set_fault(service, fault),
    }
}

/// Waits until a release is production's candidate and only a person is missing.
fn candidate(stage: &mut Stage, release: &str) -> Result<RolloutView> {
    let found = stage.until(PRODUCTION, WAY_TIMEOUT, |_, _, seen| {
        let rollout = seen.rollout.as_ref().filter(|rollout| rollout.release == release);
        Ok(rollout
            .filter(|rollout| rollout.plan.is_some() && seen.waits_for_person)
            .cloned())
    })?;
    found.with_context(|| {
        format!(
            "{release} did not become a candidate for {PRODUCTION}\nhint: the controller's log is {}",
            stage.log().display()
        )
    })
}

/// Reads plan and gates, then allows that plan.
fn approve(stage: &mut Stage, candidate: &RolloutView) -> Result<(String, Vec<GateView>)> {
    let plan = candidate.plan.clone().unwrap_or_default();
    stage.tell(format!(
        "plan {} for {PRODUCTION}: {} changes",
        short(&plan.digest),
        plan.changes.len()
    ));
    for change in plan.changes.iter().take(3) {
        stage.say.progress(format!("            {change}"));
    }
    for gate in &candidate.gates {
        stage.say.progress(format!(
            "            gate {}: {} ({})",
            gate.name, gate.answer, gate.reason
        ));
    }
    let wish = Wish::Approve {
        plan: plan.digest.clone(),
        break_glass: false,
    };
    stage.ask(APPROVER, "read the plan and the gates", wish)?;
    stage.tell(format!("{APPROVER} approves plan {}", short(&plan.digest)));
    Ok((plan.digest, candidate.gates.clone()))
}

/// Tells what happens to a release in an environment until its rollout has ended; with `kill`, the controller does not live
/// to see the switch of that rollout.
fn follow(
    stage: &mut Stage,
    environment: &'static str,
    release: &str,
    timeout: Duration,
    kill: Option<u64>,
) -> Result<Option<HistoryView>> {
    let mut before = String::new();
    let mut kill = kill;
    let (mut building, mut tell_after) = (None, TELL_FIRST);
    let ended = stage.until(environment, timeout, |stage, view, seen| {
        if view.builds.iter().any(|build| build.state == "building") {
            let began = *building.get_or_insert_with(Instant::now);
            if began.elapsed() > tell_after {
                stage.tell("the controller compiles what changed; from nothing this takes some minutes");
                tell_after = began.elapsed() + TELL_AGAIN;
            }
        }
        if stage.built.is_none() && !view.releases.is_empty() {
            stage.built = Some(Instant::now());
            stage.tell("the first release is built");
        }
        if let Some(build) = view
            .builds
            .iter()
            .find(|build| build.state == "failed" && id_of(&build.commit) == *release)
        {
            bail!("the build of {release} failed: {}", build.reason);
        }
        let rollout = seen
            .rollout
            .as_ref()
            .filter(|rollout| rollout.release == *release);
        if let Some(rollout) = rollout.filter(|rollout| rollout.phase != before) {
            stage.tell(format!(
                "{environment}: {release} on {}: {}",
                rollout.track.name(),
                rollout.phase
            ));
            before.clone_from(&rollout.phase);
        }
        if environment == PRODUCTION && seen.live.is_some() && stage.load.is_none() {
            stage.let_customers_in()?;
        }
        stage.quick = kill.is_some()
            && rollout.is_some_and(|rollout| ["ready", "verify"].contains(&rollout.phase.as_str()));
        let switching = |rollout: &&RolloutView| {
            rollout
                .phases
                .iter()
                .any(|phase| is_switch(&phase.name) && phase.state != "todo")
        };
        if kill.is_some() && rollout.is_some_and(|rollout| switching(&rollout)) {
            kill = None;
            stage.kill_controller()?;
            return Ok(None);
        }
        Ok(ended(seen, release, None))
    })?;
    match &ended {
        Some(ended) => stage.tell(sentence(environment, ended)),
        None => stage.tell(format!(
            "{environment}: nothing became of {release} in {} s",
            timeout.as_secs()
        )),
    }
    Ok(ended)
}

/// The machine's name of the phase in which customers are moved.
fn is_switch(phase: &str) -> bool {
    phase == "switch"
}

/// How the rollout of a release ended, if it did.
fn ended(seen: &EnvironmentView, release: &str, rollout: Option<u64>) -> Option<HistoryView> {
    let fits = |ended: &&HistoryView| {
        ended.release == release && rollout.is_none_or(|rollout| ended.rollout == rollout)
    };
    seen.history.iter().find(fits).cloned()
}

fn sentence(environment: &str, ended: &HistoryView) -> String {
    let took = |name: &str, ms: Option<u64>| ms.map(|ms| format!(", {name} {ms} ms")).unwrap_or_default();
    format!(
        "{environment}: {} {}, decided by {}{}{}{}",
        ended.release,
        ended.outcome,
        ended.decided_by,
        took("switch", ended.switch_ms),
        took("switch back", ended.rollback_ms),
        if ended.reason.is_empty() {
            String::new()
        } else {
            format!(": {}", first_line(&ended.reason))
        }
    )
}

fn short(digest: &str) -> &str {
    digest.get(..19).unwrap_or(digest)
}
