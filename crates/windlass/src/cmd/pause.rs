//! `windlass pause`: lets a rollout wait where it is.

use anyhow::Result;
use clap::Args;
use windlass_core::machine::event::Wish;

use super::wish::{Signed, ask};
use super::{Outcome, Shared};

/// Let a rollout wait.
#[derive(Debug, Args)]
pub(super) struct Pause {
    /// The environment
    environment: String,
    #[command(flatten)]
    signed: Signed,
}

impl Pause {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        ask(shared, &self.environment, &self.signed, Wish::Pause)
    }
}
