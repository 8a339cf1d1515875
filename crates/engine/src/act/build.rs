//! Builds a commit. A commit that was built before is found again by the digests of its sources.

use std::sync::Arc;

use windlass_core::config::{Config, Source};
use windlass_core::machine::event::Event;

use crate::source::Repository;
use crate::world::World;

/// The configuration's name in a commit.
const CONFIG: &str = "windlass.yaml";

pub(super) async fn build(world: &Arc<World>, commit: String, branch: &str) -> Event {
    let built = if branch.is_empty() {
        build_files(world).await
    } else {
        build_commit(world, &commit, branch).await
    };
    match built {
        Ok(release) => Event::ReleaseBuilt { release },
        Err(reason) => Event::BuildFailed { commit, reason },
    }
}

async fn build_files(world: &World) -> Result<windlass_core::machine::release::Release, String> {
    let config = &world.options.config;
    let folder = config.environments.iter().find_map(|one| match &one.source {
        Source::Worktree(folder) => Some(world.options.root.join(folder)),
        Source::Branch { .. } => None,
    });
    let folder = folder.unwrap_or_else(|| world.options.root.clone());
    let built = world.builder.build_worktree(&folder, config).await;
    built.map_err(|e| e.to_string())
}

async fn build_commit(
    world: &World,
    commit: &str,
    branch: &str,
) -> Result<windlass_core::machine::release::Release, String> {
    let repository = world.repository_of_branch(branch);
    let config = config_of(world, &repository, commit)?;
    let built = world.builder.build(&repository, &config, commit, branch).await;
    let release = built.map_err(|e| e.to_string())?;
    let pushed = world.builder.push(&config, &release).await;
    let warning = pushed
        .err()
        .map(|error| format!("the images of {} are on this machine only: {error}", release.id));
    world.warn("registry", warning);
    Ok(release)
}

/// What the commit itself says about its services; a commit without a configuration is built by the one in force.
fn config_of(world: &World, repository: &std::path::Path, commit: &str) -> Result<Config, String> {
    let read = || -> Result<Option<Vec<u8>>, crate::source::SourceError> {
        Repository::open(repository)?.tree(commit)?.read(CONFIG)
    };
    let Some(bytes) = read().map_err(|e| e.to_string())? else {
        return Ok(world.options.config.clone());
    };
    Config::parse(CONFIG, &String::from_utf8_lossy(&bytes)).map_err(|e| e.to_string())
}
