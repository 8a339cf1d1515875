//! A real Kubernetes for tests: finds, builds, starts and stops the program of `testing/cluster`, with nodes that pretend or
//! with a real one. It knows nothing of Windlass, and its client is as small as the set-up of a test needs.

mod binary;
mod client;
mod cluster;
mod error;
mod images;
mod namespace;
mod nodes;
mod relay;
mod standing;
mod webhook;

pub use binary::{Binary, build, find};
pub use client::{Client, Reply};
pub use cluster::{Cluster, Component, Report, SentRequest};
pub use error::Error;
pub use images::{Image, load};
pub use namespace::Namespace;
pub use nix::sys::signal::Signal;
pub use nodes::{Node, Nodes};
pub use relay::{Fault, Relay};
pub use standing::{down, standing, up};
pub use webhook::{Verdict, Webhook};
