//! Everything that can happen. An event is a fact or a person's wish; nothing else changes the state.

use serde::{Deserialize, Serialize};

use super::analysis::Sample;
use super::release::{Plan, Release};
use crate::config::Environment;

/// One of the two copies of an environment's colourable objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Color {
    /// The one that a first release takes.
    Blue,
    /// The other.
    Green,
}

impl Color {
    /// The one beside it.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Blue => Self::Green,
            Self::Green => Self::Blue,
        }
    }

    /// `blue` or `green`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// windlass.yaml was read.
    Configured {
        /// Its environments, in the order of promotion.
        environments: Vec<Environment>,
    },
    /// A branch (or the working tree) is at a commit.
    SnapshotSeen {
        /// The branch; empty for the working tree.
        branch: String,
        /// The commit, or a digest of the working tree.
        commit: String,
        /// First line of its message.
        subject: String,
        /// Who wrote it.
        author: String,
        /// Commits of known releases and of builds in progress that it contains, itself included.
        contains: Vec<String>,
        /// Whether the branch was rewritten: it no longer contains what it was at before.
        rewritten: bool,
    },
    /// Images of a commit exist.
    ReleaseBuilt {
        /// What was built.
        release: Release,
    },
    /// They do not.
    BuildFailed {
        /// Of which commit.
        commit: String,
        /// Why.
        reason: String,
    },
    /// A plan for a rollout is made.
    Prepared {
        /// Where.
        environment: String,
        /// For which rollout.
        rollout: u64,
        /// The turn of the action that asked for it.
        turn: u64,
        /// The plan.
        plan: Plan,
        /// What the release's own windlass.yaml says about the environment; `None`: what is in force.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settings: Option<Box<Environment>>,
    },
    /// A step of a rollout is done.
    Done {
        /// Where.
        environment: String,
        /// Of which rollout.
        rollout: u64,
        /// The turn of the action that asked for it.
        turn: u64,
        /// Which step.
        step: Step,
        /// How long it took, in milliseconds: what the report shows of switches and rollbacks.
        took_ms: u64,
    },
    /// A step of a rollout failed.
    Failed {
        /// Where.
        environment: String,
        /// Of which rollout.
        rollout: u64,
        /// The turn of the action that asked for it.
        turn: u64,
        /// Which step.
        step: Step,
        /// Why, with the thing and the cause.
        reason: String,
    },
    /// Instances of a track were looked at.
    Observed {
        /// Where.
        environment: String,
        /// Which track.
        track: Color,
        /// Instances that are ready.
        ready: u32,
        /// Instances that should be.
        desired: u32,
        /// What keeps the others from it; empty when nothing does.
        trouble: String,
    },
    /// Traffic was measured.
    Measured {
        /// Where.
        environment: String,
        /// For which rollout.
        rollout: u64,
        /// Totals so far of the new track and of the old one.
        new: Sample,
        /// As of the switch when the old track has no traffic any more.
        old: Sample,
        /// Milliseconds since the epoch: the time that was asked for, which tells it from a late one. `None` in ledgers of
        /// before there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_ms: Option<i64>,
    },
    /// The time that a rollout waits for has come.
    TimeCame {
        /// Where.
        environment: String,
        /// For which rollout.
        rollout: u64,
        /// Milliseconds since the epoch: the time that was asked for.
        at_ms: i64,
    },
    /// People were told.
    Notified {
        /// Where.
        environment: String,
        /// About which rollout.
        rollout: u64,
        /// Who answered what: `https://chat.example 200`. Empty where nobody is configured.
        receipt: String,
    },
    /// A revert was proposed of a commit whose release is kept out, or could not be.
    RevertProposed {
        /// Where the release is kept out.
        environment: String,
        /// The commit.
        commit: String,
        /// Where the revert is, or why there is none.
        revert: String,
    },
    /// A person wants something.
    Asked {
        /// Where.
        environment: String,
        /// Who.
        actor: String,
        /// Why.
        comment: String,
        /// What.
        wish: Wish,
    },
}

/// A step of a rollout that the engine carries out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Render, judge, observe, plan.
    Prepare,
    /// Stop the old release first.
    StopOld,
    /// Run migrations.
    Migrate,
    /// Start the new track's instances.
    Start,
    /// All of them are ready.
    Ready,
    /// Send requests through the preview.
    Verify,
    /// Move customers.
    Switch,
    /// Move customers back.
    Return,
    /// Stop the track that is no longer used.
    Clean,
}

impl Step {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::StopOld => "stop the old release",
            Self::Migrate => "migrate",
            Self::Start => "start",
            Self::Ready => "become ready",
            Self::Verify => "verify",
            Self::Switch => "switch",
            Self::Return => "switch back",
            Self::Clean => "clean up",
        }
    }
}

/// What a person can want.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "wish", rename_all = "snake_case")]
pub enum Wish {
    /// Allow a plan.
    Approve {
        /// Its digest.
        plan: String,
        /// In an emergency, past the gates that allow it.
        break_glass: bool,
    },
    /// Refuse a plan.
    Reject {
        /// Its digest.
        plan: String,
    },
    /// Go on now, or bring a release here.
    Promote {
        /// `None`: the rollout in progress.
        release: Option<String>,
    },
    /// Back.
    Rollback {
        /// `None`: the release before.
        to: Option<String>,
    },
    /// Keep a release out.
    Hold {
        /// Which.
        release: String,
    },
    /// Let it in again.
    ClearHold {
        /// Which.
        release: String,
    },
    /// Wait.
    Pause,
    /// Go on.
    Resume,
    /// Give the rollout up.
    Abort,
    /// Try again what failed.
    Retry,
    /// Vouch for an item of the checklist, for the rollout in progress or else the release that serves.
    Attest {
        /// The item's identifier.
        item: String,
    },
    /// Say how the steps of `ci` in windlass.yaml ended for a commit; it counts in every environment.
    Tested {
        /// The commit, all digits of it.
        commit: String,
        /// Steps that ended well, by name.
        passed: Vec<String>,
        /// Those that did not.
        failed: Vec<String>,
    },
}
