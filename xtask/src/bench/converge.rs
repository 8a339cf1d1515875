//! Objects on a real control plane: cold, unchanged, one changed, and what differs, beside kubectl and Helm 4 in the same run.
//! The driver is measured by a program of its own crate (`crates/kube/examples/converge.rs`); this puts its figures side by
//! side.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use super::report::{Better, Report};

/// Numbers of objects.
const COUNTS: [&str; 3] = ["100", "1000", "5000"];

pub(super) fn run(report: &mut Report) -> Result<(), String> {
    windlass_cluster::build(|line| report.say(line)).map_err(|error| error.to_string())?;
    let mut cargo = Command::new("cargo");
    cargo.args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "windlass-kube",
        "--example",
        "converge",
        "--",
    ]);
    let output = cargo
        .args(COUNTS)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{cargo:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{cargo:?}: {}", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut ours: BTreeMap<(String, String), f64> = BTreeMap::new();
    let mut peers = Vec::new();
    for line in text.lines() {
        let figure: serde_json::Value =
            serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
        let word = |name: &str| figure[name].as_str().unwrap_or_default().to_owned();
        let key = (word("case"), word("metric"));
        let value = figure["value"].as_f64().unwrap_or_default();
        match figure["peer"].as_str() {
            None => {
                ours.insert(key, value);
            }
            Some(peer) => peers.push((peer.to_owned(), key, value)),
        }
    }
    for ((case, metric), value) in &ours {
        let metric = unit(metric)?;
        let mut beside = peers
            .iter()
            .filter(|(_, key, _)| key.0 == *case && key.1 == metric.0)
            .peekable();
        if beside.peek().is_none() {
            report.add(case, metric, *value, None);
        }
        for (peer, _, theirs) in beside {
            report.add(case, metric, *value, Some((peer, *theirs)));
        }
    }
    Ok(())
}

fn unit(metric: &str) -> Result<(&'static str, &'static str, Better), String> {
    Ok(match metric {
        "time_ms" => ("time_ms", "ms", Better::Lower),
        "write_requests" => ("write_requests", "", Better::Lower),
        "api_server_cpu_ms" => ("api_server_cpu_ms", "ms", Better::Lower),
        "peak_memory_kib" => ("peak_memory_kib", "KiB", Better::Lower),
        other => return Err(format!("{other} is no metric of this benchmark")),
    })
}
