//! The machine that decides what happens to releases: events in, new state and actions out. It reads no clock and does
//! nothing itself.

pub mod action;
pub mod analysis;
pub mod event;
pub mod release;
