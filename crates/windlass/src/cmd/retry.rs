//! `windlass retry`: tries again what failed.

use anyhow::Result;
use clap::Args;
use windlass_core::machine::event::Wish;

use super::wish::{Signed, ask};
use super::{Outcome, Shared};

/// Try again.
#[derive(Debug, Args)]
pub(super) struct Retry {
    /// The environment
    environment: String,
    #[command(flatten)]
    signed: Signed,
}

impl Retry {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        ask(shared, &self.environment, &self.signed, Wish::Retry)
    }
}
