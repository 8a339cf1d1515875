//! Renders a release for an environment, judges it, compares it with what serves, and stores its objects.

use std::sync::Arc;

use windlass_core::config::Source;
use windlass_core::machine::release::{Plan, Release};

use super::Carry;
use crate::render::{self, Rendered, Sources};
use crate::source::Repository;
use crate::world::World;

pub(super) async fn prepare(world: &Arc<World>, carry: &Carry) -> Result<Plan, String> {
    let release = world
        .release(&carry.release)
        .ok_or_else(|| format!("release {} is not known", carry.release))?;
    let shared = Arc::clone(world);
    let name = carry.environment.clone();
    let rendered = tokio::task::spawn_blocking(move || rendered(&shared, &name, &release))
        .await
        .map_err(|e| format!("rendering broke off: {e}"))??;
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

fn rendered(world: &World, environment: &str, release: &Release) -> Result<Rendered, String> {
    let config = &world.options.config;
    let environment = config
        .environment(environment)
        .ok_or_else(|| format!("environment {environment:?} is not one of windlass.yaml"))?;
    let sources = match &environment.source {
        Source::Worktree(folder) => Sources::of_folder(&world.options.root.join(folder), config, environment)
            .map_err(|e| e.to_string())?,
        Source::Branch { .. } => {
            let repository =
                Repository::open(&world.repository_of(environment)).map_err(|e| e.to_string())?;
            let tree = repository.tree(&release.commit).map_err(|e| e.to_string())?;
            Sources::of_tree(&tree, config, environment).map_err(|e| e.to_string())?
        }
    };
    render::render(sources, config, environment, release).map_err(|e| e.to_string())
}
