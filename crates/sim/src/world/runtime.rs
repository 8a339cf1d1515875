//! Simulated instances of one environment.

use std::collections::BTreeMap;

use windlass_core::machine::event::Color;

/// Instances that a track should have.
pub(super) const INSTANCES: u32 = 3;

/// The tracks of one environment.
#[derive(Debug)]
pub struct Runtime {
    pub(super) in_place: bool,
    pub(super) tracks: BTreeMap<Color, Instances>,
    /// Turn of the newest action that was carried out; an older one comes too late.
    newest: u64,
}

/// The instances of a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instances {
    pub(super) release: String,
    pub(super) ready: u32,
    /// Whether all were ready at once since it was started.
    pub(super) proven: bool,
}

impl Runtime {
    pub(super) fn new(in_place: bool) -> Self {
        Self {
            in_place,
            tracks: BTreeMap::new(),
            newest: 0,
        }
    }

    /// Whether an action of this turn may still be carried out: not after a newer one.
    pub(super) fn takes(&mut self, turn: u64) -> bool {
        let takes = turn >= self.newest;
        self.newest = self.newest.max(turn);
        takes
    }

    /// Starts a release on a track; what runs there already is left alone.
    pub(super) fn start(&mut self, track: Color, release: &str) {
        let runs = self.tracks.get(&track).is_some_and(|one| one.release == release);
        if !runs {
            let instances = Instances {
                release: release.to_owned(),
                ready: 0,
                proven: false,
            };
            self.tracks.insert(track, instances);
        }
    }

    /// All instances of a track become ready.
    pub(super) fn become_ready(&mut self, track: Color) {
        if let Some(instances) = self.tracks.get_mut(&track) {
            instances.ready = INSTANCES;
            instances.proven = true;
        }
    }

    pub(super) fn stop(&mut self, track: Color, release: &str) {
        self.tracks
            .retain(|color, one| *color != track || one.release != release);
    }

    pub(super) fn ready(&self, track: Color) -> u32 {
        self.tracks.get(&track).map_or(0, |one| one.ready)
    }
}
