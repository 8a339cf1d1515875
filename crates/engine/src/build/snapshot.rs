//! The files of a commit or of a folder: names, modes and git's ids of their contents. Equal ids are equal contents,
//! whether or not they were committed.

mod stamp;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};

use super::BuildError;
use crate::source::{Entry, Mode, Tree};

/// Files of one folder.
const FILES_MAX: usize = 100_000;
/// Bytes of one file; larger ones are left out of the folder's digest, as they are out of commits.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Folders within folders.
const DEPTH_MAX: usize = 64;
/// Folders that hold what is made from the sources.
const MADE: [&str; 4] = [".git", "target", "node_modules", ".windlass"];
/// Digits of a commit's id.
const COMMIT_DIGITS: usize = 40;

/// Names and contents.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    files: BTreeMap<String, Entry>,
}

impl Snapshot {
    pub(super) fn of_tree(tree: &Tree<'_>) -> Self {
        Self {
            files: tree.entries().clone(),
        }
    }

    /// The files below `root`: those that git tracks or would add, or all but what is made where git does not answer.
    pub(super) fn of_folder(root: &Path) -> Result<Self, BuildError> {
        let names = if let Some(names) = listed_by_git(root) {
            names
        } else {
            let mut names = Vec::new();
            walk(root, "", 0, &mut names)?;
            names
        };
        let mut files = BTreeMap::new();
        for name in names.into_iter().take(FILES_MAX) {
            if let Some(entry) = entry(&root.join(&name))? {
                files.insert(name, entry);
            }
        }
        Ok(Self { files })
    }

    pub(super) fn files(&self) -> &BTreeMap<String, Entry> {
        &self.files
    }

    /// Equal for equal names, modes and contents of the files that `belongs` picks.
    pub(super) fn digest(&self, belongs: impl Fn(&str) -> bool) -> String {
        let mut sum = Sha256::new();
        for (path, entry) in self.files.iter().filter(|(path, _)| belongs(path)) {
            sum.update(path.as_bytes());
            sum.update([0, entry.mode as u8]);
            sum.update(entry.oid.as_bytes());
        }
        hex::encode(sum.finalize())
    }

    /// What stands for the id of a commit.
    pub(super) fn commit(&self) -> String {
        let mut digits = self.digest(|_| true);
        digits.truncate(COMMIT_DIGITS);
        digits
    }
}

fn entry(path: &Path) -> Result<Option<Entry>, BuildError> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        // Deleted and not committed yet.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(BuildError::file("read", path)(e)),
    };
    let stamp = stamp::Stamp::of(&meta);
    if let Some(entry) = stamp::known(path, &stamp) {
        return Ok(Some(entry));
    }
    let entry = read(path, &meta)?;
    if let Some(entry) = &entry {
        stamp::keep(path, stamp, entry);
    }
    Ok(entry)
}

fn read(path: &Path, meta: &fs::Metadata) -> Result<Option<Entry>, BuildError> {
    let (mode, bytes) = if meta.is_symlink() {
        let to = fs::read_link(path).map_err(BuildError::file("read", path))?;
        (Mode::Link, to.as_os_str().as_bytes().to_vec())
    } else if meta.is_file() && meta.len() <= FILE_BYTES_MAX {
        let runs = meta.permissions().mode() & 0o111 != 0;
        let mode = if runs { Mode::Executable } else { Mode::File };
        (mode, fs::read(path).map_err(BuildError::file("read", path))?)
    } else {
        return Ok(None);
    };
    let oid = gix::objs::compute_hash(gix::hash::Kind::Sha1, gix::objs::Kind::Blob, &bytes)
        .map_err(|e| BuildError::file("name the content of", path)(std::io::Error::other(e.to_string())))?;
    Ok(Some(Entry { mode, oid }))
}

/// `None` where there is no git or no repository.
fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .args([
            "-c",
            "safe.directory=*",
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .current_dir(root)
        .env_remove("GIT_DIR")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let names = String::from_utf8_lossy(&output.stdout);
    Some(
        names
            .split('\0')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

fn walk(folder: &Path, prefix: &str, depth: usize, names: &mut Vec<String>) -> Result<(), BuildError> {
    for found in fs::read_dir(folder).map_err(BuildError::file("read", folder))? {
        let found = found.map_err(BuildError::file("read", folder))?;
        let name = found.file_name().to_string_lossy().into_owned();
        let kind = found
            .file_type()
            .map_err(BuildError::file("read", &found.path()))?;
        if !kind.is_dir() {
            names.push(format!("{prefix}{name}"));
        } else if depth < DEPTH_MAX && !MADE.contains(&name.as_str()) {
            walk(&found.path(), &format!("{prefix}{name}/"), depth + 1, names)?;
        }
        if names.len() > FILES_MAX {
            break;
        }
    }
    Ok(())
}
