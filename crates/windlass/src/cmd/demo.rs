//! `windlass demo`: a whole platform released, broken and taken back while customers shop. Everything happens in a folder
//! of its own; outcomes are read from the controller, never assumed.

mod act;
mod finish;
mod load;
mod proof;
mod report;
mod repository;
mod script;
mod stage;
mod witness;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use self::report::Report;
use self::stage::{Kept, Stage};
use super::{Outcome, Shared};
use crate::place::Place;

/// See it all work.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// End after the report; without it everything keeps running until Ctrl-C
    #[arg(long)]
    exit: bool,
    /// Requests a second that customers send
    #[arg(long, default_value_t = 170, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    rate: u32,
    /// The checkout whose files are released
    #[arg(long, value_name = "FOLDER", env = "WINDLASS_CHECKOUT", hide_env = true)]
    checkout: Option<PathBuf>,
}

impl Demo {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let checkout = match &self.checkout {
            Some(folder) => folder.clone(),
            None => Place::find(shared.config.as_deref(), None)?.root,
        };
        let mut stage = Stage::open(shared.say(), &checkout, shared.state.as_deref(), self.rate)?;
        let report = match play(&mut stage) {
            Ok(report) => report,
            Err(error) => {
                stage.close(Kept::Always)?;
                return Err(error);
            }
        };
        let say = shared.say();
        say.document(&report);
        report.show(say);
        if !self.exit {
            stage.keep();
        }
        let good = report.differences.is_empty();
        stage.close(if good { Kept::IfNamed } else { Kept::Always })?;
        say.next("windlass up, in a repository with a windlass.yaml");
        Ok(if good { Outcome::Done } else { Outcome::Failed })
    }
}

fn play(stage: &mut Stage) -> Result<Report> {
    let (mut played, mut by_hand, mut trouble) = (Vec::new(), None, Vec::new());
    for (number, act) in script::ACTS.iter().enumerate() {
        match act::play(stage, number + 1, act) {
            Ok(one) => played.push(one),
            Err(error) => {
                trouble.push(format!("{}: {error:#}", act.name));
                break;
            }
        }
    }
    if trouble.is_empty() {
        match act::roll_back_by_hand(stage, &played) {
            Ok(one) => by_hand = Some(one),
            Err(error) => trouble.push(format!("rollback by hand: {error:#}")),
        }
    }
    for one in &trouble {
        stage.tell(one.clone());
    }
    finish::finish(stage, played, by_hand, trouble)
}
