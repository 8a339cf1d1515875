//! `windlass approve`: allows the plan that waits. An approval names the plan's digest, so it never fits another plan.

use anyhow::{Result, bail};
use clap::Args;
use windlass_core::machine::event::Wish;
use windlass_core::view::{EnvironmentView, PlanView};

use super::wish::{Signed, ask, find};
use super::{Outcome, Shared};

/// Allow a plan.
#[derive(Debug, Args)]
pub(super) struct Approve {
    /// The environment
    environment: String,
    /// Beginning of the digest of the plan that you read; without it, the plan that waits now
    #[arg(long, value_name = "DIGEST")]
    plan: Option<String>,
    /// In an emergency: go past the gates that allow it; recorded as such
    #[arg(long)]
    break_glass: bool,
    #[command(flatten)]
    signed: Signed,
}

impl Approve {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let view = shared.client()?.view()?;
        let environment = find(&view, &self.environment)?;
        let plan = waiting(environment, self.plan.as_deref())?;
        let say = shared.say();
        say.line(format!("plan {}: {} changes", plan.digest, plan.changes.len()));
        let wish = Wish::Approve {
            plan: plan.digest.clone(),
            break_glass: self.break_glass,
        };
        ask(shared, &self.environment, &self.signed, wish)
    }
}

/// The plan that waits in an environment, if it is the one that `read` begins to name.
pub(super) fn waiting<'a>(environment: &'a EnvironmentView, read: Option<&str>) -> Result<&'a PlanView> {
    let name = &environment.name;
    let Some(plan) = environment
        .rollout
        .as_ref()
        .and_then(|rollout| rollout.plan.as_ref())
    else {
        bail!(
            "no plan waits in {name}: {}\nhint: `windlass why {name}` says what happens there",
            environment.summary
        );
    };
    if let Some(read) = read {
        let digest = plan.digest.as_str();
        let bare = digest.split_once(':').map_or(digest, |(_, bare)| bare);
        if read.is_empty() || !(digest.starts_with(read) || bare.starts_with(read)) {
            bail!(
                "the plan that waits in {name} is {digest}, not {read}\nhint: it was made anew; read it with `windlass plan {name}`"
            );
        }
    }
    Ok(plan)
}
