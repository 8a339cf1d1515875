//! The engine's handle as the server asks for it.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;
use windlass_core::machine::Ask;
use windlass_core::machine::event::Color;
use windlass_core::view::View;
use windlass_engine::controller;
use windlass_server::{Command, Handle, Refusal};

/// A running controller, for the server.
#[derive(Clone)]
pub(super) struct Wired(pub(super) controller::Handle);

impl Handle for Wired {
    fn view(&self) -> Arc<View> {
        self.0.view()
    }

    async fn submit(&self, command: Command) -> Result<u64, Refusal> {
        let ask = Ask {
            environment: command.environment,
            actor: command.actor,
            comment: command.comment,
            wish: command.wish,
        };
        self.0.ask(ask).await.map_err(|refusal| Refusal {
            status: refusal.status,
            detail: refusal.detail,
            hint: refusal.hint,
        })
    }

    fn poke(&self) {
        self.0.poke();
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes()
    }

    async fn events(&self, seq: u64, limit: u32) -> Result<Vec<Value>, Refusal> {
        let records = self.0.records(seq, limit).await.map_err(|error| Refusal {
            status: 500,
            detail: error.to_string(),
            hint: "`windlass ledger verify` checks the ledger".to_owned(),
        })?;
        let shown = records.into_iter().map(|record| {
            let event: Value = serde_json::from_str(&record.event).unwrap_or_default();
            json!({ "seq": record.seq, "at_ms": record.at_ms, "event": event, "hash": record.hash.to_string() })
        });
        Ok(shown.collect())
    }

    async fn instances(&self, environment: &str) -> Result<Vec<Value>, Refusal> {
        let found = self
            .0
            .instances(environment)
            .await
            .ok_or_else(|| strange(environment))?;
        Ok(found
            .into_iter()
            .map(|(track, workload)| {
                json!({
                    "track": track.name(), "service": plain(&workload.name, track), "ready": workload.ready,
                    "desired": workload.desired, "restarts": workload.restarts, "message": workload.message,
                    "instances": workload.instances,
                })
            })
            .collect())
    }

    async fn logs(&self, environment: &str, service: &str, lines: usize) -> Result<Vec<String>, Refusal> {
        let found = self
            .0
            .logs(environment, service, lines)
            .await
            .ok_or_else(|| strange(environment))?;
        Ok(found
            .into_iter()
            .map(|line| format!("{}  {}", line.instance, line.text))
            .collect())
    }
}

fn strange(environment: &str) -> Refusal {
    Refusal {
        status: 404,
        detail: format!("there is no environment {environment:?}"),
        hint: "`windlass status` lists the environments".to_owned(),
    }
}

/// The name in the chart of a workload on a track.
fn plain(name: &str, track: Color) -> &str {
    name.strip_suffix(track.name())
        .and_then(|rest| rest.strip_suffix('-'))
        .unwrap_or(name)
}
