//! One program of `verify`: its end, what it said, and that nothing of it stays behind. It knows no tracks.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::Command;
use windlass_core::config;

/// Bytes of its output in the reason: the last ones, where programs say what went wrong.
const OUTPUT_BYTES: usize = 500;
/// Bytes that are read at once.
const READ_BYTES: usize = 8 << 10;
/// After its end its output is read for at most this long: what it left behind may keep the pipe open.
const OUTPUT_REST: Duration = Duration::from_millis(200);

/// Runs a step in `folder` with one more variable, to its end or to its time limit; the error is a sentence with the end of
/// what it wrote. Processes that it started end with it.
pub(super) async fn run(step: &config::Step, folder: &Path, variable: (&str, &str)) -> Result<(), String> {
    let Some((program, arguments)) = step.run.split_first() else {
        return Ok(());
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .env(variable.0, variable.1);
    let mut said = Said::default();
    let limit = Duration::from_millis(step.timeout_ms);
    let ended = tokio::time::timeout(limit, end(command, &mut said)).await;
    match ended {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("{} failed ({status}){}", step.name, said.last())),
        Ok(Err(error)) => Err(format!(
            "{} cannot be started: {}: {error}\nhint: `verify` in windlass.yaml names programs of this machine, or files by their path from its folder",
            step.name,
            OsStr::new(program).display()
        )),
        Err(_) => Err(format!(
            "{} does not end within {limit:?}{}",
            step.name,
            said.last()
        )),
    }
}

async fn end(mut command: Command, said: &mut Said) -> io::Result<ExitStatus> {
    let (reader, writer) = io::pipe()?;
    let mut output = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
    // Its copies of the pipe's end must go, or the output never ends.
    drop(command);
    let group = Group(child.id().and_then(|pid| i32::try_from(pid).ok()));
    let (mut buffer, mut open) = (vec![0; READ_BYTES], true);
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            read = output.read(&mut buffer), if open => match read {
                Ok(count) if count > 0 => said.add(buffer.get(..count).unwrap_or_default()),
                Ok(_) | Err(_) => open = false,
            },
        }
    };
    drop(group);
    let rest = async {
        while let Ok(count) = output.read(&mut buffer).await
            && count > 0
        {
            said.add(buffer.get(..count).unwrap_or_default());
        }
    };
    let _ = tokio::time::timeout(OUTPUT_REST, rest).await;
    Ok(status)
}

/// A process group that ends when it is dropped: at the program's end, at its time limit, or when the rollout is given up.
struct Group(Option<i32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            // A group without processes is no group; then there is nobody to end.
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

/// The end of what a program wrote.
#[derive(Default)]
struct Said(VecDeque<u8>);

impl Said {
    fn add(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
        let over = self.0.len().saturating_sub(OUTPUT_BYTES);
        self.0.drain(..over);
    }

    /// For the end of a sentence.
    fn last(&self) -> String {
        let bytes: Vec<u8> = self.0.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes).trim().to_owned();
        if text.is_empty() {
            ", and says nothing".to_owned()
        } else {
            format!(": {text}")
        }
    }
}
