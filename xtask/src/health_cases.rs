//! `cargo xtask health-cases CHECKOUT`: the health cases of a checkout of Argo CD. Its scripts run in our sandbox over its
//! objects, and must say what its tests expect, status and message; its rules without a script are compared with ours, by
//! status.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::Value;
use windlass_chart::yaml;
use windlass_core::argo::Files;
use windlass_core::health::{Scripts, Status, health};
use windlass_core::object::Object;
use windlass_lua::{Judge, Said};

const USAGE: &str = "usage: cargo xtask health-cases CHECKOUT\n\nCHECKOUT is one of argoproj/argo-cd.";
/// Scripts with their cases, below the checkout.
const SCRIPTS: &str = "resource_customizations";
/// Rules without a script, below the checkout.
const RULES: &str = "gitops-engine/pkg/health";

/// Cases, and those that ours answers otherwise.
#[derive(Default)]
struct Tally {
    cases: usize,
    bad: Vec<String>,
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to its user"
)]
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let [checkout] = arguments else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let checkout = Path::new(checkout);
    let counted = scripted(&checkout.join(SCRIPTS)).and_then(|it| Ok((it, ruled(&checkout.join(RULES))?)));
    let ((scripted, took), ruled) = match counted {
        Ok(counted) => counted,
        Err(message) => {
            eprintln!("{message}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    for line in scripted.bad.iter().chain(&ruled.bad) {
        println!("{line}");
    }
    println!(
        "rules without a script: {} of {}",
        ruled.cases - ruled.bad.len(),
        ruled.cases
    );
    println!("scripts, {} ms:", took.as_millis());
    println!("{} of {}", scripted.cases - scripted.bad.len(), scripted.cases);
    if scripted.bad.is_empty() && ruled.bad.is_empty() && scripted.cases > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// All cases of all scripts. An object is judged by the script of its kind, as Argo CD finds it, wherever the case lies; that
/// some of them are being deleted, which counts before any script, is left aside as there.
fn scripted(root: &Path) -> Result<(Tally, Duration), String> {
    let checkout = Checkout(root.to_owned());
    let scripts = Scripts::read("", &checkout).map_err(|it| it.to_string())?;
    let judge = Judge::new(scripts);
    let mut tally = Tally::default();
    let mut took = Duration::ZERO;
    for path in checkout.below("")? {
        let Some(folder) = path.strip_suffix("/health_test.yaml") else {
            continue;
        };
        let tests = document(&root.join(&path))?;
        for case in tests["tests"].as_array().into_iter().flatten() {
            let input = case.get("inputPath").or_else(|| case.get("inputpath"));
            let input = input.and_then(Value::as_str).unwrap_or_default();
            let name = format!("{folder}/{input}");
            let object = object(&root.join(&name))?;
            let began = Instant::now();
            let found = judge.said(&object);
            took += began.elapsed();
            tally.cases += 1;
            let expected = expected(&case["healthStatus"]);
            if found != Some(Ok(expected.clone())) {
                tally
                    .bad
                    .push(format!("{name}: {expected:?} is expected, ours is {found:?}"));
            }
        }
    }
    Ok((tally, took))
}

fn expected(said: &Value) -> Said {
    let text = |key: &str| said[key].as_str().unwrap_or_default();
    Said {
        status: Status::named(text("status")),
        message: text("message").to_owned(),
    }
}

/// The cases of the rules, as their test names them: `assertAppHealth(t, "FILE", HealthStatusX)`, and
/// `assert.Nil(t, getHealthStatus(t, "FILE"))` for kinds without a health.
fn ruled(folder: &Path) -> Result<Tally, String> {
    let path = folder.join("health_test.go");
    let text = fs::read_to_string(&path).map_err(|it| format!("{}: {it}", path.display()))?;
    let mut tally = Tally::default();
    for line in text.lines().map(str::trim) {
        let expected = if let Some(rest) = line.strip_prefix("assertAppHealth(t, \"") {
            let wanted = rest
                .split_once("HealthStatus")
                .map(|it| it.1.trim_end_matches(')'));
            Some(
                wanted
                    .and_then(Status::named)
                    .ok_or_else(|| format!("{line}: no status"))?,
            )
        } else if line.starts_with("assert.Nil(t, getHealthStatus(t, \"") {
            None
        } else {
            continue;
        };
        let file = line.split('"').nth(1).unwrap_or_default();
        let found = health(&object(&folder.join(file))?);
        tally.cases += 1;
        if found.as_ref().map(|it| it.status) != expected {
            tally
                .bad
                .push(format!("{file}: {expected:?} is expected, ours is {found:?}"));
        }
    }
    Ok(tally)
}

/// The first document of a file, as Go's reader takes it.
fn document(path: &Path) -> Result<Value, String> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|it| format!("{shown}: {it}"))?;
    let documents = yaml::parse(&text).map_err(|it| format!("{shown}: {it}"))?;
    let mut documents = documents.iter().map(windlass_chart::Value::to_json);
    let found = documents.find(|it| !it.is_null());
    found.ok_or_else(|| format!("{shown}: it is empty"))
}

fn object(path: &Path) -> Result<Object, String> {
    let mut value = document(path)?;
    // Some cases have no name, which a cluster always gives.
    if value.pointer("/metadata/name").is_none() {
        value["metadata"]["name"] = "case".into();
    }
    Object::new(value).map_err(|it| format!("{}: {it}", path.display()))
}

/// The files below a folder.
struct Checkout(PathBuf);

impl Files for Checkout {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        let text = fs::read_to_string(self.0.join(path));
        text.map(Some).map_err(|it| it.to_string())
    }

    fn below(&self, folder: &str) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        let mut folders = vec![self.0.join(folder)];
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(&folder).map_err(|it| format!("{}: {it}", folder.display()))?;
            for path in entries.filter_map(Result::ok).map(|it| it.path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(inner) = path.strip_prefix(&self.0) {
                    found.push(inner.display().to_string());
                }
            }
        }
        found.sort();
        Ok(found)
    }

    fn documents(&self, text: &str) -> Result<Vec<Value>, String> {
        let documents = yaml::parse(text).map_err(|it| it.to_string())?;
        Ok(documents.iter().map(windlass_chart::Value::to_json).collect())
    }

    fn template(&self, _: &str, _: &Value) -> Result<String, String> {
        Err("there are no templates".to_owned())
    }

    fn is_own(&self, _: &str) -> bool {
        false
    }
}
