//! What the server asks of the controller. The binary implements it over the engine; tests implement it with data.

use std::future::Future;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;
use windlass_core::machine::event::Wish;
use windlass_core::view::View;

/// A change that a person asks for, and who asks: the body of `POST /api/v1/commands`. The wish is flattened:
/// `{"environment":"production","actor":"ana","comment":"fine","wish":"approve","plan":"sha256:...","break_glass":false}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Where.
    pub environment: String,
    /// Who asks, for the ledger.
    pub actor: String,
    /// Why.
    #[serde(default)]
    pub comment: String,
    /// What.
    #[serde(flatten)]
    pub wish: Wish,
}

/// Why a command was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status that fits: 400 not understood, 404 no such thing, 409 not now, 503 shutting down.
    pub status: u16,
    /// What is wrong with what.
    pub detail: String,
    /// What to do about it.
    pub hint: String,
}

/// The controller as the server sees it.
pub trait Handle: Clone + Send + Sync + 'static {
    /// The platform as it is now.
    fn view(&self) -> Arc<View>;

    /// Appends the command's event. Answers with the event's sequence number once the view shows it.
    fn submit(&self, command: Command) -> impl Future<Output = Result<u64, Refusal>> + Send;

    /// Looks at the sources now rather than when the next look is due: somebody pushed.
    fn poke(&self);

    /// Ticks with the sequence number of each event, after the view shows it.
    fn changes(&self) -> watch::Receiver<u64>;

    /// Ledger records after `seq`, oldest first, at most `limit`: `{"seq","at_ms","event":{...},"hash"}`.
    fn events(&self, seq: u64, limit: u32) -> impl Future<Output = Result<Vec<Value>, Refusal>> + Send;

    /// The workloads of every track of an environment, with their instances; shape in docs/openapi.json, `Workload`.
    fn instances(&self, environment: &str) -> impl Future<Output = Result<Vec<Value>, Refusal>> + Send;

    /// Last `lines` log lines of the instances of a service in an environment.
    fn logs(
        &self,
        environment: &str,
        service: &str,
        lines: usize,
    ) -> impl Future<Output = Result<Vec<String>, Refusal>> + Send;
}
