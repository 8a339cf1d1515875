//! Asks the shop's services what they can prove once the customers have left: stock, charges, acknowledged orders.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// From the port of a service to that of its administration, as shop/README.md says.
const ADMIN_OFFSET: u64 = 6_000;
/// The services that prove something: option of `shopload verify`, name, port.
const SERVICES: [(&str, &str, u64); 4] = [
    ("--orders", "order-service", 3_004),
    ("--psp", "psp-sim", 3_006),
    ("--catalog", "catalog-service", 3_002),
    ("--cart", "cart-service", 3_003),
];

/// How long events may be on their way from one service to another once nobody buys any more.
const SETTLED_WITHIN: Duration = Duration::from_secs(20);
/// From look to look.
const LOOK: Duration = Duration::from_millis(250);

/// What they proved once all events had arrived, as one document; an error when they could not be asked.
pub(super) fn settled(program: &Path, workloads: &Value, track: &str, acknowledged: &Path) -> Result<Value> {
    let began = Instant::now();
    loop {
        let proof = ask(program, workloads, track, acknowledged)?;
        let waiting = proof["counts"]["order-service"]["outbox_waiting"].as_u64();
        let arrived = waiting == Some(0) && proof["holds"] == true;
        if arrived || began.elapsed() > SETTLED_WITHIN {
            return Ok(proof);
        }
        std::thread::sleep(LOOK);
    }
}

fn ask(program: &Path, workloads: &Value, track: &str, acknowledged: &Path) -> Result<Value> {
    let mut command = Command::new(program);
    command.arg("verify").arg("--acknowledged").arg(acknowledged);
    for (option, service, port) in SERVICES {
        let address = admin(workloads, service, track, port + ADMIN_OFFSET)
            .with_context(|| format!("no instance of {service} runs on {track}"))?;
        command.args([option, &format!("http://127.0.0.1:{address}")]);
    }
    let output = command
        .stdin(Stdio::null())
        .output()
        .context("`shopload verify` cannot be started")?;
    let Ok(proof) = serde_json::from_slice(&output.stdout) else {
        bail!(
            "the services did not prove anything: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    };
    Ok(proof)
}

/// The port of this machine at which an instance of a service has its administration.
fn admin(workloads: &Value, service: &str, track: &str, port: u64) -> Option<u64> {
    let listed = workloads.get("workloads")?.as_array()?;
    let fits = |one: &&Value| one["service"] == service && one["track"] == track;
    let found = listed.iter().find(fits)?;
    let mut instances = found["instances"].as_array()?.iter();
    instances.find_map(|instance| instance["ports"][port.to_string()].as_u64())
}
