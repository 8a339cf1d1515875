//! The Kubernetes driver: an environment's objects in one namespace of a cluster, watched, applied and pruned.
//!
//! What is decided is decided by pure code on what watches told; only what differs is sent. It does not know what a rollout
//! is, and decides no switch.

mod answer;
mod apply;
mod catalog;
mod checkup;
mod claimant;
mod cluster;
mod decide;
mod difference;
mod endpoints;
mod error;
mod fields;
mod former;
mod intent;
mod job;
mod known;
mod lease;
mod objects;
mod owner;
mod place;
mod pod;
mod prune;
mod remove;
mod resource;
mod retry;
mod store;
mod watch;
mod window;

pub use checkup::Finding;
pub use claimant::Kind as ManagerKind;
pub use cluster::{Cluster, Target};
pub use decide::Override;
pub use error::KubeError;
pub use job::JobOutcome;
pub use lease::{Fence, Lease};
pub use objects::{Address, Applying, Cascade, Refusal};
pub use owner::Owner;
pub use place::{Applied, Judged, Place, Track, Way, Workload};
pub use store::{Judge, Verdict};
