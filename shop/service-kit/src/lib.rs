//! What every service of the shop shares: configuration, telemetry, health, drain, errors, calls to others, data.
//!
//! It knows nothing of what a service does. A service gives a [`Definition`] and a function that builds its routes
//! ([`Parts`]) from a [`Kit`]; [`run`] does the rest, and [`start`] does the same inside a test, on free ports.

mod answer;
pub mod auth;
mod breaker;
pub mod client;
pub mod clock;
mod command;
mod context;
pub mod demo;
pub mod event;
mod faults;
mod input;
mod kit;
pub mod metrics;
mod middleware;
pub mod migration;
mod money;
mod problem;
mod readiness;
#[cfg(feature = "redis")]
pub mod redis;
mod serve;
mod settings;
pub mod store;
mod telemetry;
mod whole;

pub use answer::{Cached, etag_of};
pub use command::{run, run_with};
pub use context::{READ_AFTER, request_id, request_id_header, within_request};
pub use faults::Faults;
pub use input::{BODY_BYTES_MAX, Json, Query, is_sku, read_body};
pub use kit::{Background, Definition, Environment, Kit, Parts, StartError};
pub use middleware::{PeerAddress, RouteLabel};
pub use money::Money;
pub use problem::Problem;
pub use readiness::SchemaRange;
pub use serve::{CutConnection, Running, start};
pub use settings::{Secret, SettingError, Settings};
pub use whole::whole;
