//! Releases and plans: what is brought to customers. Both are immutable.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One commit, built once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Name: `sha-` and the first digits of the commit.
    pub id: String,
    /// The commit.
    pub commit: String,
    /// First line of its message.
    pub subject: String,
    /// What customers see as the version.
    pub version: String,
    /// Digest of the image of each service.
    pub images: BTreeMap<String, String>,
    /// Milliseconds since the epoch.
    pub built_at_ms: i64,
}

/// The name of the release of a commit.
pub fn id_of(commit: &str) -> String {
    format!("sha-{}", commit.get(..7).unwrap_or(commit))
}

/// What a rollout will change, as far as decisions and people need it. The objects are stored by the engine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Digest of all of it: what an approval names.
    pub digest: String,
    /// Digest of the rendered objects.
    pub objects: String,
    /// Generation of the environment that it was made for.
    pub parent_generation: u64,
    /// The changes, one line each.
    pub changes: Vec<String>,
    /// What was found wrong with the objects; a blocking one denies.
    pub findings: Vec<Finding>,
    /// What the runtime cannot enforce.
    pub not_enforced: Vec<String>,
}

/// Something wrong with an object or an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule that found it.
    pub rule: String,
    /// What is wrong with what.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
    /// Whether it keeps the release out.
    pub blocks: bool,
}
