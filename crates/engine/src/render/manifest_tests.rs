//! The plain manifests of `infrastructure/k8s` are what the chart renders to for production on a cluster.

use std::fmt::Write as _;
use std::path::PathBuf;

use windlass_chart::{Capabilities, Limits, Profile, ReleaseInfo};
use windlass_core::config::Config;
use windlass_core::machine::release::Release;

use super::Sources;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// As `helm template ecommerce-platform charts/ecommerce-platform --namespace production -f values.production.yaml -f
/// values.aws.yaml` writes it.
fn rendered() -> String {
    let text = std::fs::read_to_string(root().join("windlass.yaml")).unwrap();
    let config = Config::parse("windlass.yaml", &text).unwrap();
    let production = config.environment("production").unwrap();
    let mut sources = Sources::of_folder(&root(), &config, production).unwrap();
    let aws = "values.aws.yaml";
    let bytes = std::fs::read(root().join(&config.chart).join(aws)).unwrap();
    sources.values.push((aws.to_owned(), bytes));
    let chart = windlass_chart::load_from_files(sources.chart, &Limits::default()).unwrap();
    let version = chart.metadata().app_version.clone();
    let release = Release {
        id: String::new(),
        commit: String::new(),
        subject: String::new(),
        version,
        images: std::collections::BTreeMap::new(),
        built_at_ms: 0,
    };
    let values = super::values::values(&sources.values, &config, &release).unwrap();
    let info = ReleaseInfo {
        name: "ecommerce-platform".to_owned(),
        namespace: "production".to_owned(),
        revision: 1,
        is_upgrade: false,
        service: "Helm".to_owned(),
    };
    let rendered = windlass_chart::render(
        &chart,
        values,
        &info,
        &Capabilities::default(),
        Profile::default(),
    )
    .unwrap();
    let mut out = String::new();
    for manifest in rendered.manifests {
        let _ = writeln!(
            out,
            "---\n# Source: {}\n{}",
            manifest.path,
            manifest.text.trim_end()
        );
    }
    out
}

#[test]
fn the_plain_manifests_are_in_step_with_the_chart() {
    let path = root().join("infrastructure/k8s/ecommerce-platform.yaml");
    let rendered = rendered();
    if std::env::var_os("WRITE_MANIFESTS").is_some() {
        std::fs::write(&path, &rendered).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(
        written == rendered,
        "infrastructure/k8s is not what the chart renders to; WRITE_MANIFESTS=1 cargo test -p windlass-engine plain_manifests"
    );
}
