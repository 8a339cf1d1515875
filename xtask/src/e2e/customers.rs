//! Customers of the shop: shopload, what it counted, and what it can prove afterwards.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use serde_json::Value;
use windlass_cluster::Client;

use crate::cluster::shop;

/// Services that prove something: shopload's option, name, administration port.
const PROVERS: [(&str, &str, u16); 4] = [
    ("--orders", "order-service", 9004),
    ("--psp", "psp-sim", 9006),
    ("--catalog", "catalog-service", 9002),
    ("--cart", "cart-service", 9003),
];

/// A shopload that runs.
pub(super) struct Customers {
    process: Child,
    last: Option<JoinHandle<String>>,
}

/// What it counted.
pub(super) struct Summary {
    pub(super) sent: u64,
    pub(super) lost: u64,
    pub(super) losses: Vec<String>,
    pub(super) versions: BTreeMap<String, Version>,
}

/// When a version answered last, in milliseconds since 1970.
pub(super) struct Version {
    pub(super) last_new_ms: Option<u64>,
    pub(super) last_kept_ms: Option<u64>,
}

impl Customers {
    pub(super) fn start(edge: &str, rate: u32, acknowledged: &Path) -> Result<Self, String> {
        let mut process = Command::new(shop::program("shopload"))
            .args([
                "run",
                "--target",
                &format!("http://{edge}"),
                "--rate",
                &rate.to_string(),
            ])
            .arg("--acknowledged")
            .arg(acknowledged)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("shopload does not start: {error}"))?;
        let output = process.stdout.take().ok_or("shopload has no output")?;
        // Its lines are read as they come, or it would wait for the reader.
        let last = std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            lines.last().unwrap_or_default()
        });
        Ok(Self {
            process,
            last: Some(last),
        })
    }

    /// What comes from now on belongs to a phase.
    pub(super) fn mark(&mut self, phase: &str) {
        self.tell(&format!("mark {phase}"));
    }

    fn tell(&mut self, line: &str) {
        if let Some(input) = &mut self.process.stdin {
            let _ = writeln!(input, "{line}");
        }
    }

    pub(super) fn end(mut self) -> Result<Summary, String> {
        self.tell("end");
        let last = self
            .last
            .take()
            .and_then(|last| last.join().ok())
            .unwrap_or_default();
        let summary: Value =
            serde_json::from_str(&last).map_err(|error| format!("shopload's summary: {error}: {last}"))?;
        Ok(Summary::of(&summary))
    }
}

impl Drop for Customers {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Summary {
    fn of(summary: &Value) -> Self {
        let began = summary["began_at_ms"].as_u64().unwrap_or_default();
        let at = |value: &Value| value.as_u64().map(|since| began + since);
        let versions = summary["by_version"].as_object().into_iter().flatten();
        let versions = versions.map(|(name, seen)| {
            let version = Version {
                last_new_ms: at(&seen["last_new_ms"]),
                last_kept_ms: at(&seen["last_kept_ms"]),
            };
            (name.clone(), version)
        });
        let losses = summary["losses"].as_array().into_iter().flatten();
        Self {
            sent: summary["sent"].as_u64().unwrap_or_default(),
            lost: summary["lost"].as_u64().unwrap_or_default(),
            losses: losses.map(Value::to_string).collect(),
            versions: versions.collect(),
        }
    }
}

/// What `shopload verify` says of the pods that are left.
pub(super) fn verify(client: &Client, namespace: &str, acknowledged: &Path) -> Result<String, String> {
    let pods = client
        .get(&format!("/api/v1/namespaces/{namespace}/pods"))
        .map_err(|error| error.to_string())?;
    let pods = pods["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut command = Command::new(shop::program("shopload"));
    command.arg("verify").arg("--acknowledged").arg(acknowledged);
    for (option, name, port) in PROVERS {
        let pod = pods.iter().find(|pod| {
            let labels = &pod["metadata"]["labels"];
            labels["app"] == name
                && pod["metadata"]["deletionTimestamp"].is_null()
                && pod["status"]["phase"] == "Running"
        });
        let address = pod.and_then(|pod| pod["status"]["podIP"].as_str());
        let address = address.ok_or_else(|| format!("no pod of {name} runs"))?;
        command.args([option, &format!("http://{address}:{port}")]);
    }
    let output = command
        .output()
        .map_err(|error| format!("shopload verify: {error}"))?;
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let broken = said["violations"].as_array().map_or(0, Vec::len);
    if output.status.success() {
        return Ok(format!("{broken} violations"));
    }
    Err(format!(
        "shopload verify: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}
