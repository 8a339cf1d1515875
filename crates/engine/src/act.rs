//! Does what the machine asks for: one file per action or step. Every action may come twice (after a crash) and then
//! leads to the same world. None decides what comes next.

mod build;
mod clean;
mod measure;
mod migrate;
mod notify;
mod prepare;
mod ready;
mod revert;
mod route;
mod start;
mod verify;

use std::sync::Arc;
use std::time::{Duration, Instant};

use windlass_core::machine::action::Action;
use windlass_core::machine::event::{Color, Event, Step};
use windlass_core::object::Object;

use crate::clock::now_ms;
use crate::cluster;
use crate::routing::RouteError;
use crate::world::World;

pub(crate) use ready::deadline;
pub(crate) use verify::programs as verify_programs;

/// A step of a rollout, as `Action::Carry` names it.
#[derive(Debug, Clone)]
pub(crate) struct Carry {
    pub(crate) environment: String,
    pub(crate) rollout: u64,
    pub(crate) turn: u64,
    pub(crate) release: String,
    pub(crate) track: Color,
    pub(crate) step: Step,
}

/// Has an action done beside the loop; its outcome comes back as an event that names `place`.
pub(crate) fn dispatch(world: &Arc<World>, place: (u64, u32), action: Action) {
    match &action {
        Action::Carry {
            environment, turn, ..
        }
        | Action::Route {
            environment, turn, ..
        } => {
            world.begin_turn(environment, *turn);
        }
        Action::Build { .. }
        | Action::Measure { .. }
        | Action::Wake { .. }
        | Action::Notify { .. }
        | Action::ProposeRevert { .. } => {}
    }
    let world = Arc::clone(world);
    tokio::spawn(async move {
        let (shared, todo) = (Arc::clone(&world), action.clone());
        let outcome = match tokio::spawn(async move { act(&shared, todo).await }).await {
            Ok(outcome) => outcome,
            Err(broken) if broken.is_panic() => broke_off(action),
            // The controller ends; the next one does it again.
            Err(_) => return,
        };
        match outcome {
            Some(event) => world.tell(event, Some(place)).await,
            None => {
                if let Err(error) = world.ledger.acknowledge(place.0, place.1).await {
                    tracing::warn!(%error, "an action without an outcome is not acknowledged and will be done again");
                }
            }
        }
    });
}

async fn act(world: &Arc<World>, action: Action) -> Option<Event> {
    match action {
        Action::Build { commit, branch } => Some(build::build(world, commit, &branch).await),
        Action::Carry {
            environment,
            rollout,
            turn,
            release,
            track,
            step,
        } => {
            let carry = Carry {
                environment,
                rollout,
                turn,
                release,
                track,
                step,
            };
            Some(carry_out(world, &carry).await)
        }
        Action::Route { ref environment, .. } => match cluster::step::lane(world, environment) {
            Some(lane) => cluster::switch::route(world, &lane, action).await,
            None => route::route(world, action).await,
        },
        Action::Measure {
            environment,
            rollout,
            track,
            at_ms,
        } => {
            // No measurement is asked for later than after one interval, unless the clock was set back since.
            let settings = world.environment(&environment);
            let every_ms = settings.map_or(u64::MAX, |settings| settings.analysis.every_ms);
            tokio::time::sleep(wait(at_ms).min(Duration::from_millis(every_ms))).await;
            Some(measure::measure(world, environment, rollout, track, at_ms).await)
        }
        Action::Wake {
            environment,
            rollout,
            at_ms,
        } => {
            tokio::time::sleep(wait(at_ms)).await;
            Some(Event::TimeCame {
                environment,
                rollout,
                at_ms,
            })
        }
        Action::Notify {
            environment,
            rollout,
            message,
        } => Some(notify::notify(world, environment, rollout, &message).await),
        Action::ProposeRevert {
            environment,
            commit,
            back_to,
            reason,
        } => revert::propose(world, environment, (&commit, back_to.as_deref()), &reason).await,
    }
}

/// The outcome of an action that panicked: a rollout must not wait for it for ever.
fn broke_off(action: Action) -> Option<Event> {
    let reason = "it broke off; the controller's log says where".to_owned();
    match action {
        Action::Build { commit, .. } => Some(Event::BuildFailed { commit, reason }),
        Action::Carry {
            environment,
            rollout,
            turn,
            step,
            ..
        }
        | Action::Route {
            environment,
            rollout,
            turn,
            step,
            ..
        } => Some(Event::Failed {
            environment,
            rollout,
            turn,
            step,
            reason,
        }),
        Action::Measure { .. }
        | Action::Wake { .. }
        | Action::Notify { .. }
        | Action::ProposeRevert { .. } => None,
    }
}

async fn carry_out(world: &Arc<World>, carry: &Carry) -> Event {
    if carry.step == Step::Prepare {
        return match prepare::prepare(world, carry).await {
            Ok((plan, settings)) => Event::Prepared {
                environment: carry.environment.clone(),
                rollout: carry.rollout,
                turn: carry.turn,
                plan,
                settings: Some(Box::new(settings)),
            },
            Err(reason) => failed(carry, reason),
        };
    }
    let began = Instant::now();
    let ended = match cluster::step::lane(world, &carry.environment) {
        Some(lane) => cluster::retry::carry_out(world, &lane, carry).await,
        None => carry_out_here(world, carry).await,
    };
    match ended {
        Ok(()) => Event::Done {
            environment: carry.environment.clone(),
            rollout: carry.rollout,
            turn: carry.turn,
            step: carry.step,
            took_ms: millis(began.elapsed()),
        },
        Err(reason) => failed(carry, reason),
    }
}

/// A step on this machine.
async fn carry_out_here(world: &World, carry: &Carry) -> Result<(), String> {
    match carry.step {
        Step::StopOld | Step::Clean => {
            let _changing = world.changing(&carry.environment).await;
            clean::clean(world, carry).await
        }
        Step::Migrate => migrate::migrate(world, carry).await,
        Step::Start => {
            let _changing = world.changing(&carry.environment).await;
            start::start(world, carry).await
        }
        Step::Ready => ready::ready(world, carry).await,
        Step::Verify => verify::verify(world, carry).await,
        // These come by other ways.
        Step::Prepare | Step::Switch | Step::Return => {
            Err(format!("{} is no step of an instance", carry.step.name()))
        }
    }
}

fn failed(carry: &Carry, reason: String) -> Event {
    Event::Failed {
        environment: carry.environment.clone(),
        rollout: carry.rollout,
        turn: carry.turn,
        step: carry.step,
        reason,
    }
}

/// The objects of the step's release, or why there are none.
pub(crate) async fn objects(world: &World, carry: &Carry) -> Result<Vec<Object>, String> {
    let found = world.objects(&carry.environment, &carry.release).await;
    found.ok_or_else(|| {
        format!(
            "the objects of {} for {} are not stored here: it was never planned for this environment, or the state folder is not whole",
            carry.release, carry.environment
        )
    })
}

/// The objects of the step's release on its track, with an address for every Service of the track.
async fn localised(world: &World, carry: &Carry) -> Result<(crate::render::Track, Vec<Object>), String> {
    let objects = objects(world, carry).await?;
    let placed = place(world, &carry.environment, carry.track, &objects).await;
    placed.map_err(|e| e.to_string())
}

/// Objects on a track, with an address for every Service of the track.
pub(crate) async fn place(
    world: &World,
    environment: &str,
    color: Color,
    objects: &[Object],
) -> Result<(crate::render::Track, Vec<Object>), RouteError> {
    let track = crate::render::on_track(objects, color, &world.options.config.edge);
    let addresses = world.router.open_track(environment, color, &track).await?;
    let localised = track.localised(&addresses);
    Ok((track, localised))
}

/// From now until then.
fn wait(at_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(at_ms.saturating_sub(now_ms())).unwrap_or_default())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
