//! `windlass hold`: keeps a release out of an environment, or lets it in again.

use anyhow::Result;
use clap::Args;
use windlass_core::machine::event::Wish;

use super::wish::{Signed, ask};
use super::{Outcome, Shared};

/// Keep a release out.
#[derive(Debug, Args)]
pub(super) struct Hold {
    /// The environment
    environment: String,
    /// The release, as `windlass releases` names it
    release: String,
    /// Let it in again
    #[arg(long)]
    clear: bool,
    #[command(flatten)]
    signed: Signed,
}

impl Hold {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let release = self.release.clone();
        let wish = if self.clear {
            Wish::ClearHold { release }
        } else {
            Wish::Hold { release }
        };
        ask(shared, &self.environment, &self.signed, wish)
    }
}
