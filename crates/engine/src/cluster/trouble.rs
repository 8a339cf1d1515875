//! What goes wrong on a cluster, told apart by whether it says anything about what was asked.

use std::fmt;

/// Why something could not be done on a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// For people: the thing, the cause and a hint.
    pub reason: String,
    /// Whether the same may succeed later: it says something about the cluster, and nothing about what was asked.
    pub passes: bool,
}

impl From<String> for Trouble {
    fn from(reason: String) -> Self {
        Self {
            reason,
            passes: false,
        }
    }
}

impl From<Trouble> for String {
    fn from(trouble: Trouble) -> Self {
        trouble.reason
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}
