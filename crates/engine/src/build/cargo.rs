//! The cargo program: found, asked, run. What it writes goes to a log and, line by line, to whoever listens.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::BuildError;

/// Longest build.
const BUILD_MAX: Duration = Duration::from_hours(1);
/// How far builds give way: nearly all of a processor that others want too. A service that waits for it loses customers.
const NICENESS: &str = "15";
/// Lines of the first error that are shown.
const ERROR_LINES: usize = 16;
/// Bytes of a line that is passed on.
const LINE_BYTES_MAX: usize = 4_000;
/// Lines that wait to be written.
const LINES_WAITING_MAX: usize = 1_000;

/// The toolchain of a folder.
#[derive(Debug, Clone)]
pub(super) struct Cargo {
    program: PathBuf,
    /// What `rustc -vV` says: part of what a binary depends on.
    pub(super) version: String,
    /// The target that is built for: this machine's.
    pub(super) target: String,
}

/// One build.
pub(super) struct Run<'a> {
    pub(super) root: &'a Path,
    pub(super) target_folder: &'a Path,
    pub(super) packages: &'a [String],
    /// As `package/feature`.
    pub(super) features: &'a [String],
    pub(super) log: &'a Path,
}

impl Cargo {
    pub(super) fn find(root: &Path) -> Result<Self, BuildError> {
        let output = Command::new(program("rustc"))
            .arg("-vV")
            .current_dir(root)
            .stdin(Stdio::null())
            .output()
            .map_err(|e| BuildError::NoCargo {
                reason: e.to_string(),
            })?;
        let version = String::from_utf8_lossy(&output.stdout).into_owned();
        let target = version.lines().find_map(|line| line.strip_prefix("host: "));
        let Some(target) = target.map(str::to_owned) else {
            return Err(BuildError::NoCargo {
                reason: format!("rustc -vV: {}", String::from_utf8_lossy(&output.stderr).trim()),
            });
        };
        Ok(Self {
            program: program("cargo"),
            version,
            target,
        })
    }

    /// `cargo metadata` as JSON.
    pub(super) fn metadata(&self, root: &Path, arguments: &[&str]) -> Result<Vec<u8>, BuildError> {
        let output = Command::new(&self.program)
            .args(["metadata", "--format-version", "1", "--locked"])
            .args(arguments)
            .current_dir(root)
            .env("CARGO_TERM_COLOR", "never")
            .stdin(Stdio::null())
            .output()
            .map_err(|e| BuildError::NoCargo {
                reason: e.to_string(),
            })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(BuildError::Manifests {
            lines: first_error(&String::from_utf8_lossy(&output.stderr)),
        })
    }

    /// `cargo build --release --locked`. The binaries are then in `<target folder>/<target>/release`.
    pub(super) fn build(&self, run: &Run<'_>, on_line: &dyn Fn(&str)) -> Result<(), BuildError> {
        let mut command = politely(&self.program);
        command
            .args(["build", "--release", "--locked", "--target", &self.target])
            .args(run.packages.iter().flat_map(|package| ["--package", package]))
            .current_dir(run.root)
            .env("CARGO_TARGET_DIR", run.target_folder)
            .env("CARGO_TERM_COLOR", "never")
            .env("CARGO_TERM_PROGRESS_WHEN", "never")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if !run.features.is_empty() {
            command.args(["--features", &run.features.join(",")]);
        }
        let mut log = File::create(run.log).map_err(BuildError::file("write", run.log))?;
        let mut said = String::new();
        let status = follow(&mut command, |line| {
            let _ = writeln!(log, "{line}");
            said.push_str(line);
            said.push('\n');
            on_line(line);
        })?;
        let summary = match status {
            Some(status) if status.success() => return Ok(()),
            Some(_) => format!("the commit does not compile ({})", run.packages.join(", ")),
            None => format!(
                "the build did not end within {} minutes",
                BUILD_MAX.as_secs() / 60
            ),
        };
        Err(BuildError::Compile {
            summary,
            lines: first_error(&said),
            log: run.log.to_owned(),
        })
    }
}

/// A command that gives way to whoever serves customers on this machine, where the system has `nice`.
fn politely(of: &Path) -> Command {
    let nice = program("nice");
    if !nice.is_absolute() {
        return Command::new(of);
    }
    let mut command = Command::new(nice);
    command.args(["-n", NICENESS]).arg(of);
    command
}

/// Runs to the end or to the deadline, which gives `None`; each line of its error output is passed on.
fn follow(command: &mut Command, mut on_line: impl FnMut(&str)) -> Result<Option<ExitStatus>, BuildError> {
    let failed = |e: std::io::Error| BuildError::NoCargo {
        reason: e.to_string(),
    };
    let mut child = command.spawn().map_err(failed)?;
    let (sender, lines) = mpsc::sync_channel(LINES_WAITING_MAX);
    let reader = child.stderr.take().map(|stderr| {
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).split(b'\n') {
                let Ok(mut line) = line else { break };
                line.truncate(LINE_BYTES_MAX);
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
            }
        })
    });
    let end = Instant::now() + BUILD_MAX;
    let in_time = loop {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => on_line(&line),
            Err(RecvTimeoutError::Disconnected) => break true,
            Err(RecvTimeoutError::Timeout) => break false,
        }
    };
    if !in_time {
        let _ = child.kill();
    }
    drop(lines);
    let status = child.wait().map_err(failed)?;
    if let Some(reader) = reader {
        let _ = reader.join();
    }
    Ok(in_time.then_some(status))
}

/// The first error in the compiler's output with what explains it, or the last lines where none is marked.
fn first_error(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let start = lines.iter().position(|line| line.starts_with("error"));
    let shown: Vec<&str> = match start {
        Some(start) => {
            let rest = lines.iter().skip(start).take(ERROR_LINES).enumerate();
            // The next error or warning is another story.
            rest.take_while(|(index, line)| *index == 0 || !line.is_empty())
                .map(|(_, line)| *line)
                .collect()
        }
        None => lines.iter().rev().take(ERROR_LINES).rev().copied().collect(),
    };
    shown.join("\n")
}

/// The program in the path, or where rustup puts it.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    let at_home = || {
        let home = PathBuf::from(std::env::var_os("HOME")?);
        Some(home.join(".cargo/bin").join(name)).filter(|file| file.is_file())
    };
    in_path.or_else(at_home).unwrap_or_else(|| PathBuf::from(name))
}
