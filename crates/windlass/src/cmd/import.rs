//! `windlass import argocd`: the Applications of an Argo CD as environments, with their manifests, and what of them is not
//! carried over. It reads no Secrets, and writes nothing that looks like one.

mod clean;
mod manifests;
mod platform;
mod write;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use serde_json::Value;
use windlass_core::argo::Files as _;
use windlass_core::config::Config;
use windlass_engine::checkout::Checkout;

use super::{Outcome, Shared, wait_for};
use crate::say::Tone;
use crate::wire::cluster;
use write::Note;

/// Files of one folder.
const FILES_MAX: usize = 5_000;

#[derive(Debug, Subcommand)]
pub(super) enum Import {
    /// The Applications, AppProjects and ApplicationSets of an Argo CD as environments
    Argocd(Argocd),
}

/// Where they are read from, and where they go.
#[derive(Debug, Args)]
pub(super) struct Argocd {
    /// Manifests in a folder, instead of a cluster
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
    /// Context of the kubeconfig; without it, its current one
    #[arg(long, conflicts_with = "from")]
    context: Option<String>,
    /// Namespace of Argo CD
    #[arg(long, default_value = "argocd", conflicts_with = "from")]
    namespace: String,
    /// Folder that gets windlass.yaml and the manifests: the root of the repository
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    into: PathBuf,
    /// Name of the platform; without it, that of the folder
    #[arg(long)]
    platform: Option<String>,
    /// Write over files that are there
    #[arg(long)]
    force: bool,
}

impl Import {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let Self::Argocd(argocd) = self;
        argocd.run(shared)
    }
}

impl Argocd {
    fn run(&self, shared: &Shared) -> Result<Outcome> {
        let say = shared.say();
        let documents = match &self.from {
            Some(folder) => documents_of(folder)?,
            None => wait_for(cluster::argocd(self.context.as_deref(), &self.namespace))?,
        };
        let root = self
            .into
            .canonicalize()
            .with_context(|| format!("{} is no folder", self.into.display()))?;
        let named = self.platform.clone().or_else(|| {
            let name = root.file_name()?.to_string_lossy().to_lowercase();
            Some(write::label(&name))
        });
        let imported = write::import(
            &documents,
            &Checkout::Folder(&root),
            &named.unwrap_or_else(|| "platform".to_owned()),
            self.context.as_deref(),
        )?;
        for (path, text) in &imported.files {
            self.write(&root.join(path), text)?;
        }
        let mut notes = imported.notes;
        let config = root.join(write::CONFIG);
        if let Err(problem) = read(&root, &config) {
            notes.push(Note::new(write::CONFIG, format!("it is not complete: {problem}")));
        }
        say.document(&serde_json::json!({
            "files": imported.files.keys().collect::<Vec<_>>(),
            "environments": imported.environments,
            "notes": notes,
        }));
        for path in imported.files.keys() {
            say.line(format!("wrote {}", say.tone(Tone::Strong, path)));
        }
        let environments = imported.environments.join(", ");
        say.line(format!("environments: {environments}"));
        if !notes.is_empty() {
            say.line("\nnot carried over, or to be looked at:");
        }
        for note in &notes {
            say.line(format!("  {}: {}", say.tone(Tone::Busy, &note.place), note.what));
        }
        say.next("windlass doctor");
        Ok(Outcome::Done)
    }

    fn write(&self, path: &Path, text: &str) -> Result<()> {
        if path.exists() && !self.force {
            bail!(
                "{} is there already\nhint: --force writes over it, --into names another folder",
                path.display()
            );
        }
        let folder = path.parent().unwrap_or(path);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(path, text))
            .with_context(|| format!("{} cannot be written", path.display()))
    }
}

fn read(root: &Path, path: &Path) -> Result<Config> {
    let text = std::fs::read_to_string(path)?;
    Ok(Config::parse_with(write::CONFIG, &text, &Checkout::Folder(root))?)
}

/// All documents of the YAML and JSON files below a folder. Lists are their items.
fn documents_of(folder: &Path) -> Result<Vec<Value>> {
    let root = folder
        .canonicalize()
        .with_context(|| format!("{} is no folder", folder.display()))?;
    let checkout = Checkout::Folder(&root);
    let mut all = Vec::new();
    let paths = checkout.below("").map_err(anyhow::Error::msg)?;
    let manifests = paths.iter().filter(|path| {
        let end = path.rsplit_once('.').map(|it| it.1);
        matches!(end, Some("yaml" | "yml" | "json"))
    });
    for path in manifests.take(FILES_MAX) {
        let text = checkout.read(path).map_err(anyhow::Error::msg)?;
        // A file that is no manifest is somebody else's business: charts have templates that are no YAML.
        for document in checkout.documents(&text.unwrap_or_default()).unwrap_or_default() {
            match document["items"].as_array() {
                Some(items) => all.extend(items.iter().cloned()),
                None => all.push(document),
            }
        }
    }
    Ok(all)
}
