//! From a commit to a release: compile what changed, assemble images, give them names. It does not decide what is built
//! when, and deploys nothing.

mod assemble;
mod cargo;
mod checkout;
mod error;
mod memory;
mod sbom;
mod snapshot;
#[cfg(test)]
mod tests;
mod workspace;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::Mutex;
use windlass_core::config::{Build, Config};
use windlass_core::digest::Digest;
use windlass_core::machine::release::{Release, id_of};
use windlass_core::tag;
use windlass_oci::{ImageName, Layout, OciError, Pushed, Registry};

use crate::source::{Commit, Repository};

pub use error::BuildError;

use assemble::Sources;
use snapshot::Snapshot;

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
    pub on_line: Option<OnLine>,
}

/// Somebody who reads along.
pub type OnLine = Arc<dyn Fn(&str) + Send + Sync>;

impl Options {
    /// The usual ones: Cargo's target folder is the one that `WINDLASS_TARGET_DIR` names, `main` is the main branch.
    pub fn new(cache: PathBuf, layout: PathBuf) -> Self {
        Self {
            cache,
            layout,
            target: std::env::var_os("WINDLASS_TARGET_DIR").map(PathBuf::from),
            main_branch: "main".to_owned(),
            on_line: None,
        }
    }
}

/// Builds releases, one at a time. Clones are the same builder.
#[derive(Clone)]
pub struct Builder {
    options: Arc<Options>,
    turn: Arc<Mutex<()>>,
}

/// What a build is called.
struct Name<'a> {
    commit: &'a Commit,
    /// Empty for files that are not committed.
    branch: &'a str,
}

impl Builder {
    /// A builder; its folders are made when they are needed.
    pub fn new(options: Options) -> Self {
        Self {
            options: Arc::new(options),
            turn: Arc::default(),
        }
    }

    /// The release of a commit of the repository at a path. Images whose sources did not change keep their digests; building twice is building once.
    /// A build that was begun goes on to its end even if nobody waits for it.
    pub async fn build(
        &self,
        repository: &Path,
        config: &Config,
        commit: &str,
        branch: &str,
    ) -> Result<Release, BuildError> {
        let (repository, config) = (repository.to_owned(), config.clone());
        let (commit, branch) = (commit.to_owned(), branch.to_owned());
        self.apart(move |options| {
            let repository = Repository::open(&repository)?;
            let commit = repository.describe(&commit)?;
            let tree = repository.tree(&commit.id)?;
            let root = options.cache.join("checkout").join(&config.platform);
            let _lock = lock(&options.cache.join("checkout.lock"))?;
            checkout::check_out(&tree, &root)?;
            let name = Name {
                commit: &commit,
                branch: &branch,
            };
            release(options, &config, &root, &Snapshot::of_tree(&tree), &name)
        })
        .await
    }

    /// Makes the folder `name` of the cache hold the files of a commit, and says where it is.
    pub async fn files(&self, repository: &Path, commit: &str, name: &str) -> Result<PathBuf, BuildError> {
        let folder = self.options.cache.join("files").join(name);
        let (repository, commit) = (repository.to_owned(), commit.to_owned());
        let task = tokio::task::spawn_blocking(move || {
            let repository = Repository::open(&repository)?;
            checkout::check_out(&repository.tree(&commit)?, &folder)?;
            Ok(folder)
        });
        task.await.unwrap_or_else(|e| {
            Err(BuildError::Broken {
                reason: e.to_string(),
            })
        })
    }

    /// The release of a folder's files as they are, built in place. Its commit is [`worktree_commit`] of them.
    pub async fn build_worktree(&self, root: &Path, config: &Config) -> Result<Release, BuildError> {
        let (root, config) = (root.to_owned(), config.clone());
        self.apart(move |options| {
            let files = Snapshot::of_folder(&root)?;
            let commit = Commit {
                id: files.commit(),
                subject: "files as they are on disk".to_owned(),
                author: String::new(),
                at_ms: 0,
                tags: Vec::new(),
            };
            let name = Name {
                commit: &commit,
                branch: "",
            };
            release(options, &config, &root, &files, &name)
        })
        .await
    }

    /// Sends the images of a release, under all their tags, to the registry of the configuration. Does nothing where there
    /// is none.
    pub async fn push(&self, config: &Config, release: &Release) -> Result<Vec<Pushed>, BuildError> {
        let Some(registry) = config.registry.clone() else {
            return Ok(Vec::new());
        };
        let layout = Layout::open(&self.options.layout).map_err(BuildError::image("the platform"))?;
        let images: Vec<_> = release
            .images
            .iter()
            // A finished image is in its registry already.
            .filter(|(service, _)| {
                let build = config.services.get(*service).map(|service| &service.build);
                !matches!(build, Some(Build::Image(_)))
            })
            .map(|(service, digest)| (service.clone(), digest.clone()))
            .collect();
        let task = tokio::task::spawn_blocking(move || {
            let push = |(service, digest): &(String, String)| {
                push(&layout, &registry, service, digest).map_err(BuildError::image(service))
            };
            images.iter().map(push).collect()
        });
        task.await.unwrap_or_else(|e| {
            Err(BuildError::Broken {
                reason: e.to_string(),
            })
        })
    }

    /// Runs on a thread of its own, one after the other.
    async fn apart(
        &self,
        build: impl FnOnce(&Options) -> Result<Release, BuildError> + Send + 'static,
    ) -> Result<Release, BuildError> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let options = Arc::clone(&self.options);
        let task = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            build(&options)
        });
        task.await.unwrap_or_else(|e| {
            Err(BuildError::Broken {
                reason: e.to_string(),
            })
        })
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("cache", &self.options.cache)
            .finish_non_exhaustive()
    }
}

/// What stands for the commit of files that are not committed: 40 hexadecimal digits of a digest over names and contents.
pub fn worktree_commit(root: &Path) -> Result<String, BuildError> {
    Ok(Snapshot::of_folder(root)?.commit())
}

fn release(
    options: &Options,
    config: &Config,
    root: &Path,
    files: &Snapshot,
    name: &Name<'_>,
) -> Result<Release, BuildError> {
    let layout = Layout::open(&options.layout).map_err(BuildError::image("the platform"))?;
    let root = root.canonicalize().map_err(BuildError::file("find", root))?;
    let compiled = config
        .services
        .values()
        .any(|service| matches!(service.build, Build::Cargo { .. }));
    let (mut images, package_version) = if compiled {
        let sources = Sources::read(options, config, &root, files)?;
        let version = sources.version();
        let called = assemble::Called {
            platform: &config.platform,
            version: &version_of(version.as_deref(), name.commit),
        };
        (sources.images(&layout, &called)?, version)
    } else {
        (BTreeMap::new(), None)
    };
    for (service, it) in &config.services {
        match &it.build {
            Build::Cargo { .. } => {}
            Build::Dockerfile { .. } => {
                return Err(BuildError::Dockerfile {
                    service: service.clone(),
                });
            }
            Build::Image(reference) => {
                let digest = fetch(&layout, reference).map_err(BuildError::image(service))?;
                images.insert(service.clone(), digest.to_string());
            }
        }
    }
    name_images(&layout, config, &images, name, &options.main_branch)?;
    Ok(Release {
        id: id_of(&name.commit.id),
        commit: name.commit.id.clone(),
        subject: name.commit.subject.clone(),
        version: version_of(package_version.as_deref(), name.commit),
        images,
        built_at_ms: now_ms(),
    })
}

/// A finished image: from the layout if it is there by its digest, else from its registry, where a tag may have moved.
fn fetch(layout: &Layout, reference: &str) -> Result<Digest, OciError> {
    let name: ImageName = reference.parse()?;
    if name.digest.is_some()
        && let Ok(digest) = layout.resolve(reference)
    {
        return Ok(digest);
    }
    Registry::of(&name).pull(layout, &name)
}

/// One image with the tags that the layout knows for it.
fn push(layout: &Layout, registry: &str, service: &str, digest: &str) -> Result<Pushed, OciError> {
    let digest = layout.resolve(digest)?;
    let name: ImageName = format!("{registry}/{service}").parse()?;
    let prefix = format!("{service}:");
    let known = layout.inspect(digest)?.names;
    let tags: Vec<String> = known
        .iter()
        .filter_map(|name| name.strip_prefix(&prefix).map(str::to_owned))
        .collect();
    Registry::of(&name).push(layout, digest, &name, &tags)
}

/// What customers see: the version that the commit is tagged with, else that of the packages with the commit's digits.
fn version_of(package: Option<&str>, commit: &Commit) -> String {
    if let Some(version) = tag::highest_version(&commit.tags) {
        return version.to_string();
    }
    let digits = commit.id.get(..7).unwrap_or(&commit.id);
    package.map_or_else(|| id_of(&commit.id), |version| format!("{version}+{digits}"))
}

/// Gives the images the tags of the build.
fn name_images(
    layout: &Layout,
    config: &Config,
    images: &BTreeMap<String, String>,
    name: &Name<'_>,
    main_branch: &str,
) -> Result<(), BuildError> {
    let followers = config.followers(name.branch);
    let tags = tag::tags(&tag::Build {
        commit: &name.commit.id,
        branch: name.branch,
        git_tags: &name.commit.tags,
        main_branch,
        environments: &followers,
    });
    for (service, digest) in images {
        let digest = layout.resolve(digest).map_err(BuildError::image(service))?;
        for tag in &tags {
            layout
                .tag(digest, &format!("{service}:{tag}"))
                .map_err(BuildError::image(service))?;
        }
    }
    Ok(())
}

/// Waits until no other process is at it; let go when dropped.
fn lock(path: &Path) -> Result<File, BuildError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(BuildError::file("make", folder))?;
    }
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(BuildError::file("lock", path))?;
    file.lock().map_err(BuildError::file("lock", path))?;
    Ok(file)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
