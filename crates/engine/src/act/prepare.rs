//! Renders a release for an environment by its own windlass.yaml, judges it, compares it with what serves, and stores its
//! objects.

mod own;

use std::sync::Arc;
use std::time::{Duration, Instant};

use windlass_core::config::{Config, Environment};
use windlass_core::health::Scripts;
use windlass_core::machine::release::{Plan, Release};
use windlass_core::plan::with_settings;

use super::Carry;
use crate::render::{self, Rendered};
use crate::source::SourceError;
use crate::world::World;

/// How long a repository that cannot be read is waited for.
const PATIENCE: Duration = Duration::from_mins(5);
/// From try to try.
const AGAIN: Duration = Duration::from_secs(1);

/// The plan, and what the release says about the environment.
pub(super) async fn prepare(world: &Arc<World>, carry: &Carry) -> Result<(Plan, Environment), String> {
    let name = &carry.environment;
    let release = world
        .release(&carry.release)
        .ok_or_else(|| format!("release {} is not known", carry.release))?;
    let (rendered, config, scripts) = patiently(world, carry, &release).await?;
    let settings = own::settings(&config, name, &release)?;
    if let Some(lane) = crate::cluster::step::lane(world, name) {
        crate::cluster::check::check(world, &lane, carry, &config, (&rendered.all(), &scripts)).await?;
    }
    let live = world.live(name);
    let observed = match &live {
        Some(live) => world.objects(name, live).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let view = world.published.view();
    let lane = view.environments.iter().find(|lane| lane.name == *name);
    let generation = lane.map_or(0, |lane| lane.generation);
    let plan = render::plan(settings, &rendered, &observed, generation);
    let before = live.and_then(|live| world.settings_of(name, &live));
    let before = before.or_else(|| world.environment(name).cloned());
    let plan = before.map_or(plan.clone(), |before| with_settings(plan, &before, settings));
    let about = format!("windlass.yaml for {name}");
    world.warn(
        &about,
        own::waits_for_restart(&world.options.config, &config, name, &release),
    );
    let unused = settings.application.as_ref().map(|it| it.warnings.join("; "));
    world.warn(
        &format!("application for {name}"),
        unused
            .filter(|it| !it.is_empty())
            .map(|it| format!("{name}: {it}")),
    );
    store(world, carry, &rendered, (&config, &scripts)).await?;
    Ok((plan, settings.clone()))
}

/// A disk that is full says nothing about the release either.
async fn store(
    world: &World,
    carry: &Carry,
    rendered: &Rendered,
    (config, scripts): (&Config, &Scripts),
) -> Result<(), String> {
    let began = Instant::now();
    let (name, release) = (&carry.environment, &carry.release);
    let about = format!("objects for {name}");
    loop {
        let stored = world
            .shelf
            .put(&world.ledger, name, release, &rendered.all())
            .await
            .and_then(|()| world.shelf.put_config(name, release, config));
        let stored = match stored {
            Ok(()) => {
                let shelf = &world.shelf;
                shelf.put_scripts(&world.ledger, name, release, scripts).await
            }
            failed => failed,
        };
        let Err(error) = stored else {
            world.warn(&about, None);
            return Ok(());
        };
        if began.elapsed() >= PATIENCE || !world.is_current(name, carry.turn) {
            world.warn(&about, None);
            return Err(error.to_string());
        }
        world.warn(&about, Some(format!("the plan for {name} waits: {error}")));
        tokio::time::sleep(AGAIN).await;
    }
}

/// A repository that cannot be read may come back: that says nothing about the release, which a failure would keep out.
async fn patiently(
    world: &Arc<World>,
    carry: &Carry,
    release: &Release,
) -> Result<(Rendered, Config, Scripts), String> {
    let began = Instant::now();
    let about = format!("plan for {}", carry.environment);
    loop {
        let (shared, name, release) = (Arc::clone(world), carry.environment.clone(), release.clone());
        let rendered = tokio::task::spawn_blocking(move || own::rendered(&shared, &name, &release))
            .await
            .map_err(|e| format!("rendering broke off: {e}"))?;
        let current = world.is_current(&carry.environment, carry.turn);
        match rendered {
            Err(Trouble::Source(error)) if current && began.elapsed() < PATIENCE => {
                world.warn(&about, Some(format!("{about} waits: {error}")));
                tokio::time::sleep(AGAIN).await;
            }
            other => {
                world.warn(&about, None);
                return other.map_err(|trouble| match trouble {
                    Trouble::Source(error) => error.to_string(),
                    Trouble::Other(reason) => reason,
                });
            }
        }
    }
}

/// Why there are no objects.
enum Trouble {
    Source(SourceError),
    Other(String),
}

impl<E: std::fmt::Display> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Other(error.to_string())
    }
}
