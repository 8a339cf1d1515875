//! What the engine is asked to do. Each action is idempotent; its outcome is an event that names the same rollout and turn.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::{Color, Step};

/// Something to do in the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Action {
    /// Make the images of a commit.
    Build {
        /// The commit.
        commit: String,
        /// The branch it was seen on; empty for the working tree.
        branch: String,
    },
    /// Carry out a step of a rollout.
    Carry {
        /// Where.
        environment: String,
        /// Of which rollout.
        rollout: u64,
        /// Which of the rollout's actions this is; its outcome repeats it, so that a late one is told from the right one.
        turn: u64,
        /// The release that is rolled out.
        release: String,
        /// The track that it takes.
        track: Color,
        /// What to do.
        step: Step,
    },
    /// Give each track its share of the customers. Answered by `Done` with `Switch` or `Return`.
    Route {
        /// Where.
        environment: String,
        /// Of which rollout.
        rollout: u64,
        /// As in `Carry`.
        turn: u64,
        /// Grows with each change of traffic; the proxy refuses an older one.
        generation: u64,
        /// Percent of new customers of each track.
        weights: BTreeMap<Color, u32>,
        /// What becomes of connections on a track that gets nothing any more.
        retire: Retire,
        /// `Switch` or `Return`.
        step: Step,
    },
    /// Measure traffic once. Answered by `Measured`.
    Measure {
        /// Where.
        environment: String,
        /// For which rollout.
        rollout: u64,
        /// The track of the new release.
        track: Color,
        /// Not before this time, milliseconds since the epoch.
        at_ms: i64,
    },
    /// Say when a time has come. Answered by `TimeCame`.
    Wake {
        /// Where.
        environment: String,
        /// For which rollout.
        rollout: u64,
        /// Milliseconds since the epoch.
        at_ms: i64,
    },
    /// Tell people. Answered by `Notified`.
    Notify {
        /// Where.
        environment: String,
        /// About which rollout.
        rollout: u64,
        /// What.
        message: String,
    },
    /// Propose the revert of a commit in Git.
    ProposeRevert {
        /// Where it was rolled back.
        environment: String,
        /// The commit.
        commit: String,
        /// The commit of what customers are led back to.
        #[serde(default)]
        back_to: Option<String>,
        /// Why.
        reason: String,
    },
}

/// What becomes of open connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retire {
    /// They end after the request that they carry.
    Polite,
    /// Nothing more is sent to the track from this moment on.
    AtOnce,
}
