//! Probes: asking an instance whether it has started, is ready, is alive.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};
use windlass_core::object;

use super::compose::find_program;
use super::sandbox::{Isolation, Sandbox};
use super::supervisor::replace_path;

/// Bytes of an answer that are read to find its status.
const ANSWER_BYTES: usize = 1024;

/// The probes of one container, with ports as numbers of the manifest.
#[derive(Debug, Clone, Default)]
pub(super) struct Probes {
    pub(super) startup: Option<Probe>,
    pub(super) readiness: Option<Probe>,
    pub(super) liveness: Option<Probe>,
}

#[derive(Debug, Clone)]
pub(super) struct Probe {
    check: Check,
    initial_delay: Duration,
    period: Duration,
    timeout: Duration,
    success: u32,
    failure: u32,
}

#[derive(Debug, Clone)]
enum Check {
    Http {
        path: String,
        port: u16,
        headers: BTreeMap<String, String>,
    },
    Tcp {
        port: u16,
    },
    Exec {
        command: Vec<String>,
    },
}

/// How to reach the instance.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Its own ports by those of the manifest.
    pub(super) ports: BTreeMap<u16, u16>,
    /// Program and arguments of the helper's entry.
    pub(super) helper: (PathBuf, Vec<String>),
    /// The instance's spec, with which commands are run.
    pub(super) sandbox: Sandbox,
    /// Its folder.
    pub(super) folder: PathBuf,
    /// From try to try until it was ready once, however slow the manifest asks.
    pub(super) eager: Duration,
    /// It was ready when it was looked at last: it is until it fails as often as the manifest says.
    pub(super) proven: bool,
}

/// What probes say to the supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    Ready,
    NotReady(String),
}

impl Probe {
    /// With named ports looked up; `None` when it asks for a port that does not exist.
    pub(super) fn of(probe: &object::Probe<'_>, container: object::Container<'_>) -> Option<Self> {
        let check = match &probe.check {
            object::Check::Http {
                path,
                port,
                headers,
                tls,
            } => {
                let port = container.port(port)?;
                let own = |(name, value): (&&str, &&str)| ((*name).to_owned(), (*value).to_owned());
                // Over TLS only the connection is looked at.
                if *tls {
                    Check::Tcp { port }
                } else {
                    Check::Http {
                        path: (*path).to_owned(),
                        port,
                        headers: headers.iter().map(own).collect(),
                    }
                }
            }
            object::Check::Tcp { port } | object::Check::Grpc { port, .. } => Check::Tcp {
                port: container.port(port)?,
            },
            object::Check::Exec { command } => Check::Exec {
                command: command.iter().map(|word| (*word).to_owned()).collect(),
            },
        };
        let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
        Some(Self {
            check,
            initial_delay: seconds(probe.initial_delay_s),
            period: seconds(probe.period_s),
            timeout: seconds(probe.timeout_s),
            success: probe.success_threshold,
            failure: probe.failure_threshold,
        })
    }

    /// Asks once.
    async fn ask(&self, target: &Target) -> Result<(), String> {
        let asked = async {
            match &self.check {
                Check::Http { path, port, headers } => http(target.address(*port), path, headers).await,
                Check::Tcp { port } => TcpStream::connect(target.address(*port))
                    .await
                    .map(drop)
                    .map_err(|e| e.to_string()),
                Check::Exec { command } => exec(target, command).await,
            }
        };
        let limit = self.timeout;
        timeout(limit, asked)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", limit.as_secs())))
    }

    fn name(&self) -> String {
        match &self.check {
            Check::Http { path, port, .. } => format!("GET {path} on port {port}"),
            Check::Tcp { port } => format!("connecting to port {port}"),
            Check::Exec { command } => command.join(" "),
        }
    }
}

impl Target {
    fn address(&self, port: u16) -> SocketAddr {
        SocketAddr::from((
            Ipv4Addr::LOCALHOST,
            self.ports.get(&port).copied().unwrap_or(port),
        ))
    }
}

/// Watches an instance and tells each change; returns the reason when it has to be restarted.
pub(super) async fn watch(probes: &Probes, target: &Target, tell: impl Fn(Word)) -> String {
    let began = Instant::now();
    if let Some(startup) = &probes.startup
        && !target.proven
        && let Err(reason) = start(startup, target, &tell).await
    {
        return reason;
    }
    let readiness = async {
        if let Some(probe) = &probes.readiness {
            ready(probe, target, began, &tell).await
        } else {
            tell(Word::Ready);
            std::future::pending().await
        }
    };
    let liveness = async {
        match &probes.liveness {
            Some(probe) => alive(probe, target).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        never = readiness => match never {},
        reason = liveness => reason,
    }
}

/// Asks often, and gives up after as long a time as the manifest grants.
async fn start(probe: &Probe, target: &Target, tell: &impl Fn(Word)) -> Result<(), String> {
    let began = Instant::now();
    let granted = probe.initial_delay + probe.period * probe.failure;
    loop {
        match probe.ask(target).await {
            Ok(()) => return Ok(()),
            Err(reason) if began.elapsed() >= granted => {
                return Err(format!(
                    "startup probe failed for {} s ({}): {reason}",
                    granted.as_secs(),
                    probe.name()
                ));
            }
            Err(reason) => tell(Word::NotReady(format!("starting, {}: {reason}", probe.name()))),
        }
        sleep(target.eager.min(probe.period)).await;
    }
}

async fn ready(
    probe: &Probe,
    target: &Target,
    began: Instant,
    tell: &impl Fn(Word),
) -> std::convert::Infallible {
    let (mut good, mut bad, mut ready, mut was_ready) = (0, 0, target.proven, target.proven);
    loop {
        match probe.ask(target).await {
            Ok(()) => {
                (good, bad) = (good + 1, 0);
                if !ready && good >= probe.success {
                    (ready, was_ready) = (true, true);
                    tell(Word::Ready);
                }
            }
            Err(reason) => {
                (good, bad) = (0, bad + 1);
                if !ready || bad >= probe.failure {
                    ready = false;
                    let seconds = began.elapsed().as_secs();
                    tell(Word::NotReady(format!(
                        "not ready for {seconds} s ({}): {reason}",
                        probe.name()
                    )));
                }
            }
        }
        sleep(if was_ready {
            probe.period
        } else {
            target.eager.min(probe.period)
        })
        .await;
    }
}

async fn alive(probe: &Probe, target: &Target) -> String {
    sleep(probe.initial_delay).await;
    let mut bad = 0;
    loop {
        match probe.ask(target).await {
            Ok(()) => bad = 0,
            Err(reason) => {
                bad += 1;
                if bad >= probe.failure {
                    return format!("liveness probe failed {bad} times ({}): {reason}", probe.name());
                }
            }
        }
        sleep(probe.period).await;
    }
}

async fn http(address: SocketAddr, path: &str, headers: &BTreeMap<String, String>) -> Result<(), String> {
    let mut stream = TcpStream::connect(address).await.map_err(|e| e.to_string())?;
    let mut request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: windlass-probe\r\nConnection: close\r\n"
    );
    for (name, value) in headers
        .iter()
        .filter(|(name, value)| !name.contains(['\r', '\n']) && !value.contains(['\r', '\n']))
    {
        request.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
    }
    request.push_str("\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .map_err(|e| e.to_string())?;
    let mut answer = Vec::new();
    stream
        .take(ANSWER_BYTES as u64)
        .read_to_end(&mut answer)
        .await
        .map_err(|e| e.to_string())?;
    let answer = String::from_utf8_lossy(&answer);
    match answer
        .split_whitespace()
        .nth(1)
        .and_then(|status| status.parse::<u16>().ok())
    {
        Some(200..=399) => Ok(()),
        Some(status) => Err(format!("status {status}")),
        None => Err("no HTTP answer".to_owned()),
    }
}

/// Runs the command in a sandbox like the instance's own.
async fn exec(target: &Target, command: &[String]) -> Result<(), String> {
    let mut sandbox = target.sandbox.clone();
    sandbox.argv = argv(&sandbox, command)?;
    let spec = target.folder.join("probe.json");
    let bytes = serde_json::to_vec(&sandbox).map_err(|e| e.to_string())?;
    super::record::write_private(&spec, &bytes).map_err(|e| e.to_string())?;
    let (program, entry) = &target.helper;
    let mut helper = Command::new(program);
    helper
        .args(entry)
        .arg("exec")
        .arg(spec)
        .env_clear()
        .kill_on_drop(true);
    helper
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = helper.status().await.map_err(|e| e.to_string())?;
    if status.success() {
        Ok(())
    } else {
        Err(status.to_string())
    }
}

/// The command with its program found in the image, as the kubelet finds it, and with the paths that it has here.
fn argv(sandbox: &Sandbox, command: &[String]) -> Result<Vec<String>, String> {
    let (program, arguments) = command.split_first().ok_or("the command is empty")?;
    let path = sandbox.env.get("PATH").map_or("", String::as_str);
    let program = find_program(program, &sandbox.root, path)
        .ok_or_else(|| format!("the image has no program {program:?}"))?;
    if sandbox.isolation == Isolation::Namespaces {
        return Ok([&[program], arguments].concat());
    }
    let program = sandbox.root.join(program.trim_start_matches('/'));
    let here = |word: &String| {
        sandbox.mounts.iter().fold(word.clone(), |word, mount| {
            replace_path(&word, &mount.target, &mount.source.display().to_string())
        })
    };
    let arguments = arguments.iter().map(here);
    Ok(std::iter::once(program.display().to_string())
        .chain(arguments)
        .collect())
}
