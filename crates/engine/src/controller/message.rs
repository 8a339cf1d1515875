//! What reaches the loop.

use tokio::sync::oneshot;
use windlass_core::machine::event::Event;
use windlass_core::machine::{Ask, Refusal};

/// A message to the loop.
#[derive(Debug)]
pub enum Message {
    /// A fact.
    Happened {
        /// What happened.
        event: Event,
        /// The action (event and place in the ledger) whose outcome it is.
        answers: Option<(u64, u32)>,
    },
    /// Somebody wants something.
    Asked {
        /// Who wants what.
        ask: Ask,
        /// Where the answer goes: the sequence number of the event, or why not.
        reply: oneshot::Sender<Result<u64, Refusal>>,
    },
}
