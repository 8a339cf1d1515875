//! The objects that an Argo CD `Application` names: of charts, kustomizations and plain manifests, as Argo CD tells them
//! apart.

use std::collections::BTreeMap;

use windlass_chart::kustomize::{self, Changes, Image};
use windlass_chart::values::set::{Reading, set};
use windlass_chart::{Capabilities, Limits, Options, Profile, ReleaseInfo, Value};
use windlass_core::argo::{Application, Helm, HelmParameter, KustomizeOptions, Upstream, matches};
use windlass_core::config::{Config, Environment};
use windlass_core::machine::release::Release;
use windlass_core::object::{Object, is_cluster_scoped};

use super::{OBJECTS_MAX, RenderError, namespace, read_objects, values};
use crate::checkout::Checkout;

/// What one source of an Application is made of.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Chart(Box<Chart>),
    /// Files that hold objects: path and text.
    Plain(Vec<(String, Vec<u8>)>),
    /// The path of the kustomization, and what it builds.
    Built(String, Vec<serde_json::Value>),
}

#[derive(Debug, Clone)]
pub(super) struct Chart {
    folder: String,
    files: BTreeMap<String, Vec<u8>>,
    values: Vec<(String, Vec<u8>)>,
    /// Values that are the text of a file.
    texts: Vec<(String, String)>,
    helm: Helm,
}

/// Reads what an Application's sources need.
pub(super) fn gather(application: &Application, checkout: &Checkout<'_>) -> Result<Vec<Part>, RenderError> {
    let sources = application.sources.iter();
    let parts = sources.filter_map(|source| Some((source, source.path.as_deref()?)));
    parts
        .map(|(source, folder)| gather_one(application, source, folder, checkout))
        .collect()
}

fn gather_one(
    application: &Application,
    source: &Upstream,
    folder: &str,
    checkout: &Checkout<'_>,
) -> Result<Part, RenderError> {
    let wrong = |reason: String| RenderError::Application {
        file: application.file.clone(),
        reason,
    };
    let is_plain = source.directory != windlass_core::argo::Directory::default();
    let there = |name: &str| Ok::<_, RenderError>(checkout.file(&within(folder, name))?.is_some());
    if !is_plain && there("Chart.yaml")? {
        return chart(source, folder, checkout, &wrong);
    }
    let mut is_kustomized = false;
    for name in kustomize::NAMES {
        is_kustomized |= there(name)?;
    }
    if !is_plain && is_kustomized {
        let read = |path: &str| checkout.file(path).map_err(|it| it.to_string());
        let world = kustomize::World {
            read: &read,
            is_namespaced: &|group, kind| !is_cluster_scoped(group, kind),
        };
        let built = kustomize::build(folder, &changes(&source.kustomize), &world);
        return Ok(Part::Built(
            folder.to_owned(),
            built.map_err(|it| wrong(it.to_string()))?,
        ));
    }
    if source.kustomize != KustomizeOptions::default() || source.helm != Helm::default() {
        return Err(wrong(format!(
            "the folder `{folder}` has neither a Chart.yaml nor a kustomization"
        )));
    }
    let mut files = Vec::new();
    for path in checkout.paths_below(folder)? {
        let from = path
            .get(folder.len()..)
            .unwrap_or_default()
            .trim_start_matches('/');
        if source_takes(source, from) {
            let bytes = checkout.file(&path)?.unwrap_or_default();
            files.push((path, bytes));
        }
    }
    if files.is_empty() {
        return Err(wrong(format!("the folder `{folder}` has no manifests")));
    }
    Ok(Part::Plain(files))
}

fn within(folder: &str, path: &str) -> String {
    if folder.is_empty() {
        path.to_owned()
    } else {
        format!("{folder}/{path}")
    }
}

fn source_takes(source: &Upstream, path: &str) -> bool {
    let directory = &source.directory;
    let is_manifest = [".yaml", ".yml", ".json"].iter().any(|it| path.ends_with(it));
    is_manifest
        && (directory.recurse || !path.contains('/'))
        && !directory.exclude.as_ref().is_some_and(|it| matches(it, path))
        && directory.include.as_ref().is_none_or(|it| matches(it, path))
}

fn changes(options: &KustomizeOptions) -> Changes {
    Changes {
        namespace: options.namespace.clone(),
        images: options.images.iter().map(|it| Image::parse(it)).collect(),
        replicas: options.replicas.clone(),
        labels: options.labels.clone(),
        labels_of_pods: false,
        annotations: options.annotations.clone(),
    }
}

fn chart(
    source: &Upstream,
    folder: &str,
    checkout: &Checkout<'_>,
    wrong: &dyn Fn(String) -> RenderError,
) -> Result<Part, RenderError> {
    let helm = &source.helm;
    let mut values = Vec::new();
    for file in &helm.value_files {
        let path = path_of(folder, file).ok_or_else(|| {
            wrong(format!(
                "the values file {file} is elsewhere: bring it into the repository"
            ))
        })?;
        match checkout.file(&path)? {
            Some(bytes) => values.push((path, bytes)),
            None if helm.ignore_missing => {}
            None => return Err(wrong(format!("there is no values file {path}"))),
        }
    }
    let own = match &helm.values {
        Some(serde_json::Value::String(text)) => Some(text.clone()),
        Some(object) => Some(object.to_string()),
        None => None,
    };
    values.extend(own.map(|text| ("helm.values".to_owned(), text.into_bytes())));
    let mut texts = Vec::new();
    for (name, file) in &helm.file_parameters {
        let path = path_of(folder, file).unwrap_or_default();
        let bytes = checkout.file(&path)?;
        let bytes =
            bytes.ok_or_else(|| wrong(format!("there is no file {path} for the parameter {name}")))?;
        texts.push((name.clone(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    Ok(Part::Chart(Box::new(Chart {
        folder: folder.to_owned(),
        files: checkout.all_below(folder)?,
        values,
        texts,
        helm: helm.clone(),
    })))
}

/// Where a values file is: `$reference/path` and `/path` are from the root, others from the chart's folder. All sources
/// are of one repository.
fn path_of(folder: &str, file: &str) -> Option<String> {
    if file.contains("://") {
        return None;
    }
    let (from, path) = match file.strip_prefix('$') {
        Some(rest) => ("", rest.split_once('/')?.1),
        None if file.starts_with('/') => ("", file),
        None => (folder, file),
    };
    let mut parts: Vec<&str> = from.split('/').filter(|it| !it.is_empty()).collect();
    for one in path.split('/') {
        match one {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            one => parts.push(one),
        }
    }
    Some(parts.join("/"))
}

/// All objects of an Application; of several that are the same one, the last counts.
pub(super) fn objects(
    application: &Application,
    parts: Vec<Part>,
    config: &Config,
    environment: &Environment,
    release: &Release,
) -> Result<(Vec<Object>, String), RenderError> {
    let wrong = |reason: String| RenderError::Application {
        file: application.file.clone(),
        reason,
    };
    let mut all: Vec<Object> = Vec::new();
    let mut notes = String::new();
    for part in parts {
        let found = match part {
            Part::Chart(chart) => {
                let (objects, said) = rendered(application, *chart, config, environment, release)?;
                notes.push_str(&said);
                objects
            }
            Part::Plain(files) => {
                let mut objects = Vec::new();
                for (path, bytes) in files {
                    objects.extend(read_objects(&path, &String::from_utf8_lossy(&bytes))?);
                }
                objects
            }
            Part::Built(path, objects) => {
                let objects = objects.into_iter().map(Object::new);
                let objects = objects.collect::<Result<_, _>>();
                objects.map_err(|it| wrong(format!("{path}: {it}")))?
            }
        };
        for object in found {
            all.retain(|it| it.reference() != object.reference());
            all.push(object);
        }
        if all.len() > OBJECTS_MAX {
            return Err(RenderError::TooMany { max: OBJECTS_MAX });
        }
    }
    allowed(application, &all, &wrong)?;
    if all.is_empty() && !application.sync.allow_empty {
        return Err(wrong(
            "it has no objects at all, and does not say `allowEmpty`".to_owned(),
        ));
    }
    Ok((all, notes))
}

/// Every object that the project does not allow is named.
fn allowed(
    application: &Application,
    all: &[Object],
    wrong: &dyn Fn(String) -> RenderError,
) -> Result<(), RenderError> {
    let Some(project) = &application.project else {
        return Ok(());
    };
    let refused = all.iter().filter(|it| !project.takes(it));
    let refused: Vec<String> = refused.map(|it| it.reference().to_string()).collect();
    if refused.is_empty() {
        return Ok(());
    }
    Err(wrong(format!(
        "the AppProject {} does not allow {}",
        project.name,
        refused.join(", ")
    )))
}

fn rendered(
    application: &Application,
    source: Chart,
    config: &Config,
    environment: &Environment,
    release: &Release,
) -> Result<(Vec<Object>, String), RenderError> {
    let failed = |error| RenderError::chart(&source.folder, environment, error);
    let helm = &source.helm;
    let mut values = values::values(&source.values, config, release)?;
    parameters(&mut values, &source).map_err(|reason| RenderError::Application {
        file: application.file.clone(),
        reason,
    })?;
    let chart = windlass_chart::load_from_files(source.files, &Limits::default()).map_err(failed)?;
    let info = ReleaseInfo {
        name: helm
            .release_name
            .clone()
            .unwrap_or_else(|| application.name.clone()),
        namespace: helm
            .namespace
            .clone()
            .unwrap_or_else(|| namespace(environment).to_owned()),
        revision: 1,
        is_upgrade: false,
        // As Argo CD has it, so that charts write the same.
        service: "Helm".to_owned(),
    };
    let mut options = Options::stable(&info, Profile::default());
    options.skip_schema = helm.skip_schema;
    let rendered = windlass_chart::render_with(&chart, values, &info, &Capabilities::default(), &options);
    let rendered = rendered.map_err(failed)?;
    let crds = rendered.crds.iter().filter(|_| !helm.skip_crds);
    let texts = crds.chain(&rendered.manifests).map(|it| (&it.path, &it.text));
    let is_test = |events: &[String]| events.iter().all(|it| it.starts_with("test"));
    let hooks = rendered
        .hooks
        .iter()
        .filter(|it| !(helm.skip_tests && is_test(&it.events)));
    let mut all = Vec::new();
    for (path, text) in texts.chain(hooks.map(|it| (&it.path, &it.text))) {
        all.extend(read_objects(path, text)?);
    }
    Ok((all, rendered.notes))
}

/// `--set-file`, `--set` and `--set-string`.
fn parameters(values: &mut Value, source: &Chart) -> Result<(), String> {
    let Value::Map(map) = values else { return Ok(()) };
    let say = |name: &str, reason: String| format!("the parameter {name}: {reason}");
    for (name, text) in &source.texts {
        let file = |_: &str| Ok(text.clone());
        set(&format!("{name}=file"), map, &Reading::File(&file)).map_err(|it| say(name, it))?;
    }
    for HelmParameter {
        name,
        value,
        force_string,
    } in &source.helm.parameters
    {
        let reading = if *force_string {
            Reading::Text
        } else {
            Reading::Typed
        };
        // A comma in a value begins no other one.
        let value = if value.starts_with('{') {
            value.clone()
        } else {
            value.replace(',', "\\,")
        };
        set(&format!("{name}={value}"), map, &reading).map_err(|it| say(name, it))?;
    }
    Ok(())
}
