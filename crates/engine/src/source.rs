//! The git source: which commit a branch is at, what it contains, and its files. It never writes to a repository.

pub(crate) mod mirror;
#[cfg(test)]
mod tests;
mod tree;

use std::path::{Path, PathBuf};

pub use mirror::is_remote;
pub use tree::{Entry, Mode, Tree};

/// A repository on this machine, bare or with a work tree.
pub struct Repository {
    inner: gix::ThreadSafeRepository,
    path: PathBuf,
}

/// A commit and what people want to know of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Commit {
    /// The full object id, hexadecimal.
    pub id: String,
    /// First line of the message.
    pub subject: String,
    /// Name of the author.
    pub author: String,
    /// When it was committed, milliseconds since the epoch.
    pub at_ms: i64,
    /// Names of the tags that point at it.
    pub tags: Vec<String>,
}

/// How one commit relates to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// They are the same commit.
    Same,
    /// The first is an ancestor of the second: the branch moved forward.
    Ancestor,
    /// Neither contains the other, or the first contains the second: history was rewritten.
    Rewritten,
}

/// What can go wrong with a repository.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Not there, or not a repository.
    #[error("{} is not a git repository: {reason}\nhint: `git init` makes one; the `source` of the environment in windlass.yaml names its place", .path.display())]
    NoRepository {
        /// Where it was looked for.
        path: PathBuf,
        /// What git's files say.
        reason: String,
    },
    /// It is elsewhere and cannot be fetched.
    #[error(
        "cannot fetch {repository}: {reason}\nhint: `git ls-remote {repository}` must work for the user that runs the controller, without a question"
    )]
    Remote {
        /// Its address.
        repository: String,
        /// What git says.
        reason: String,
    },
    /// No commit yet.
    #[error("the repository {} has no commit yet\nhint: `git add -A && git commit` makes the first one", .path.display())]
    Empty {
        /// The repository.
        path: PathBuf,
    },
    /// The branch does not exist.
    #[error("branch {branch:?} does not exist in {}\nhint: {hint}", .path.display())]
    NoBranch {
        /// The repository.
        path: PathBuf,
        /// The branch that was asked for.
        branch: String,
        /// Which branches there are.
        hint: String,
    },
    /// An object is missing or damaged.
    #[error("cannot read {what} of {}: {reason}\nhint: `git fsck` in the repository finds what is missing", .path.display())]
    Object {
        /// The repository.
        path: PathBuf,
        /// What was read.
        what: String,
        /// What git's files say.
        reason: String,
    },
    /// More than the limits allow.
    #[error("commit {commit} of {} is too large: {what}\nhint: keep build output and large assets out of the repository", .path.display())]
    TooLarge {
        /// The repository.
        path: PathBuf,
        /// The commit.
        commit: String,
        /// What passes which limit.
        what: String,
    },
}

impl Repository {
    /// Opens the repository that `path` is in.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let missing = |reason: String| SourceError::NoRepository {
            path: path.to_owned(),
            reason,
        };
        let inner = gix::discover(path)
            .map_err(|e| missing(e.to_string()))?
            .into_sync();
        Ok(Self {
            inner,
            path: path.to_owned(),
        })
    }

    /// The folder of the work tree; a bare repository has none.
    pub fn worktree(&self) -> Option<PathBuf> {
        self.inner.to_thread_local().workdir().map(Path::to_owned)
    }

    /// The addresses that it is fetched from elsewhere by.
    pub fn addresses(&self) -> Vec<String> {
        let repo = self.inner.to_thread_local();
        let names = repo.remote_names();
        let remotes = names.iter().filter_map(|name| {
            let name: &gix::bstr::BStr = name.as_ref();
            repo.find_remote(name).ok()
        });
        let address = |remote: gix::Remote<'_>| Some(remote.url(gix::remote::Direction::Fetch)?.to_string());
        remotes.filter_map(address).collect()
    }

    /// The commit a local branch is at.
    pub fn head_of(&self, branch: &str) -> Result<Commit, SourceError> {
        let repo = self.inner.to_thread_local();
        let Ok(mut reference) = repo.find_reference(&format!("refs/heads/{branch}")) else {
            return Err(self.no_branch(&repo, branch));
        };
        let id = reference
            .peel_to_id()
            .map_err(|e| self.object(format!("branch {branch}"), e))?;
        self.describe(&id.to_string())
    }

    /// The commit with an id (full, hexadecimal).
    pub fn describe(&self, id: &str) -> Result<Commit, SourceError> {
        let repo = self.inner.to_thread_local();
        let oid = self.parse(id)?;
        let what = || format!("commit {id}");
        let commit = repo.find_commit(oid).map_err(|e| self.object(what(), e))?;
        let message = commit.message().map_err(|e| self.object(what(), e))?;
        let author = commit.author().map_err(|e| self.object(what(), e))?;
        let time = commit.time().map_err(|e| self.object(what(), e))?;
        Ok(Commit {
            id: oid.to_string(),
            subject: message.summary().to_string(),
            author: author.name.to_string(),
            at_ms: time.seconds.saturating_mul(1_000),
            tags: tags_at(&repo, oid),
        })
    }

    /// How `older` relates to `newer`.
    pub fn relation(&self, older: &str, newer: &str) -> Result<Relation, SourceError> {
        let (older, newer) = (self.parse(older)?, self.parse(newer)?);
        if older == newer {
            return Ok(Relation::Same);
        }
        let repo = self.inner.to_thread_local();
        match repo.merge_base(older, newer) {
            Ok(Some(base)) if base == older => Ok(Relation::Ancestor),
            _ => Ok(Relation::Rewritten),
        }
    }

    /// Whether `branch_head` is `commit` or has it among its ancestors.
    pub fn contains(&self, branch_head: &str, commit: &str) -> Result<bool, SourceError> {
        Ok(self.relation(commit, branch_head)? != Relation::Rewritten)
    }

    fn parse(&self, id: &str) -> Result<gix::ObjectId, SourceError> {
        gix::ObjectId::from_hex(id.as_bytes()).map_err(|e| self.object(format!("commit {id}"), e))
    }

    fn object(&self, what: String, reason: impl std::fmt::Display) -> SourceError {
        SourceError::Object {
            path: self.path.clone(),
            what,
            reason: reason.to_string(),
        }
    }

    fn no_branch(&self, repo: &gix::Repository, branch: &str) -> SourceError {
        let branches = branches(repo);
        if branches.is_empty() {
            return SourceError::Empty {
                path: self.path.clone(),
            };
        }
        let hint = format!("there are: {}", branches.join(", "));
        SourceError::NoBranch {
            path: self.path.clone(),
            branch: branch.to_owned(),
            hint,
        }
    }
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The first few local branches, for a hint.
fn branches(repo: &gix::Repository) -> Vec<String> {
    const SHOWN: usize = 10;
    let Ok(references) = repo.references() else {
        return Vec::new();
    };
    let Ok(local) = references.local_branches() else {
        return Vec::new();
    };
    local
        .filter_map(Result::ok)
        .take(SHOWN)
        .map(|branch| branch.name().shorten().to_string())
        .collect()
}

fn tags_at(repo: &gix::Repository, oid: gix::ObjectId) -> Vec<String> {
    let Ok(references) = repo.references() else {
        return Vec::new();
    };
    let Ok(tags) = references.tags() else {
        return Vec::new();
    };
    let mut found: Vec<String> = tags
        .filter_map(Result::ok)
        .filter_map(|mut tag| {
            let name = tag.name().shorten().to_string();
            tag.peel_to_id()
                .ok()
                .filter(|id| id.detach() == oid)
                .map(|_| name)
        })
        .collect();
    found.sort();
    found
}
