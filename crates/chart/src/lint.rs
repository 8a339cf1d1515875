//! Helm's `lint`: what is wrong with a chart, or could be better. It knows the files of the chart and nothing of where
//! they are, but for the name that messages call the folder by.

mod about;
mod deprecated;
mod objects;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::render::{self, Options, ReleaseInfo};
use crate::values::{self, Nulls};
use crate::{Capabilities, Chart, ChartError, Limits, Profile, Value, load_from_files};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It could be better.
    Info,
    /// It breaks a convention.
    Warning,
    /// It will not work.
    Error,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file or folder that it is about.
    pub path: String,
    /// What it is.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Info => "INFO",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        };
        write!(f, "[{severity}] {}: {}", self.path, self.text)
    }
}

/// What is linted, and how.
#[derive(Debug)]
pub struct Subject<'s> {
    /// The chart's files by their paths.
    pub files: &'s BTreeMap<String, Vec<u8>>,
    /// What messages call the chart's folder.
    pub folder: &'s str,
    /// The user's values.
    pub values: &'s Value,
    /// `.Release.Namespace`.
    pub namespace: &'s str,
    /// The version of Kubernetes that the objects are for.
    pub capabilities: &'s Capabilities,
    /// How it is rendered.
    pub options: &'s Options,
}

/// Findings in Helm's order.
pub fn lint(subject: &Subject<'_>) -> Vec<Finding> {
    let mut run = Run {
        subject,
        findings: Vec::new(),
    };
    about::lint(&mut run);
    run.values();
    run.templates();
    run.dependencies();
    if subject.options.profile == Profile::Helm4 {
        run.crds();
    }
    run.findings
}

struct Run<'s> {
    subject: &'s Subject<'s>,
    findings: Vec<Finding>,
}

impl Run<'_> {
    fn add(&mut self, severity: Severity, path: &str, text: impl Into<String>) {
        self.findings.push(Finding {
            severity,
            path: path.to_owned(),
            text: text.into(),
        });
    }

    fn has_folder(&self, folder: &str) -> bool {
        self.subject.files.keys().any(|it| it.starts_with(folder))
    }

    fn chart(&self) -> Result<Chart, String> {
        let chart = load_from_files(self.subject.files.clone(), &Limits::default());
        chart.map_err(|it| match self.subject.options.profile {
            // Helm 3 knows of one document only.
            Profile::Helm3 => it.to_string().replace("cannot unmarshal yaml document: ", ""),
            Profile::Helm4 => it.to_string(),
        })
    }

    /// values.yaml, and it with the user's values against the schema.
    fn values(&mut self) {
        const FILE: &str = "values.yaml";
        let subject = self.subject;
        let Some(text) = subject.files.get(FILE) else {
            return self.add(Severity::Info, FILE, "file does not exist");
        };
        // Here both Helms look at the first document only.
        let read = values::read_file(text, Profile::Helm3, &Limits::default());
        let defaults = match read {
            Ok(map) => Value::Map(map),
            Err(why) => return self.add(Severity::Error, FILE, format!("unable to parse YAML: {why}")),
        };
        let all = values::coalesce_tables(subject.values, &defaults, Nulls::Delete);
        // Helm 3 checks even where it is told not to.
        let skip = subject.options.skip_schema && subject.options.profile == Profile::Helm4;
        let schema = subject.files.get("values.schema.json");
        if let Some(schema) = schema.filter(|it| !it.is_empty() && !skip)
            && let Err(why) = crate::schema::check_one(schema, &all, &subject.options.remote_schemas)
        {
            self.add(Severity::Error, FILE, why);
        }
    }

    fn templates(&mut self) {
        const FOLDER: &str = "templates/";
        let helm3 = self.subject.options.profile == Profile::Helm3;
        if self.subject.files.contains_key("templates") {
            let severity = if helm3 { Severity::Warning } else { Severity::Error };
            return self.add(severity, FOLDER, "not a directory");
        }
        if !self.has_folder(FOLDER) {
            if !helm3 {
                self.add(Severity::Warning, FOLDER, "directory does not exist");
            }
            return;
        }
        let chart = match self.chart() {
            Ok(chart) => chart,
            Err(error) => return self.add(Severity::Error, FOLDER, error),
        };
        let release = ReleaseInfo {
            name: "test-release".to_owned(),
            namespace: self.subject.namespace.to_owned(),
            revision: 0,
            is_upgrade: false,
            service: "Helm".to_owned(),
        };
        let subject = self.subject;
        let options = Options {
            lint: true,
            ..subject.options.clone()
        };
        let rendered = render::render_files(&chart, subject.values, &release, subject.capabilities, &options);
        let rendered = match rendered {
            Ok(rendered) => rendered,
            // Values that cannot be merged are not Helm's concern here.
            Err(ChartError::Values(why)) if !why.starts_with("values don't meet") => return,
            Err(error) => return self.add(Severity::Error, FOLDER, error.to_string()),
        };
        let minor = subject.capabilities.minor();
        for template in chart.templates() {
            if !objects::lint_template(self, chart.name(), template, &rendered, minor) {
                return;
            }
        }
    }

    fn dependencies(&mut self) {
        let chart = match self.chart() {
            Ok(chart) => chart,
            Err(error) => {
                return self.add(Severity::Error, "", format!("unable to load chart\n\t{error}"));
            }
        };
        let folder = self.subject.folder;
        let listed = &chart.metadata().dependencies;
        let names: Vec<&str> = listed.iter().map(|it| it.name.as_str()).collect();
        let there: Vec<&str> = chart.dependencies().iter().map(Chart::name).collect();
        let without = |all: &[&str], known: &[&str]| {
            let missing: Vec<&str> = all.iter().filter(|it| !known.contains(it)).copied().collect();
            (!missing.is_empty()).then(|| missing.join(","))
        };
        if let Some(names) = without(&there, &names) {
            let text = format!("chart metadata is missing these dependencies: {names}");
            self.add(Severity::Error, folder, text);
        }
        let mut seen = BTreeSet::new();
        let twice: Vec<&str> = listed
            .iter()
            .map(|it| {
                if it.alias.is_empty() {
                    it.name.as_str()
                } else {
                    it.alias.as_str()
                }
            })
            .filter(|it| !seen.insert(*it))
            .collect();
        if !twice.is_empty() {
            let text = format!("multiple dependencies with name or alias: {}", twice.join(","));
            self.add(Severity::Error, folder, text);
        }
        if let Some(names) = without(&names, &there) {
            let text = format!("chart directory is missing these dependencies: {names}");
            self.add(Severity::Warning, folder, text);
        }
    }

    fn crds(&mut self) {
        const FOLDER: &str = "crds/";
        if self.subject.files.contains_key("crds") {
            return self.add(Severity::Error, FOLDER, "not a directory");
        }
        if !self.has_folder(FOLDER) {
            return;
        }
        match self.chart() {
            Ok(chart) => {
                for file in chart.files() {
                    if !objects::lint_crd(self, file) {
                        return;
                    }
                }
            }
            Err(error) => self.add(Severity::Error, FOLDER, error),
        }
    }
}

#[cfg(test)]
mod tests;
