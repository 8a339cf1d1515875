//! Which of several controllers acts: the one that holds a Lease. What it does with that is not known here.
//!
//! Whether a holder is gone is judged by how long its record has not changed before our own clock, never by what its clock
//! wrote: clocks of two machines may differ by hours. Writes name the version that they were decided on, so that of two who
//! take a Lease at once one is refused.

mod fence;

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::answer::Answer;
use crate::cluster::{Call, Cluster};
use crate::error::KubeError;
use crate::resource::escaped;

pub use fence::Fence;
pub(crate) use fence::Passed;

/// How long a record may stay as it is until its holder counts as gone.
const DURATION: Duration = Duration::from_secs(15);
/// How long after its last renewal began a holder acts: it stops a third of `DURATION` before anybody may take the Lease.
const ACTS: Duration = Duration::from_secs(10);
/// From try to try.
const RETRY: Duration = Duration::from_secs(2);
const JSON: &str = "application/json";

/// A Lease that this process would like to hold.
#[derive(Debug, Clone)]
pub struct Lease {
    cluster: Cluster,
    namespace: String,
    name: String,
    identity: String,
    fence: Fence,
}

/// What a Lease says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Held {
    /// Who holds it; empty when it was given back.
    holder: String,
    /// How often it went from one to another.
    transitions: u64,
    /// How long its holder says that it is good for.
    duration: Duration,
    /// Changes with every write.
    version: String,
    /// The object, for what of it is not ours.
    value: Value,
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    /// It is ours: say so again.
    Renew,
    /// Nobody holds it any more.
    Take,
    /// Somebody does.
    Wait,
}

/// Decides by the record, and by how long it has been seen unchanged.
fn decide(held: &Held, identity: &str, unchanged: Duration) -> Move {
    if held.holder == identity {
        Move::Renew
    } else if held.holder.is_empty() || unchanged >= held.duration {
        Move::Take
    } else {
        Move::Wait
    }
}

/// Somebody else's record, and since when it is as it is.
struct Watched {
    held: Held,
    since: Instant,
}

impl Lease {
    /// Nothing is asked or written yet. `identity` is this process and no other: a name that a process before it had would
    /// count as holding on.
    pub fn new(cluster: Cluster, namespace: &str, name: &str, identity: &str) -> Self {
        Self {
            cluster,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            identity: identity.to_owned(),
            fence: Fence::default(),
        }
    }

    /// What lets writes pass for as long as the Lease is held.
    pub fn fence(&self) -> Fence {
        self.fence.clone()
    }

    /// Waits until the Lease is ours. `on_holder` is told who holds it whenever that is somebody new, and what keeps it from
    /// being asked for.
    pub async fn acquire(&self, mut on_holder: impl FnMut(Result<&str, &KubeError>)) {
        let mut watched: Option<Watched> = None;
        loop {
            let began = Instant::now();
            match self.attempt(&mut watched).await {
                Ok(true) => {
                    self.fence.open_until(began + ACTS);
                    return;
                }
                Ok(false) => {
                    if let Some(watched) = watched.as_ref().filter(|watched| watched.since >= began) {
                        on_holder(Ok(&watched.held.holder));
                    }
                }
                Err(answer) => on_holder(Err(&self.refused(&answer))),
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Renews the Lease for as long as that is possible. Returns when nothing may be done any more: somebody else holds it,
    /// or it could not be renewed in time. Nothing passes the fence from then on.
    pub async fn hold(&self) -> KubeError {
        let mut watched = None;
        let mut last = Answer::default();
        loop {
            tokio::time::sleep(RETRY).await;
            let began = Instant::now();
            let left = self.fence.left();
            match tokio::time::timeout(left, self.attempt(&mut watched)).await {
                Ok(Ok(true)) => self.fence.open_until(began + ACTS),
                Ok(Ok(false)) => {
                    self.fence.close();
                    let holder = watched.map(|watched| watched.held.holder).unwrap_or_default();
                    last.message = format!("{holder} holds it now");
                    return self.refused(&last);
                }
                Ok(Err(answer)) => {
                    tracing::warn!(
                        lease = self.name,
                        reason = answer.line(),
                        "the Lease is not renewed"
                    );
                    last = answer;
                }
                Err(_) => {
                    if last.message.is_empty() {
                        last.message = format!("no answer within {} s", ACTS.as_secs());
                    }
                }
            }
            if self.fence.left().is_zero() {
                self.fence.close();
                return self.refused(&last);
            }
        }
    }

    /// Gives the Lease back, so that nobody has to wait for it, once all that was written is answered.
    pub async fn give_back(&self) {
        self.fence.drain().await;
        let Ok(Some(held)) = self.read().await else { return };
        if held.holder == self.identity {
            let record = json!({ "holderIdentity": "", "leaseDurationSeconds": 1 });
            if let Err(answer) = self.write(&held, record).await {
                tracing::warn!(
                    lease = self.name,
                    reason = answer.line(),
                    "the Lease is not given back"
                );
            }
        }
    }

    /// One look, and one write where the Lease is ours or nobody's. Whether it is ours afterwards.
    async fn attempt(&self, watched: &mut Option<Watched>) -> Result<bool, Answer> {
        let now = Instant::now();
        let Some(held) = self.read().await? else {
            return self.make().await;
        };
        let unchanged = match watched {
            Some(before) if before.held.version == held.version => before.since.elapsed(),
            _ => {
                let since = now;
                *watched = Some(Watched {
                    held: held.clone(),
                    since,
                });
                Duration::ZERO
            }
        };
        let transitions = match decide(&held, &self.identity, unchanged) {
            Move::Wait => return Ok(false),
            Move::Renew => held.transitions,
            Move::Take => held.transitions + 1,
        };
        match self.write(&held, self.record(transitions, &held)).await {
            Ok(_) => Ok(true),
            // Somebody was faster; the next look says who.
            Err(answer) if answer.code == Some(409) => Ok(false),
            Err(answer) => Err(answer),
        }
    }

    fn record(&self, transitions: u64, held: &Held) -> Value {
        let now = now();
        let same = held.holder == self.identity;
        let since = held.value.pointer("/spec/acquireTime").filter(|_| same).cloned();
        json!({
            "holderIdentity": self.identity, "leaseDurationSeconds": DURATION.as_secs(),
            "acquireTime": since.unwrap_or_else(|| now.clone().into()), "renewTime": now,
            "leaseTransitions": transitions,
        })
    }

    async fn read(&self) -> Result<Option<Held>, Answer> {
        match self.cluster.call_once(&Call::get(self.path())).await {
            Ok(value) => Ok(Some(Held::of(value))),
            Err(answer) if answer.is_absent() => Ok(None),
            Err(answer) => Err(answer),
        }
    }

    async fn make(&self) -> Result<bool, Answer> {
        let (collection, _) = self.paths();
        let body = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": { "name": self.name, "namespace": self.namespace },
            "spec": self.record(0, &Held::default()),
        });
        let call = Call::send(Method::POST, collection, JSON, &body);
        match self.cluster.call_once(&call).await {
            Ok(_) => Ok(true),
            Err(answer) if answer.code == Some(409) => Ok(false),
            Err(answer) => Err(answer),
        }
    }

    /// Names the version that it was decided on: a Lease that changed since is left as it is.
    async fn write(&self, held: &Held, record: Value) -> Result<Value, Answer> {
        let mut value = held.value.clone();
        if let (Some(spec), Value::Object(record)) = (value.pointer_mut("/spec"), record) {
            match spec.as_object_mut() {
                Some(spec) => spec.extend(record),
                None => *spec = Value::Object(record),
            }
        }
        let call = Call::send(Method::PUT, self.path(), JSON, &value);
        self.cluster.call_once(&call).await
    }

    fn path(&self) -> String {
        self.paths().1
    }

    /// Of all Leases of the namespace, and of this one.
    fn paths(&self) -> (String, String) {
        let all = format!(
            "/apis/coordination.k8s.io/v1/namespaces/{}/leases",
            escaped(&self.namespace)
        );
        let one = format!("{all}/{}", escaped(&self.name));
        (all, one)
    }

    fn refused(&self, answer: &Answer) -> KubeError {
        let object = format!("Lease {}/{}", self.namespace, self.name);
        KubeError::refused(&object, "held", answer)
    }
}

impl Held {
    fn of(value: Value) -> Self {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let number = |pointer: &str| value.pointer(pointer).and_then(Value::as_u64);
        Self {
            holder: text("/spec/holderIdentity").to_owned(),
            transitions: number("/spec/leaseTransitions").unwrap_or_default(),
            duration: number("/spec/leaseDurationSeconds").map_or(DURATION, Duration::from_secs),
            version: text("/metadata/resourceVersion").to_owned(),
            value,
        }
    }
}

/// For people who look at the Lease, as its kind wants it.
fn now() -> String {
    let now = k8s_openapi::jiff::Timestamp::now();
    format!("{now:.6}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(holder: &str, renewed: &str) -> Held {
        Held::of(json!({
            "metadata": { "resourceVersion": "7" },
            "spec": { "holderIdentity": holder, "leaseDurationSeconds": 15, "leaseTransitions": 3, "renewTime": renewed },
        }))
    }

    #[test]
    fn a_holder_is_gone_when_its_record_did_not_change_for_its_duration_whatever_its_clock_said() {
        let (short, long) = (Duration::from_secs(14), Duration::from_secs(15));
        for renewed in ["1999-01-01T00:00:00.000000Z", "2199-01-01T00:00:00.000000Z"] {
            let other = held("other", renewed);
            assert_eq!(decide(&other, "me", Duration::ZERO), Move::Wait);
            assert_eq!(decide(&other, "me", short), Move::Wait);
            assert_eq!(decide(&other, "me", long), Move::Take);
            assert_eq!(decide(&held("me", renewed), "me", long), Move::Renew);
            assert_eq!(decide(&held("", renewed), "me", Duration::ZERO), Move::Take);
        }
    }

    #[test]
    fn whoever_holds_it_stops_before_anybody_may_take_it() {
        assert!(ACTS + RETRY < DURATION);
    }
}
