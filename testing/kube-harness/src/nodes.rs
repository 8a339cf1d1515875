//! What kind of nodes a cluster has, and whether this machine can have a real one.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::{Binary, Error};

/// What of it can be installed, by the program's exit code.
const MISSING: i32 = 3;
/// What this machine refuses, by the program's exit code.
const REFUSED: i32 = 4;

/// What the nodes of a cluster are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nodes {
    /// Three that write the status of pods and run none.
    Pretended,
    /// One that runs pods: kubelet, containerd, kube-proxy and CoreDNS in namespaces of their own. Only for root.
    Real,
}

/// Where a real node is.
#[derive(Debug, Clone, Deserialize)]
pub struct Node {
    /// Its address. Pods and Services are reached through it from this machine, and from nowhere else.
    pub address: String,
    /// This machine as the node and its pods see it.
    pub machine: String,
    /// The socket of its containerd.
    pub containerd: PathBuf,
}

impl Nodes {
    /// Arguments of the program for them.
    pub(crate) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Pretended => &[],
            Self::Real => &["--real"],
        }
    }
}

/// Whether a node can be real here.
pub(crate) fn try_real(binary: &Binary) -> Result<(), Error> {
    let output = Command::new(&binary.path)
        .args(["up", "--try"])
        .stdin(Stdio::null())
        .output()
        .map_err(Error::io(format!("cannot run {}", binary.path.display())))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let reason = said.trim().trim_start_matches("error: ").to_owned();
    match output.status.code() {
        Some(0) => Ok(()),
        Some(MISSING) => Err(Error::Missing(reason)),
        Some(REFUSED) => Err(Error::Refusing(reason)),
        _ => Err(Error::Io {
            what: "cannot try whether a node can be real here".to_owned(),
            source: std::io::Error::other(reason),
        }),
    }
}
