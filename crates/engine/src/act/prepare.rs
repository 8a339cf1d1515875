//! Renders a release for an environment, judges it, compares it with what serves, and stores its objects.

use std::sync::Arc;
use std::time::{Duration, Instant};

use windlass_core::config::Source;
use windlass_core::machine::release::{Plan, Release};

use super::Carry;
use crate::render::{self, Rendered, Sources};
use crate::source::{Repository, SourceError};
use crate::world::World;

/// How long a repository that cannot be read is waited for.
const PATIENCE: Duration = Duration::from_mins(5);
/// From try to try.
const AGAIN: Duration = Duration::from_secs(1);

pub(super) async fn prepare(world: &Arc<World>, carry: &Carry) -> Result<Plan, String> {
    let release = world
        .release(&carry.release)
        .ok_or_else(|| format!("release {} is not known", carry.release))?;
    let rendered = patiently(world, carry, &release).await?;
    let environment = world
        .environment(&carry.environment)
        .ok_or_else(|| format!("environment {:?} is not one of windlass.yaml", carry.environment))?;
    let observed = match world.live(&carry.environment) {
        Some(live) => world.objects(&carry.environment, &live).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let view = world.published.view();
    let lane = view
        .environments
        .iter()
        .find(|lane| lane.name == carry.environment);
    let generation = lane.map_or(0, |lane| lane.generation);
    let plan = render::plan(environment, &rendered, &observed, generation);
    let stored = world
        .shelf
        .put(&world.ledger, &carry.environment, &carry.release, &rendered.all())
        .await;
    stored.map_err(|e| e.to_string())?;
    Ok(plan)
}

/// A repository that cannot be read may come back: that says nothing about the release, which a failure would keep out.
async fn patiently(world: &Arc<World>, carry: &Carry, release: &Release) -> Result<Rendered, String> {
    let began = Instant::now();
    let about = format!("plan for {}", carry.environment);
    loop {
        let (shared, name, release) = (Arc::clone(world), carry.environment.clone(), release.clone());
        let rendered = tokio::task::spawn_blocking(move || rendered(&shared, &name, &release))
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

fn rendered(world: &World, environment: &str, release: &Release) -> Result<Rendered, Trouble> {
    let config = &world.options.config;
    let environment = config
        .environment(environment)
        .ok_or_else(|| format!("environment {environment:?} is not one of windlass.yaml"))?;
    let sources = match &environment.source {
        Source::Worktree(folder) => {
            Sources::of_folder(&world.options.root.join(folder), config, environment)?
        }
        Source::Branch { .. } => {
            let repository = Repository::open(&world.repository_of(environment)).map_err(Trouble::Source)?;
            let tree = repository.tree(&release.commit).map_err(Trouble::Source)?;
            Sources::of_tree(&tree, config, environment)?
        }
    };
    Ok(render::render(sources, config, environment, release)?)
}
