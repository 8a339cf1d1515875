//! Worlds that are broken on purpose: a checker that never fails proves nothing.

use super::World;

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// A controller that is started again does not send what its outbox holds.
    Forgetful,
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
