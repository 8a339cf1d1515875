//! Worlds that are broken on purpose: a checker that never fails proves nothing.

use super::World;

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// A controller that is started again does not send what its outbox holds.
    Forgetful,
    /// The runtime carries out what is older than what it has done.
    Belated,
    /// A second controller's event is taken though it missed what the first one wrote.
    Unfenced,
    /// The proxy refuses every way back.
    Stubborn,
    /// What stops a track stops the other environment's as well.
    Sweeping,
    /// What starts a track stops the one beside it.
    Hasty,
    /// What stops a track says so and does not.
    Idle,
    /// Instances become ready, and that is told again and again later.
    Endless,
    /// The last event cannot be read back.
    Torn,
    /// People are refused without a hint.
    Curt,
}

impl World {
    /// Breaks something, from now on.
    pub(crate) fn sabotaged(mut self, sabotage: Option<Sabotage>) -> Self {
        self.sabotage = sabotage;
        self
    }

    pub(super) fn has(&self, sabotage: Sabotage) -> bool {
        self.sabotage == Some(sabotage)
    }
}
