//! OCI images without a daemon: assembled from static binaries, kept in an OCI image layout, unpacked by digest.
//!
//! It does not build binaries and does not run images.

mod archive;
mod document;
mod elf;
mod error;
mod image;
mod layout;
mod registry;
mod sbom;
mod unpack;

pub use document::{Config, Descriptor, Healthcheck, Image, Index, Manifest, Runtime};
pub use elf::{Architecture, architecture, require_native, require_native_file};
pub use error::{OciError, Status};
pub use image::{Asset, ImageSpec};
pub use layout::{Inspection, Layout, Name};
pub use registry::{Artifact, Credentials, ImageName, Pushed, Registry, download};
pub use sbom::{Component, SBOM_TYPE, cyclonedx};
