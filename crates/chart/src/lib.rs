//! Helm charts, rendered in process: the same bytes as Helm, with limits that make an untrusted chart harmless.
//! Pure: archives and folders arrive as bytes, time and randomness as arguments. It does not know where a chart comes
//! from, nor what becomes of the objects.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a value has a dozen kinds, and most functions care for one or two of them"
)]
#![expect(clippy::float_cmp, reason = "Go compares floats exactly, and so must we")]
#![expect(
    clippy::unnecessary_box_returns,
    reason = "errors are boxed so that results stay small on the hot path"
)]

mod any;
pub mod archive;
pub mod cache;
pub mod capabilities;
mod dependencies;
pub mod error;
mod functions;
mod go;
pub mod ignore;
mod json;
pub mod kustomize;
pub mod limits;
pub mod lint;
pub mod load;
mod lookup;
pub mod manifest;
pub mod metadata;
mod path_match;
pub mod profile;
pub mod release;
pub mod render;
pub mod repository;
mod schema;
mod seed;
mod template;
mod toml;
mod tree;
pub mod value;
pub mod values;
mod version;
mod warnings;
pub mod yaml;

pub use capabilities::Capabilities;
pub use dependencies::{Participant, is_compatible, participants};
pub use error::ChartError;
pub use functions::regexp::matcher;
pub use go::time::rfc3339;
pub use limits::Limits;
pub use load::{Chart, Content, load_from_contents, load_from_files};
pub use lookup::{Lookup, Query};
pub use metadata::{Dependency, Maintainer, Metadata};
pub use path_match::file_path_matches;
pub use profile::Profile;
pub use render::{
    Hook, Manifest, Options, ReleaseInfo, Rendered, ample_memory, crds, expand, expand_set, render,
    render_files, render_with,
};
pub use schema::RemoteSchemas;
pub use seed::Seed;
pub use value::Value;
pub use warnings::Warnings;
