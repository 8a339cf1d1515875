//! `windlass resume`: lets a paused rollout go on, or a held release in again.

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
    /// A held release to let in again; without it, the paused rollout goes on
    release: Option<String>,
    #[command(flatten)]
    signed: Signed,
}

impl Resume {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let wish = self
            .release
            .clone()
            .map_or(Wish::Resume, |release| Wish::ClearHold { release });
        ask(shared, &self.environment, &self.signed, wish)
    }
}
