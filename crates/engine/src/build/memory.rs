//! What was built from what: the digest of an image by the digest of all that it was made from.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::BuildError;
use super::snapshot::Snapshot;

/// Images that are remembered; the ones used longest ago are forgotten.
const IMAGES_MAX: usize = 2_000;

/// The memory, as a file of the cache.
#[derive(Debug)]
pub(super) struct Memory {
    path: PathBuf,
    known: Vec<Known>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    /// Digest of the sources that are known before a build.
    key: String,
    /// Files outside of them that the compiler has read, and their digest.
    also: Vec<String>,
    also_digest: String,
    /// The image.
    image: String,
}

impl Memory {
    pub(super) fn open(path: &Path) -> Self {
        let known = fs::read(path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        Self {
            path: path.to_owned(),
            known,
        }
    }

    /// The image that was made from the same.
    pub(super) fn find(&self, key: &str, files: &Snapshot) -> Option<&str> {
        self.known
            .iter()
            .rev()
            .find(|known| known.key == key && also_digest(files, &known.also) == known.also_digest)
            .map(|known| known.image.as_str())
    }

    pub(super) fn keep(&mut self, key: &str, files: &Snapshot, also: Vec<String>, image: String) {
        let also_digest = also_digest(files, &also);
        self.known
            .retain(|known| known.key != key || known.also_digest != also_digest);
        self.known.push(Known {
            key: key.to_owned(),
            also,
            also_digest,
            image,
        });
        let surplus = self.known.len().saturating_sub(IMAGES_MAX);
        self.known.drain(..surplus);
    }

    pub(super) fn save(&self) -> Result<(), BuildError> {
        let bytes = serde_json::to_vec(&self.known).unwrap_or_default();
        let new = self.path.with_extension("new");
        fs::write(&new, bytes)
            .and_then(|()| fs::rename(&new, &self.path))
            .map_err(BuildError::file("write", &self.path))
    }
}

fn also_digest(files: &Snapshot, also: &[String]) -> String {
    files.digest(|path| also.iter().any(|other| other == path))
}

/// The files of the checkout that the compiler has read for a program, from the `.d` file beside it, less those for which
/// `known` holds.
pub(super) fn also_read(dep_info: &str, root: &Path, known: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = BTreeSet::new();
    for line in dep_info.lines() {
        let Some((_, files)) = line.split_once(": ") else {
            continue;
        };
        // A space within a name is written `\ `.
        for file in files.replace("\\ ", "\u{0}").split(' ') {
            let file = file.replace('\u{0}', " ");
            let file = plain(Path::new(&file));
            let Ok(relative) = file.strip_prefix(root) else {
                continue;
            };
            let relative = relative.to_string_lossy().into_owned();
            if !known(&relative) {
                found.insert(relative);
            }
        }
    }
    found.into_iter().collect()
}

/// A path without `..` and `.`, which `include_str!` leaves in.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => plain.push(part),
        }
    }
    plain
}
