//! `windlass rbac`: the least that a cluster must allow whoever releases these files, as manifests for `kubectl apply`.

use anyhow::{Result, bail};
use clap::Args;
use windlass_chart::Value;
use windlass_core::access::Access;
use windlass_core::config::{Config, Environment, Runtime};

use super::guard::{find, objects};
use super::serve::configuration;
use super::{Outcome, Shared};
use crate::place::Place;

/// Who is allowed what.
#[derive(Debug, Args)]
pub(super) struct Rbac {
    /// The environment
    environment: String,
    /// `ServiceAccount` that is allowed it; `NAMESPACE/NAME` puts it into another namespace
    #[arg(long, value_name = "NAME", default_value = "windlass")]
    account: String,
    /// Namespace of the objects, for an environment that is not on a cluster yet
    #[arg(long)]
    namespace: Option<String>,
}

impl Rbac {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let place = shared.place()?;
        let config = configuration(&place)?;
        let environment = find(&config, &self.environment)?;
        let namespace = match (&environment.runtime, &self.namespace) {
            (_, Some(namespace)) | (Runtime::Kubernetes { namespace, .. }, None) => namespace,
            (Runtime::Local, None) => bail!(
                "{} is not on a cluster\nhint: --namespace names where it will be; `runtime` in windlass.yaml puts it there",
                self.environment
            ),
        };
        let access = needed(&place, &config, environment, namespace)?;
        let account = self.account.split_once('/').unwrap_or((namespace, &self.account));
        let manifests = match &environment.runtime {
            Runtime::Kubernetes {
                impersonate: Some(who),
                ..
            } => access.manifests_for(namespace, who, account),
            Runtime::Kubernetes { .. } | Runtime::Local => access.manifests(namespace, account),
        };
        let say = shared.say();
        say.document(&manifests);
        for manifest in manifests {
            let text = windlass_chart::yaml::to_text(&Value::from_json(&manifest));
            say.line(format!("---\n{}", text.trim_end()));
        }
        Ok(Outcome::Done)
    }
}

/// What a release of these files needs in an environment's namespace.
pub(super) fn needed(
    place: &Place,
    config: &Config,
    environment: &Environment,
    namespace: &str,
) -> Result<Access> {
    Ok(Access::of(&objects(place, config, environment)?, namespace))
}
