//! Why a commit cannot be built.

use std::path::PathBuf;

use windlass_oci::OciError;

use crate::source::SourceError;

/// A release could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The repository could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// An image could not be assembled, stored or fetched.
    #[error("the image of {service}: {source}")]
    Image {
        /// The service.
        service: String,
        /// Why.
        source: OciError,
    },
    /// A file could not be read or written.
    #[error("cannot {doing} {}: {source}\nhint: look at the disk and its permissions", .path.display())]
    File {
        /// For example `write`.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Cargo cannot be started.
    #[error("cargo cannot be started: {reason}\nhint: install the Rust toolchain from https://rustup.rs")]
    NoCargo {
        /// The system's reason.
        reason: String,
    },
    /// The sources do not compile.
    #[error("{summary}\n{lines}\nhint: the whole output is in {}", .log.display())]
    Compile {
        /// One sentence.
        summary: String,
        /// The compiler's first error.
        lines: String,
        /// All it said.
        log: PathBuf,
    },
    /// The manifests of the workspace are wrong, or the lock file is not up to date.
    #[error("cargo cannot read the workspace\n{lines}\nhint: `cargo metadata --locked` shows the same error")]
    Manifests {
        /// Cargo's words.
        lines: String,
    },
    /// A package that the configuration names is not in the workspace, or has no program.
    #[error(
        "service {service}: {reason}\nhint: `build: {{ cargo: NAME }}` names a package of the workspace that has a binary"
    )]
    Package {
        /// The service.
        service: String,
        /// What is wrong.
        reason: String,
    },
    /// The thread that built ended too early: a bug of ours.
    #[error("the build broke off: {reason}\nhint: try again; if it happens again, report it with {reason:?}")]
    Broken {
        /// What is known of it.
        reason: String,
    },
    /// Dockerfiles need a daemon.
    #[error(
        "service {service} is built from a Dockerfile, which this machine's builder cannot do\nhint: build it with docker or podman, push it, and name it by `image: NAME@sha256:...`"
    )]
    Dockerfile {
        /// The service.
        service: String,
    },
}

impl BuildError {
    pub(super) fn file(doing: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }

    pub(super) fn image(service: &str) -> impl FnOnce(OciError) -> Self {
        let service = service.to_owned();
        move |source| Self::Image { service, source }
    }
}
