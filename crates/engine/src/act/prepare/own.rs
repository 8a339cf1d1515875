//! The windlass.yaml of a release: what it says about an environment, and what of it only a new start of the controller can
//! bring about.

use std::collections::BTreeSet;

use windlass_core::config::{Config, Environment, Runtime, Source};
use windlass_core::health::Scripts;
use windlass_core::machine::release::Release;

use super::Trouble;
use crate::act::build::{config_of, config_of_files};
use crate::checkout::Checkout;
use crate::render::{self, Rendered, Sources};
use crate::source::Repository;
use crate::world::World;

/// The objects of a release by its own configuration, that configuration, and the health scripts that it names.
pub(super) fn rendered(
    world: &World,
    name: &str,
    release: &Release,
) -> Result<(Rendered, Config, Scripts), Trouble> {
    let environment = world
        .environment(name)
        .ok_or_else(|| format!("environment {name:?} is not one of windlass.yaml"))?;
    let (sources, config, scripts) = match &environment.source {
        Source::Worktree(folder) => {
            let folder = world.options.root.join(folder);
            let config = config_of_files(world, &folder)?;
            let own = settings(&config, name, release)?;
            let scripts = scripts(own, &Checkout::Folder(&folder))?;
            (Sources::of_folder(&folder, &config, own)?, config, scripts)
        }
        Source::Branch { .. } => {
            let repository = Repository::open(&world.repository_of(environment)).map_err(Trouble::Source)?;
            let tree = repository.tree(&release.commit).map_err(Trouble::Source)?;
            let config = config_of(world, &tree).map_err(Trouble::Other)?;
            let own = settings(&config, name, release)?;
            let scripts = scripts(own, &Checkout::Commit(&tree))?;
            (Sources::of_tree(&tree, &config, own)?, config, scripts)
        }
    };
    let own = settings(&config, name, release)?;
    Ok((render::render(sources, &config, own, release)?, config, scripts))
}

/// On this machine nothing is judged by them.
fn scripts(own: &Environment, checkout: &Checkout<'_>) -> Result<Scripts, Trouble> {
    match own.runtime {
        Runtime::Local => Ok(Scripts::default()),
        Runtime::Kubernetes { .. } => Ok(Scripts::of(own, checkout)?),
    }
}

/// What the release says about the environment that it is for.
pub(super) fn settings<'a>(
    config: &'a Config,
    name: &str,
    release: &Release,
) -> Result<&'a Environment, String> {
    config.environment(name).ok_or_else(|| {
        format!(
            "the windlass.yaml of {} no longer has the environment {name}\nhint: add it again, or start the controller from a checkout without it: `windlass down --controller-only`, then `windlass up`",
            release.id
        )
    })
}

/// What differs from the configuration that the controller was started with and needs a new start; `None` for nothing.
pub(super) fn waits_for_restart(
    started: &Config,
    own: &Config,
    name: &str,
    release: &Release,
) -> Option<String> {
    let names = |config: &Config| -> BTreeSet<String> {
        config
            .environments
            .iter()
            .map(|environment| environment.name.clone())
            .collect()
    };
    let (before, after) = (names(started), names(own));
    let mut found: Vec<String> = after
        .difference(&before)
        .map(|added| format!("adds the environment {added}"))
        .collect();
    found.extend(
        before
            .difference(&after)
            .map(|removed| format!("removes the environment {removed}")),
    );
    if let (Some(there), Some(here)) = (started.environment(name), own.environment(name)) {
        let moved = [
            ("port", there.port != here.port),
            ("source", there.source != here.source),
            ("runtime", there.runtime != here.runtime),
        ];
        let moved = moved.into_iter().filter(|(_, differs)| *differs);
        found.extend(moved.map(|(key, _)| format!("changes the {key} of {name}")));
    }
    let of_platform = [
        ("edge", started.edge != own.edge),
        ("platform", started.platform != own.platform),
    ];
    let of_platform = of_platform.into_iter().filter(|(_, differs)| *differs);
    found.extend(of_platform.map(|(key, _)| format!("changes `{key}`")));
    if found.is_empty() {
        return None;
    }
    Some(format!(
        "the windlass.yaml of {} {}: this takes effect when the controller is started from it: `windlass down --controller-only`, then `windlass up`",
        release.id,
        found.join(", ")
    ))
}
