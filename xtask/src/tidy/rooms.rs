//! Which crate may know which: the table of ARCHITECTURE.md, checked against the manifests.

use std::path::Path;

/// A crate of ours and those of ours that it may depend on, tests included.
const ALLOWED: &[(&str, &[&str])] = &[
    ("windlass-core", &[]),
    ("windlass-chart", &["windlass-core"]),
    ("windlass-guard", &["windlass-core"]),
    ("windlass-oci", &["windlass-core"]),
    ("windlass-kube", &["windlass-core", TEST_CLUSTER]),
    ("windlass-lua", &["windlass-core"]),
    (TEST_CLUSTER, &[]),
    ("windlass-proxy", &[]),
    (
        "windlass-engine",
        &[
            "windlass-core",
            "windlass-chart",
            "windlass-guard",
            "windlass-oci",
            "windlass-proxy",
            TEST_CLUSTER,
        ],
    ),
    ("windlass-server", &["windlass-core", "windlass-engine"]),
    (
        "windlass",
        &[
            "windlass-core",
            "windlass-chart",
            "windlass-guard",
            "windlass-oci",
            "windlass-kube",
            "windlass-lua",
            "windlass-proxy",
            "windlass-engine",
            "windlass-server",
            TEST_CLUSTER,
        ],
    ),
    (
        "windlass-sim",
        &[
            "windlass-core",
            "windlass-chart",
            "windlass-guard",
            "windlass-engine",
        ],
    ),
];

/// A crate for tests, which nothing that is released is linked with.
const TEST_CLUSTER: &str = "windlass-cluster";

/// The crates that only the shop's own crates may know.
const SHOP: &str = "service-kit";

pub(super) fn findings(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for (folder, ours) in [("crates", true), ("testing", true), ("shop", false)] {
        for (name, dependencies) in manifests(&root.join(folder)) {
            for (section, dependency) in dependencies {
                found.extend(judge(&name, &dependency, ours));
                if dependency == TEST_CLUSTER && section != "dev-dependencies" {
                    found.push(format!(
                        "{name}: {TEST_CLUSTER} is for its tests: [dev-dependencies]"
                    ));
                }
            }
        }
    }
    found
}

fn judge(name: &str, dependency: &str, ours: bool) -> Option<String> {
    if !ours {
        let knows = dependency.starts_with("windlass");
        return knows
            .then(|| format!("{name}: the shop never links {dependency}; it knows nothing of Windlass"));
    }
    if dependency == SHOP {
        return Some(format!("{name}: Windlass does not link the shop ({dependency})"));
    }
    if !dependency.starts_with("windlass") {
        return None;
    }
    let Some((_, allowed)) = ALLOWED.iter().find(|(crate_name, _)| *crate_name == name) else {
        return Some(format!(
            "{name}: not in the table of rooms (xtask/src/tidy/rooms.rs and ARCHITECTURE.md)"
        ));
    };
    (!allowed.contains(&dependency))
        .then(|| format!("{name}: may not depend on {dependency} (see the table of rooms)"))
}

/// Each crate's name, and its dependencies (of every kind) with the section that names them.
type Manifest = (String, Vec<(String, String)>);

/// The crates below a folder, read from their manifests.
fn manifests(folder: &Path) -> Vec<Manifest> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("Cargo.toml")).ok())
        .map(|text| parse(&text))
        .collect();
    found.sort();
    found
}

fn parse(manifest: &str) -> Manifest {
    let mut section = "";
    let mut name = String::new();
    let mut dependencies = Vec::new();
    for line in manifest
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        if section == "package" && key.trim() == "name" {
            value.trim().trim_matches('"').clone_into(&mut name);
        } else if section.ends_with("dependencies") {
            let dependency = key.trim().split('.').next().unwrap_or_default();
            dependencies.push((section.to_owned(), dependency.to_owned()));
        }
    }
    (name, dependencies)
}
