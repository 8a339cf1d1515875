//! Health scripts that users bring, as Argo CD takes them: Lua 5.1 with `goto`, a global `obj`, and a table with `status` and
//! `message` as the answer. A script is the business of whoever wrote it and the danger of everybody else: it reaches no file,
//! no program and no network, and its memory and time have limits.
//!
//! Which script judges which kind is `windlass_core::health::Scripts`; what comes of an answer is not known here.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "Lua has many kinds of values and errors, and each place cares for a few"
)]

mod convert;
mod judge;
mod run;
mod sandbox;
#[cfg(test)]
mod tests;
mod time;

pub use judge::Judge;
pub use run::{Said, ScriptError, check, run};
