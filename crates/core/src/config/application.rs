//! An environment that an Argo CD `Application` describes: what the manifest says stands for `source`, `runtime`, `values`
//! and `deploy`. What the environment says beside it may be stricter, and may not contradict it.

use serde_json::{Map, Value};

use super::environment::{Deploy, Runtime, Source};
use super::error::Problem;
use super::node::Node;
use crate::argo::{self, Application, Files, IN_CLUSTER};

/// What a configuration is read with that can name no files.
pub(super) struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str) -> Result<Option<String>, String> {
        Err("there are no files beside this configuration".to_owned())
    }

    fn below(&self, _: &str) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn documents(&self, _: &str) -> Result<Vec<Value>, String> {
        Ok(Vec::new())
    }

    fn template(&self, _: &str, _: &Value) -> Result<String, String> {
        Err("there are no templates beside this configuration".to_owned())
    }

    fn is_own(&self, _: &str) -> bool {
        false
    }
}

/// The Application that an environment names, if it names one.
pub(super) fn find(
    value: &Map<String, Value>,
    node: &Node,
    files: &dyn Files,
) -> Result<Option<Application>, Problem> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (file, name) = match value.get("application") {
        None => return Ok(None),
        Some(Value::Object(fields)) => (
            fields.get("file").map(text).unwrap_or_default(),
            fields.get("name").map(text),
        ),
        Some(other) => (text(other), None),
    };
    for key in ["source", "values"] {
        if value.contains_key(key) {
            return Err(Problem::new(
                node.deepest(&[key]).span,
                format!("an environment has both `application` and `{key}`"),
                format!("the Application says it: remove `{key}`"),
            ));
        }
    }
    let found = argo::find(&file, name.as_deref(), files);
    let found = found.map_err(|it| {
        let cause = format!("{}: {}", it.place, it.cause);
        Problem::new(node.deepest(&["application"]).span, cause, it.hint)
    })?;
    let clashes = node.get("runtime").is_none() && found.destination.namespace.is_empty();
    if clashes {
        return Err(Problem::new(
            node.deepest(&["application"]).span,
            format!("{file}: spec.destination.namespace: it is not there"),
            "an environment has one namespace: name it there, or below `runtime`",
        ));
    }
    Ok(Some(found))
}

/// What it follows. The repository that holds the configuration needs no address.
pub(super) fn source(application: &Application, files: &dyn Files) -> Source {
    let first = application.first();
    Source::Branch {
        branch: first.revision.clone(),
        repository: (!files.is_own(&first.address)).then(|| first.address.clone()),
    }
}

/// Where it runs: the cluster of the kubeconfig's current context for Argo CD's own, else the one that the environment
/// names. `given` is what the environment says, or the default.
pub(super) fn runtime(application: &Application, given: Runtime, node: &Node) -> Result<Runtime, Problem> {
    let destination = &application.destination;
    let at = node.deepest(&["runtime"]).span;
    if node.get("runtime").is_some() {
        if let Runtime::Kubernetes { namespace, .. } = &given
            && !destination.namespace.is_empty()
            && *namespace != destination.namespace
        {
            let cause = format!(
                "the namespace is `{namespace}` here and `{}` in {}",
                destination.namespace, application.file
            );
            return Err(Problem::new(at, cause, "say the same in both"));
        }
        return Ok(given);
    }
    let is_own = destination.server.as_deref() == Some(IN_CLUSTER)
        || destination.name.as_deref() == Some("in-cluster");
    if is_own {
        return Ok(Runtime::Kubernetes {
            context: None,
            namespace: destination.namespace.clone(),
            impersonate: None,
        });
    }
    let cluster = destination.server.as_ref().or(destination.name.as_ref());
    Err(Problem::new(
        node.deepest(&["application"]).span,
        format!(
            "{}: spec.destination: nothing says how `{}` is reached",
            application.file,
            cluster.map_or("", String::as_str)
        ),
        format!(
            "add `runtime: {{ kubernetes: {{ context: NAME, namespace: {} }} }}`, a context of the kubeconfig",
            destination.namespace
        ),
    ))
}

/// When releases are deployed: by themselves where it syncs by itself, else when a person approves.
pub(super) fn deploy(application: &Application, expires_ms: u64) -> Deploy {
    if application.sync.automated {
        return Deploy::Auto;
    }
    Deploy::Approvals {
        count: 1,
        expires_ms,
        people: Vec::new(),
    }
}
