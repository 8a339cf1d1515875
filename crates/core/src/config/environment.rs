//! An environment: what it follows, where it runs, when and how releases reach it. All defaults are filled in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::freeze::Freeze;
use crate::argo::Application;

/// One environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Where it runs.
    pub runtime: Runtime,
    /// What it follows.
    pub source: Source,
    /// Port of this machine for its customers; the local runtime always has one.
    pub port: Option<u16>,
    /// When a release is deployed.
    pub deploy: Deploy,
    /// Who may pass the gates in an emergency; empty means whoever may approve.
    #[serde(default)]
    pub break_glass: Vec<String>,
    /// How a release replaces the one before.
    pub strategy: Strategy,
    /// How long a release is watched and the one before kept warm.
    pub watch_ms: u64,
    /// Argo CD's manifest that says where its objects are, instead of the platform's chart and the values files.
    #[serde(default)]
    pub application: Option<Application>,
    /// Folders and files with health scripts, as Argo CD takes them, relative to the configuration.
    #[serde(default)]
    pub health_scripts: Vec<String>,
    /// Values files for the chart.
    pub values: Values,
    /// Only releases that are healthy there are deployed here.
    pub promote_from: Option<String>,
    /// What must be proved before a deployment.
    pub gates: Gates,
    /// Times without deployments.
    pub freeze: Vec<Freeze>,
    /// How a new release is judged by its traffic.
    pub analysis: Analysis,
    /// Integration tests against the new track, before the switch.
    pub verify: Vec<Step>,
}

/// Where an environment runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// Processes on this machine.
    Local,
    /// A Kubernetes cluster.
    Kubernetes {
        /// Context of the kubeconfig; `None` for its current one.
        context: Option<String>,
        /// Namespace of the objects.
        namespace: String,
        /// Who does all of it there; `None` for whoever the kubeconfig says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        impersonate: Option<Impersonate>,
    },
}

/// Whom a cluster is to take the controller for, in one environment: what that one may not do is not done there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Impersonate {
    /// A user: `jane`, or `system:serviceaccount:NAMESPACE:NAME`.
    pub user: String,
    /// Its groups; a ServiceAccount has its own by itself.
    pub groups: Vec<String>,
}

impl Impersonate {
    /// Namespace and name of a ServiceAccount.
    pub fn service_account(&self) -> Option<(&str, &str)> {
        self.user.strip_prefix("system:serviceaccount:")?.split_once(':')
    }
}

/// What an environment follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Files as they are on disk, relative to the configuration.
    Worktree(String),
    /// Commits of a branch.
    Branch {
        /// The branch.
        branch: String,
        /// URL or path of the repository; `None` for the one that holds the configuration.
        repository: Option<String>,
    },
}

/// When a release is deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deploy {
    /// As soon as the gates allow it.
    Auto,
    /// When enough people approved its plan.
    Approvals {
        /// How many different people.
        count: u32,
        /// How long an approval counts.
        expires_ms: u64,
        /// Whose approval counts; empty means anybody's.
        people: Vec<String>,
    },
}

/// How a release replaces the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Stop the old, start the new.
    Recreate,
    /// Replace a few replicas at a time.
    Rolling {
        /// Replicas above the wanted number.
        max_surge: Amount,
        /// Replicas below the wanted number.
        max_unavailable: Amount,
    },
    /// Start the new beside the old, switch at once, keep the old warm.
    BlueGreen,
    /// Move customers over in steps.
    Canary {
        /// Weights and pauses, in order.
        steps: Vec<CanaryStep>,
    },
}

/// A number of replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Amount {
    /// So many.
    Count(u32),
    /// So many of a hundred.
    Percent(u32),
}

/// A step of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CanaryStep {
    /// Percent of new customers on the new release, 0 to 100.
    Weight(u32),
    /// Milliseconds to wait.
    Pause(u64),
    /// Wait for a person.
    Approval,
}

/// Values files for the chart, relative to the configuration; a later file wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Values {
    /// The file that is used if it is there.
    Default(String),
    /// The files that must be there.
    Named(Vec<String>),
}

/// What must be proved before a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gates {
    /// Checklist items that need evidence before the deployment.
    pub checklist: Vec<String>,
    /// Checklist items that need evidence after it.
    pub after: Vec<String>,
    /// Findings from this severity on deny.
    pub severity: Severity,
    /// How long the release must have been healthy in the environment before.
    pub soak_ms: u64,
    /// Whether only signed images are deployed.
    pub signed: bool,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// To be fixed some day.
    Medium,
    /// To be fixed before customers meet it.
    High,
    /// Being used by attackers, or about to be.
    Critical,
}

/// How a new release is judged by its traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// From measurement to measurement.
    pub every_ms: u64,
    /// Share of good releases that may be called bad.
    pub alpha: f64,
    /// Largest share of failed requests.
    pub errors_max: f64,
    /// Difference from the old release that does not matter, as a share of requests.
    pub worse_by: f64,
    /// Longest 99th percentile of latency; `None` for no limit.
    pub latency_p99_ms_max: Option<u64>,
    /// Fewest requests for a verdict.
    pub requests_min: u32,
    /// What to do with too little traffic.
    pub inconclusive: Inconclusive,
    /// Business metrics, by name.
    pub business: BTreeMap<String, Business>,
}

/// What to do when the watch ends without enough traffic for a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inconclusive {
    /// Watch on until there is a verdict or a person decides.
    Wait,
    /// Keep the new release.
    Promote,
    /// Go back to the old one.
    Rollback,
}

/// A business metric: a share of two counters of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Business {
    /// The service whose metrics are read.
    pub service: String,
    /// Counter of what went well.
    pub good: String,
    /// Counter of all.
    pub of: String,
    /// Smallest share that is accepted; `None` compares with the old release only.
    pub min: Option<f64>,
    /// Largest drop below the old release.
    pub drop: f64,
}

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Program and arguments; no shell.
    pub run: Vec<String>,
    /// Longest run.
    pub timeout_ms: u64,
}

impl Deploy {
    /// What holds when `self` is in force and a commit asks for `other`: more people or less time than before, never fewer
    /// people or other ones.
    #[must_use]
    pub fn stricter(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Auto, other) => other.clone(),
            (own @ Self::Approvals { .. }, Self::Auto) => own.clone(),
            (
                Self::Approvals {
                    count,
                    expires_ms,
                    people,
                },
                Self::Approvals {
                    count: more,
                    expires_ms: sooner_ms,
                    people: others,
                },
            ) => Self::Approvals {
                count: *count.max(more),
                expires_ms: *expires_ms.min(sooner_ms),
                people: if people.is_empty() { others } else { people }.clone(),
            },
        }
    }
}

impl Environment {
    /// The branch it follows, if it follows one.
    pub fn branch(&self) -> Option<&str> {
        match &self.source {
            Source::Worktree(_) => None,
            Source::Branch { branch, .. } => Some(branch),
        }
    }

    /// Whether what is no longer in a release is deleted.
    pub fn prunes(&self) -> bool {
        self.application.as_ref().is_none_or(|it| it.sync.prune)
    }

    /// Whether what was changed on a cluster is changed back.
    pub fn heals(&self) -> bool {
        self.application.as_ref().is_none_or(|it| it.sync.self_heal)
    }

    /// Whether it keeps two tracks.
    pub fn has_tracks(&self) -> bool {
        match self.strategy {
            Strategy::BlueGreen | Strategy::Canary { .. } => true,
            Strategy::Recreate | Strategy::Rolling { .. } => false,
        }
    }
}

impl Values {
    /// The files, in the order in which they are laid over each other.
    pub fn files(&self) -> &[String] {
        match self {
            Self::Default(file) => std::slice::from_ref(file),
            Self::Named(files) => files,
        }
    }
}
