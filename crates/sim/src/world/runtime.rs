//! Simulated instances of one environment.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Releases whose migration has run.
    pub(super) migrated: BTreeSet<String>,
}

/// The instances of a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instances {
    pub(super) release: String,
    pub(super) ready: u32,
    /// Whether all were ready at once since it was started.
    pub(super) proven: bool,
    /// Until when their probes fail; they come back by themselves.
    pub(super) flaps_until_ms: Option<i64>,
    /// How many of them were ready when the controller looked last.
    pub(super) seen: Option<u32>,
}

impl Runtime {
    pub(super) fn new(in_place: bool) -> Self {
        Self {
            in_place,
            tracks: BTreeMap::new(),
            newest: 0,
            migrated: BTreeSet::new(),
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
                flaps_until_ms: None,
                seen: Some(0),
            };
            self.tracks.insert(track, instances);
        }
    }

    /// All instances of a track become ready.
    pub(super) fn become_ready(&mut self, track: Color) {
        if let Some(instances) = self.tracks.get_mut(&track) {
            instances.ready = INSTANCES;
            instances.proven = true;
            instances.flaps_until_ms = None;
        }
    }

    /// Probes that failed for a while succeed again.
    pub(super) fn pass(&mut self, tick_ms: i64) {
        for instances in self.tracks.values_mut() {
            if instances
                .flaps_until_ms
                .is_some_and(|until_ms| until_ms <= tick_ms)
            {
                instances.flaps_until_ms = None;
                instances.ready = INSTANCES;
            }
        }
    }

    /// The release on each track.
    pub(crate) fn releases(&self) -> BTreeMap<Color, String> {
        let tracks = self.tracks.iter();
        tracks.map(|(track, one)| (*track, one.release.clone())).collect()
    }

    /// Whether one track is all that there is.
    pub(crate) fn is_in_place(&self) -> bool {
        self.in_place
    }

    /// Instances of a track that can answer, of one that was ready once.
    pub(crate) fn answering(&self, track: Color) -> u32 {
        self.tracks
            .get(&track)
            .map_or(0, |one| if one.proven { one.ready } else { 0 })
    }

    pub(super) fn stop(&mut self, track: Color, release: &str) {
        self.tracks
            .retain(|color, one| *color != track || one.release != release);
    }

    pub(super) fn ready(&self, track: Color) -> u32 {
        self.tracks.get(&track).map_or(0, |one| one.ready)
    }
}
