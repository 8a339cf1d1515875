//! The shelf: which objects a release has in an environment, and what its windlass.yaml said. The objects themselves are
//! blobs of the ledger; the shelf knows their digests, so that a rollback starts exactly what served before, with Git gone.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use windlass_core::config::Config;
use windlass_core::health::Scripts;
use windlass_core::object::Object;

use crate::ledger::{Ledger, LedgerError};

/// Digests by environment and release, one small file each.
#[derive(Debug)]
pub(crate) struct Shelf {
    folder: PathBuf,
}

/// Objects could not be put on the shelf.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShelfError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("cannot write {}: {source}\nhint: the state folder must be writable and its disk must have room", .path.display())]
    File { path: PathBuf, source: io::Error },
}

impl Shelf {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Stores the objects of a release in an environment.
    pub(crate) async fn put(
        &self,
        ledger: &Ledger,
        environment: &str,
        release: &str,
        objects: &[Object],
    ) -> Result<(), ShelfError> {
        let bytes = serde_json::to_vec(objects).unwrap_or_default();
        let digest = ledger.put(&bytes).await?;
        let path = self.path(environment, release);
        replace(&path, digest.as_bytes()).map_err(|source| ShelfError::File { path, source })
    }

    /// The objects of a release in an environment, if it was ever planned there.
    pub(crate) async fn get(&self, ledger: &Ledger, environment: &str, release: &str) -> Option<Vec<Object>> {
        let digest = fs::read_to_string(self.path(environment, release)).ok()?;
        let bytes = match ledger.get(&digest).await {
            Ok(bytes) => bytes?,
            Err(error) => {
                tracing::warn!(%error, environment, release, "stored objects cannot be read");
                return None;
            }
        };
        serde_json::from_slice(&bytes).ok()
    }

    /// Stores the configuration that a release brought along.
    pub(crate) fn put_config(
        &self,
        environment: &str,
        release: &str,
        config: &Config,
    ) -> Result<(), ShelfError> {
        let path = self.path(environment, release).with_extension("config");
        let bytes = serde_json::to_vec(config).unwrap_or_default();
        replace(&path, &bytes).map_err(|source| ShelfError::File { path, source })
    }

    /// The configuration that a release brought along, if it was ever planned there.
    pub(crate) fn config(&self, environment: &str, release: &str) -> Option<Config> {
        let bytes = fs::read(self.path(environment, release).with_extension("config")).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Stores the health scripts that a release brought along; equal ones are stored once.
    pub(crate) async fn put_scripts(
        &self,
        ledger: &Ledger,
        environment: &str,
        release: &str,
        scripts: &Scripts,
    ) -> Result<(), ShelfError> {
        let path = self.path(environment, release).with_extension("scripts");
        if scripts.is_empty() {
            let _ = fs::remove_file(&path);
            return Ok(());
        }
        let digest = ledger
            .put(&serde_json::to_vec(scripts).unwrap_or_default())
            .await?;
        replace(&path, digest.as_bytes()).map_err(|source| ShelfError::File { path, source })
    }

    /// The health scripts that a release brought along; none where it brought none.
    pub(crate) async fn scripts(&self, ledger: &Ledger, environment: &str, release: &str) -> Scripts {
        let path = self.path(environment, release).with_extension("scripts");
        let Ok(digest) = fs::read_to_string(path) else {
            return Scripts::default();
        };
        match ledger.get(&digest).await {
            Ok(bytes) => bytes
                .and_then(|it| serde_json::from_slice(&it).ok())
                .unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, environment, release, "stored health scripts cannot be read");
                Scripts::default()
            }
        }
    }

    fn path(&self, environment: &str, release: &str) -> PathBuf {
        self.folder.join(environment).join(release)
    }
}

/// Write, fsync, rename: after a crash the file is the old or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    let next = path.with_extension("next");
    let mut file = File::create(&next)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&next, path)?;
    File::open(folder)?.sync_all()
}
