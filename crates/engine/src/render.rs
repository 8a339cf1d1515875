//! What an environment should have: the chart of a commit rendered for it, with the images of a release, judged and
//! compared with what is there. It reads files and nothing else; it changes nothing.

mod application;
#[cfg(test)]
mod application_tests;
#[cfg(test)]
mod chart_tests;
mod error;
#[cfg(test)]
mod manifest_tests;
mod pin;
mod sources;
#[cfg(test)]
mod tests;
mod track;
mod values;

use windlass_chart::{Capabilities, Limits, Profile, ReleaseInfo};
use windlass_core::config::{Config, Environment, Runtime};
use windlass_core::machine::release::{Plan, Release};
use windlass_core::object::Object;
use windlass_core::plan;
use windlass_guard::Policy;

pub use error::RenderError;
pub use sources::Sources;
pub use track::{Port, Track, on_track};

/// Objects of one environment: more than any platform has, few enough to hold in memory.
const OBJECTS_MAX: usize = 20_000;

/// What an environment should have, under the names of the chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The objects, hooks not among them, in the order of the chart.
    pub objects: Vec<Object>,
    /// Objects that run at a moment of the deployment instead ([`Object::hook`] says when).
    pub hooks: Vec<Object>,
    /// The digest of all of them: `sha256:...`.
    pub digest: String,
    /// NOTES.txt, rendered; empty where there is none.
    pub notes: String,
}

impl Rendered {
    /// Objects and hooks: what is stored of a release, and what [`Rendered::of`] takes back.
    pub fn all(&self) -> Vec<Object> {
        [&self.objects, &self.hooks]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    /// The same from stored objects.
    pub fn of(all: Vec<Object>, notes: String) -> Self {
        let digest = plan::objects_digest(&all).to_string();
        let (hooks, objects) = all.into_iter().partition(|object| object.hook().is_some());
        Self {
            objects,
            hooks,
            digest,
            notes,
        }
    }
}

/// Renders the chart for an environment. Equal inputs give equal bytes: the chart sees no clock, no cluster and no
/// revision number.
pub fn render(
    sources: Sources,
    config: &Config,
    environment: &Environment,
    release: &Release,
) -> Result<Rendered, RenderError> {
    if let Some(application) = &environment.application {
        let (all, notes) = application::objects(application, sources.parts, config, environment, release)?;
        return Ok(finished(all, notes, config, environment, release));
    }
    let chart = windlass_chart::load_from_files(sources.chart, &Limits::default())
        .map_err(|source| RenderError::chart(&config.chart, environment, source))?;
    let values = values::values(&sources.values, config, release)?;
    let namespace = namespace(environment);
    let info = ReleaseInfo {
        name: config.platform.clone(),
        namespace: namespace.to_owned(),
        revision: 1,
        is_upgrade: false,
        service: "Windlass".to_owned(),
    };
    let rendered = windlass_chart::render(
        &chart,
        values,
        &info,
        &Capabilities::default(),
        Profile::default(),
    )
    .map_err(|source| RenderError::chart(&config.chart, environment, source))?;
    let texts = rendered
        .manifests
        .iter()
        .map(|manifest| (manifest.path.as_str(), manifest.text.as_str()));
    let hooks = rendered
        .hooks
        .iter()
        .map(|hook| (hook.path.as_str(), hook.text.as_str()));
    let mut all = Vec::new();
    for (path, text) in texts.chain(hooks) {
        all.extend(read_objects(path, text)?);
        if all.len() > OBJECTS_MAX {
            return Err(RenderError::TooMany { max: OBJECTS_MAX });
        }
    }
    Ok(finished(all, rendered.notes, config, environment, release))
}

/// With the release's images by their digests.
fn finished(
    all: Vec<Object>,
    notes: String,
    config: &Config,
    environment: &Environment,
    release: &Release,
) -> Rendered {
    let (images, namespace) = (values::images(config, release), namespace(environment));
    let all = all
        .into_iter()
        .map(|object| pin::pinned(&with_namespace(object, namespace), &images))
        .collect();
    Rendered::of(all, notes)
}

/// The plan from what an environment had to what it should have. `observed` are the stored objects of its current
/// release, under the names of the chart; empty for a first one.
pub fn plan(
    environment: &Environment,
    desired: &Rendered,
    observed: &[Object],
    parent_generation: u64,
) -> Plan {
    let desired = desired.all();
    let findings = windlass_guard::judge(&desired, Policy::of(environment));
    plan::plan(&plan::Inputs {
        environment: &environment.name,
        runtime: &environment.runtime,
        desired: &desired,
        observed,
        parent_generation,
        findings: &findings,
    })
}

/// The namespace that the objects of an environment are for.
pub fn namespace(environment: &Environment) -> &str {
    match &environment.runtime {
        Runtime::Local => &environment.name,
        Runtime::Kubernetes { namespace, .. } => namespace,
    }
}

/// The objects of a YAML file or template's output; a `List` is taken apart, an empty document has none. `path` is for
/// messages.
pub fn read_objects(path: &str, text: &str) -> Result<Vec<Object>, RenderError> {
    let manifest = |reason: String| RenderError::Manifest {
        template: path.to_owned(),
        reason,
    };
    let mut found = Vec::new();
    for document in windlass_chart::yaml::parse(text).map_err(|e| manifest(e.to_string()))? {
        let value = document.to_json();
        if value.is_null() {
            continue;
        }
        let items = match value.get("items").and_then(serde_json::Value::as_array) {
            Some(items) if value.get("kind").is_some_and(|kind| kind == "List") => items.clone(),
            _ => vec![value],
        };
        for item in items {
            found.push(Object::new(item).map_err(|e| manifest(e.to_string()))?);
        }
    }
    Ok(found)
}

/// A Service that says no namespace is in the release's, as for Helm: `cart.staging.svc` means it.
fn with_namespace(object: Object, namespace: &str) -> Object {
    if !object.is("", "Service") || object.namespace().is_some() {
        return object;
    }
    object
        .edited(|value| value["metadata"]["namespace"] = namespace.into())
        .unwrap_or(object)
}
