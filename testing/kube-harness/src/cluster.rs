//! A running cluster: started for one test or shared by those of one test program, and ended with its owner.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use tempfile::TempDir;

use crate::nodes::try_real;
use crate::{Binary, Client, Error, Image, Namespace, Node, Nodes};

/// A control plane of its own. It ends when this is dropped, and when this process ends in whatever way: its standard input
/// is a pipe that only this process holds.
#[derive(Debug)]
pub struct Cluster {
    child: Child,
    client: Client,
    report: Report,
    // Last, so that the folder is removed when nobody writes into it any more.
    _dir: TempDir,
}

/// What the program says when the cluster is healthy.
#[derive(Debug, Clone, Deserialize)]
pub struct Report {
    /// An administrator's kubeconfig; JSON, which is YAML too.
    pub kubeconfig: PathBuf,
    /// The API server's URL.
    pub server: String,
    /// Logs, process numbers and certificates.
    pub dir: PathBuf,
    /// One line of JSON for each request to the API server that was not the cluster's own.
    pub audit: PathBuf,
    /// The processes as they were when it became healthy.
    pub processes: BTreeMap<String, u32>,
    /// How long it took to become healthy.
    pub ready_ms: u64,
    /// The node, where it is a real one.
    pub node: Option<Node>,
}

/// One process of a cluster, to be disturbed by a test. A component that is killed is started again after half a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// The database.
    Etcd,
    /// The API server.
    ApiServer,
    /// Everything that makes pods of Deployments and so on.
    Controllers,
    /// What chooses nodes.
    Scheduler,
    /// The nodes that pretend.
    Nodes,
}

/// A request that the API server was sent, from its audit log.
#[derive(Debug, Clone)]
pub struct SentRequest {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, ...
    pub verb: String,
    /// The path with its query.
    pub path: String,
    /// Who sent it, by its User-Agent.
    pub agent: String,
    /// The HTTP status of the answer.
    pub status: u64,
    /// Whom the sender stood in for; empty for nobody.
    pub stood_in_for: String,
}

impl Component {
    fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::Controllers => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Nodes => "nodes",
        }
    }
}

impl Cluster {
    /// Starts a cluster with a program that is built already.
    pub fn start(binary: &Binary) -> Result<Self, Error> {
        Self::start_with(binary, Nodes::Pretended)
    }

    fn start_with(binary: &Binary, nodes: Nodes) -> Result<Self, Error> {
        let dir = tempfile::Builder::new()
            .prefix("windlass-cluster-")
            .tempdir()
            .map_err(Error::io("cannot make the cluster's folder"))?;
        let mut child = Command::new(&binary.path)
            .args(["up".as_ref(), "--dir".as_ref(), dir.path().as_os_str()])
            .args(nodes.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Error::io(format!("cannot run {}", binary.path.display())))?;
        let report = match announced(&mut child, dir.path()) {
            Ok(report) => report,
            Err(error) => {
                end(&mut child);
                // Whoever reads the error looks for the reason there.
                let _ = dir.keep();
                return Err(error);
            }
        };
        let client = Client::new(&report.server, &report.dir.join("identities"))?;
        Ok(Self {
            child,
            client,
            report,
            _dir: dir,
        })
    }

    /// The cluster that all tests of this test program share, or none where it cannot be had: then this says so on standard
    /// error, and the test returns. Where `CI=true` a test that cannot run fails instead.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        let shared = SHARED.get_or_init(Self::for_test);
        if shared.is_none() {
            leave_out("the test cluster's program is not built (cargo xtask cluster build)");
        }
        shared.as_ref()
    }

    /// A cluster for one test that disturbs it, or none as with [`Cluster::shared`].
    pub fn for_test() -> Option<Self> {
        match crate::find() {
            Err(error) if !is_ci() => {
                leave_out(&error.to_string());
                None
            }
            found => Some(
                found
                    .and_then(|binary| Self::start(&binary))
                    .unwrap_or_else(|error| panic!("{error}")),
            ),
        }
    }

    /// The cluster with a real node that all tests of this test program share, or none where this machine cannot have one:
    /// then this says what is missing, and the test returns. Where `CI=true` a test fails for want of what `./check`
    /// installs, but not for what the machine refuses.
    pub fn real() -> Option<&'static Self> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| match Self::start_real() {
            Ok(cluster) => Ok(cluster),
            Err(error @ Error::Refusing(_)) => Err(error.to_string()),
            Err(error @ (Error::Missing(_) | Error::NotBuilt(_))) if !is_ci() => Err(error.to_string()),
            Err(error) => panic!("{error}"),
        });
        shared.as_ref().map_err(|reason| leave_out(reason)).ok()
    }

    /// Starts a cluster with a real node, or says why there can be none.
    pub fn start_real() -> Result<Self, Error> {
        let binary = crate::find()?;
        try_real(&binary)?;
        Self::start_with(&binary, Nodes::Real)
    }

    /// The node, where it is a real one.
    pub fn node(&self) -> Option<&Node> {
        self.report.node.as_ref()
    }

    /// Brings images of an OCI layout on disk to the node, so that pods which name them so find them there.
    pub fn load(&self, layout: &Path, images: &[Image]) -> Result<(), Error> {
        crate::load(self.node().ok_or(Error::Pretended)?, layout, images)
    }

    /// What the program said when it was healthy.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// An administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.report.kubeconfig
    }

    /// A small client with an administrator's rights.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A namespace for one test, whose name begins so.
    pub fn namespace(&self, prefix: &str) -> Result<Namespace, Error> {
        Namespace::new(&self.client, prefix)
    }

    /// The number of a component's process as it is now. Those of a cluster with a real node have numbers of their own.
    pub fn process(&self, component: Component) -> Result<u32, Error> {
        let path = self.report.dir.join(format!("{}.pid", component.name()));
        let text =
            std::fs::read_to_string(&path).map_err(Error::io(format!("cannot read {}", path.display())))?;
        text.trim().parse().map_err(|cause| Error::Io {
            what: format!("{} holds no process number", path.display()),
            source: std::io::Error::other(cause),
        })
    }

    /// Sends a component a signal: `SIGKILL`, or `SIGSTOP` and later `SIGCONT`.
    pub fn signal(&self, component: Component, signal: Signal) -> Result<(), Error> {
        let number = self.process(component)?;
        kill(pid(number), signal)
            .map_err(|cause| Error::io(format!("cannot signal {}", component.name()))(cause.into()))
    }

    /// The requests that the API server has answered so far, in order, without the cluster's own.
    pub fn requests(&self) -> Result<Vec<SentRequest>, Error> {
        let path = &self.report.audit;
        let text =
            std::fs::read_to_string(path).map_err(Error::io(format!("cannot read {}", path.display())))?;
        Ok(text.lines().filter_map(SentRequest::parse).collect())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

impl SentRequest {
    /// A request whose answer is complete; a line that is being written is left for the next time.
    fn parse(line: &str) -> Option<Self> {
        let event: serde_json::Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        (event["stage"] == "ResponseComplete").then(|| Self {
            verb: text("verb"),
            path: text("requestURI"),
            agent: text("userAgent"),
            status: event["responseStatus"]["code"].as_u64().unwrap_or_default(),
            stood_in_for: event["impersonatedUser"]["username"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        })
    }

    /// Whether it could have changed something.
    pub fn writes(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }
}

fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
fn leave_out(reason: &str) {
    eprintln!("left out: {reason}");
}

pub(crate) fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap_or(i32::MAX))
}

/// Waits for the line that says that the cluster is healthy.
pub(crate) fn announced(child: &mut Child, dir: &Path) -> Result<Report, Error> {
    let start = |cause: String| Error::Start {
        cause,
        logs: dir.to_owned(),
    };
    let mut line = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output)
            .read_line(&mut line)
            .map_err(Error::io("cannot read what the cluster says"))?;
    }
    if line.is_empty() {
        let mut said = String::new();
        if let Some(mut errors) = child.stderr.take() {
            errors
                .read_to_string(&mut said)
                .map_err(Error::io("cannot read what the cluster says"))?;
        }
        return Err(start(said.trim().to_owned()));
    }
    serde_json::from_str(&line).map_err(|cause| start(format!("it said {line:?}: {cause}")))
}

/// Closes its standard input, upon which it ends every component, and waits for that.
fn end(child: &mut Child) {
    drop(child.stdin.take());
    let _ = child.wait();
}
