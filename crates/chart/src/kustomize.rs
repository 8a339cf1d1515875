//! Kustomizations of the plain kind: resources, a namespace, images, replicas, labels and annotations, and other
//! kustomizations below. What is not understood is an error, because it would change the objects.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::yaml;

/// The names that a kustomization's file may have.
pub const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// Kustomizations within kustomizations.
const DEPTH_MAX: usize = 16;
/// Objects of one kustomization.
const OBJECTS_MAX: usize = 20_000;

/// What is changed in all objects, or in those that it names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The namespace of all objects that are in one.
    pub namespace: Option<String>,
    /// Other images for those of a name.
    pub images: Vec<Image>,
    /// Replicas of workloads by name.
    pub replicas: BTreeMap<String, u64>,
    /// Labels, not of selectors.
    pub labels: BTreeMap<String, String>,
    /// Whether pods get the labels too.
    pub labels_of_pods: bool,
    /// Annotations, of pods too.
    pub annotations: BTreeMap<String, String>,
}

/// Another image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// The name that it has, without tag and digest.
    pub name: String,
    /// The name that it gets, if another.
    pub new_name: Option<String>,
    /// The tag that it gets.
    pub tag: Option<String>,
    /// The digest that it gets, instead of a tag.
    pub digest: Option<String>,
}

/// Reads a file by its path from the root.
pub type Read<'w> = dyn Fn(&str) -> Result<Option<Vec<u8>>, String> + 'w;

/// Where the files come from, and what is known of kinds.
pub struct World<'w> {
    /// The bytes of a file by its path from the root; `None` where there is none.
    pub read: &'w Read<'w>,
    /// Whether objects of a group and kind are in a namespace.
    pub is_namespaced: &'w dyn Fn(&str, &str) -> bool,
}

/// A kustomization cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {cause}")]
pub struct KustomizeError {
    /// The file.
    pub file: String,
    /// Why.
    pub cause: String,
}

impl Image {
    /// `cart=ghcr.io/company/cart:v2`, `cart:v2` or `cart@sha256:...`.
    pub fn parse(text: &str) -> Self {
        let (name, rest) = match text.split_once('=') {
            Some((name, rest)) => (Some(name), rest),
            None => (None, text),
        };
        let (new_name, tag, digest) = parts(rest);
        Self {
            name: name.unwrap_or(new_name).to_owned(),
            new_name: name.map(|_| new_name.to_owned()),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        }
    }

    fn apply(&self, image: &str) -> Option<String> {
        let (name, tag, digest) = parts(image);
        if name != self.name {
            return None;
        }
        let name = self.new_name.as_deref().unwrap_or(name);
        let named = match (&self.digest, &self.tag) {
            (Some(digest), _) => format!("{name}@{digest}"),
            (None, Some(tag)) => format!("{name}:{tag}"),
            (None, None) => {
                let tag = tag.map(|it| format!(":{it}")).unwrap_or_default();
                let digest = digest.map(|it| format!("@{it}")).unwrap_or_default();
                format!("{name}{tag}{digest}")
            }
        };
        Some(named)
    }
}

/// Name, tag and digest of an image's reference.
fn parts(image: &str) -> (&str, Option<&str>, Option<&str>) {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    match name.rsplit_once(':') {
        // A colon before the last slash belongs to the registry's port.
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag), digest),
        _ => (name, None, digest),
    }
}

/// The objects of the kustomization in a folder, in the order of its resources, and `more` on top of its own changes.
pub fn build(folder: &str, more: &Changes, world: &World<'_>) -> Result<Vec<Json>, KustomizeError> {
    let mut objects = objects_of(folder, world, 0)?;
    change(&mut objects, more, world);
    Ok(objects)
}

fn objects_of(folder: &str, world: &World<'_>, depth: usize) -> Result<Vec<Json>, KustomizeError> {
    let wrong = |file: &str, cause: String| KustomizeError {
        file: file.to_owned(),
        cause,
    };
    let Some((file, bytes)) = kustomization(folder, world)? else {
        return Err(wrong(folder, format!("it has none of {}", NAMES.join(", "))));
    };
    if depth > DEPTH_MAX {
        return Err(wrong(
            &file,
            format!("there are more than {DEPTH_MAX} kustomizations within each other"),
        ));
    }
    let document = documents(&file, &bytes)?.into_iter().next().unwrap_or(Json::Null);
    let (resources, changes) = read(&document).map_err(|it| wrong(&file, it))?;
    let mut objects = Vec::new();
    for resource in resources {
        let path = joined(folder, &resource).map_err(|it| wrong(&file, it))?;
        let found = (world.read)(&path).map_err(|it| wrong(&path, it))?;
        match found {
            Some(bytes) => objects.extend(documents(&path, &bytes)?),
            None if kustomization(&path, world)?.is_some() => {
                objects.extend(objects_of(&path, world, depth + 1)?);
            }
            None => {
                return Err(wrong(
                    &file,
                    format!("resources: {resource}: there is no such file or kustomization"),
                ));
            }
        }
        if objects.len() > OBJECTS_MAX {
            return Err(wrong(&file, format!("it has more than {OBJECTS_MAX} objects")));
        }
    }
    change(&mut objects, &changes, world);
    Ok(objects)
}

/// The kustomization's file in a folder, with its bytes.
fn kustomization(folder: &str, world: &World<'_>) -> Result<Option<(String, Vec<u8>)>, KustomizeError> {
    for name in NAMES {
        let path = if folder.is_empty() {
            name.to_owned()
        } else {
            format!("{folder}/{name}")
        };
        let read = (world.read)(&path);
        let read = read.map_err(|cause| KustomizeError {
            file: path.clone(),
            cause,
        })?;
        if let Some(bytes) = read {
            return Ok(Some((path, bytes)));
        }
    }
    Ok(None)
}

fn documents(file: &str, bytes: &[u8]) -> Result<Vec<Json>, KustomizeError> {
    let wrong = |cause: String| KustomizeError {
        file: file.to_owned(),
        cause,
    };
    let text = std::str::from_utf8(bytes).map_err(|it| wrong(it.to_string()))?;
    let all = yaml::parse(text).map_err(|it| wrong(it.to_string()))?;
    let mut found = Vec::new();
    for document in all {
        let json = document.to_json();
        match json.get("items").and_then(Json::as_array) {
            Some(items) if json["kind"] == "List" => found.extend(items.iter().cloned()),
            _ if json.is_null() => {}
            _ => found.push(json),
        }
    }
    Ok(found)
}

/// A path from the root that stays within it.
fn joined(folder: &str, path: &str) -> Result<String, String> {
    if path.contains("://") || path.contains("?ref=") || path.starts_with("git@") {
        return Err(format!(
            "resources: {path}: what is elsewhere is not fetched; bring it into the repository"
        ));
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|it| !it.is_empty()).collect();
    for one in path.split('/') {
        match one {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Err(format!("resources: {path}: it leads out of the repository"));
                }
            }
            one => parts.push(one),
        }
    }
    Ok(parts.join("/"))
}

/// The resources of a kustomization, and its changes.
fn read(document: &Json) -> Result<(Vec<String>, Changes), String> {
    const KNOWN: [&str; 10] = [
        "apiVersion",
        "kind",
        "metadata",
        "resources",
        "namespace",
        "images",
        "replicas",
        "labels",
        "commonAnnotations",
        "sortOptions",
    ];
    let fields = document.as_object().ok_or("it is no map of fields")?;
    let is_empty = |value: &Json| match value {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.is_empty(),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
    };
    let other = fields
        .iter()
        .find(|(key, value)| !KNOWN.contains(&key.as_str()) && !is_empty(value));
    if let Some((key, _)) = other {
        return Err(format!(
            "`{key}` is not understood here; `kustomize build` writes plain manifests, which are"
        ));
    }
    let resources = list(document, "resources")?
        .iter()
        .map(text)
        .collect::<Result<_, _>>()?;
    let mut changes = Changes {
        namespace: document["namespace"].as_str().map(str::to_owned),
        annotations: texts(&document["commonAnnotations"])?,
        ..Changes::default()
    };
    for image in list(document, "images")? {
        let field = |name: &str| {
            image[name]
                .as_str()
                .map(str::to_owned)
                .filter(|it| !it.is_empty())
        };
        changes.images.push(Image {
            name: field("name").ok_or("an image has no `name`")?,
            new_name: field("newName"),
            tag: field("newTag"),
            digest: field("digest"),
        });
    }
    for one in list(document, "replicas")? {
        let count = one["count"]
            .as_u64()
            .ok_or("an entry of `replicas` has no `count`")?;
        changes.replicas.insert(text(&one["name"])?, count);
    }
    for labels in list(document, "labels")? {
        if labels["includeSelectors"] == true {
            return Err("labels with `includeSelectors` are not added here; without it they are".to_owned());
        }
        changes.labels_of_pods |= labels["includeTemplates"] == true;
        changes.labels.extend(texts(&labels["pairs"])?);
    }
    Ok((resources, changes))
}

fn list<'a>(document: &'a Json, key: &str) -> Result<&'a [Json], String> {
    match &document[key] {
        Json::Null => Ok(&[]),
        Json::Array(items) => Ok(items),
        _ => Err(format!("`{key}` is no list")),
    }
}

fn text(value: &Json) -> Result<String, String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("{value} is no text"))
}

fn texts(value: &Json) -> Result<BTreeMap<String, String>, String> {
    let entries = value.as_object().into_iter().flatten();
    entries
        .map(|(key, value)| Ok((key.clone(), text(value)?)))
        .collect()
}

fn change(objects: &mut [Json], changes: &Changes, world: &World<'_>) {
    let accounts: Vec<String> = objects
        .iter()
        .filter(|it| it["kind"] == "ServiceAccount")
        .filter_map(|it| Some(it["metadata"]["name"].as_str()?.to_owned()))
        .collect();
    for object in objects {
        if let Some(namespace) = &changes.namespace {
            into_namespace(object, namespace, &accounts, world);
        }
        let pod = pod_of(object);
        put(object, "/metadata", "labels", &changes.labels);
        put(object, "/metadata", "annotations", &changes.annotations);
        if let Some(pod) = pod {
            let metadata = format!("{pod}/metadata");
            if !pod.is_empty() && changes.labels_of_pods {
                put(object, &metadata, "labels", &changes.labels);
            }
            if !pod.is_empty() {
                put(object, &metadata, "annotations", &changes.annotations);
            }
            images(object, &format!("{pod}/spec"), &changes.images);
        }
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let scales = matches!(
            object["kind"].as_str(),
            Some("Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController")
        );
        if let Some(count) = changes.replicas.get(name).filter(|_| scales) {
            object["spec"]["replicas"] = json!(count);
        }
    }
}

/// Where an object has a pod or a pod's template.
fn pod_of(object: &Json) -> Option<&'static str> {
    match object["kind"].as_str()? {
        "Pod" => Some(""),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController" | "Job" => {
            Some("/spec/template")
        }
        "CronJob" => Some("/spec/jobTemplate/spec/template"),
        _ => None,
    }
}

fn into_namespace(object: &mut Json, namespace: &str, accounts: &[String], world: &World<'_>) {
    let api = object["apiVersion"].as_str().unwrap_or_default().to_owned();
    let group = api.split_once('/').map_or("", |it| it.0);
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    if kind == "Namespace" && group.is_empty() {
        object["metadata"]["name"] = json!(namespace);
    } else if (world.is_namespaced)(group, &kind) {
        object["metadata"]["namespace"] = json!(namespace);
    }
    if matches!(kind.as_str(), "RoleBinding" | "ClusterRoleBinding") {
        let subjects = object.get_mut("subjects").and_then(Json::as_array_mut);
        for subject in subjects.into_iter().flatten() {
            let ours = subject["name"]
                .as_str()
                .is_some_and(|it| it == "default" || accounts.iter().any(|one| one == it));
            if subject["kind"] == "ServiceAccount" && ours {
                subject["namespace"] = json!(namespace);
            }
        }
    }
}

fn put(object: &mut Json, at: &str, of: &str, texts: &BTreeMap<String, String>) {
    if texts.is_empty() {
        return;
    }
    // A pod's template may say nothing of itself.
    if object.pointer(at).is_none()
        && let Some(Json::Object(above)) = at.rsplit_once('/').and_then(|it| object.pointer_mut(it.0))
    {
        above.insert("metadata".to_owned(), Json::Object(Map::new()));
    }
    let Some(Json::Object(metadata)) = object.pointer_mut(at) else {
        return;
    };
    let entry = metadata.entry(of).or_insert(Json::Null);
    if !entry.is_object() {
        *entry = Json::Object(Map::new());
    }
    for (key, value) in texts {
        entry[key] = json!(value);
    }
}

fn images(object: &mut Json, spec: &str, images: &[Image]) {
    for list in ["initContainers", "containers"] {
        let containers = object
            .pointer_mut(&format!("{spec}/{list}"))
            .and_then(Json::as_array_mut);
        for container in containers.into_iter().flatten() {
            let image = container["image"].as_str().unwrap_or_default().to_owned();
            if let Some(other) = images.iter().find_map(|it| it.apply(&image)) {
                container["image"] = json!(other);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec: {containers: [{name: web, image: 'ghcr.io:443/company/web:1'}, {name: log, image: log}]}\n";
    const BINDING: &str = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: web}\nsubjects: [{kind: ServiceAccount, name: web, namespace: old}, {kind: ServiceAccount, name: other, namespace: old}]\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n";

    fn built(files: &[(&str, &str)], more: &Changes) -> Result<Vec<Json>, String> {
        let read = |path: &str| {
            let found = files.iter().find(|it| it.0 == path);
            Ok(found.map(|it| it.1.as_bytes().to_vec()))
        };
        let world = World {
            read: &read,
            is_namespaced: &|_, kind| !kind.starts_with("Cluster"),
        };
        build("overlay", more, &world).map_err(|it| it.to_string())
    }

    #[test]
    fn bases_are_built_and_changed_from_the_inside_out() {
        let files = [
            (
                "overlay/kustomization.yaml",
                "resources: [../base, more.yaml]\nnamespace: shop\nimages: [{name: 'ghcr.io:443/company/web', newTag: v2}]\nreplicas: [{name: web, count: 3}]\nlabels: [{pairs: {team: a}, includeTemplates: true}]\ncommonAnnotations: {note: b}\n",
            ),
            ("overlay/more.yaml", BINDING),
            (
                "base/kustomization.yml",
                "resources: [web.yaml]\nnamespace: base\n",
            ),
            ("base/web.yaml", DEPLOYMENT),
        ];
        let objects = built(&files, &Changes::default()).unwrap();
        assert_eq!(objects.len(), 3);
        let web = &objects[0];
        assert_eq!(
            web["metadata"],
            json!({ "name": "web", "namespace": "shop", "labels": { "team": "a" }, "annotations": { "note": "b" } })
        );
        assert_eq!(web["spec"]["replicas"], 3);
        let template = &web["spec"]["template"];
        assert_eq!(
            template["metadata"],
            json!({ "labels": { "team": "a" }, "annotations": { "note": "b" } })
        );
        assert_eq!(
            template["spec"]["containers"][0]["image"],
            "ghcr.io:443/company/web:v2"
        );
        assert_eq!(template["spec"]["containers"][1]["image"], "log");
        let binding = &objects[1];
        assert_eq!(binding["metadata"]["namespace"], Json::Null);
        assert_eq!(binding["subjects"][0]["namespace"], "shop");
        assert_eq!(binding["subjects"][1]["namespace"], "old");
        assert_eq!(objects[2]["metadata"]["namespace"], "shop");
    }

    #[test]
    fn what_an_application_adds_comes_last() {
        let files = [
            ("overlay/Kustomization", "resources: [web.yaml]\n"),
            ("overlay/web.yaml", DEPLOYMENT),
        ];
        let more = Changes {
            images: vec![
                Image::parse("ghcr.io:443/company/web@sha256:aa"),
                Image::parse("log=quay.io/log:3"),
            ],
            ..Changes::default()
        };
        let objects = built(&files, &more).unwrap();
        let containers = &objects[0]["spec"]["template"]["spec"]["containers"];
        assert_eq!(containers[0]["image"], "ghcr.io:443/company/web@sha256:aa");
        assert_eq!(containers[1]["image"], "quay.io/log:3");
    }

    #[test]
    fn what_is_not_understood_or_leads_out_is_refused_by_name() {
        let cases = [
            (
                "patches: [{path: a.yaml}]",
                "overlay/kustomization.yaml: `patches` is not understood here",
            ),
            ("namePrefix: a-", "`namePrefix` is not understood"),
            (
                "resources: [../../etc]",
                "resources: ../../etc: it leads out of the repository",
            ),
            (
                "resources: ['https://example.com/a.yaml']",
                "what is elsewhere is not fetched",
            ),
            (
                "resources: [nothing.yaml]",
                "resources: nothing.yaml: there is no such file",
            ),
            ("resources: [.]", "more than 16 kustomizations within each other"),
            (
                "labels: [{pairs: {a: b}, includeSelectors: true}]",
                "`includeSelectors`",
            ),
        ];
        for (text, expected) in cases {
            let error = built(&[("overlay/kustomization.yaml", text)], &Changes::default()).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let error = built(&[], &Changes::default()).unwrap_err();
        assert!(error.contains("it has none of kustomization.yaml"), "{error}");
    }
}
