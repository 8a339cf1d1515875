//! `windlass logs`: what the instances of a service wrote last.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::Value;

use super::{Outcome, Shared};
use crate::say::Say;

/// What a service wrote.
#[derive(Debug, Args)]
pub(super) struct Logs {
    /// The environment
    environment: String,
    /// The service
    service: String,
    /// So many lines
    #[arg(short = 'n', long, default_value_t = 100)]
    lines: u32,
}

impl Logs {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let (environment, service) = (&self.environment, &self.service);
        let answer = shared.client()?.get(&format!(
            "/api/v1/environments/{environment}/services/{service}/logs?lines={}",
            self.lines
        ))?;
        if answer.status != 200 {
            let text = |key: &str| {
                answer
                    .body
                    .get(key)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            bail!(
                "there is no log of {service} in {environment}: {}\nhint: {}",
                text("detail"),
                text("hint")
            );
        }
        let say = shared.say();
        say.document(&answer.body);
        if !say.is_json() {
            for line in answer
                .body
                .get("lines")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                Say::raw(line.as_str().unwrap_or_default());
            }
        }
        say.next(format!("windlass status {environment}"));
        Ok(Outcome::Done)
    }
}
