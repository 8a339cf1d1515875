//! The program as people run it: real processes, killed for real, and what it says when something is wrong.
#![expect(clippy::unwrap_used, reason = "a test says where it failed")]

#[cfg(feature = "kubernetes")]
mod access;
mod application;
mod by_hand;
mod canary;
#[cfg(feature = "kubernetes")]
mod cluster;
#[path = "../../../engine/tests/it/customers.rs"]
mod customers;
#[cfg(feature = "kubernetes")]
mod fault;
#[cfg(feature = "kubernetes")]
mod helm;
mod import;
#[cfg(feature = "kubernetes")]
mod install;
mod kill;
#[cfg(feature = "kubernetes")]
mod lease;
mod place;
#[path = "../../../engine/tests/it/port.rs"]
mod port;
#[cfg(feature = "kubernetes")]
mod real;
mod refusal;
mod remote;
#[cfg(feature = "kubernetes")]
mod staging;
#[cfg(feature = "kubernetes")]
mod tenant;
mod update;
mod verbs;
