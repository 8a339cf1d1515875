//! A real Kubernetes control plane for tests: finds, builds, starts and stops the program of `testing/cluster`. It knows
//! nothing of Windlass, and its client is as small as the set-up of a test needs.

mod binary;
mod client;
mod cluster;
mod error;
mod namespace;
mod relay;
mod standing;
mod webhook;

pub use binary::{Binary, build, find};
pub use client::{Client, Reply};
pub use cluster::{Cluster, Component, Report, SentRequest};
pub use error::Error;
pub use namespace::Namespace;
pub use nix::sys::signal::Signal;
pub use relay::{Fault, Relay};
pub use standing::{down, standing, up};
pub use webhook::{Verdict, Webhook};
