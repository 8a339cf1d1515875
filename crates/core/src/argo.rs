//! Argo CD's manifests as they are: what an `Application` and its `AppProject` say about an environment, and which
//! Applications an `ApplicationSet` stands for.
//!
//! Fields that would change what is deployed and that are not understood are errors; others are warnings. Where files come
//! from, and how YAML and Go templates are read, is not known here.

mod application;
mod duration;
mod fields;
mod find;
mod glob;
mod project;
mod retry;
mod set;
#[cfg(test)]
pub(crate) mod tests;
mod window;

use serde_json::Value;

pub use application::{
    Application, Destination, Directory, Helm, HelmParameter, Ignored, KustomizeOptions, SyncPolicy, Upstream,
};
pub(crate) use find::beside;
pub use find::{IN_CLUSTER, find};
pub use glob::matches;
pub(crate) use glob::{Star, matches_until};
pub use project::Project;
pub use retry::Retry;
pub use window::{SyncWindow, SyncWindows, Trigger};

/// The API group of all of them.
pub const GROUP: &str = "argoproj.io";

/// The files of a checkout, with what it takes to read them. Paths are from its root, with `/`.
pub trait Files {
    /// The text of a file; `None` where there is none.
    fn read(&self, path: &str) -> Result<Option<String>, String>;
    /// The paths of all files below a folder, sorted; `""` for the root.
    fn below(&self, folder: &str) -> Result<Vec<String>, String>;
    /// The documents of a YAML or JSON text; empty ones are left out.
    fn documents(&self, text: &str) -> Result<Vec<Value>, String>;
    /// What a Go template with sprig's functions writes for values; `<no value>` for a missing one.
    fn template(&self, text: &str, values: &Value) -> Result<String, String>;
    /// Whether an address of a repository means the one that these files are of.
    fn is_own(&self, address: &str) -> bool;
}

/// What is wrong with a manifest: the field, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {cause}\nhint: {hint}")]
pub struct Wrong {
    /// File and dotted path of the field.
    pub place: String,
    /// Why it cannot be used.
    pub cause: String,
    /// What to do.
    pub hint: String,
}

impl Wrong {
    pub(crate) fn new(place: impl Into<String>, cause: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            cause: cause.into(),
            hint: hint.into(),
        }
    }
}
