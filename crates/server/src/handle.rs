//! What the server asks of the controller. The engine implements it; tests implement it with data.

use std::future::Future;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

/// A change that a person asks for, already parsed, with who asks.
#[derive(Debug, Clone)]
pub struct Command {
    /// What is asked for, in the API's words: see `POST /api/v1/commands`.
    pub body: Value,
    /// Who asks, for the ledger.
    pub actor: String,
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
    /// The platform as it is now; shape in docs/openapi.json, `View`.
    fn view(&self) -> Arc<Value>;

    /// Appends the command's event. The answer says what was appended and what is waited for next.
    fn submit(&self, command: Command) -> impl Future<Output = Result<Value, Refusal>> + Send;

    /// Ticks with the sequence number of each event, after the view shows it.
    fn changes(&self) -> watch::Receiver<u64>;

    /// Ledger records after `seq`, oldest first, at most `limit`.
    fn events(&self, seq: u64, limit: u32) -> impl Future<Output = Result<Vec<Value>, Refusal>> + Send;

    /// Last `lines` log lines of the instances of a service in an environment.
    fn logs(
        &self,
        environment: &str,
        service: &str,
        lines: usize,
    ) -> impl Future<Output = Result<Vec<String>, Refusal>> + Send;
}
