//! The view as everybody reads it, and the tick that says that it changed.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;
use windlass_core::view::View;

/// The newest view.
#[derive(Debug)]
pub struct Published {
    view: RwLock<Arc<View>>,
    changes: watch::Sender<u64>,
}

impl Default for Published {
    fn default() -> Self {
        Self {
            view: RwLock::default(),
            changes: watch::Sender::new(0),
        }
    }
}

impl Published {
    /// The newest view.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ticks with the sequence number of each event.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn show(&self, view: View) {
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
    }

    pub(crate) fn tick(&self, seq: u64) {
        self.changes.send_replace(seq);
    }
}
