//! Whether an object has to be sent, and which of its fields: what is wanted against what is known of the cluster. The way
//! that ends most often sends nothing: an apply that changes nothing costs a server as much as one that does.

use std::sync::Arc;

use serde_json::Value;
use windlass_core::reference::Reference;

use crate::claimant::{self, Kind};
use crate::fields;
use crate::intent::Intent;
use crate::known::{Known, Other};

/// What is to be done about one object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision {
    /// It is as it should be.
    Leave,
    /// It is sent, as far as nobody else has decided about its fields.
    Send {
        /// What.
        body: Value,
        /// Whether former managers lose their fields.
        take_over: bool,
    },
    /// It is somebody else's.
    NotOurs {
        /// Whose.
        owner: String,
    },
}

/// Fields that somebody else decided about. They are left as they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Override {
    /// The object.
    pub object: Reference,
    /// The manager that has the fields now: `kubectl-edit`.
    pub by: String,
    /// What it is.
    pub kind: Kind,
    /// The fields, as paths.
    pub fields: Vec<String>,
}

/// What the cluster said when an object was applied last: the digest that was sent, and the fields that we manage since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Of the intent.
    pub digest: String,
    /// Our fields.
    pub ours: Option<Arc<str>>,
}

/// Decides about one object, and names the fields that are left to others.
pub(crate) fn decide(
    intent: &Intent,
    known: Option<&Known>,
    settled: Option<&Settled>,
    owner: &str,
) -> (Decision, Vec<Override>) {
    let send = |body: Value, take_over: bool| Decision::Send { body, take_over };
    let Some(known) = known else {
        return (send(intent.body.clone(), false), Vec::new());
    };
    if let Some(other) = known.owner.as_ref().filter(|other| *other != owner) {
        let owner = other.clone();
        return (Decision::NotOurs { owner }, Vec::new());
    }
    let Some(ours) = known.ours.as_deref() else {
        // Nobody may have decided against us before we came.
        return (send(intent.body.clone(), true), Vec::new());
    };
    let same = known.applied.as_ref() == Some(&intent.digest);
    let set: Value = serde_json::from_str(ours).unwrap_or_default();
    if fields::covers(&set, &intent.body) {
        let decision = if same {
            Decision::Leave
        } else {
            send(intent.body.clone(), false)
        };
        return (decision, Vec::new());
    }
    let taken = |other: &Other| {
        let theirs = serde_json::from_str(&other.fields).unwrap_or_default();
        fields::minus(&theirs, &set)
    };
    let (left, overrides) = leave(intent, &known.others, taken);
    let as_settled =
        settled.is_some_and(|settled| settled.digest == intent.digest && settled.ours == known.ours);
    if same && (as_settled || fields::covers(&set, &left)) {
        return (Decision::Leave, overrides);
    }
    (send(left, false), overrides)
}

/// After a conflict: what is left to send without all fields of the managers that the server named.
pub(crate) fn yield_to(intent: &Intent, known: &Known, named: &[String]) -> (Value, Vec<Override>) {
    let others: Vec<Other> = known
        .others
        .iter()
        .filter(|other| named.contains(&other.name))
        .cloned()
        .collect();
    leave(intent, &others, |other| {
        serde_json::from_str(&other.fields).unwrap_or_default()
    })
}

/// The manager that a conflict's message names: `conflict with "kubectl-patch" using v1`.
pub(crate) fn named(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once('"')?;
    Some(rest.split_once('"')?.0)
}

fn leave(intent: &Intent, others: &[Other], taken: impl Fn(&Other) -> Value) -> (Value, Vec<Override>) {
    let mut left = intent.body.clone();
    let mut overrides = Vec::new();
    for other in others {
        let (rest, paths) = fields::without(&left, &taken(other));
        if !paths.is_empty() {
            overrides.push(Override {
                object: intent.reference.clone(),
                by: other.name.clone(),
                kind: claimant::kind(&other.name, other.applies),
                fields: paths,
            });
            left = rest;
        }
    }
    (left, overrides)
}

impl std::fmt::Display for Override {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: {} decided about {}",
            self.object.short(),
            self.by,
            fields::listed(&self.fields)
        )
    }
}

#[cfg(test)]
#[path = "decide/tests.rs"]
mod tests;
