//! The Pod Security Standards of Kubernetes (version 1.37): which checks of `baseline` and `restricted` a pod fails. It
//! judges one pod by its manifest and knows no namespace's labels or exemptions.

mod check;

use serde_json::Value;

/// How much a pod may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Keeps known escapes shut.
    Baseline,
    /// What services need and nothing more; `baseline` is a part of it.
    Restricted,
}

/// A check that a pod fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The check, as Kubernetes calls it: `hostPorts`.
    pub check: &'static str,
    /// What of the pod fails it.
    pub message: String,
}

/// One check of the standard.
struct Check {
    name: &'static str,
    level: Level,
    /// The stricter check that stands for it at `restricted`.
    replaced_by_stricter: bool,
    /// Names what fails: `pod`, `container "a"`, with the value.
    failing: fn(Pod<'_>) -> Vec<String>,
}

/// A pod as the checks see it.
#[derive(Debug, Clone, Copy)]
struct Pod<'a> {
    value: &'a Value,
}

/// The checks of a level that a pod fails. `pod` has `metadata` and `spec`: a Pod, or the template of a workload.
pub fn violations(pod: &Value, level: Level) -> Vec<Violation> {
    let pod = Pod { value: pod };
    check::ALL
        .iter()
        .filter(|check| check.level <= level)
        .filter(|check| level == Level::Baseline || !check.replaced_by_stricter)
        .filter_map(|check| {
            let failing = (check.failing)(pod);
            (!failing.is_empty()).then(|| Violation {
                check: check.name,
                message: failing.join(", "),
            })
        })
        .collect()
}

impl<'a> Pod<'a> {
    fn get(self, pointer: &str) -> Option<&'a Value> {
        self.value.pointer(pointer).filter(|value| !value.is_null())
    }

    fn list(self, pointer: &str) -> impl Iterator<Item = &'a Value> {
        self.get(pointer).and_then(Value::as_array).into_iter().flatten()
    }

    /// All containers, those that run first and those that were put in for debugging included.
    fn containers(self) -> impl Iterator<Item = &'a Value> {
        [
            "/spec/initContainers",
            "/spec/containers",
            "/spec/ephemeralContainers",
        ]
        .into_iter()
        .flat_map(move |list| self.list(list))
    }

    /// The security contexts that are there, with a name for messages: the pod's, then those of its containers.
    fn contexts(self) -> impl Iterator<Item = (String, &'a Value)> {
        let own = self
            .get("/spec/securityContext")
            .map(|context| ("pod".to_owned(), context));
        let of_containers = self.containers().filter_map(|container| {
            let context = container
                .get("securityContext")
                .filter(|context| !context.is_null())?;
            Some((name(container), context))
        });
        own.into_iter().chain(of_containers)
    }

    fn is_windows(self) -> bool {
        self.get("/spec/os/name").is_some_and(|name| name == "windows")
    }

    /// In a user namespace root of the pod is nobody on the node.
    fn has_user_namespace(self) -> bool {
        self.get("/spec/hostUsers") == Some(&Value::Bool(false))
    }
}

fn name(container: &Value) -> String {
    format!("container {}", container.get("name").unwrap_or(&Value::Null))
}
