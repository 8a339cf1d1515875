//! `windlass image`: builds images without a daemon, sends them to a registry, and looks into them.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use serde_json::json;
use windlass_engine::build::{Builder, Options};
use windlass_oci::{ImageName, Layout, Registry};

use super::serve::configuration;
use super::{Outcome, Shared, wait_for};
use crate::say::{Say, Tone};

/// Images.
#[derive(Debug, Subcommand)]
pub(super) enum Image {
    /// Build the images of all services from the files of this folder
    Build {
        /// Build this commit instead, as a release would be
        #[arg(long, value_name = "COMMIT")]
        commit: Option<String>,
        /// The branch that the commit is of: a part of its names
        #[arg(long, value_name = "BRANCH", default_value = "main", requires = "commit")]
        branch: String,
    },
    /// Send an image with what is attached to it to a registry, with the credentials of `docker login`
    Push {
        /// A name, or a digest
        name: String,
        /// Where to: `registry/repository:tag`
        to: String,
    },
    /// All names, with the digests that they mean
    List,
    /// What an image consists of, and what belongs to it
    Inspect {
        /// A name, or a digest
        name: String,
    },
}

impl Image {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        match self {
            Self::Build { commit, branch } => wait_for(build(shared, commit.as_deref(), branch))?,
            Self::Push { name, to } => push(shared, name, to)?,
            Self::List => list(shared)?,
            Self::Inspect { name } => inspect(shared, name)?,
        }
        Ok(Outcome::Done)
    }
}

async fn build(shared: &Shared, commit: Option<&str>, branch: &str) -> Result<()> {
    let (place, say) = (shared.place()?, shared.say());
    let config = configuration(&place)?;
    let mut options = Options::new(place.cache.join("build"), place.images());
    options.on_line = Some(Arc::new(move |line: &str| say.progress(line)));
    let builder = Builder::new(options);
    let release = match commit {
        Some(commit) => builder.build(&place.root, &config, commit, branch).await?,
        None => builder.build_worktree(&place.root, &config).await?,
    };
    say.document(&release);
    for (service, digest) in &release.images {
        say.line(format!("{} {digest}", say.tone(Tone::Strong, service)));
    }
    say.line(format!("{} as {}", release.id, release.version));
    say.next("windlass image push DIGEST REGISTRY/NAME:TAG");
    Ok(())
}

fn push(shared: &Shared, name: &str, to: &str) -> Result<()> {
    let (place, say) = (shared.place()?, shared.say());
    let layout = Layout::open(&place.images())?;
    let digest = layout.resolve(name)?;
    let to: ImageName = to.parse()?;
    let pushed = Registry::of(&to)
        .push(&layout, digest, &to, &[])
        .with_context(|| format!("{name} was not sent to {to}"))?;
    say.document(&pushed);
    say.line(format!(
        "{} {} bytes sent, {} attached documents",
        say.tone(Tone::Strong, &pushed.name),
        pushed.sent,
        pushed.artifacts
    ));
    say.next("windlass image list");
    Ok(())
}

fn list(shared: &Shared) -> Result<()> {
    let (layout, say) = open(shared)?;
    let names = layout.names()?;
    say.document(&names);
    for (name, digest) in &names {
        say.line(format!("{} {digest}", say.tone(Tone::Strong, name)));
    }
    say.next("windlass image inspect NAME");
    Ok(())
}

fn inspect(shared: &Shared, name: &str) -> Result<()> {
    let (layout, say) = open(shared)?;
    let digest = layout.resolve(name)?;
    let seen = layout.inspect(digest)?;
    say.document(&json!({
        "digest": digest, "names": seen.names, "manifest": seen.manifest, "config": seen.image,
        "referrers": seen.referrers,
    }));
    say.line(serde_json::to_string_pretty(&seen.image)?);
    say.line(format!(
        "{digest}: {} layers, {} attached documents",
        seen.manifest.layers.len(),
        seen.referrers.len()
    ));
    say.next("windlass image list");
    Ok(())
}

fn open(shared: &Shared) -> Result<(Layout, Say)> {
    Ok((Layout::open(&shared.place()?.images())?, shared.say()))
}
