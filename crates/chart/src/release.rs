//! Release records: what Helm keeps of each revision, in its own form. Helm reads ours, and we read Helm's.

mod encode;
mod read;

use std::collections::BTreeMap;

use serde_json::Value as Json;

pub use encode::{json, secret};
pub use read::{decode, of_secret};

/// What a release is and does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// Nobody knows.
    #[default]
    Unknown,
    /// In force.
    Deployed,
    /// Removed, its record kept.
    Uninstalled,
    /// A later revision is in force.
    Superseded,
    /// It did not come up.
    Failed,
    /// Being removed.
    Uninstalling,
    /// The first revision is on its way.
    PendingInstall,
    /// A later revision is on its way.
    PendingUpgrade,
    /// An old revision is on its way again.
    PendingRollback,
}

const STATUSES: [(Status, &str); 9] = [
    (Status::Unknown, "unknown"),
    (Status::Deployed, "deployed"),
    (Status::Uninstalled, "uninstalled"),
    (Status::Superseded, "superseded"),
    (Status::Failed, "failed"),
    (Status::Uninstalling, "uninstalling"),
    (Status::PendingInstall, "pending-install"),
    (Status::PendingUpgrade, "pending-upgrade"),
    (Status::PendingRollback, "pending-rollback"),
];

impl Status {
    /// Helm's word.
    pub fn name(self) -> &'static str {
        STATUSES
            .iter()
            .find(|it| it.0 == self)
            .map_or("unknown", |it| it.1)
    }

    /// Whether an operation is under way, so that no other may begin.
    pub fn is_pending(self) -> bool {
        matches!(
            self,
            Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback
        )
    }

    fn of(name: &str) -> Self {
        STATUSES
            .iter()
            .find(|it| it.1 == name)
            .map_or(Self::Unknown, |it| it.0)
    }
}

/// One revision of a release.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    /// Name of the release.
    pub name: String,
    /// Namespace of the release.
    pub namespace: String,
    /// Number of the revision, from 1.
    pub revision: u32,
    /// What became of it.
    pub status: Status,
    /// A sentence for people: `Install complete`.
    pub description: String,
    /// When the first revision was deployed, as RFC 3339.
    pub first_deployed: String,
    /// When this revision was deployed, as RFC 3339.
    pub last_deployed: String,
    /// When it was removed; empty while it is there.
    pub deleted: String,
    /// NOTES.txt, rendered.
    pub notes: String,
    /// The user's values.
    pub config: BTreeMap<String, Json>,
    /// All documents but hooks.
    pub manifest: String,
    /// Hooks as Helm writes them.
    pub hooks: Vec<HookRecord>,
    /// The chart as Helm writes it: metadata, templates, values, files.
    pub chart: Json,
    /// `ssa` or `csa`: how the objects were applied. Empty in records of helm 3.
    pub apply_method: String,
    /// Labels of the user on the record.
    pub labels: BTreeMap<String, String>,
}

/// A hook within a record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HookRecord {
    /// What was rendered.
    pub hook: Option<crate::Hook>,
    /// When it last began, as RFC 3339; empty if it never ran.
    pub started_at: String,
    /// When it last ended, as RFC 3339.
    pub completed_at: String,
    /// `Succeeded`, `Failed`, `Running`, `Unknown`, or empty.
    pub phase: String,
    /// `hook-succeeded`, `hook-failed`: when its log is printed.
    pub output_log_policies: Vec<String>,
}

impl Record {
    /// Name of the Secret that holds it.
    pub fn secret_name(&self) -> String {
        format!("sh.helm.release.v1.{}.v{}", self.name, self.revision)
    }
}

/// Type of the Secret that holds a record.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";
