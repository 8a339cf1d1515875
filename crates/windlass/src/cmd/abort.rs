//! `windlass abort`: gives the rollout in progress up.

use anyhow::Result;
use clap::Args;
use windlass_core::machine::event::Wish;

use super::wish::{Signed, ask};
use super::{Outcome, Shared};

/// Give a rollout up.
#[derive(Debug, Args)]
pub(super) struct Abort {
    /// The environment
    environment: String,
    #[command(flatten)]
    signed: Signed,
}

impl Abort {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        ask(shared, &self.environment, &self.signed, Wish::Abort)
    }
}
