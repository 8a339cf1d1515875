//! `windlass reject`: refuses the plan that waits.

use anyhow::Result;
use clap::Args;
use windlass_core::machine::event::Wish;

use super::approve::waiting;
use super::wish::{Signed, ask, find};
use super::{Outcome, Shared};

/// Refuse a plan.
#[derive(Debug, Args)]
pub(super) struct Reject {
    /// The environment
    environment: String,
    /// Beginning of the digest of the plan that you read; without it, the plan that waits now
    #[arg(long, value_name = "DIGEST")]
    plan: Option<String>,
    #[command(flatten)]
    signed: Signed,
}

impl Reject {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let view = shared.client()?.view()?;
        let plan = waiting(find(&view, &self.environment)?, self.plan.as_deref())?
            .digest
            .clone();
        ask(shared, &self.environment, &self.signed, Wish::Reject { plan })
    }
}
