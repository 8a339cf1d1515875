//! Tags of images: which names a build gets, and what a tag says. It does not push or look up anything.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Longest tag that the OCI distribution specification allows.
const LENGTH_MAX: usize = 128;
/// Digits of a commit in `sha-<commit>`: unique in practice, and what the guide shows in its example plus one.
const COMMIT_DIGITS: usize = 7;
/// Fewest digits that are read as a commit.
const COMMIT_DIGITS_MIN: usize = 6;

/// A tag that the OCI distribution specification allows: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Tag(String);

/// What a tag says, by its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// `latest`: the newest build of the main branch.
    Latest,
    /// `v1.2.3`: a version that was tagged in git; never moves.
    Version(semver::Version),
    /// `sha-abc1234`: the build of a commit; never moves.
    Commit(String),
    /// The name of an environment: its newest build.
    Environment(String),
    /// Nothing that this strategy gives.
    Other,
}

/// The text cannot be a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} cannot be a tag\nhint: up to {LENGTH_MAX} letters, digits, `_`, `.` and `-`, not starting with `.` or `-`"
)]
pub struct TagError {
    text: String,
}

/// What a build knows of itself.
#[derive(Debug, Clone, Copy)]
pub struct Build<'a> {
    /// The full commit id, hexadecimal.
    pub commit: &'a str,
    /// The branch it was built from.
    pub branch: &'a str,
    /// Tags of the repository that point at the commit.
    pub git_tags: &'a [String],
    /// The branch whose newest build is `latest`.
    pub main_branch: &'a str,
    /// Environments that follow the branch without a person: each is a tag.
    pub environments: &'a [String],
}

/// The tags of a build: `sha-<commit>` always, `v1.2.3` for each version tag of the commit, `latest` for the main
/// branch, and the name of each environment that follows the branch. A name that cannot be a tag gives none.
pub fn tags(build: &Build<'_>) -> BTreeSet<Tag> {
    let mut names = vec![commit_tag(build.commit)];
    names.extend(
        build
            .git_tags
            .iter()
            .filter_map(|name| version(name))
            .map(|version| version_tag(&version)),
    );
    if build.branch == build.main_branch {
        names.push("latest".to_owned());
    }
    names.extend(build.environments.iter().cloned());
    names.into_iter().filter_map(|name| name.parse().ok()).collect()
}

/// The highest release version among a repository's tags that point at a commit; a pre-release only if there is none.
pub fn highest_version(git_tags: &[String]) -> Option<semver::Version> {
    let versions: Vec<_> = git_tags.iter().filter_map(|name| version(name)).collect();
    let released = versions.iter().filter(|version| version.pre.is_empty()).max();
    released.or_else(|| versions.iter().max()).cloned()
}

/// What a build calls itself: its version if the commit has one, `sha-<commit>` otherwise.
pub fn version_name(commit: &str, git_tags: &[String]) -> String {
    highest_version(git_tags).map_or_else(|| commit_tag(commit), |version| format!("v{version}"))
}

impl Tag {
    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it says; `environments` are the names that mean an environment.
    pub fn meaning(&self, environments: &[String]) -> Meaning {
        if self.0 == "latest" {
            return Meaning::Latest;
        }
        if environments.contains(&self.0) {
            return Meaning::Environment(self.0.clone());
        }
        if let Some(digits) = self.0.strip_prefix("sha-").filter(|digits| is_commit(digits)) {
            return Meaning::Commit(digits.to_owned());
        }
        version(&self.0.replacen('_', "+", 1)).map_or(Meaning::Other, Meaning::Version)
    }
}

impl Meaning {
    /// Whether the tag may be given to another image later.
    pub fn moves(&self) -> bool {
        match self {
            Self::Latest | Self::Environment(_) | Self::Other => true,
            Self::Version(_) | Self::Commit(_) => false,
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let first = text.bytes().next().is_some_and(word);
        let rest = text
            .bytes()
            .all(|byte| word(byte) || byte == b'.' || byte == b'-');
        if !first || !rest || text.len() > LENGTH_MAX {
            return Err(TagError {
                text: text.chars().take(LENGTH_MAX).collect(),
            });
        }
        Ok(Self(text.to_owned()))
    }
}

impl<'de> serde::Deserialize<'de> for Tag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

fn commit_tag(commit: &str) -> String {
    let digits: String = commit.chars().take(COMMIT_DIGITS).collect();
    format!("sha-{digits}")
}

/// A `+` starts build metadata in a version but is no character of a tag; `_` stands for it, as Helm does.
fn version_tag(version: &semver::Version) -> String {
    format!("v{version}").replace('+', "_")
}

/// `v1.2.3`, with or without the `v`.
fn version(name: &str) -> Option<semver::Version> {
    name.strip_prefix('v').unwrap_or(name).parse().ok()
}

fn is_commit(digits: &str) -> bool {
    digits.len() >= COMMIT_DIGITS_MIN
        && digits
            .bytes()
            .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}
