//! The parent of one instance: writes its log with a limit, passes on the word to stop, and records how it ended. It is a
//! process of its own, in a session of its own, so that an instance outlives the controller.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::log::Log;
use super::process::{Process, read_json};
use super::record::{EXIT, Exit, LOG, RUN, Run, SPEC, now_ms, write_private};
use super::sandbox::{Isolation, Sandbox, enter_namespaces};

/// Exit status when another shim has the folder.
const TAKEN: u8 = 75;
/// After the instance's end its log is read for at most this long: a grandchild may keep the pipe open.
const LOG_REST: Duration = Duration::from_millis(500);

/// The instance's own part of the spec. It holds secrets too.
const SANDBOX: &str = "sandbox.json";

/// What a shim runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Spec {
    pub(super) sandbox: Sandbox,
    pub(super) grace_ms: u64,
    pub(super) log_bytes_max: u64,
    /// Arguments of this program that lead to the helper's entry.
    pub(super) entry: Vec<String>,
}

/// Runs what the folder's spec says until it ends.
pub(super) fn main(folder: &Path) -> ExitCode {
    // A session of its own: a terminal's Ctrl-C is not for instances. It fails only where that is so already.
    let _ = nix::unistd::setsid();
    let Ok(lock) = File::create(folder.join("lock")) else {
        return ExitCode::FAILURE;
    };
    if lock.try_lock().is_err() {
        return ExitCode::from(TAKEN);
    }
    let _ = fs::remove_file(folder.join(EXIT));
    let began = Instant::now();
    let mut exit = run(folder).unwrap_or_else(|error| Exit {
        error: Some(error),
        ..Exit::default()
    });
    exit.ran_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let _ = fs::remove_file(folder.join(RUN));
    let written = serde_json::to_vec(&exit).map(|bytes| write_private(&folder.join(EXIT), &bytes));
    if matches!(written, Ok(Ok(()))) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run(folder: &Path) -> Result<Exit, String> {
    let spec: Spec = read_json(&folder.join(SPEC)).ok_or("its spec.json cannot be read")?;
    if spec.sandbox.isolation == Isolation::Namespaces {
        enter_namespaces().map_err(|e| format!("no process space of its own: {e}"))?;
    }
    // One thread only: with a process space for children the kernel refuses new threads.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    runtime.block_on(supervise(folder, &spec))
}

async fn supervise(folder: &Path, spec: &Spec) -> Result<Exit, String> {
    let text = |e: std::io::Error| e.to_string();
    // Listening starts before the instance exists, so no word to stop is missed.
    let mut stop = signal(SignalKind::terminate()).map_err(text)?;
    let (reader, writer) = std::io::pipe().map_err(text)?;
    let mut output = pipe::Receiver::from_owned_fd(OwnedFd::from(reader)).map_err(text)?;
    let program = std::env::current_exe().map_err(text)?;
    let own = folder.join(SANDBOX);
    let sandbox = serde_json::to_vec(&spec.sandbox).map_err(|e| e.to_string())?;
    write_private(&own, &sandbox).map_err(text)?;
    let mut command = Command::new(program);
    command
        .args(&spec.entry)
        .arg("exec")
        .arg(&own)
        .env_clear()
        .stdin(Stdio::null());
    command.stdout(writer.try_clone().map_err(text)?).stderr(writer);
    let mut child = command.spawn().map_err(text)?;
    // Its copies of the pipe's end must go, or the log never ends.
    drop(command);
    record(folder, &child)?;
    let mut log = Log::open(&folder.join(LOG), spec.log_bytes_max);
    let mut buffer = vec![0; 64 << 10];
    let mut open = true;
    let grace = tokio::time::sleep(Duration::MAX);
    tokio::pin!(grace);
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.map_err(text)?,
            read = output.read(&mut buffer), if open => match read {
                Ok(count) if count > 0 => log.write(buffer.get(..count).unwrap_or_default()),
                Ok(_) | Err(_) => open = false,
            },
            _ = stop.recv() => {
                terminate(&child);
                grace.as_mut().reset(tokio::time::Instant::now() + Duration::from_millis(spec.grace_ms));
            }
            () = &mut grace => {
                let note = format!(
                    "windlass: killed: it did not end within {} s of SIGTERM; hint: have it handle SIGTERM, or raise \
                     terminationGracePeriodSeconds\n",
                    spec.grace_ms / 1000
                );
                log.write(note.as_bytes());
                let _ = child.start_kill();
            }
        }
    };
    let rest = async {
        while let Ok(count) = output.read(&mut buffer).await {
            if count == 0 {
                break;
            }
            log.write(buffer.get(..count).unwrap_or_default());
        }
    };
    let _ = tokio::time::timeout(LOG_REST, rest).await;
    Ok(Exit {
        code: status.code(),
        signal: status.signal(),
        ..Exit::default()
    })
}

fn record(folder: &Path, child: &Child) -> Result<(), String> {
    let pid = |pid: u32| i32::try_from(pid).ok();
    let shim = pid(std::process::id())
        .and_then(Process::of)
        .ok_or("/proc is not mounted")?;
    // An instance that has ended already is seen by `wait`.
    let instance = child.id().and_then(pid).and_then(Process::of).unwrap_or(shim);
    let run = Run {
        shim,
        instance,
        started_ms: now_ms(),
    };
    let bytes = serde_json::to_vec(&run).map_err(|e| e.to_string())?;
    write_private(&folder.join(RUN), &bytes).map_err(|e| format!("its state cannot be written: {e}"))
}

fn terminate(child: &Child) {
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM);
    }
}
