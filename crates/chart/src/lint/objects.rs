//! Templates, and the objects that they render to.

use std::collections::BTreeMap;

use super::{Run, Severity, deprecated};
use crate::any::Any;
use crate::load::File;
use crate::{Limits, Profile, yaml};

/// What is looked at of an object.
#[derive(Default)]
struct Head {
    api: String,
    kind: String,
    name: String,
}

/// Whether the rest of the templates is to be looked at.
pub(super) fn lint_template(
    run: &mut Run<'_>,
    chart: &str,
    template: &File,
    rendered: &BTreeMap<String, String>,
    minor: u32,
) -> bool {
    let file = template.name.as_str();
    let helm3 = run.subject.options.profile == Profile::Helm3;
    let base = file.rsplit('/').next().unwrap_or(file);
    let extension = base.rfind('.').map_or("", |at| &base[at..]);
    if !matches!(extension, ".yaml" | ".yml" | ".tpl" | ".txt") {
        run.add(
            Severity::Error,
            file,
            format!(
                "file extension '{extension}' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt"
            ),
        );
    }
    if helm3 {
        removed_from_helm3(run, file, &template.data.text());
    }
    let is_yaml = if helm3 {
        extension == ".yaml"
    } else {
        matches!(extension.to_ascii_lowercase().as_str(), ".yaml" | ".yml")
    };
    let Some(text) = rendered
        .get(&format!("{chart}/{file}"))
        .filter(|it| is_yaml && !it.trim().is_empty())
    else {
        return true;
    };
    indented(run, file, text);
    for document in documents(text) {
        let head = match head(document, run.subject.options.profile) {
            Ok(Some(head)) => head,
            Ok(None) => continue,
            Err(why) => {
                run.add(Severity::Error, file, format!("unable to parse YAML: {why}"));
                return false;
            }
        };
        if let Some(why) = bad_name(&head) {
            run.add(Severity::Warning, file, why);
        }
        if let Some(why) = deprecated::warning(&head.api, &head.kind, minor) {
            run.add(Severity::Warning, file, why);
        }
        if matches!(
            head.kind.as_str(),
            "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet"
        ) && !text.contains("matchLabels")
            && !text.contains("matchExpressions")
        {
            let (kind, name) = (&head.kind, crate::go::quote::quoted(head.name.as_bytes()));
            let why = format!("a {kind} must contain matchLabels or matchExpressions, and {name} does not");
            run.add(Severity::Error, file, why);
        }
        if head.kind == "List" && kept_items(text) {
            let first = if helm3 { 'A' } else { 'a' };
            let why = format!("{first}nnotation 'helm.sh/resource-policy' within List objects are ignored");
            run.add(Severity::Error, file, why);
        }
    }
    true
}

/// Whether the rest of the definitions is to be looked at.
pub(super) fn lint_crd(run: &mut Run<'_>, file: &File) -> bool {
    let extension = file.name.rsplit('.').next().unwrap_or_default().to_lowercase();
    if !file.name.starts_with("crds/") || !matches!(extension.as_str(), "yaml" | "yml" | "json") {
        return true;
    }
    let text = file.data.text();
    for document in documents(&text) {
        match head(document, run.subject.options.profile) {
            Ok(Some(head)) => {
                if !head.api.starts_with("apiextensions.k8s.io") {
                    run.add(
                        Severity::Error,
                        &file.name,
                        "apiVersion is not in 'apiextensions.k8s.io'",
                    );
                }
                if head.kind != "CustomResourceDefinition" {
                    run.add(
                        Severity::Error,
                        &file.name,
                        "object kind is not 'CustomResourceDefinition'",
                    );
                }
            }
            Ok(None) => {}
            Err(why) => {
                run.add(
                    Severity::Error,
                    &file.name,
                    format!("unable to parse YAML: {why}"),
                );
                return false;
            }
        }
    }
    true
}

/// What Helm 2 had.
fn removed_from_helm3(run: &mut Run<'_>, file: &str, text: &str) {
    let is_hook = |line: &str| {
        line.split_once("helm.sh/hook")
            .and_then(|it| it.1.trim_start_matches('"').strip_prefix(':'))
            .is_some_and(|it| {
                it.starts_with(char::is_whitespace) && it.trim_start().starts_with("crd-install")
            })
    };
    if text.lines().any(is_hook) {
        let why = "manifest is a crd-install hook. This hook is no longer supported in v3 and all CRDs should also exist the crds/ directory at the top level of the chart";
        run.add(Severity::Warning, file, why);
    }
    if text.contains(".Release.Time") {
        let why =
            ".Release.Time has been removed in v3, please replace with the `now` function in your templates";
        run.add(Severity::Error, file, why);
    }
}

fn indented(run: &mut Run<'_>, file: &str, text: &str) {
    let first = text.lines().find(|it| !it.trim().is_empty()).unwrap_or_default();
    if first.starts_with([' ', '\t']) {
        let line = crate::go::quote::quoted(first.as_bytes());
        let why = format!("document starts with an illegal indent: {line}, which may cause parsing problems");
        run.add(Severity::Warning, file, why);
    }
}

/// Documents as Kubernetes' reader splits them: at lines of three dashes.
fn documents(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let whole = rest?;
        let mut at = 0;
        for line in whole.split_inclusive('\n') {
            let after = line.strip_prefix("---").map(str::trim);
            if after.is_some_and(|it| it.is_empty() || it.starts_with('#')) {
                rest = Some(&whole[at + line.len()..]);
                return Some(&whole[..at]);
            }
            at += line.len();
        }
        rest = None;
        Some(whole)
    })
    .filter(|it| !it.trim().is_empty())
}

fn head(document: &str, profile: Profile) -> Result<Option<Head>, String> {
    let object = match profile {
        Profile::Helm3 => "K8sYamlStruct",
        Profile::Helm4 => "k8sYamlStruct",
    };
    let read = yaml::read(document.as_bytes(), &Limits::default());
    let map = match read.map_err(|it| format!("error converting YAML to JSON: {it}"))? {
        Any::Nil => return Ok(None),
        Any::Map(map) => map,
        other => return Err(mismatch(&other, object, "", &format!("rules.{object}"))),
    };
    let text = |value: Option<Any>, place: &str| match value {
        None => Ok(String::new()),
        Some(value) => {
            crate::manifest::scalar(&value).ok_or_else(|| mismatch(&value, object, place, "string"))
        }
    };
    let mut head = Head {
        api: text(map.get(b"apiVersion"), "apiVersion")?,
        kind: text(map.get(b"kind"), "Kind")?,
        name: String::new(),
    };
    match map.get(b"metadata") {
        None | Some(Any::Nil) => {}
        Some(Any::Map(metadata)) => {
            text(metadata.get(b"namespace"), "Metadata.Namespace")?;
            head.name = text(metadata.get(b"name"), "Metadata.Name")?;
        }
        Some(other) => return Err(mismatch(&other, object, "Metadata", "rules.k8sYamlMetadata")),
    }
    Ok(Some(head))
}

/// Go's words for a value of the wrong kind.
fn mismatch(value: &Any, object: &str, place: &str, wanted: &str) -> String {
    let kind = match value {
        Any::Bool(_) => "bool",
        Any::Str(_) => "string",
        Any::List(_) => "array",
        Any::Map(_) => "object",
        _ => "number",
    };
    let of = if place.is_empty() {
        format!("Go value of type {wanted}")
    } else {
        format!("Go struct field {object}.{place} of type {wanted}")
    };
    format!("error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into {of}")
}

fn kept_items(text: &str) -> bool {
    let Ok(Any::Map(map)) = yaml::read(text.as_bytes(), &Limits::default()) else {
        return false;
    };
    let Some(Any::List(items)) = map.get(b"items") else {
        return false;
    };
    let inner = |value: &Any, key: &str| match value {
        Any::Map(map) => map.get(key.as_bytes()),
        _ => None,
    };
    items.items().iter().any(|it| {
        inner(it, "metadata")
            .and_then(|it| inner(&it, "annotations"))
            .and_then(|it| inner(&it, "helm.sh/resource-policy"))
            .is_some()
    })
}

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const OLD_LABEL: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

fn bad_name(head: &Head) -> Option<String> {
    let name = head.name.as_str();
    let is_label = |text: &str| {
        let inner = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
        !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
    };
    let long = |most: usize| (name.len() > most).then(|| format!("must be no more than {most} characters"));
    let mut problems: Vec<String> = Vec::new();
    match head.kind.to_lowercase().as_str() {
        "certificatesigningrequest" => {}
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" => match name {
            "." | ".." => problems.push(format!("may not be '{name}'")),
            _ => {
                let bad = ["/", "%"].into_iter().filter(|it| name.contains(it));
                problems.extend(bad.map(|it| format!("may not contain '{it}'")));
            }
        },
        "service" => {
            problems.extend(long(63));
            if !is_label(name) || !name.starts_with(|it: char| it.is_ascii_lowercase()) {
                problems.push(OLD_LABEL.to_owned());
            }
        }
        "namespace" => {
            problems.extend(long(63));
            if !is_label(name) {
                let dots = name.split('.').all(is_label);
                problems.push(if dots { "must not contain dots" } else { LABEL }.to_owned());
            }
        }
        _ => {
            problems.extend(long(253));
            problems.extend((!name.split('.').all(is_label)).then(|| SUBDOMAIN.to_owned()));
        }
    }
    let name = crate::go::quote::quoted(name.as_bytes());
    let problems: Vec<String> = problems
        .into_iter()
        .map(|it| format!("metadata.name: Invalid value: {name}: {it}"))
        .collect();
    let all = match problems.as_slice() {
        [] => return None,
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    };
    Some(format!(
        "object name does not conform to Kubernetes naming requirements: {name}: {all}"
    ))
}
