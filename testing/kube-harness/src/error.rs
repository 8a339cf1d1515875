//! What can go wrong around a test cluster.

use std::path::PathBuf;

/// Why there is no cluster, or why it did not do what a test asked of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program is not built for these sources.
    #[error(
        "the test cluster's program is not built (it would be {0})\nhint: cargo xtask cluster build (needs Go 1.24 or newer)"
    )]
    NotBuilt(PathBuf),
    /// There is no Go to build it with.
    #[error(
        "there is no Go to build the test cluster with\nhint: install Go 1.24 or newer, or name it in WINDLASS_GO"
    )]
    NoGo,
    /// Go did not build it.
    #[error("the test cluster's program cannot be built: {0}")]
    Build(String),
    /// Something that a real node needs is not installed.
    #[error("{0}\nhint: install it; `./check` as root does")]
    Missing(String),
    /// This machine, or its user, may not have a real node.
    #[error("{0}")]
    Refusing(String),
    /// The cluster has no node that could run an image.
    #[error("the nodes of this cluster only pretend and take no images\nhint: start it with a real node")]
    Pretended,
    /// An image was not taken.
    #[error("containerd does not take the image {name}: {cause}")]
    Image {
        /// The name that it was to have.
        name: String,
        /// Why not.
        cause: String,
    },
    /// The program ended before it was ready.
    #[error("the test cluster does not start: {cause}\nhint: its logs are in {logs}")]
    Start {
        /// What it said last.
        cause: String,
        /// Where its components wrote.
        logs: PathBuf,
    },
    /// The API server could not be asked.
    #[error("{method} {path}: {cause}")]
    Request {
        /// The method.
        method: String,
        /// The path.
        path: String,
        /// Why not.
        cause: String,
    },
    /// The API server answered, but not with success.
    #[error("{method} {path}: {status}: {message}")]
    Refused {
        /// The method.
        method: String,
        /// The path.
        path: String,
        /// The HTTP status.
        status: u16,
        /// What the API server says.
        message: String,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {seconds} s; last seen: {last}")]
    Late {
        /// What was waited for.
        what: String,
        /// For how long.
        seconds: u64,
        /// The object as it was last seen.
        last: String,
    },
    /// A file could not be read or written, or a process not be started.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
