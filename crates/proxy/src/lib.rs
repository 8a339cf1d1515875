//! The data plane: an HTTP proxy, a process of its own, that switches tracks without losing a request.
//!
//! ```text
//! controller -- client::Client -- unix socket --> control --> table (atomic swap, persisted)
//! customers  -- listener --> forward: claim a target of the table, send, count --> instance
//! ```
//!
//! It knows listeners, services, tracks and targets; it does not know releases, Git or Kubernetes. `README.md` beside
//! this crate describes the table and the protocol.

mod admin;
mod answer;
mod body;
mod claim;
pub mod client;
mod connection;
mod control;
mod counters;
mod forward;
mod handover;
mod health;
mod listen;
mod live;
pub mod message;
mod process;
mod proxy;
mod random;
mod socket;
mod store;
pub mod table;
mod upstream;
mod worker;

pub use process::main;
