//! What can go wrong with images.

use std::io;
use std::path::{Path, PathBuf};

/// An image could not be made, stored, found or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// A file or folder could not be read or written.
    #[error("cannot {doing} {}: {source}\nhint: {}", .path.display(), hint_of(.source))]
    File {
        /// For example `write`.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// No image has this name or digest.
    #[error("image {name} is not in {}\nhint: `windlass image build` makes it, or pull it from its registry first", .layout.display())]
    Missing {
        /// Name or digest.
        name: String,
        /// The layout that was searched.
        layout: PathBuf,
    },
    /// A blob is not what its digest says.
    #[error("blob {digest} in {} is damaged: {reason}\nhint: remove the file and build or pull the image again", .path.display())]
    Damaged {
        /// The digest it should have.
        digest: String,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The content of a layer would leave its folder, or is more than the limits allow.
    #[error(
        "the image cannot be unpacked: {entry:?} {reason}\nhint: rebuild the image; its layers are not safe to unpack"
    )]
    Unsafe {
        /// Path in the layer.
        entry: String,
        /// What is wrong.
        reason: String,
    },
    /// The program is for another machine.
    #[error(
        "{program} is built for {found}, this machine is {native}\nhint: build it with `--target {target}`"
    )]
    Foreign {
        /// The file.
        program: String,
        /// What it is for.
        found: String,
        /// What runs here.
        native: &'static str,
        /// A target triple that runs here.
        target: &'static str,
    },
    /// The program is not static.
    #[error(
        "{program} needs the loader and libraries of this machine, which its image does not have\nhint: build it with `-C target-feature=+crt-static`, for example as `rustflags` in .cargo/config.toml"
    )]
    Dynamic {
        /// The file.
        program: String,
    },
    /// The file is no Linux program at all.
    #[error("{program} is not a Linux program: {reason}\nhint: name the binary that `cargo build` made")]
    NotProgram {
        /// The file.
        program: String,
        /// What is wrong.
        reason: String,
    },
    /// The text is no name of an image.
    #[error(
        "{name:?} is no name of an image: {reason}\nhint: for example `ghcr.io/company/cart:v1.2.3` or `cart@sha256:...`"
    )]
    Name {
        /// The text.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A registry does not do what it is asked for.
    #[error(
        "the registry {registry} fails: {what}: {reason}\nhint: check the name, the network and what the account may do"
    )]
    Registry {
        /// Host and port.
        registry: String,
        /// What was asked for.
        what: String,
        /// Its words, or the network's.
        reason: String,
        /// Its answer's status, where it was the answer that refused.
        status: Option<Status>,
    },
    /// A registry does not let us in.
    #[error(
        "the registry {registry} does not let us in: {reason}\nhint: `docker login {registry}` stores credentials in ~/.docker/config.json, where they are looked for"
    )]
    Login {
        /// Host and port.
        registry: String,
        /// Why.
        reason: String,
    },
    /// Something in the layout or in an answer is not as the specification says.
    #[error("{what} cannot be read: {reason}\nhint: it is not what the OCI image specification describes")]
    Format {
        /// What was read.
        what: String,
        /// What is wrong.
        reason: String,
    },
}

/// The status of an answer over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// For example 404.
    pub code: u16,
    /// For example `Not Found`; empty where the code has no name.
    pub name: &'static str,
}

impl OciError {
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }

    pub(crate) fn format(what: impl Into<String>, reason: &(impl ToString + ?Sized)) -> Self {
        Self::Format {
            what: what.into(),
            reason: reason.to_string(),
        }
    }
}

fn hint_of(error: &io::Error) -> &'static str {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the kinds of errors are an open set of the standard library"
    )]
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full; free some space and try again"
        }
        io::ErrorKind::PermissionDenied => "this user may not do that there",
        io::ErrorKind::NotFound => "check the path",
        _ => "look at the disk and its permissions",
    }
}
