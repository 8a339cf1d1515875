//! `windlass promote`: goes on now, or brings a release to an environment.

use anyhow::Result;
use clap::Args;
use windlass_core::machine::event::Wish;

use super::wish::{Signed, ask};
use super::{Outcome, Shared};

/// Go on, or bring a release.
#[derive(Debug, Args)]
pub(super) struct Promote {
    /// The environment
    environment: String,
    /// The release; without it, the rollout in progress goes on to its next step
    release: Option<String>,
    #[command(flatten)]
    signed: Signed,
}

impl Promote {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let wish = Wish::Promote {
            release: self.release.clone(),
        };
        ask(shared, &self.environment, &self.signed, wish)
    }
}
