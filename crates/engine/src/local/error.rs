//! What can go wrong when objects are run on this machine.

use std::io;
use std::path::{Path, PathBuf};

/// Objects could not be run here.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// A file or folder of the runtime's state.
    #[error("cannot {doing} {}: {source}\nhint: {}", .path.display(), hint(.source))]
    File {
        /// For example `write`.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The image is missing, damaged or for another machine.
    #[error("{workload} cannot start: {source}")]
    Image {
        /// Who needs it.
        workload: String,
        /// Why not.
        source: windlass_oci::OciError,
    },
    /// The manifest asks for what cannot be done here.
    #[error("{object} cannot run on this machine: {reason}\nhint: {hint}")]
    Object {
        /// Kind and name.
        object: String,
        /// What it asks for.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
    /// All ports of the range are taken.
    #[error(
        "no free port between {first} and {last} on 127.0.0.1\nhint: stop other programs, or environments that are not needed: `windlass down`"
    )]
    NoPort {
        /// First of the range.
        first: u16,
        /// Last of the range.
        last: u16,
    },
    /// The helper process could not be started.
    #[error("cannot start {}: {source}\nhint: the windlass program was moved or this machine runs too many processes", .program.display())]
    Start {
        /// The helper.
        program: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl LocalError {
    pub(super) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }
}

fn hint(error: &io::Error) -> &'static str {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the kinds of errors are an open set of the standard library"
    )]
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full; free some space, nothing that runs was touched"
        }
        io::ErrorKind::PermissionDenied => "this user may not do that there; check who owns the state folder",
        _ => "look at the disk and its permissions",
    }
}
