//! `windlass attest`: vouches for an item of the checklist.

use anyhow::Result;
use clap::Args;
use windlass_core::machine::event::Wish;

use super::wish::{Signed, ask};
use super::{Outcome, Shared};

/// Vouch for an item.
#[derive(Debug, Args)]
pub(super) struct Attest {
    /// The environment
    environment: String,
    /// The item's identifier, as `windlass why` shows it
    item: String,
    #[command(flatten)]
    signed: Signed,
}

impl Attest {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let wish = Wish::Attest {
            item: self.item.clone(),
        };
        ask(shared, &self.environment, &self.signed, wish)
    }
}
