//! From manifests to the files of a repository: windlass.yaml, the manifests, and what is to be said about them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::Value;
use windlass_chart::Value as Yaml;
use windlass_core::argo::{Application, Files, IN_CLUSTER, find};

use super::clean;
use super::manifests::{Manifests, name, set_of};
use super::platform::Platform;

pub(super) const CONFIG: &str = "windlass.yaml";
/// Folder of the manifests.
const FOLDER: &str = "argocd";
const APPLICATIONS: &str = "argocd/applications.yaml";
const SETS: &str = "argocd/applicationsets.yaml";
const PROJECTS: &str = "argocd/projects.yaml";
const SETTINGS: &str = "argocd/argocd-cm.yaml";

/// What comes of an import.
#[derive(Debug)]
pub(super) struct Imported {
    /// Texts by path from the root.
    pub(super) files: BTreeMap<String, String>,
    pub(super) environments: Vec<String>,
    pub(super) notes: Vec<Note>,
}

/// What is not carried over, or is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Note {
    /// The field.
    pub(super) place: String,
    pub(super) what: String,
}

impl Note {
    pub(super) fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
        }
    }
}

/// Makes the files. `repository` is the one that they go into, `context` the one that Argo CD's own cluster is reached by.
pub(super) fn import(
    documents: &[Value],
    repository: &dyn Files,
    platform: &str,
    context: Option<&str>,
) -> Result<Imported> {
    let found = Manifests::of(documents);
    if found.applications.is_empty() && found.sets.is_empty() {
        bail!(
            "there is no Application and no ApplicationSet\nhint: --namespace names Argo CD's, --from a folder with their manifests"
        );
    }
    let mut notes = Vec::new();
    let mut files = BTreeMap::new();
    let mut put = |path: &str, documents: Vec<Value>| {
        if !documents.is_empty() {
            files.insert(path.to_owned(), text(&documents));
        }
    };
    let mut cleaned = |all: &[Value]| -> Vec<Value> {
        all.iter()
            .map(|it| clean::manifest(it, repository, &mut notes))
            .collect()
    };
    put(APPLICATIONS, cleaned(&found.applications));
    put(SETS, cleaned(&found.sets));
    put(PROJECTS, cleaned(&found.projects));
    let settings = found
        .settings
        .as_ref()
        .and_then(|it| clean::settings(it, &mut notes));
    put(SETTINGS, settings.into_iter().collect());
    notes.extend(found.projects.iter().filter_map(people));
    let overlay = Overlay {
        files: &files,
        repository,
    };
    let mut lines = Vec::new();
    let mut environments = Vec::new();
    for one in &found.applications {
        let Some((file, application)) = read(one, &overlay, &mut notes) else {
            continue;
        };
        let label = unused(&label(&application.name), &environments);
        lines.push(environment(&label, file, &application, context, &mut notes));
        environments.push(label);
    }
    if found.applications.is_empty() {
        notes.push(Note::new(
            SETS,
            "no Application of a set is known: name one in an environment, `application: { file: argocd/applicationsets.yaml, name: ... }`",
        ));
    }
    let known = Platform::of(&found);
    if known.guessed {
        let edge = known.edge.clone().unwrap_or_default();
        notes.push(Note::new(
            format!("{CONFIG}: edge"),
            format!("`{edge}` is a guess: name the Service where customers enter"),
        ));
    }
    files.insert(CONFIG.to_owned(), config(platform, &known, &lines));
    Ok(Imported {
        files,
        environments,
        notes,
    })
}

/// Who may do what in a project is said elsewhere.
fn people(project: &Value) -> Option<Note> {
    let has = project["spec"]["roles"]
        .as_array()
        .is_some_and(|it| !it.is_empty());
    has.then(|| {
        Note::new(
            format!("AppProject {}: spec.roles", name(project)),
            "people are named in `deploy` (`people`) and `break-glass` of an environment",
        )
    })
}

/// An Application as Windlass reads it, of its set where that stands for it. What of it does nothing is noted; `None`, with
/// the reason noted, for one that would not be deployed as Argo CD deploys it.
fn read(one: &Value, files: &Overlay<'_>, notes: &mut Vec<Note>) -> Option<(&'static str, Application)> {
    let of_set = set_of(one).and_then(|_| find(SETS, Some(name(one)), files).ok());
    let (file, found) = match of_set {
        Some(application) => (SETS, Ok(application)),
        None => (APPLICATIONS, find(APPLICATIONS, Some(name(one)), files)),
    };
    let about = format!("Application {}", name(one));
    match found {
        Ok(application) => {
            for warning in &application.warnings {
                let project = application.project.as_ref().map(|it| it.name.as_str());
                let note = warned(warning, &about, project.unwrap_or_default());
                // Applications share projects.
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
            Some((file, application))
        }
        Err(wrong) => {
            let field = wrong.place.split_once(": ").map_or("", |it| it.1);
            notes.push(Note::new(
                format!("{about}: {field}"),
                format!("no environment is made of it: {} ({})", wrong.cause, wrong.hint),
            ));
            None
        }
    }
}

/// `FILE: FIELD does nothing here`, or `FILE: FIELD: WHAT does nothing here`.
fn warned(warning: &str, about: &str, project: &str) -> Note {
    let (file, rest) = warning.split_once(": ").unwrap_or(("", warning));
    let about = if file == PROJECTS {
        format!("AppProject {project}")
    } else {
        about.to_owned()
    };
    let (field, what) = match rest.split_once(": ") {
        Some((field, what)) => (field, what.to_owned()),
        None => match rest.split_once(' ') {
            Some((field, what)) => (field, format!("it {what}")),
            None => (rest, String::new()),
        },
    };
    Note::new(format!("{about}: {field}"), what)
}

fn environment(
    label: &str,
    file: &str,
    application: &Application,
    context: Option<&str>,
    notes: &mut Vec<Note>,
) -> String {
    let destination = &application.destination;
    let is_own = destination.server.as_deref() == Some(IN_CLUSTER)
        || destination.name.as_deref() == Some("in-cluster");
    let cluster = destination.name.as_ref().or(destination.server.as_ref());
    let context = match context {
        _ if !is_own => {
            let cluster = cluster.cloned().unwrap_or_default();
            notes.push(Note::new(
                format!("{CONFIG}: environments.{label}.runtime"),
                format!("a context of the kubeconfig has to be called `{cluster}`, or name the one that leads there"),
            ));
            Some(cluster)
        }
        context => context.map(str::to_owned),
    };
    let quoted = |text: &str| Value::from(text).to_string();
    let mut lines = format!(
        "  {label}:\n    application: {{ file: {file}, name: {} }}\n",
        quoted(&application.name)
    );
    if let Some(context) = context {
        let namespace = &destination.namespace;
        let _ = writeln!(
            lines,
            "    runtime: {{ kubernetes: {{ context: {}, namespace: {namespace} }} }}",
            quoted(&context)
        );
    }
    // As Argo CD does it: the objects are changed where they are.
    lines.push_str("    strategy: rolling\n");
    lines
}

fn config(platform: &str, known: &Platform, environments: &[String]) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let mut text = format!("platform: {platform}\nservices:");
    if known.services.is_empty() {
        text.push_str(" {}");
    }
    text.push('\n');
    for (service, image) in &known.services {
        let _ = writeln!(text, "  {service}: {{ image: {} }}", quoted(image));
    }
    let edge = known.edge.as_deref().unwrap_or("web");
    let _ = write!(text, "edge: {edge}\nenvironments:\n{}", environments.concat());
    text
}

fn text(documents: &[Value]) -> String {
    let all = documents
        .iter()
        .map(|it| windlass_chart::yaml::to_text(&Yaml::from_json(it)));
    all.collect::<Vec<_>>().join("---\n")
}

/// A name as windlass.yaml takes it.
pub(super) fn label(text: &str) -> String {
    let text = text.to_lowercase();
    let kept: String = text
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() { it } else { '-' })
        .take(63)
        .collect();
    let kept = kept.trim_matches('-');
    if kept.is_empty() { "platform" } else { kept }.to_owned()
}

fn unused(label: &str, taken: &[String]) -> String {
    let mut name = label.to_owned();
    let mut number = 2;
    while taken.contains(&name) {
        let short: String = label.chars().take(58).collect();
        name = format!("{short}-{number}");
        number += 1;
    }
    name
}

/// The repository with the new manifests in it.
struct Overlay<'a> {
    files: &'a BTreeMap<String, String>,
    repository: &'a dyn Files,
}

impl Files for Overlay<'_> {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        match self.files.get(path) {
            Some(text) => Ok(Some(text.clone())),
            None => self.repository.read(path),
        }
    }

    fn below(&self, folder: &str) -> Result<Vec<String>, String> {
        let mut paths = self.repository.below(folder)?;
        if folder == FOLDER {
            paths.retain(|it| !self.files.contains_key(it));
            paths.extend(self.files.keys().cloned());
            paths.sort();
        }
        Ok(paths)
    }

    fn documents(&self, text: &str) -> Result<Vec<Value>, String> {
        self.repository.documents(text)
    }

    fn template(&self, text: &str, values: &Value) -> Result<String, String> {
        self.repository.template(text, values)
    }

    fn is_own(&self, address: &str) -> bool {
        self.repository.is_own(address)
    }
}
