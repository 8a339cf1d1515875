//! Files that no compiler reads, read by parsers of their own languages and compared with what they talk about.

#![expect(clippy::unwrap_used, reason = "a test says where it failed")]

use std::path::{Path, PathBuf};

use serde_json::Value;

mod alerts;
mod argocd;
mod compose;
mod images;
mod manifests;
mod openapi;
mod policies;
mod runbook;
mod terraform;
mod workflows;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|cause| panic!("{path}: {cause}"))
}

/// All documents of a YAML file.
fn yaml(path: &str) -> Vec<Value> {
    use serde::Deserialize as _;
    let text = text(path);
    serde_norway::Deserializer::from_str(&text)
        .map(|document| Value::deserialize(document).unwrap_or_else(|cause| panic!("{path}: {cause}")))
        .filter(|document| !document.is_null())
        .collect()
}

/// Files of a folder with this ending, relative to the root.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let mut found: Vec<String> = std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| format!("{folder}/{}", entry.unwrap().file_name().to_string_lossy()))
        .filter(|path| path.ends_with(ending))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{folder} has no {ending}");
    found
}

/// The chart's services: name, and what is said about it.
fn services() -> Vec<(String, Value)> {
    let values = yaml("charts/ecommerce-platform/values.yaml").remove(0);
    values["services"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Runs a program if it is installed; `None` says that it is not, and with `CI=true` that is a failure.
fn run(program: &str, package: &str, arguments: &[&str]) -> Option<(bool, String)> {
    let program = servers::program(program, package).unwrap()?;
    run_if_there(program.to_str().unwrap(), arguments)
}

/// Runs a program that nobody has to have.
fn run_if_there(program: &str, arguments: &[&str]) -> Option<(bool, String)> {
    let output = std::process::Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .ok()?;
    let said = [output.stdout, output.stderr].concat();
    Some((
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    ))
}
