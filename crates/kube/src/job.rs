//! Runs a Job to its end. A Job is known by name and content: one that ended well is not run again, one that runs is
//! waited for, any other of its name makes room.

use std::time::Duration;

use serde_json::Value;
use windlass_core::health::Status;
use windlass_core::object::Object;

use crate::error::KubeError;
use crate::intent::{Intent, Scaled};
use crate::known::Known;
use crate::place::Place;
use crate::prune::Leaving;

/// Longest run when the manifest names none.
const DEADLINE: Duration = Duration::from_mins(10);
/// For the cluster to notice a deadline of its own.
const SLACK: Duration = Duration::from_secs(30);
/// How long an earlier run may take to go.
const GONE_WITHIN: Duration = Duration::from_secs(90);
/// Lines of its log in the outcome.
const LINES: usize = 40;

/// How a Job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobOutcome {
    /// Whether it ended well.
    pub succeeded: bool,
    /// Why not; empty when it did.
    pub message: String,
    /// The end of its log.
    pub log: Vec<String>,
}

impl Place {
    /// Runs a Job and waits for its end.
    pub async fn run_job(&self, job: &Object) -> Result<JobOutcome, KubeError> {
        let intents = self.intents(&[job], &Scaled::default()).await?;
        let Some(intent) = intents.into_iter().next() else {
            return Ok(outcome(Ok(())));
        };
        if let Some(known) = self.shared.store.known(&intent.reference) {
            if is_done(&known, &intent) {
                return Ok(outcome(Ok(())));
            }
            let runs = known.applied.as_ref() == Some(&intent.digest) && ended(&known).is_none();
            if !runs && self.is_ours(known.owner.as_deref()) {
                let leaving = [Leaving {
                    reference: intent.reference.clone(),
                    uid: known.uid,
                    wave: known.wave,
                }];
                self.delete(&leaving).await?;
                self.await_gone(&leaving, GONE_WITHIN).await;
            }
        }
        self.apply_one(&intent).await?;
        let mut ended = outcome(self.job_ends(&intent, deadline(job)).await);
        if !ended.succeeded {
            let lines = self.logs(&intent.reference.name, LINES).await;
            ended.log = lines.into_iter().map(|(_, line)| line).collect();
        }
        Ok(ended)
    }

    /// Why a pod of a Job cannot be started. The Job's own retries are for a program that fails.
    fn stuck(&self, job: &str) -> Option<String> {
        let facts = self.shared.store.facts();
        let mut pods = facts
            .pods
            .values()
            .filter(|pod| pod.workload == job && !pod.deleting);
        pods.find_map(|pod| {
            pod.hopeless
                .clone()
                .filter(|text| !text.contains("CrashLoopBackOff"))
        })
    }

    async fn job_ends(&self, intent: &Intent, deadline: Duration) -> Result<(), String> {
        let mut changes = self.changes();
        let name = &intent.reference.name;
        let end = async {
            loop {
                let known = self.shared.store.known(&intent.reference);
                if let Some(end) = known.as_ref().and_then(ended) {
                    return end;
                }
                let hopeless = self.stuck(name);
                if let Some(reason) = hopeless {
                    return Err(reason);
                }
                if known.is_none() {
                    return Err("somebody deleted it while it ran".to_owned());
                }
                self.changed(&mut changes).await;
            }
        };
        tokio::time::timeout(deadline, end)
            .await
            .unwrap_or_else(|_| Err(format!("it does not end within {} s", deadline.as_secs())))
    }
}

fn outcome(end: Result<(), String>) -> JobOutcome {
    JobOutcome {
        succeeded: end.is_ok(),
        message: end.err().unwrap_or_default(),
        log: Vec::new(),
    }
}

fn is_done(known: &Known, intent: &Intent) -> bool {
    known.applied.as_ref() == Some(&intent.digest) && !known.deleting && ended(known) == Some(Ok(()))
}

fn ended(known: &Known) -> Option<Result<(), String>> {
    let health = known.health.as_ref()?;
    match health.status {
        Status::Healthy => Some(Ok(())),
        Status::Degraded => Some(Err(health.message.clone())),
        Status::Suspended | Status::Progressing | Status::Missing | Status::Unknown => None,
    }
}

fn deadline(job: &Object) -> Duration {
    let seconds = job
        .value()
        .pointer("/spec/activeDeadlineSeconds")
        .and_then(Value::as_u64);
    seconds.map_or(DEADLINE, |seconds| {
        Duration::from_secs(seconds).saturating_add(SLACK)
    })
}
