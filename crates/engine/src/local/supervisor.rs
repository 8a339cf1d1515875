//! One task per instance: starts it or takes over the one that runs, probes it, restarts it with back-off, stops it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::compose::{Program, Wanted};
use super::port::{self, Ports};
use super::probe::{self, Target, Word};
use super::process::{Process, read_json};
use super::record::{EXIT, Exit, LOG, RUN, Run, SPEC, make_private, now_ms, write_private};
use super::sandbox::{Isolation, Sandbox};
use super::shim::Spec;
use super::{LocalError, Options, log, volume};

/// How long a new shim may take until it has started its instance.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// From look to look for that.
const START_LOOK: Duration = Duration::from_millis(10);
/// A shim has this much longer than the grace period before it is killed itself.
const STOP_MARGIN: Duration = Duration::from_secs(2);
/// What is kept about an instance between controllers.
const KEPT: &str = "instance.json";
/// Lines of a log in which the cause of an end is looked for: a program that fails may still print where it was.
const LAST_LINES: usize = 40;
/// What runtimes write when memory cannot be had, in lower case: C, C++, Go, Java, Node, Python, Rust.
const OUT_OF_MEMORY: [&str; 6] = [
    "cannot allocate memory",
    "bad_alloc",
    "out of memory",
    "outofmemory",
    "memoryerror",
    "memory allocation of",
];

/// What an instance is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Not started yet, or starting.
    Starting,
    /// Runs, and is not ready.
    Running,
    /// Runs and is ready for requests.
    Ready,
    /// Failed, and waits before its next start (`CrashLoopBackOff` from the second failure in a row on).
    BackOff,
    /// Ended because it was told to.
    Stopped,
}

/// What is known of one instance.
#[derive(Debug, Clone, Serialize)]
pub struct InstanceState {
    /// Unique in its track: `<workload>_<replica>_<container>`.
    pub id: String,
    /// What it is doing.
    pub phase: Phase,
    /// Starts after the first one.
    pub restarts: u32,
    /// Why it is not ready, or how it ended last; empty when all is well.
    pub message: String,
    /// Its process.
    pub pid: Option<i32>,
    /// Its ports on 127.0.0.1 by those of the manifest.
    pub ports: BTreeMap<u16, u16>,
    /// Digest of its image.
    pub image: String,
    /// Resident memory in bytes.
    pub memory_bytes: u64,
    /// Processor time so far in milliseconds.
    pub cpu_ms: u64,
}

/// There while the instance that runs has been ready: the next controller takes it over as such.
const PROVEN: &str = "proven";

/// What survives a restart of the controller.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    digest: String,
    ports: BTreeMap<u16, u16>,
    restarts: u32,
    failures: u32,
}

/// A running supervisor.
pub(super) struct Supervisor {
    pub(super) wanted: Wanted,
    pub(super) digest: String,
    state: Arc<Mutex<InstanceState>>,
    leaving: AtomicBool,
    /// The longest time that stopping may take.
    stop: watch::Sender<Option<Duration>>,
    task: tokio::task::JoinHandle<()>,
}

/// What all supervisors share.
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) isolation: Isolation,
    pub(super) ports: Ports,
}

impl Supervisor {
    /// Starts to look after an instance whose files are in `folder`.
    pub(super) fn start(shared: Arc<Shared>, wanted: Wanted, folder: PathBuf) -> Result<Self, LocalError> {
        make_private(&folder).map_err(LocalError::file("make", &folder))?;
        let digest = wanted.digest().to_string();
        let mut kept: Kept = read_json(&folder.join(KEPT)).unwrap_or_default();
        if kept.digest != digest {
            kept = Kept {
                digest: digest.clone(),
                ..Kept::default()
            };
        }
        for (_, number) in &wanted.ports {
            match kept.ports.get(number) {
                Some(own) => shared.ports.keep(*own),
                None => {
                    kept.ports.insert(*number, shared.ports.take()?);
                }
            }
        }
        let adopted = run_of(&folder);
        let proven = adopted.is_some() && folder.join(PROVEN).exists();
        let state = Arc::new(Mutex::new(InstanceState {
            id: wanted.key.name(),
            phase: if proven { Phase::Ready } else { Phase::Starting },
            restarts: kept.restarts,
            message: String::new(),
            pid: adopted.map(|run| run.instance.pid),
            ports: kept.ports.clone(),
            image: wanted.program.image.to_string(),
            memory_bytes: 0,
            cpu_ms: 0,
        }));
        let (stop, stopped) = watch::channel(None);
        let work = Work {
            shared,
            wanted: wanted.clone(),
            folder,
            state: Arc::clone(&state),
            kept,
            stop: stopped,
        };
        work.keep()?;
        Ok(Self {
            wanted,
            digest,
            state,
            leaving: AtomicBool::new(false),
            stop,
            task: tokio::spawn(work.run()),
        })
    }

    /// What is known of it now.
    pub(super) fn state(&self) -> InstanceState {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if self.leaving.load(Ordering::Relaxed) && state.phase == Phase::Ready {
            state.phase = Phase::Running;
        }
        let process = state.pid.and_then(Process::of);
        if let Some((memory, cpu)) = process.and_then(|process| process.usage()) {
            (state.memory_bytes, state.cpu_ms) = (memory, cpu);
        }
        state
    }

    /// It will be stopped: from now on it is not ready for anybody.
    pub(super) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Ends the instance, politely first; returns when it is gone.
    pub(super) async fn stop(self, deadline: Duration) {
        self.stop.send_replace(Some(deadline));
        let _ = self.task.await;
    }
}

struct Work {
    shared: Arc<Shared>,
    wanted: Wanted,
    folder: PathBuf,
    state: Arc<Mutex<InstanceState>>,
    kept: Kept,
    stop: watch::Receiver<Option<Duration>>,
}

enum End {
    Exited,
    Unhealthy(String),
    Stop(Duration),
}

impl Work {
    async fn run(mut self) {
        loop {
            let began = now_ms();
            let message = match self.running().await {
                Ok(run) => {
                    let proven = self.folder.join(PROVEN).exists();
                    let phase = if proven { Phase::Ready } else { Phase::Running };
                    self.set(|state| (state.phase, state.pid) = (phase, Some(run.instance.pid)));
                    match self.look_after(&run).await {
                        End::Stop(deadline) => return self.end(&run, deadline).await,
                        End::Exited => last_words(&self.folder, self.wanted.program.memory_bytes),
                        End::Unhealthy(reason) => {
                            stop_run(&run, self.grace()).await;
                            reason
                        }
                    }
                }
                Err(error) => error,
            };
            let ran = Duration::from_millis(now_ms().saturating_sub(began));
            self.kept.failures = self.shared.options.back_off.count(self.kept.failures, ran);
            let wait = self.shared.options.back_off.wait(self.kept.failures);
            let loops = if wait.is_zero() { "" } else { "CrashLoopBackOff: " };
            self.set(|state| {
                (state.phase, state.pid, state.message) = (Phase::BackOff, None, format!("{loops}{message}"));
            });
            if let Some(_deadline) = self.rest(wait).await {
                self.set(|state| state.phase = Phase::Stopped);
                return self.forget();
            }
            self.kept.restarts += 1;
            self.set(|state| state.restarts = self.kept.restarts);
            // What is not written is counted again by the next controller: no reason to stop.
            let _ = self.keep();
        }
    }

    /// The run that goes on from before, or a new one.
    async fn running(&mut self) -> Result<Run, String> {
        if let Some(run) = run_of(&self.folder) {
            return Ok(run);
        }
        self.change_taken_ports().map_err(|e| e.to_string())?;
        let ports = self.kept.ports.clone();
        for (index, program) in self.wanted.before.clone().iter().enumerate() {
            let folder = self.folder.join(format!("before-{index}"));
            let exit = run_to_end(
                &self.shared,
                &program.with_ports(&ports),
                &folder,
                &self.wanted.key.name(),
                self.wanted.grace_s,
            )
            .await?;
            if !exit.is_good() {
                let words = last_words(&folder, program.memory_bytes);
                return Err(format!("initial container {}: {words}", index + 1));
            }
        }
        let program = self.wanted.program.with_ports(&ports);
        launch(
            &self.shared,
            &program,
            &self.folder,
            &self.wanted.key.name(),
            self.wanted.grace_s,
        )
        .await
    }

    /// A port that another program took in the meantime is exchanged.
    fn change_taken_ports(&mut self) -> Result<(), LocalError> {
        for own in self.kept.ports.values_mut() {
            if !port::is_free(*own) {
                let taken = std::mem::replace(own, self.shared.ports.take()?);
                self.shared.ports.give_back(taken);
            }
        }
        let ports = self.kept.ports.clone();
        self.set(|state| state.ports = ports);
        self.keep()
    }

    async fn look_after(&mut self, run: &Run) -> End {
        let program = self.wanted.program.with_ports(&self.kept.ports);
        let Ok(sandbox) = sandbox(&self.shared, &program, &self.folder, &self.wanted.key.name()) else {
            return End::Unhealthy("its volumes cannot be made".to_owned());
        };
        let options = &self.shared.options;
        let target = Target {
            ports: self.kept.ports.clone(),
            helper: (options.helper.clone(), options.helper_entry.clone()),
            sandbox,
            folder: self.folder.clone(),
            eager: options.eager_probe,
            proven: self.folder.join(PROVEN).exists(),
        };
        let state = Arc::clone(&self.state);
        let mark = self.folder.join(PROVEN);
        let tell = move |word: Word| {
            // Without the mark the next controller waits for the probes again: slower, not wrong.
            let _ = match word {
                Word::Ready => write_private(&mark, b""),
                Word::NotReady(_) => fs::remove_file(&mark),
            };
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            (state.phase, state.message) = match word {
                Word::Ready => (Phase::Ready, String::new()),
                Word::NotReady(reason) => (Phase::Running, reason),
            };
        };
        let mut stop = self.stop.clone();
        tokio::select! {
            deadline = asked_to_stop(&mut stop) => End::Stop(deadline),
            () = run.shim.ended() => End::Exited,
            reason = probe::watch(&self.wanted.probes, &target, tell) => End::Unhealthy(reason),
        }
    }

    async fn end(&mut self, run: &Run, deadline: Duration) {
        self.set(|state| state.phase = Phase::Stopped);
        stop_run(run, deadline.min(self.grace())).await;
        self.set(|state| state.pid = None);
        self.forget();
    }

    /// The wait before the next start, or the word to stop.
    async fn rest(&mut self, wait: Duration) -> Option<Duration> {
        let mut stop = self.stop.clone();
        tokio::select! {
            deadline = asked_to_stop(&mut stop) => Some(deadline),
            () = sleep(wait) => None,
        }
    }

    fn grace(&self) -> Duration {
        Duration::from_secs(self.wanted.grace_s)
    }

    fn set(&self, change: impl FnOnce(&mut InstanceState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn keep(&self) -> Result<(), LocalError> {
        let path = self.folder.join(KEPT);
        let bytes = serde_json::to_vec(&self.kept).unwrap_or_default();
        write_private(&path, &bytes).map_err(LocalError::file("write", &path))
    }

    fn forget(&self) {
        for own in self.kept.ports.values() {
            self.shared.ports.give_back(*own);
        }
        let _ = fs::remove_file(self.folder.join(KEPT));
    }
}

async fn asked_to_stop(stop: &mut watch::Receiver<Option<Duration>>) -> Duration {
    let asked = stop.wait_for(Option::is_some).await.ok().and_then(|asked| *asked);
    match asked {
        Some(deadline) => deadline,
        // The runtime is going away; its instances stay.
        None => std::future::pending().await,
    }
}

/// How the run in a folder ended, with its last line; where its end speaks of memory, with that and the limit that it had.
fn last_words(folder: &Path, memory_bytes: Option<u64>) -> String {
    let exit: Exit = read_json(&folder.join(EXIT)).unwrap_or_default();
    let lines = log::tail(&folder.join(LOG), LAST_LINES);
    let ended = exit.sentence();
    let speaks_of_memory = |line: &&String| {
        let line = line.to_lowercase();
        OUT_OF_MEMORY.iter().any(|word| line.contains(word))
    };
    let short = lines.iter().rev().find(speaks_of_memory);
    match (short.zip(memory_bytes), lines.last()) {
        (Some((line, limit)), _) => {
            format!("{ended}: {line} (resources.limits.memory is {} MiB)", limit >> 20)
        }
        (None, Some(last)) => format!("{ended}: {last}"),
        (None, None) => ended,
    }
}

/// Runs a program to its end and gives its result; takes over one that runs already.
pub(super) async fn run_to_end(
    shared: &Shared,
    program: &Program,
    folder: &Path,
    name: &str,
    grace_s: u64,
) -> Result<Exit, String> {
    make_private(folder).map_err(|e| LocalError::file("make", folder)(e).to_string())?;
    let run = match run_of(folder) {
        Some(run) => run,
        None => match launch(shared, program, folder, name, grace_s).await {
            Ok(run) => run,
            // It may have ended before anybody looked.
            Err(error) => return read_json(&folder.join(EXIT)).ok_or(error),
        },
    };
    run.shim.ended().await;
    read_json(&folder.join(EXIT)).ok_or_else(|| "its shim was killed".to_owned())
}

/// Ends a run: the word to stop, then after the grace period the kill.
pub(super) async fn stop_run(run: &Run, grace: Duration) {
    run.shim.signal(Signal::SIGTERM);
    if timeout(grace, run.shim.ended()).await.is_ok() {
        return;
    }
    run.instance.signal(Signal::SIGKILL);
    if timeout(STOP_MARGIN, run.shim.ended()).await.is_err() {
        run.shim.signal(Signal::SIGKILL);
        let _ = timeout(STOP_MARGIN, run.shim.ended()).await;
    }
}

/// Starts a shim and waits until its instance runs.
async fn launch(
    shared: &Shared,
    program: &Program,
    folder: &Path,
    name: &str,
    grace_s: u64,
) -> Result<Run, String> {
    let sandbox = sandbox(shared, program, folder, name).map_err(|e| e.to_string())?;
    let options = &shared.options;
    let spec = Spec {
        sandbox,
        grace_ms: grace_s.saturating_mul(1_000),
        log_bytes_max: options.log_bytes_max,
        entry: options.helper_entry.clone(),
    };
    let path = folder.join(SPEC);
    let bytes = serde_json::to_vec(&spec).map_err(|e| e.to_string())?;
    write_private(&path, &bytes).map_err(|e| LocalError::file("write", &path)(e).to_string())?;
    for old in [EXIT, RUN, PROVEN] {
        let _ = fs::remove_file(folder.join(old));
    }
    let mut command = Command::new(&options.helper);
    command
        .args(&options.helper_entry)
        .arg("shim")
        .arg(folder)
        .current_dir("/")
        .env_clear();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut shim = command.spawn().map_err(|source| {
        LocalError::Start {
            program: options.helper.clone(),
            source,
        }
        .to_string()
    })?;
    let started = async {
        loop {
            if let Some(run) = read_json::<Run>(&folder.join(RUN)) {
                return Ok(run);
            }
            if let Ok(Some(status)) = shim.try_wait() {
                return Err(if folder.join(EXIT).exists() {
                    last_words(folder, program.memory_bytes)
                } else {
                    format!("its shim ended: {status}")
                });
            }
            sleep(START_LOOK).await;
        }
    };
    timeout(START_TIMEOUT, started)
        .await
        .unwrap_or_else(|_| Err("its shim did not start in time".to_owned()))
}

/// What runs in a folder, also from before this controller.
fn run_of(folder: &Path) -> Option<Run> {
    read_json::<Run>(&folder.join(RUN)).filter(|run| run.shim.runs())
}

/// The process to be, with its volumes made.
fn sandbox(shared: &Shared, program: &Program, folder: &Path, name: &str) -> Result<Sandbox, LocalError> {
    let mounts = volume::prepare(&program.mounts, folder, &program.root, program.user)?;
    let mut sandbox = Sandbox {
        isolation: shared.isolation,
        root: program.root.clone(),
        mounts,
        argv: program.argv.clone(),
        env: program.env.clone(),
        cwd: program.cwd.clone(),
        user: program.user,
        group: program.group,
        hostname: name.replace('_', "-"),
        memory_bytes: program.memory_bytes,
    };
    if shared.isolation != Isolation::Namespaces {
        without_own_root(&mut sandbox);
    }
    Ok(sandbox)
}

/// Without a root of its own an instance sees this machine's paths: mounts are rewritten where variables and arguments
/// name them, and the program is found in the unpacked image.
fn without_own_root(sandbox: &mut Sandbox) {
    let mounts: Vec<(String, String)> = sandbox
        .mounts
        .iter()
        .map(|mount| (mount.target.clone(), mount.source.display().to_string()))
        .collect();
    let rewrite = |text: &mut String| {
        for (target, source) in &mounts {
            *text = replace_path(text, target, source);
        }
    };
    sandbox
        .env
        .iter_mut()
        .filter(|(name, _)| *name != "PATH")
        .for_each(|(_, value)| rewrite(value));
    sandbox.argv.iter_mut().skip(1).for_each(rewrite);
    if let Some(program) = sandbox.argv.first_mut() {
        *program = sandbox
            .root
            .join(program.trim_start_matches('/'))
            .display()
            .to_string();
    }
}

/// Replaces a path where it stands as a whole: not inside of a longer name, and not as the end of another path.
pub(super) fn replace_path(text: &str, path: &str, with: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(path) {
        let (head, tail) = (&rest[..at], &rest[at + path.len()..]);
        let before = head.chars().next_back().or_else(|| out.chars().next_back());
        let starts = before.is_none_or(|before| !before.is_alphanumeric() && !"-_.".contains(before));
        let ends = tail
            .chars()
            .next()
            .is_none_or(|after| !after.is_alphanumeric() && !"-_.".contains(after));
        out.push_str(head);
        out.push_str(if starts && ends { with } else { path });
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::replace_path;

    #[test]
    fn only_whole_paths_are_replaced() {
        let cases = [
            ("/data", "/s"),
            ("sqlite:///data/a.db?x=1", "sqlite:///s/a.db?x=1"),
            ("/database", "/database"),
            ("/var/data", "/var/data"),
            ("/data:/data", "/s:/s"),
        ];
        for (text, expected) in cases {
            assert_eq!(replace_path(text, "/data", "/s"), expected, "{text}");
        }
    }
}
