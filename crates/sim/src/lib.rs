//! A simulated world that drives the release machine through faults, and one checker per invariant. Development only.
//!
//! A world is made from a seed and nothing else, so a failure is reproduced by its seed. It knows neither sockets nor
//! threads; its clock, branches, instances, proxy and people are data.

pub mod check;
pub mod explore;
pub mod positions;
pub mod seed;
pub mod world;

use check::Failure;
use world::{Sabotage, World};

/// Runs the world of a seed for so many events, lets the faults end, and waits until it comes to rest.
pub fn run(seed: u64, events: u32) -> Result<Summary, Failure> {
    run_in(seed, events, None)
}

/// The same in a world that is broken.
pub fn run_in(seed: u64, events: u32, sabotage: Option<Sabotage>) -> Result<Summary, Failure> {
    let mut world = World::new(seed).sabotaged(sabotage);
    let mut lives = || {
        for _ in 0..events {
            world.something_happens()?;
        }
        world.comes_to_rest()
    };
    lives().map_err(|failure: Failure| Failure {
        what: format!("{}\n{}", failure.what, world.tail()),
        ..failure
    })?;
    Ok(Summary {
        events: world.events(),
        promoted: world.outcomes("promoted"),
        rolled_back: world.outcomes("rolled-back"),
        refused: world.outcomes("refused"),
        crashes: world.crashes(),
    })
}

/// What a world went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Events in its ledger.
    pub events: usize,
    /// Rollouts that ended well.
    pub promoted: usize,
    /// Rollouts that were led back.
    pub rolled_back: usize,
    /// Rollouts that were refused.
    pub refused: usize,
    /// Deaths of the controller.
    pub crashes: usize,
}
