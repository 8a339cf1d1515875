//! `windlass resume`: lets a paused rollout go on.

use anyhow::Result;
use clap::Args;
use windlass_core::machine::event::Wish;

use super::wish::{Signed, ask};
use super::{Outcome, Shared};

/// Go on.
#[derive(Debug, Args)]
pub(super) struct Resume {
    /// The environment
    environment: String,
    #[command(flatten)]
    signed: Signed,
}

impl Resume {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        ask(shared, &self.environment, &self.signed, Wish::Resume)
    }
}
