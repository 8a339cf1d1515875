//! `windlass helm lint`: problems of charts, as Helm words them.

use std::fmt::Write as _;

use windlass_chart::{Capabilities, Options, ReleaseInfo};

use super::flags::{COMMON, Flag, Flags, Takes, VALUES};
use super::{Stop, complain, folder, print, remote, values};

const OWN: &[Flag] = &[
    ("strict", None, Takes::Switch),
    ("quiet", None, Takes::Switch),
    ("with-subcharts", None, Takes::Switch),
    ("kube-version", None, Takes::Text),
    ("skip-schema-validation", None, Takes::Switch),
];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Severity {
    Info,
    Warning,
    Error,
}

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        }
    }
}

type Finding = (Severity, &'static str, String);

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let flags = Flags::read(words, &[COMMON, VALUES, OWN])?;
    let here = vec![".".to_owned()];
    let paths = if flags.arguments.is_empty() {
        &here
    } else {
        &flags.arguments
    };
    let mut failed = 0;
    let mut out = String::new();
    for path in paths {
        let findings = findings(&flags, path)?;
        let limit = if flags.is_on("strict") {
            Severity::Warning
        } else {
            Severity::Error
        };
        let bad = findings.iter().any(|it| it.0 >= limit);
        failed += usize::from(bad);
        if flags.is_on("quiet") && findings.iter().all(|it| it.0 < Severity::Warning) {
            continue;
        }
        let _ = writeln!(out, "==> Linting {path}");
        for (severity, file, what) in findings {
            if !flags.is_on("quiet") || severity > Severity::Info {
                let _ = writeln!(out, "[{}] {file}: {what}", severity.name());
            }
        }
        out.push('\n');
    }
    let summary = format!("{} chart(s) linted, {failed} chart(s) failed", paths.len());
    if failed > 0 {
        print(out.as_bytes());
        complain(&format!("Error: {summary}\n"));
        return Err(Stop::Quiet);
    }
    if !flags.is_on("quiet") {
        let _ = writeln!(out, "{summary}");
    }
    print(out.as_bytes());
    Ok(())
}

fn findings(flags: &Flags, path: &str) -> Result<Vec<Finding>, Stop> {
    let mut all: Vec<Finding> = Vec::new();
    let chart = match folder::load(path) {
        Ok(chart) => chart,
        Err(Stop::Failed(message)) => {
            all.push((Severity::Error, "Chart.yaml", message));
            return Ok(all);
        }
        Err(stop) => return Err(stop),
    };
    let about = chart.metadata();
    if about.icon.is_empty() {
        all.push((Severity::Info, "Chart.yaml", "icon is recommended".to_owned()));
    }
    if !matches!(about.api_version.as_str(), "v1" | "v2") {
        let what = format!(
            "apiVersion '{}' is not valid. The value must be either \"v1\" or \"v2\"",
            about.api_version
        );
        all.push((Severity::Error, "Chart.yaml", what));
    }
    if about.kind == "library" && about.api_version == "v1" {
        let what = "chart type is not valid in apiVersion 'v1'. It is valid in apiVersion 'v2'".to_owned();
        all.push((Severity::Error, "Chart.yaml", what));
    }
    let files = folder::files(path)?;
    if !files.contains_key("values.yaml") {
        all.push((Severity::Info, "values.yaml", "file does not exist".to_owned()));
    }
    if !files.keys().any(|it| it.starts_with("templates/")) {
        all.push((
            Severity::Warning,
            "templates/",
            "directory does not exist".to_owned(),
        ));
    }
    let profile = super::profile(flags)?;
    let release = ReleaseInfo {
        name: "test-release".to_owned(),
        namespace: flags.one("namespace").unwrap_or("default").to_owned(),
        revision: 1,
        is_upgrade: false,
        service: "Helm".to_owned(),
    };
    let capabilities = match flags.one("kube-version") {
        Some(version) => Capabilities::with_kube_version(version)?,
        None => Capabilities::default(),
    };
    let mut options = Options::stable(&release, profile);
    options.lint = true;
    options.skip_schema = flags.is_on("skip-schema-validation");
    options.remote_schemas = remote::schemas();
    let values = values::merged(flags, profile)?;
    if let Err(error) = windlass_chart::render_with(&chart, values, &release, &capabilities, &options) {
        all.push((Severity::Error, "templates/", error.to_string()));
    }
    Ok(all)
}
