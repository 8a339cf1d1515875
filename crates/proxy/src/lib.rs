//! The data plane: an HTTP proxy, a process of its own, that switches tracks without losing a request.
//!
//! ```text
//! controller -- client::Client -- unix socket --> control --> table (atomic swap, persisted)
//! customers  -- listener --> forward: claim a target of the table, send, count --> instance
//! ```
//!
//! It knows listeners, services, tracks and targets; it does not know releases, Git or Kubernetes. `README.md` beside
//! this crate describes the table and the protocol.

pub mod client;
pub mod message;
pub mod table;
