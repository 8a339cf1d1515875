//! What the controller and the services of the shop both compile has to be the same, features included: then it is
//! compiled once, and a first demo is minutes faster.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// What `./windlass` builds where no environment is on Kubernetes.
const CONTROLLER: &[&str] = &["-p", "windlass", "-p", "shopload", "--no-default-features"];
/// What a release of the shop builds, as `windlass.yaml` says.
const SERVICES: &[&str] = &[
    "-p",
    "api-gateway",
    "-p",
    "user-service",
    "-p",
    "catalog-service",
    "-p",
    "cart-service",
    "-p",
    "order-service",
    "-p",
    "storefront",
    "-p",
    "psp-sim",
    "--features",
    "faults",
];

/// A package and its version, and the sets of features that it is compiled with.
type Features = BTreeMap<String, BTreeSet<String>>;

pub(super) fn findings(root: &Path) -> Vec<String> {
    let (controller, services) = match (tree(root, CONTROLLER), tree(root, SERVICES)) {
        (Ok(controller), Ok(services)) => (controller, services),
        (Err(error), _) | (_, Err(error)) => return vec![error],
    };
    controller
        .iter()
        .filter_map(|(package, ours)| {
            let theirs = services.get(package).filter(|theirs| *theirs != ours)?;
            Some(format!(
                "{package}: compiled twice, with {ours:?} for the controller and {theirs:?} for the shop; name the missing features in Cargo.toml or shop/service-kit/Cargo.toml"
            ))
        })
        .collect()
}

fn tree(root: &Path, packages: &[&str]) -> Result<Features, String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["tree", "--locked", "--edges", "normal,build", "--prefix", "none"])
        .args(["--format", "{p}|{f}"])
        .args(packages)
        .output()
        .map_err(|error| format!("cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(parse(&String::from_utf8_lossy(&output.stdout)))
}

fn parse(lines: &str) -> Features {
    let mut found = Features::new();
    for (package, features) in lines.lines().filter_map(|line| line.split_once('|')) {
        let features = features.trim_end_matches(" (*)");
        // Packages of the workspace follow their version by a path.
        let package = package.split(" (").next().unwrap_or(package);
        found
            .entry(package.to_owned())
            .or_default()
            .insert(features.to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_package_that_is_met_twice_with_other_features_keeps_both() {
        let found = parse("libc v0.2.1|std\nlibc v0.2.1|extra,std (*)\nown v0.1.0 (/src)|\n");
        assert_eq!(found["libc v0.2.1"].len(), 2);
        assert!(found["own v0.1.0"].contains(""));
    }
}
