//! Which files are as they were when they were last read, so that looking at a folder every second reads nothing twice.

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::source::Entry;

/// Files that are remembered.
const FILES_MAX: usize = 100_000;
/// A file that changed this recently may change again within one tick of its clock, so it is read again.
const SETTLED: Duration = Duration::from_secs(2);

/// What changes when a file changes: any write, rename or change of rights moves the time of its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    changed: (i64, i64),
    place: (u64, u64),
    size: u64,
}

static KNOWN: LazyLock<Mutex<HashMap<PathBuf, (Stamp, Entry)>>> = LazyLock::new(Mutex::default);

impl Stamp {
    pub(super) fn of(meta: &Metadata) -> Self {
        Self {
            changed: (meta.ctime(), meta.ctime_nsec()),
            place: (meta.dev(), meta.ino()),
            size: meta.size(),
        }
    }

    fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let changed = Duration::from_secs(u64::try_from(self.changed.0).unwrap_or_default());
        now.is_ok_and(|now| now.saturating_sub(changed) > SETTLED)
    }
}

pub(super) fn known(path: &Path, stamp: &Stamp) -> Option<Entry> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known
        .get(path)
        .filter(|(old, _)| old == stamp)
        .map(|(_, entry)| entry.clone())
}

/// `stamp` was taken before the file was read: a change in between is seen the next time.
pub(super) fn keep(path: &Path, stamp: Stamp, entry: &Entry) {
    if !stamp.is_settled() {
        return;
    }
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= FILES_MAX {
        known.clear();
    }
    known.insert(path.to_owned(), (stamp, entry.clone()));
}
