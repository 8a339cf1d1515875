//! Finds an Application in the files of a checkout, with the AppProject that lies beside it.

use serde_json::Value;

use super::application::Application;
use super::project::Project;
use super::{Files, GROUP, Wrong, set};

/// The cluster that Argo CD itself is on, as its manifests name it.
pub const IN_CLUSTER: &str = "https://kubernetes.default.svc";

/// The `Application` in `file`, or one that an `ApplicationSet` in it stands for: the one of this name, or the only one.
pub fn find(file: &str, name: Option<&str>, files: &dyn Files) -> Result<Application, Wrong> {
    let (documents, found) = manifests(file, files)?;
    let fits = |it: &&Value| name.is_none_or(|name| name_of(it) == name);
    match found.iter().filter(fits).collect::<Vec<_>>().as_slice() {
        [one] => read(file, one, &documents, files),
        [] => Err(Wrong::new(
            file,
            match name {
                Some(name) => format!("it has no Application `{name}`"),
                None => "it has no Application".to_owned(),
            },
            listed(&found, "add `kind: Application`, as Argo CD takes it"),
        )),
        [_, _, ..] => Err(Wrong::new(
            file,
            "it has several Applications",
            listed(&found, "name one: `application: { file: ..., name: ... }`"),
        )),
    }
}

/// The documents of a file, and the manifests of its Applications, those of sets among them.
pub(super) fn manifests(file: &str, files: &dyn Files) -> Result<(Vec<Value>, Vec<Value>), Wrong> {
    let text = files.read(file).map_err(|it| unreadable(file, &it))?;
    let Some(text) = text else {
        return Err(Wrong::new(
            file,
            "there is no such file",
            "`application` names a file of this checkout with Argo CD's manifest",
        ));
    };
    let documents = documents(file, &text, files)?;
    let mut found = Vec::new();
    for document in &documents {
        if is(document, "Application") {
            found.push(document.clone());
        } else if is(document, "ApplicationSet") {
            let secrets = secrets(file, &documents, files)?;
            found.extend(set::applications(file, document, &secrets, files)?);
        }
    }
    Ok((documents, found))
}

/// Secrets that describe clusters, of the same file and of those beside it.
fn secrets(file: &str, documents: &[Value], files: &dyn Files) -> Result<Vec<Value>, Wrong> {
    let mut all = documents.to_vec();
    for path in beside(file, files)? {
        let text = files.read(&path).map_err(|it| unreadable(&path, &it))?;
        all.extend(files.documents(&text.unwrap_or_default()).unwrap_or_default());
    }
    all.retain(set::is_cluster_secret);
    Ok(all)
}

fn read(file: &str, manifest: &Value, documents: &[Value], files: &dyn Files) -> Result<Application, Wrong> {
    let mut warnings = Vec::new();
    let project = |name: &str| {
        let found = project(file, documents, name, files)?;
        Ok(found.map(|(project, more)| {
            warnings = more;
            project
        }))
    };
    let mut application = Application::read(file, manifest, files, project)?;
    application.warnings.append(&mut warnings);
    Ok(application)
}

fn listed(all: &[Value], otherwise: &str) -> String {
    let names: Vec<String> = all.iter().map(|it| format!("`{}`", name_of(it))).collect();
    if names.is_empty() {
        return otherwise.to_owned();
    }
    format!(
        "it has {}: `application: {{ file: ..., name: ... }}` names one",
        names.join(", ")
    )
}

/// The project of this name in the same file, else in the YAML files of its folder.
fn project(
    file: &str,
    documents_of_file: &[Value],
    name: &str,
    files: &dyn Files,
) -> Result<Option<(Project, Vec<String>)>, Wrong> {
    let wanted = |it: &&Value| is(it, "AppProject") && name_of(it) == name;
    if let Some(found) = documents_of_file.iter().find(wanted) {
        return Project::read(file, found).map(Some);
    }
    for path in beside(file, files)? {
        let text = files.read(&path).map_err(|it| unreadable(&path, &it))?;
        // A file that is no YAML is somebody else's business.
        let documents = files.documents(&text.unwrap_or_default()).unwrap_or_default();
        if let Some(found) = documents.iter().find(wanted) {
            return Project::read(&path, found).map(Some);
        }
    }
    Ok(None)
}

/// The YAML files of the same folder.
pub(crate) fn beside(file: &str, files: &dyn Files) -> Result<Vec<String>, Wrong> {
    let folder = file.rsplit_once('/').map_or("", |it| it.0);
    let all = files.below(folder).map_err(|it| unreadable(folder, &it))?;
    let depth = folder.split('/').filter(|it| !it.is_empty()).count();
    let is_beside = |path: &String| {
        path != file
            && path.matches('/').count() == depth
            && path
                .rsplit_once('.')
                .is_some_and(|it| matches!(it.1, "yaml" | "yml"))
    };
    Ok(all.into_iter().filter(is_beside).collect())
}

fn documents(file: &str, text: &str, files: &dyn Files) -> Result<Vec<Value>, Wrong> {
    let read = files.documents(text);
    read.map_err(|it| Wrong::new(file, it, "it is YAML, as `kubectl apply` takes it"))
}

fn unreadable(file: &str, reason: &str) -> Wrong {
    Wrong::new(
        file,
        format!("it cannot be read: {reason}"),
        "look at the file's permissions",
    )
}

fn is(document: &Value, kind: &str) -> bool {
    let api = document["apiVersion"].as_str().unwrap_or_default();
    document["kind"] == kind && api.split('/').next() == Some(GROUP)
}

fn name_of(document: &Value) -> &str {
    document["metadata"]["name"].as_str().unwrap_or_default()
}
