//! Helm charts, rendered in process: the same bytes as Helm, with limits that make an untrusted chart harmless.
//! Pure: archives and folders arrive as bytes, time and randomness as arguments. It does not know where a chart comes
//! from, nor what becomes of the objects.

pub mod capabilities;
pub mod error;
pub mod limits;
pub mod load;
pub mod profile;
pub mod render;
pub mod value;
pub mod yaml;

pub use capabilities::Capabilities;
pub use error::ChartError;
pub use limits::Limits;
pub use load::{Chart, load_from_files};
pub use profile::Profile;
pub use render::{Hook, Manifest, ReleaseInfo, Rendered, render};
pub use value::Value;
