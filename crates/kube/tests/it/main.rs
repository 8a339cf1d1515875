//! The driver against an API over HTTP: what it sends, what it leaves alone, and how it gets over failures.
#![expect(clippy::unwrap_used, reason = "a test says where it failed")]

mod apply;
mod failures;
mod fields;
mod real;
mod server;
mod track;
