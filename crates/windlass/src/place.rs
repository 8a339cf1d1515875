//! Where a platform's configuration, state and caches are on this machine. Knows no file formats.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The configuration file that is looked for in the current folder and its parents.
pub(crate) const CONFIG: &str = "windlass.yaml";

/// The folders that one platform uses.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Root of the repository: the folder that holds windlass.yaml.
    pub(crate) root: PathBuf,
    /// Ledger, instances, the proxy's table: what must survive a restart.
    pub(crate) state: PathBuf,
    /// What can be made again: images, compiled code.
    pub(crate) cache: PathBuf,
}

impl Place {
    /// Finds the platform that the current folder (or `config`, when given) belongs to.
    pub(crate) fn find(config: Option<&Path>, state: Option<&Path>) -> Result<Self> {
        let root = match config {
            Some(path) => root_of(path)?,
            None => search(&std::env::current_dir().context("the current folder cannot be read")?)?,
        };
        let state = state.map_or_else(|| root.join(".windlass"), Path::to_owned);
        let state = std::path::absolute(&state)
            .with_context(|| format!("the state folder {} cannot be resolved", state.display()))?;
        Ok(Self {
            root,
            state,
            cache: cache(),
        })
    }

    /// The configuration file.
    pub(crate) fn config(&self) -> PathBuf {
        self.root.join(CONFIG)
    }

    /// Where the running controller says how to reach it.
    pub(crate) fn contact(&self) -> PathBuf {
        self.state.join("controller.json")
    }

    /// The image layout; content is named by its digest, so platforms share it.
    pub(crate) fn images(&self) -> PathBuf {
        self.cache.join("images")
    }

    /// The proxy's control socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.state.join("proxy").join("control.sock")
    }
}

fn root_of(config: &Path) -> Result<PathBuf> {
    let config =
        std::path::absolute(config).with_context(|| format!("{} cannot be resolved", config.display()))?;
    if !config.is_file() {
        bail!(
            "there is no configuration at {}\nhint: `--config` names a windlass.yaml",
            config.display()
        );
    }
    Ok(config.parent().map(Path::to_owned).unwrap_or_default())
}

fn search(start: &Path) -> Result<PathBuf> {
    for folder in start.ancestors() {
        if folder.join(CONFIG).is_file() {
            return Ok(folder.to_owned());
        }
    }
    bail!(
        "there is no {CONFIG} in {} or above it\nhint: run inside a platform's repository, or name the file with `--config`",
        start.display()
    )
}

/// `$XDG_CACHE_HOME/windlass`, `~/.cache/windlass`, or a folder below the system's temporary one.
fn cache() -> PathBuf {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("windlass")
}
