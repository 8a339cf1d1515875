//! `windlass rollback`: back to the release before, at once; no gate and no freeze is in its way.

use anyhow::Result;
use clap::Args;
use windlass_core::machine::event::Wish;

use super::wish::{Signed, ask};
use super::{Outcome, Shared};

/// Go back.
#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// The environment
    environment: String,
    /// The release to go back to; without it, the one before
    #[arg(long)]
    to: Option<String>,
    #[command(flatten)]
    signed: Signed,
}

impl Rollback {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let wish = Wish::Rollback { to: self.to.clone() };
        ask(shared, &self.environment, &self.signed, wish)
    }
}
