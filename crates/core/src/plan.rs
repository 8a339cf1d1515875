//! What a rollout changes: desired objects against those that the environment had, in the order of application, each
//! change with its reasons. It does not know how changes are made, and shows no secret.

mod difference;
mod enforce;
mod settings;
#[cfg(test)]
mod tests;
mod wave;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

pub use enforce::not_enforced;
pub use settings::with_settings;
pub use wave::{sync_wave, wave};

use crate::config::Runtime;
use crate::digest::Digest;
use crate::machine::release::{Finding, Plan};
use crate::object::Object;
use crate::reference::Reference;

/// Lines of changes in a plan: more than a person reads, fewer than would swell every event that carries it.
const LINES_MAX: usize = 500;
/// Objects with one of these are never removed, only forgotten (Helm; Argo CD).
const KEEP: [(&str, &str); 2] = [
    ("helm.sh/resource-policy", "keep"),
    ("argocd.argoproj.io/sync-options", "Prune=false"),
];

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It is new.
    Create,
    /// It is there and becomes another.
    Change,
    /// It is no longer wanted.
    Remove,
    /// It is no longer wanted and stays all the same, because its manifest says so.
    Keep,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Lower comes earlier; removals come last, in reverse.
    pub wave: i32,
    /// What happens.
    pub kind: Kind,
    /// To which object.
    pub object: Reference,
    /// Why: the fields that differ, in words.
    pub reasons: Vec<String>,
}

/// What a plan is made of.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Name of the environment.
    pub environment: &'a str,
    /// Where it runs.
    pub runtime: &'a Runtime,
    /// What it should have.
    pub desired: &'a [Object],
    /// What it had: the objects of its current release; empty for a first one.
    pub observed: &'a [Object],
    /// Generation of the environment that the plan is made for.
    pub parent_generation: u64,
    /// What was found wrong with the desired objects.
    pub findings: &'a [Finding],
}

/// Makes the plan. Equal inputs give an equal digest; any other plan has another.
pub fn plan(inputs: &Inputs<'_>) -> Plan {
    let changes = changes(inputs.desired, inputs.observed);
    let not_enforced = not_enforced(inputs.runtime, inputs.desired);
    let objects = objects_digest(inputs.desired);
    let digest = Digest::of_json(&json!({
        "environment": inputs.environment,
        "runtime": inputs.runtime,
        "objects": objects,
        "parentGeneration": inputs.parent_generation,
        "changes": changes,
        "findings": inputs.findings,
        "notEnforced": not_enforced,
    }));
    Plan {
        digest: digest.to_string(),
        objects: objects.to_string(),
        parent_generation: inputs.parent_generation,
        changes: lines(&changes),
        findings: inputs.findings.to_vec(),
        not_enforced,
    }
}

/// The name of a set of objects: the order in which they were rendered is no part of it.
pub fn objects_digest(objects: &[Object]) -> Digest {
    let mut sorted: Vec<&Object> = objects.iter().collect();
    sorted.sort_by_key(|object| object.reference());
    Digest::of_json_list(sorted.into_iter().map(Object::value))
}

/// The changes from `observed` to `desired`, in the order in which they are safe to make.
pub fn changes(desired: &[Object], observed: &[Object]) -> Vec<Change> {
    let before: BTreeMap<Reference, &Object> = by_reference(observed);
    let after: BTreeMap<Reference, &Object> = by_reference(desired);
    let mut changes = Vec::new();
    for (reference, object) in &after {
        let (kind, reasons) = match before.get(reference) {
            None => (Kind::Create, difference::introduction(object)),
            Some(old) => (Kind::Change, difference::reasons(old, object)),
        };
        if kind == Kind::Create || !reasons.is_empty() {
            changes.push(Change {
                wave: wave(object),
                kind,
                object: reference.clone(),
                reasons,
            });
        }
    }
    changes.sort_by(|a, b| (a.wave, &a.object).cmp(&(b.wave, &b.object)));
    let mut gone: Vec<Change> = before
        .iter()
        .filter(|(reference, _)| !after.contains_key(*reference))
        .map(|(reference, object)| Change {
            wave: wave(object),
            kind: if is_kept(object) { Kind::Keep } else { Kind::Remove },
            object: reference.clone(),
            reasons: Vec::new(),
        })
        .collect();
    gone.sort_by(|a, b| (b.wave, &b.object).cmp(&(a.wave, &a.object)));
    changes.extend(gone);
    changes
}

/// The changes as lines for people.
pub fn lines(changes: &[Change]) -> Vec<String> {
    let mut lines: Vec<String> = changes.iter().take(LINES_MAX).map(ToString::to_string).collect();
    if changes.len() > LINES_MAX {
        lines.push(format!("... and {} more", changes.len() - LINES_MAX));
    }
    lines
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = match self.kind {
            Kind::Create => "create",
            Kind::Change => "change",
            Kind::Remove => "remove",
            Kind::Keep => "keep",
        };
        write!(f, "{word} {}", self.object.short())?;
        if self.kind == Kind::Keep {
            f.write_str(" (no longer in the chart, its manifest asks to keep it)")?;
        }
        if !self.reasons.is_empty() {
            write!(f, ": {}", self.reasons.join("; "))?;
        }
        Ok(())
    }
}

fn by_reference(objects: &[Object]) -> BTreeMap<Reference, &Object> {
    objects
        .iter()
        .map(|object| (object.reference(), object))
        .collect()
}

fn is_kept(object: &Object) -> bool {
    KEEP.iter().any(|(key, word)| {
        object
            .annotation(key)
            .is_some_and(|text| text.split(',').any(|part| part.trim() == *word))
    })
}
