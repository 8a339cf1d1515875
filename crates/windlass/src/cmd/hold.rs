//! `windlass hold`: keeps a release out of an environment.

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
    #[command(flatten)]
    signed: Signed,
}

impl Hold {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let wish = Wish::Hold {
            release: self.release.clone(),
        };
        ask(shared, &self.environment, &self.signed, wish)
    }
}
