//! The simulated proxy of one environment: it leads customers by weights, counts their requests, and refuses a route that
//! is older than the one it has.

use std::collections::BTreeMap;

use windlass_core::machine::analysis::Sample;
use windlass_core::machine::event::Color;

use super::Runtime;
use super::git::{Flaw, Git};

/// Customers' requests per second.
const RATE: u64 = 200;

/// Weights and counters.
#[derive(Debug, Default)]
pub struct Proxy {
    /// Of the route that holds.
    pub generation: u64,
    /// Percent of customers of each track.
    pub weights: BTreeMap<Color, u32>,
    pub(super) totals: BTreeMap<Color, Sample>,
    /// Requests that no ready instance could answer.
    pub lost: u64,
    /// Of these, the ones led to a track where nothing ran that was ever ready: no fault explains them.
    pub misled: u64,
}

impl Proxy {
    /// Takes a route, unless a newer one holds.
    pub(super) fn route(&mut self, generation: u64, weights: &BTreeMap<Color, u32>) -> bool {
        if generation < self.generation {
            return false;
        }
        self.generation = generation;
        self.weights.clone_from(weights);
        true
    }

    /// Customers come for a while.
    pub(super) fn serve(&mut self, passed_ms: i64, runtime: &Runtime, git: &Git) {
        let passed_ms = u64::try_from(passed_ms).unwrap_or_default().min(60_000);
        for (track, share) in &self.weights {
            let requests = RATE * passed_ms * u64::from(*share) / 100_000;
            let instances = runtime.tracks.get(track);
            let flaw = instances.map_or(Flaw::None, |one| git.flaw(&one.release));
            let dead = runtime.ready(*track) == 0;
            let errors = match flaw {
                _ if dead => requests,
                Flaw::Errors => requests / 2,
                Flaw::None | Flaw::Build | Flaw::Finding | Flaw::Migration | Flaw::Unready => 0,
            };
            if dead {
                self.lost += requests;
                if !instances.is_some_and(|one| one.proven) {
                    self.misled += requests;
                }
            }
            let total = self.totals.entry(*track).or_default();
            total.requests += requests;
            total.errors += errors;
        }
    }

    pub(super) fn total(&self, track: Color) -> Sample {
        self.totals.get(&track).cloned().unwrap_or_default()
    }
}
