//! Clusters that are left running for a person: one of each kind for each user, in folders of the cache.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};

use crate::binary::cache;
use crate::cluster::{announced, pid};
use crate::nodes::try_real;
use crate::{Binary, Error, Nodes, Report};

const REPORT: &str = "report.json";
/// How often `down` looks whether the cluster has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Starts the cluster, unless it runs already, and returns where it is.
pub fn up(binary: &Binary, nodes: Nodes) -> Result<Report, Error> {
    if let Some(report) = standing(nodes) {
        return Ok(report);
    }
    if nodes == Nodes::Real {
        try_real(binary)?;
    }
    let dir = folder(nodes);
    remove(&dir)?;
    let mut child = Command::new(&binary.path)
        .args([
            "up".as_ref(),
            "--stay".as_ref(),
            "--dir".as_ref(),
            dir.as_os_str(),
        ])
        .args(nodes.arguments())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C in the terminal that started it is not for it.
        .process_group(0)
        .spawn()
        .map_err(Error::io(format!("cannot run {}", binary.path.display())))?;
    announced(&mut child, &dir)
}

/// The cluster that runs, if one does.
pub fn standing(nodes: Nodes) -> Option<Report> {
    let text = std::fs::read_to_string(folder(nodes).join(REPORT)).ok()?;
    let report: Report = serde_json::from_str(&text).ok()?;
    runs(&report).then_some(report)
}

/// Ends the cluster and removes what it wrote. False if none ran.
pub fn down(nodes: Nodes) -> Result<bool, Error> {
    let Some(report) = standing(nodes) else {
        remove(&folder(nodes))?;
        return Ok(false);
    };
    let number = report.processes.get("cluster").copied().unwrap_or_default();
    kill(pid(number), Signal::SIGTERM).map_err(|cause| Error::io("cannot end the cluster")(cause.into()))?;
    while runs(&report) {
        std::thread::sleep(LOOK);
    }
    remove(&folder(nodes))?;
    Ok(true)
}

fn folder(nodes: Nodes) -> PathBuf {
    cache().join(match nodes {
        Nodes::Pretended => "standing",
        Nodes::Real => "standing-real",
    })
}

/// Whether the process that was the cluster's still is, and is not another one that was given its number.
fn runs(report: &Report) -> bool {
    let Some(number) = report.processes.get("cluster") else {
        return false;
    };
    let arguments = std::fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
    let dir = report.dir.as_os_str().as_encoded_bytes();
    !dir.is_empty() && arguments.windows(dir.len()).any(|part| part == dir)
}

fn remove(dir: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(format!("cannot remove {}", dir.display()))(error))
        }
        _ => Ok(()),
    }
}
