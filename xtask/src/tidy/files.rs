//! Rules about single files: size, module docs, names, and the invariants of ARCHITECTURE.md.

use std::path::{Path, PathBuf};

/// Lines of one Rust file; past this it holds more than one noun.
const LINES_MAX: usize = 800;
/// Names that say nothing about what a file holds.
const VAGUE: &[&str] = &[
    "utils.rs",
    "util.rs",
    "common.rs",
    "helpers.rs",
    "misc.rs",
    "manager.rs",
];
/// Invariants of ARCHITECTURE.md; more than this nobody keeps in mind.
const INVARIANTS_MAX: usize = 12;

pub(super) fn findings(root: &Path) -> Vec<String> {
    let mut sources = Vec::new();
    for folder in ["crates", "shop", "testing", "xtask"] {
        collect(&root.join(folder), &mut sources);
    }
    sources.sort();
    let texts: Vec<(PathBuf, String)> = sources
        .into_iter()
        .filter_map(|path| std::fs::read_to_string(&path).ok().map(|text| (path, text)))
        .collect();
    let mut found: Vec<String> = texts
        .iter()
        .flat_map(|(path, text)| about(path.strip_prefix(root).unwrap_or(path), text))
        .collect();
    found.extend(invariants(root, &texts));
    found
}

fn about(path: &Path, text: &str) -> Vec<String> {
    let shown = path.display();
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        found.push(format!(
            "{shown}: {lines} lines, at most {LINES_MAX}: split it by noun"
        ));
    }
    if !text.starts_with("//!") {
        found.push(format!(
            "{shown}: opens without `//!`: say what it is and what it does not know"
        ));
    }
    let in_tests = path.components().any(|part| part.as_os_str() == "tests");
    if VAGUE.contains(&name) || (name == "mod.rs" && !in_tests) {
        found.push(format!("{shown}: name a file after the one noun it holds"));
    }
    found
}

/// Each invariant is a line `N. ... (test: `name`)`; the name must be a test function somewhere.
fn invariants(root: &Path, texts: &[(PathBuf, String)]) -> Vec<String> {
    let Ok(architecture) = std::fs::read_to_string(root.join("ARCHITECTURE.md")) else {
        return vec!["ARCHITECTURE.md is missing".to_owned()];
    };
    let Some((_, section)) = architecture.split_once("\n## Invariants\n") else {
        return vec!["ARCHITECTURE.md: has no section `## Invariants`".to_owned()];
    };
    let section = section.split("\n## ").next().unwrap_or_default();
    let listed: Vec<&str> = section
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    let mut found = Vec::new();
    if listed.is_empty() || listed.len() > INVARIANTS_MAX {
        found.push(format!(
            "ARCHITECTURE.md: {} invariants, 1 to {INVARIANTS_MAX} are kept",
            listed.len()
        ));
    }
    for line in listed {
        let named = line
            .split_once("(test: `")
            .and_then(|(_, rest)| rest.split_once('`'))
            .map(|(name, _)| name);
        match named {
            None => found.push(format!("ARCHITECTURE.md: no `(test: `...`)` in: {line}")),
            Some(name)
                if !texts
                    .iter()
                    .any(|(_, text)| text.contains(&format!("fn {name}("))) =>
            {
                found.push(format!("ARCHITECTURE.md: test `{name}` does not exist"));
            }
            Some(_) => {}
        }
    }
    found
}

fn collect(folder: &Path, sources: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect(&path, sources);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
}
