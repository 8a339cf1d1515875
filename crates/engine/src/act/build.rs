//! Builds a commit by its own windlass.yaml. A commit that was built before is found again by the digests of its sources.

use std::path::{Path, PathBuf};

use windlass_core::config::{Config, Source};
use windlass_core::machine::event::Event;
use windlass_core::machine::release::Release;

use crate::checkout::Checkout;
use crate::source::{Repository, Tree};
use crate::world::World;

/// The configuration's name in a commit.
const CONFIG: &str = "windlass.yaml";

pub(super) async fn build(world: &World, commit: String, branch: &str) -> Event {
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

async fn build_files(world: &World) -> Result<Release, String> {
    let folder = folder(world);
    let config = config_of_files(world, &folder)?;
    let built = world.builder.build_worktree(&folder, &config).await;
    built.map_err(|e| e.to_string())
}

/// The working tree that development follows.
fn folder(world: &World) -> PathBuf {
    let environments = &world.options.config.environments;
    let folder = environments.iter().find_map(|one| match &one.source {
        Source::Worktree(folder) => Some(world.options.root.join(folder)),
        Source::Branch { .. } => None,
    });
    folder.unwrap_or_else(|| world.options.root.clone())
}

async fn build_commit(world: &World, commit: &str, branch: &str) -> Result<Release, String> {
    let repository = world.repository_of_branch(branch);
    let config = {
        let repository = Repository::open(&repository).map_err(|e| e.to_string())?;
        let tree = repository.tree(commit).map_err(|e| e.to_string())?;
        config_of(world, &tree)?
    };
    let built = world.builder.build(&repository, &config, commit, branch).await;
    let release = built.map_err(|e| e.to_string())?;
    let pushed = world.builder.push(&config, &release).await;
    let warning = pushed
        .err()
        .map(|error| format!("the images of {} are on this machine only: {error}", release.id));
    world.warn("registry", warning);
    Ok(release)
}

/// What the commit itself says; a commit without a configuration is treated by the one that the controller was started with.
pub(super) fn config_of(world: &World, tree: &Tree<'_>) -> Result<Config, String> {
    let Some(bytes) = tree.read(CONFIG).map_err(|e| e.to_string())? else {
        return Ok(world.options.config.clone());
    };
    let text = String::from_utf8_lossy(&bytes);
    Config::parse_with(CONFIG, &text, &Checkout::Commit(tree)).map_err(|e| e.to_string())
}

/// What the working tree says at the moment.
pub(super) fn config_of_files(world: &World, folder: &Path) -> Result<Config, String> {
    let path = folder.join(CONFIG);
    match std::fs::read_to_string(&path) {
        Ok(text) => Config::parse_with(&path.display().to_string(), &text, &Checkout::Folder(folder))
            .map_err(|e| e.to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(world.options.config.clone()),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}
