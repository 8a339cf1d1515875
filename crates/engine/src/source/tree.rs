//! The files of one commit: names and object ids at once, bytes when asked for.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{Repository, SourceError};

/// Files in one commit.
const FILES_MAX: usize = 100_000;
/// Bytes of one file.
const FILE_BYTES_MAX: usize = 64 << 20;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// An ordinary file.
    File,
    /// A file that may be run.
    Executable,
    /// A symbolic link; its bytes are its target.
    Link,
}

/// One file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub mode: Mode,
    /// Git's id of its bytes.
    pub oid: gix::ObjectId,
}

/// All files of one commit by their path from the root, with `/`.
pub struct Tree<'r> {
    repository: &'r Repository,
    commit: String,
    entries: BTreeMap<String, Entry>,
}

impl Repository {
    /// The files of a commit. Submodules are left out.
    pub fn tree(&self, commit: &str) -> Result<Tree<'_>, SourceError> {
        let repo = self.inner.to_thread_local();
        let what = || format!("the files of commit {commit}");
        let oid = self.parse(commit)?;
        let tree = repo
            .find_commit(oid)
            .map_err(|e| self.object(what(), e))?
            .tree()
            .map_err(|e| self.object(what(), e))?;
        let files = tree
            .traverse()
            .breadthfirst
            .files()
            .map_err(|e| self.object(what(), e))?;
        if files.len() > FILES_MAX {
            return Err(SourceError::TooLarge {
                path: self.path.clone(),
                commit: commit.to_owned(),
                what: format!("{} entries, at most {FILES_MAX} are read", files.len()),
            });
        }
        let entries = files
            .into_iter()
            .filter_map(|file| {
                let mode = mode_of(file.mode)?;
                Some((file.filepath.to_string(), Entry { mode, oid: file.oid }))
            })
            .collect();
        Ok(Tree {
            repository: self,
            commit: commit.to_owned(),
            entries,
        })
    }
}

impl Tree<'_> {
    /// The repository of the commit.
    pub fn repository(&self) -> &Repository {
        self.repository
    }

    /// Every path with what it is.
    pub fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.entries
    }

    /// The bytes of a file; `None` when the commit has no such file.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(entry) = self.entries.get(path) else {
            return Ok(None);
        };
        let repo = self.repository.inner.to_thread_local();
        let what = || format!("{path} in commit {}", self.commit);
        let size = repo
            .find_header(entry.oid)
            .map_err(|e| self.repository.object(what(), e))?
            .size();
        if size > FILE_BYTES_MAX as u64 {
            return Err(SourceError::TooLarge {
                path: self.repository.path.clone(),
                commit: self.commit.clone(),
                what: format!("{path} has {size} bytes, at most {FILE_BYTES_MAX} are read"),
            });
        }
        let object = repo
            .find_object(entry.oid)
            .map_err(|e| self.repository.object(what(), e))?;
        Ok(Some(object.detach().data))
    }

    /// The files below a folder by their path from that folder.
    pub fn below(&self, folder: &str) -> Result<BTreeMap<String, Vec<u8>>, SourceError> {
        let prefix = format!("{}/", folder.trim_matches('/'));
        let paths = self.entries.keys().filter(|path| path.starts_with(&prefix));
        paths
            .map(|path| {
                let bytes = self.read(path)?.unwrap_or_default();
                Ok((path.get(prefix.len()..).unwrap_or_default().to_owned(), bytes))
            })
            .collect()
    }

    /// A digest (`sha256:<hex>`) of the names, modes and contents of the files that `belongs` picks: equal digests mean
    /// equal files, so that what was made of them need not be made again.
    pub fn digest(&self, belongs: impl Fn(&str) -> bool) -> String {
        let mut hasher = Sha256::new();
        for (path, entry) in self.entries.iter().filter(|(path, _)| belongs(path)) {
            hasher.update(path.as_bytes());
            hasher.update([0, entry.mode as u8]);
            hasher.update(entry.oid.as_bytes());
        }
        format!("sha256:{}", hex::encode(hasher.finalize()))
    }
}

fn mode_of(mode: gix::objs::tree::EntryMode) -> Option<Mode> {
    use gix::objs::tree::EntryKind;
    match mode.kind() {
        EntryKind::Blob => Some(Mode::File),
        EntryKind::BlobExecutable => Some(Mode::Executable),
        EntryKind::Link => Some(Mode::Link),
        EntryKind::Tree | EntryKind::Commit => None,
    }
}
