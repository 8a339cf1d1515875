//! When an object runs that is a hook: Helm's and Argo CD's annotations in one form. It does not run anything.

use super::{Object, WorkloadKind};

const HELM_HOOK: &str = "helm.sh/hook";
const HELM_WEIGHT: &str = "helm.sh/hook-weight";
const HELM_DELETE: &str = "helm.sh/hook-delete-policy";
const ARGO_HOOK: &str = "argocd.argoproj.io/hook";
const ARGO_DELETE: &str = "argocd.argoproj.io/hook-delete-policy";
const ARGO_WAVE: &str = "argocd.argoproj.io/sync-wave";

/// A moment of a deployment at which hooks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookPhase {
    /// Before the first installation (Helm only).
    PreInstall,
    /// After the first installation (Helm only).
    PostInstall,
    /// Before an upgrade (Helm only).
    PreUpgrade,
    /// After an upgrade (Helm only).
    PostUpgrade,
    /// Before a rollback (Helm only).
    PreRollback,
    /// After a rollback (Helm only).
    PostRollback,
    /// Before everything is deleted.
    PreDelete,
    /// After everything is deleted.
    PostDelete,
    /// Before each deployment (Argo CD's `PreSync`).
    PreSync,
    /// Together with the objects (Argo CD's `Sync`).
    Sync,
    /// After each deployment, when all is healthy (Argo CD's `PostSync`).
    PostSync,
    /// After a failed deployment (Argo CD's `SyncFail`).
    SyncFail,
    /// Only when somebody asks for tests.
    Test,
    /// Never (Argo CD's `Skip`).
    Skip,
}

/// When a finished hook is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeletePolicy {
    /// Just before it runs again; the default.
    BeforeCreation,
    /// As soon as it succeeded.
    Succeeded,
    /// As soon as it failed.
    Failed,
}

/// How an object is run as a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// When; in the order of [`HookPhase`]. Never where there is none.
    pub phases: Vec<HookPhase>,
    /// Lower runs earlier.
    pub weight: i32,
    /// When it is deleted.
    pub delete: Vec<DeletePolicy>,
}

impl Hook {
    /// Reads the annotations; Argo CD's win, as there. A hook whose phases are all unknown runs at no moment, for both:
    /// somebody meant a hook.
    pub(super) fn of(object: &Object) -> Option<Self> {
        let (phases, deletes, weights) = if names(object, ARGO_HOOK).next().is_some() {
            (
                list(object, ARGO_HOOK, argo_phase),
                ARGO_DELETE,
                [ARGO_WAVE, HELM_WEIGHT],
            )
        } else {
            // A plain object nowadays.
            names(object, HELM_HOOK).find(|word| *word != "crd-install")?;
            (
                list(object, HELM_HOOK, helm_phase),
                HELM_DELETE,
                [HELM_WEIGHT, ARGO_WAVE],
            )
        };
        let weight = weights
            .iter()
            .find_map(|key| object.annotation(key)?.trim().parse().ok())
            .unwrap_or(0);
        let mut delete = list(object, deletes, delete_policy);
        if delete.is_empty() {
            delete.push(DeletePolicy::BeforeCreation);
        }
        Some(Self {
            phases,
            weight,
            delete,
        })
    }

    /// Whether it runs before the objects of an ordinary deployment: `initial` tells the first one of a release.
    pub fn runs_before(&self, initial: Initial) -> bool {
        let helm = match initial {
            Initial::Yes => HookPhase::PreInstall,
            Initial::No => HookPhase::PreUpgrade,
        };
        self.phases.contains(&helm) || self.phases.contains(&HookPhase::PreSync)
    }

    /// Whether it runs after the objects of an ordinary deployment.
    pub fn runs_after(&self, initial: Initial) -> bool {
        let helm = match initial {
            Initial::Yes => HookPhase::PostInstall,
            Initial::No => HookPhase::PostUpgrade,
        };
        self.phases.contains(&helm) || self.phases.contains(&HookPhase::PostSync)
    }
}

/// Whether a release is deployed for the first time; Helm's hooks tell the cases apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initial {
    /// Nothing of the release is there yet.
    Yes,
    /// An earlier revision is there.
    No,
}

impl Object {
    /// Whether it is a Job that runs as a hook: the usual form of a migration.
    pub fn is_hook_job(&self) -> bool {
        self.workload()
            .is_some_and(|workload| workload.kind() == WorkloadKind::Job)
            && self.hook().is_some()
    }
}

fn list<T: Ord>(object: &Object, key: &str, read: fn(&str) -> Option<T>) -> Vec<T> {
    let mut found: Vec<T> = names(object, key).filter_map(read).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn names<'o>(object: &'o Object, key: &str) -> impl Iterator<Item = &'o str> {
    let words = object
        .annotation(key)
        .into_iter()
        .flat_map(|text| text.split(','));
    words.map(str::trim).filter(|word| !word.is_empty())
}

fn helm_phase(word: &str) -> Option<HookPhase> {
    Some(match word {
        "pre-install" => HookPhase::PreInstall,
        "post-install" => HookPhase::PostInstall,
        "pre-upgrade" => HookPhase::PreUpgrade,
        "post-upgrade" => HookPhase::PostUpgrade,
        "pre-rollback" => HookPhase::PreRollback,
        "post-rollback" => HookPhase::PostRollback,
        "pre-delete" => HookPhase::PreDelete,
        "post-delete" => HookPhase::PostDelete,
        "test" | "test-success" => HookPhase::Test,
        _ => return None,
    })
}

fn argo_phase(word: &str) -> Option<HookPhase> {
    Some(match word {
        "PreSync" => HookPhase::PreSync,
        "Sync" => HookPhase::Sync,
        "PostSync" => HookPhase::PostSync,
        "SyncFail" => HookPhase::SyncFail,
        "PreDelete" => HookPhase::PreDelete,
        "PostDelete" => HookPhase::PostDelete,
        "Skip" => HookPhase::Skip,
        _ => return None,
    })
}

fn delete_policy(word: &str) -> Option<DeletePolicy> {
    Some(match word {
        "before-hook-creation" | "BeforeHookCreation" => DeletePolicy::BeforeCreation,
        "hook-succeeded" | "HookSucceeded" => DeletePolicy::Succeeded,
        "hook-failed" | "HookFailed" => DeletePolicy::Failed,
        _ => return None,
    })
}
