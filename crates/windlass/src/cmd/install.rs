//! `windlass install`: the manifests that run Windlass in a cluster, for the environments of this folder.

use anyhow::{Result, bail};
use clap::Args;
use windlass_chart::Value;
use windlass_core::config::{Config, Environment, Runtime, Source};
use windlass_core::install::{Install as Manifests, Place as Environs, Sharing};
use windlass_core::object::Object;
use windlass_engine::source::is_remote;

use super::serve::configuration;
use super::{Outcome, Shared, rbac, wait_for};
use crate::place::Place;
use crate::wire;
use crate::wire::cluster::Reach;

/// Run in a cluster.
#[derive(Debug, Args)]
pub(super) struct Install {
    /// Reference of the image of windlass, better with a digest than with a tag
    #[arg(long, value_name = "IMAGE")]
    image: String,
    /// Namespace in which Windlass runs
    #[arg(long, value_name = "NAME", default_value = "windlass")]
    namespace: String,
    /// Size of the volume of the ledger
    #[arg(long, value_name = "SIZE", default_value = "5Gi")]
    storage: String,
    /// Class of that volume; without it, the cluster's default
    #[arg(long, value_name = "NAME")]
    storage_class: Option<String>,
    /// The pods of several nodes can have the volume at once: spread the replicas
    #[arg(long)]
    shared_storage: bool,
    /// Print the values of the chart `charts/windlass` instead
    #[arg(long, conflicts_with = "apply")]
    values: bool,
    /// Apply them to the cluster of the kubeconfig
    #[arg(long)]
    apply: bool,
    /// Context of the kubeconfig; without it, the current one
    #[arg(long, value_name = "NAME", requires = "apply")]
    context: Option<String>,
}

impl Install {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let manifests = self.manifests(&shared.place()?)?;
        let say = shared.say();
        if self.values {
            let values = manifests.values();
            say.document(&values);
            say.line(yaml(&values));
            return Ok(Outcome::Done);
        }
        let all = manifests.manifests();
        if self.apply {
            let objects: Result<Vec<Object>, _> = all.into_iter().map(Object::new).collect();
            let reach = Reach {
                context: self.context.as_deref(),
                impersonate: None,
            };
            let applied = wait_for(wire::cluster::apply(&reach, &self.namespace, objects?))?;
            say.document(&applied);
            for one in applied {
                say.line(format!("applied {one}"));
            }
            say.next(format!(
                "kubectl --namespace {} rollout status deployment/windlass",
                self.namespace
            ));
            return Ok(Outcome::Done);
        }
        say.document(&all);
        for manifest in &all {
            say.line(format!("---\n{}", yaml(manifest)));
        }
        Ok(Outcome::Done)
    }

    fn manifests(&self, place: &Place) -> Result<Manifests> {
        let config = configuration(place)?;
        let environments = config.environments.iter();
        let environments: Result<Vec<Environs>> = environments
            .map(|environment| environs(place, &config, environment))
            .collect();
        Ok(Manifests {
            namespace: self.namespace.clone(),
            image: self.image.clone(),
            config: std::fs::read_to_string(place.config())?,
            storage: self.storage.clone(),
            storage_class: self.storage_class.clone(),
            sharing: if self.shared_storage {
                Sharing::Nodes
            } else {
                Sharing::Node
            },
            environments: environments?,
        })
    }
}

fn yaml(value: &serde_json::Value) -> String {
    let text = windlass_chart::yaml::to_text(&Value::from_json(value));
    text.trim_end().to_owned()
}

/// An environment as Windlass reaches it from inside. What it could not reach there is said now.
fn environs(place: &Place, config: &Config, environment: &Environment) -> Result<Environs> {
    let name = &environment.name;
    let (namespace, impersonate) = match &environment.runtime {
        Runtime::Local => bail!(
            "environment {name} is on the machine where windlass runs, and a pod is none\nhint: `runtime: {{ kubernetes: {{ namespace: {name} }} }}` puts it on the cluster"
        ),
        Runtime::Kubernetes {
            context: Some(context),
            ..
        } => bail!(
            "environment {name} names the context {context} of a kubeconfig, and a pod has none\nhint: without `context` an environment is on the cluster that windlass runs in"
        ),
        Runtime::Kubernetes {
            namespace,
            impersonate,
            ..
        } => (namespace, impersonate),
    };
    let remote = match &environment.source {
        Source::Branch { repository, .. } => repository.as_deref().is_some_and(is_remote),
        Source::Worktree(_) => false,
    };
    if !remote || environment.application.is_some() {
        bail!(
            "environment {name} follows files of this machine, which are not in the cluster\nhint: `source: {{ branch: main, repository: https://... }}` names where they are"
        );
    }
    Ok(Environs {
        namespace: namespace.clone(),
        access: rbac::needed(place, config, environment, namespace)?,
        impersonate: impersonate.clone(),
    })
}
