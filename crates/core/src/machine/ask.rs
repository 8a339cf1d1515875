//! What people may ask for, and when. A wish is checked when it is asked, and again when it is taken: the state may have
//! moved in between.
//!
//! | command | idle | prepare | gates | before the switch | canary, switch, watch | return, clean |
//! |---|---|---|---|---|---|---|
//! | approve, reject | no | no | yes, the plan shown | no | no | no |
//! | promote (go on) | no | no | no | no | canary, watch | no |
//! | promote RELEASE | yes | yes | yes | yes | yes | yes |
//! | rollback | yes | yes | yes | yes | yes | clean |
//! | hold, clear-hold | yes | yes | yes | yes | yes | yes |
//! | pause | no | yes | yes | yes | yes | no |
//! | resume | if paused | if paused | if paused | if paused | if paused | no |
//! | abort | no | yes | yes | yes | yes, leads back | no |
//! | retry | after a failure | no | no | no | if stuck | if stuck |
//! | attest | if something serves | yes | yes | yes | yes | yes |
//! | tested | yes | yes | yes | yes | yes | yes |
//!
//! "Before the switch" is stop-old, migrate, start, ready and verify. A rollback in progress takes no other command than
//! `retry` and `attest`, and `promote RELEASE`, `hold` and `clear-hold` for later.

use super::checklist;
use super::event::{Event, Wish};
use super::state::{Build, Lane, Outcome, Phase, Purpose, Rollout, State};
use super::watch::has_customers;

/// What a person wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Where.
    pub environment: String,
    /// Who.
    pub actor: String,
    /// Why; may be empty where no reason is needed.
    pub comment: String,
    /// What.
    pub wish: Wish,
}

/// Why a wish was not granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}\nhint: {hint}")]
pub struct Refusal {
    /// HTTP status that fits: 400 not understood, 403 not this person, 404 no such thing, 409 not now.
    pub status: u16,
    /// What is wrong with what.
    pub detail: String,
    /// What to do about it.
    pub hint: String,
}

fn refuse<T>(status: u16, detail: impl Into<String>, hint: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal {
        status,
        detail: detail.into(),
        hint: hint.into(),
    })
}

/// The event to append for what a person wants, or why it cannot be had. `now_ms` is in milliseconds since the epoch.
pub fn ask(state: &State, ask: Ask, _now_ms: i64) -> Result<Event, Refusal> {
    permit(state, &ask)?;
    Ok(Event::Asked {
        environment: ask.environment,
        actor: ask.actor,
        comment: ask.comment,
        wish: ask.wish,
    })
}

/// Whether a wish can be granted now.
pub(super) fn permit(state: &State, ask: &Ask) -> Result<(), Refusal> {
    let name = &ask.environment;
    let Some(lane) = state.lane(name) else {
        let known: Vec<&str> = state.lanes.iter().map(|lane| lane.config.name.as_str()).collect();
        return refuse(
            404,
            format!("there is no environment {name}"),
            format!("environments: {}", known.join(", ")),
        );
    };
    match &ask.wish {
        Wish::Approve { plan, break_glass } => {
            if *break_glass && ask.comment.trim().is_empty() {
                return refuse(400, "an emergency needs a reason", "say it with --comment");
            }
            waits(lane, plan)?;
            if *break_glass {
                may_break_glass(lane, &ask.actor)
            } else {
                may_decide(lane, &ask.actor)
            }
        }
        Wish::Reject { plan } => {
            waits(lane, plan)?;
            may_decide(lane, &ask.actor)
        }
        Wish::Promote { release: None } => may_go_on(lane),
        Wish::Promote {
            release: Some(release),
        } => may_bring(state, lane, release),
        Wish::Rollback { to } => may_go_back(lane, to.as_deref()),
        Wish::Hold { release } => known(state, release),
        Wish::ClearHold { release } => match lane.held(release) {
            Some(_) => Ok(()),
            None => refuse(
                404,
                format!("{release} is not kept out of {name}"),
                format!("windlass status {name} lists the holds"),
            ),
        },
        Wish::Pause => match active(lane)? {
            rollout if rollout.paused => refuse(
                409,
                format!("the rollout of {} waits already", rollout.release),
                format!("windlass resume {name}"),
            ),
            _ => Ok(()),
        },
        Wish::Resume => match &lane.rollout {
            Some(rollout) if rollout.paused => Ok(()),
            _ => refuse(
                409,
                format!("nothing is paused in {name}"),
                format!("windlass why {name} says what is waited for"),
            ),
        },
        Wish::Abort => active(lane).map(|_| ()),
        Wish::Retry => may_retry(state, lane),
        Wish::Tested {
            commit,
            passed,
            failed,
        } => may_tell(commit, &[passed, failed]),
        Wish::Attest { item } => may_vouch(lane, item),
    }
}

/// The rollout, if commands reach it: it neither ends nor leads back.
fn active(lane: &Lane) -> Result<&Rollout, Refusal> {
    let name = &lane.config.name;
    let Some(rollout) = &lane.rollout else {
        return refuse(
            409,
            format!("nothing is rolled out in {name}"),
            format!("windlass status {name}"),
        );
    };
    let ends = matches!(rollout.phase, Phase::Return | Phase::Clean) || rollout.stop.is_some();
    if ends || matches!(rollout.purpose, Purpose::Back(_)) {
        return refuse(
            409,
            format!(
                "{name} is in the phase {}, which cannot be stopped",
                rollout.phase.name()
            ),
            format!("it ends by itself: windlass why {name}"),
        );
    }
    Ok(rollout)
}

/// Whether exactly this plan waits for a decision.
fn waits(lane: &Lane, plan: &str) -> Result<(), Refusal> {
    let name = &lane.config.name;
    let rollout = active(lane)?;
    let Some(made) = rollout.plan.as_ref().filter(|_| rollout.phase == Phase::Gates) else {
        return refuse(
            409,
            format!("{name} has no plan that waits for a decision"),
            format!("windlass why {name}"),
        );
    };
    if made.digest != plan {
        return refuse(
            409,
            format!("the plan of {name} is {} now, not {plan}", made.digest),
            format!("look at it first: windlass plan {name}"),
        );
    }
    Ok(())
}

fn may_decide(lane: &Lane, actor: &str) -> Result<(), Refusal> {
    if lane.may_approve(actor) {
        return Ok(());
    }
    refuse(
        403,
        format!("{actor} may not decide about {}", lane.config.name),
        format!("these people may: {}", lane.approvers().join(", ")),
    )
}

fn may_break_glass(lane: &Lane, actor: &str) -> Result<(), Refusal> {
    if lane.may_break_glass(actor) {
        return Ok(());
    }
    let people = if lane.config.break_glass.is_empty() {
        lane.approvers()
    } else {
        lane.config.break_glass.clone()
    };
    refuse(
        403,
        format!(
            "{actor} may not pass the gates of {} in an emergency",
            lane.config.name
        ),
        format!(
            "these people may: {}; going back needs no permission: windlass rollback {}",
            people.join(", "),
            lane.config.name
        ),
    )
}

fn may_go_on(lane: &Lane) -> Result<(), Refusal> {
    let name = &lane.config.name;
    let rollout = active(lane)?;
    match rollout.phase {
        Phase::Canary if rollout.awaits.is_none() => Ok(()),
        Phase::Watch => Ok(()),
        Phase::Gates => refuse(
            409,
            format!("the gates of {name} decide"),
            format!("windlass why {name} says what is missing; windlass approve {name} approves the plan"),
        ),
        Phase::Canary
        | Phase::Prepare
        | Phase::StopOld
        | Phase::Migrate
        | Phase::Start
        | Phase::Ready
        | Phase::Verify
        | Phase::Switch
        | Phase::Return
        | Phase::Clean => refuse(
            409,
            format!("the phase {} of {name} cannot be skipped", rollout.phase.name()),
            "it goes on by itself",
        ),
    }
}

fn known(state: &State, release: &str) -> Result<(), Refusal> {
    if state.releases.contains_key(release) {
        return Ok(());
    }
    refuse(
        404,
        format!("there is no release {release}"),
        "windlass releases lists them",
    )
}

fn may_bring(state: &State, lane: &Lane, release: &str) -> Result<(), Refusal> {
    known(state, release)?;
    let name = &lane.config.name;
    let here = |running: Option<&str>| running == Some(release);
    if here(lane.live.as_ref().map(|live| live.release.as_str())) {
        return refuse(
            409,
            format!("{release} serves in {name} already"),
            format!("windlass status {name}"),
        );
    }
    if here(lane.rollout.as_ref().map(|rollout| rollout.release.as_str())) {
        return refuse(
            409,
            format!("{release} is on its way to {name}"),
            format!("windlass why {name}"),
        );
    }
    match lane.held(release) {
        None => Ok(()),
        Some(hold) => refuse(
            409,
            format!("{release} is kept out of {name} by {}: {}", hold.by, hold.reason),
            format!("windlass hold --clear {name} {release}"),
        ),
    }
}

fn may_go_back(lane: &Lane, to: Option<&str>) -> Result<(), Refusal> {
    let name = &lane.config.name;
    let under_way = lane.back.is_some()
        || lane.rollout.as_ref().is_some_and(|rollout| {
            rollout.phase == Phase::Return || matches!(rollout.purpose, Purpose::Back(_))
        });
    if under_way {
        return refuse(
            409,
            format!("{name} is going back already"),
            format!("windlass why {name}"),
        );
    }
    if target(lane, to).is_some() {
        return Ok(());
    }
    let served: Vec<&str> = lane.served.iter().map(|one| one.release.as_str()).collect();
    match to {
        Some(to) => refuse(
            404,
            format!("{to} did not serve in {name} before, or serves now"),
            format!("it can go back to: {}", served.join(", ")),
        ),
        None => refuse(
            409,
            format!("nothing served in {name} before"),
            format!("bring another release: windlass promote {name} RELEASE"),
        ),
    }
}

/// Where a rollback leads: the old release of a rollout that has customers, or one that served before.
pub(super) fn target(lane: &Lane, to: Option<&str>) -> Option<String> {
    let leaving = lane
        .rollout
        .as_ref()
        .filter(|rollout| has_customers(rollout.phase));
    if let Some(rollout) = leaving {
        let old = rollout.old.as_ref().map(|old| old.release.clone());
        let to = to.map(ToOwned::to_owned);
        return match (old, to) {
            (Some(old), None) => Some(old),
            (Some(old), Some(to)) => {
                let served = lane.served.iter().any(|one| one.release == to);
                (old == to || (served && to != rollout.release)).then_some(to)
            }
            (None, _) => None,
        };
    }
    let live = lane.live.as_ref().map(|live| live.release.as_str());
    match to {
        None => lane.previous().map(|previous| previous.release.clone()),
        Some(to) => lane
            .served
            .iter()
            .map(|served| &served.release)
            .find(|served| *served == to && Some(to) != live)
            .cloned(),
    }
}

fn may_vouch(lane: &Lane, item: &str) -> Result<(), Refusal> {
    if checklist::ITEMS.iter().all(|known| known.name != item) {
        let names: Vec<&str> = checklist::ITEMS.iter().map(|item| item.name).collect();
        return refuse(
            404,
            format!("the checklist has no item {item}"),
            format!("items: {}", names.join(", ")),
        );
    }
    if subject(lane).is_none() {
        return refuse(
            409,
            format!("nothing is released in {}", lane.config.name),
            "vouch for a release when there is one",
        );
    }
    Ok(())
}

/// Steps of one commit; windlass.yaml has fewer.
const STEPS_MAX: usize = 100;
/// Digits of a commit: SHA-1 or SHA-256.
const DIGITS: [usize; 2] = [40, 64];

fn may_tell(commit: &str, steps: &[&Vec<String>; 2]) -> Result<(), Refusal> {
    let count: usize = steps.iter().map(|names| names.len()).sum();
    if !DIGITS.contains(&commit.len()) || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return refuse(
            400,
            format!("{commit:?} is not a whole commit"),
            "name all digits of it: git rev-parse HEAD",
        );
    }
    if count == 0 || count > STEPS_MAX {
        return refuse(
            400,
            format!("{count} steps are no result"),
            "windlass ci runs the steps below `ci` in windlass.yaml",
        );
    }
    Ok(())
}

fn may_retry(state: &State, lane: &Lane) -> Result<(), Refusal> {
    let name = &lane.config.name;
    let stuck = lane.rollout.as_ref().and_then(|rollout| rollout.again.as_ref());
    if stuck.is_some() || again(state, lane).is_some() {
        return Ok(());
    }
    refuse(
        409,
        format!("nothing failed in {name} that could be tried again"),
        format!("windlass why {name}"),
    )
}

/// What `retry` does when no rollout is stuck.
pub(super) enum Retry {
    /// Builds the head of the branch once more.
    Build(String),
    /// Lets the release of the last rollout in again.
    Release(String),
    /// Goes back once more.
    Back(String),
}

pub(super) fn again(state: &State, lane: &Lane) -> Option<Retry> {
    if lane.rollout.is_some() {
        return None;
    }
    let head = state.heads.get(lane.branch());
    let failed = head.and_then(|head| {
        let of_head = |build: &&Build| build.commit == head.commit;
        state
            .builds
            .iter()
            .find(of_head)
            .filter(|build| build.failed.is_some())
    });
    if let Some(build) = failed.filter(|_| lane.config.promote_from.is_none()) {
        return Some(Retry::Build(build.commit.clone()));
    }
    let last = lane.history.last()?;
    let ended_well = [Outcome::Promoted.name(), Outcome::Superseded.name()];
    if ended_well.contains(&last.outcome.as_str()) {
        return None;
    }
    let served = lane.served.iter().any(|served| served.release == last.release);
    Some(if served && lane.held(&last.release).is_none() {
        Retry::Back(last.release.clone())
    } else {
        Retry::Release(last.release.clone())
    })
}

pub(super) fn subject(lane: &Lane) -> Option<String> {
    let rollout = lane.rollout.as_ref().map(|rollout| rollout.release.clone());
    rollout.or_else(|| lane.live.as_ref().map(|live| live.release.clone()))
}

/// Commands that make sense in an environment now, by name.
pub(super) fn commands(state: &State, lane: &Lane) -> Vec<String> {
    let plan = lane
        .rollout
        .as_ref()
        .and_then(|rollout| rollout.plan.as_ref())
        .map(|plan| plan.digest.clone())
        .unwrap_or_default();
    let held = lane
        .holds
        .first()
        .map(|hold| hold.release.clone())
        .unwrap_or_default();
    let wishes = [
        (
            "approve",
            Wish::Approve {
                plan: plan.clone(),
                break_glass: false,
            },
        ),
        ("reject", Wish::Reject { plan }),
        ("promote", Wish::Promote { release: None }),
        ("rollback", Wish::Rollback { to: None }),
        ("pause", Wish::Pause),
        ("resume", Wish::Resume),
        ("abort", Wish::Abort),
        ("retry", Wish::Retry),
        ("clear-hold", Wish::ClearHold { release: held }),
        (
            "attest",
            Wish::Attest {
                item: checklist::ITEMS[0].name.to_owned(),
            },
        ),
    ];
    // Whoever looks is taken for somebody who may decide.
    let actor = lane.approvers().first().cloned().unwrap_or_default();
    let asked = |wish| Ask {
        environment: lane.config.name.clone(),
        actor: actor.clone(),
        comment: String::new(),
        wish,
    };
    wishes
        .into_iter()
        .filter(|(_, wish)| permit(state, &asked(wish.clone())).is_ok())
        .map(|(name, _)| name.to_owned())
        .collect()
}
