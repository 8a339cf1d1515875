//! The most memory that a program takes at once: a process of its own runs it, so that no other child counts.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use nix::sys::resource::{UsageWho, getrusage};

/// `cargo xtask peak PROGRAM ARGUMENTS`: prints KiB.
#[expect(clippy::print_stdout, reason = "the figure is for the process that asked")]
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let Some((program, rest)) = arguments.split_first() else {
        return ExitCode::from(2);
    };
    let ended = Command::new(program)
        .args(rest)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match (ended, getrusage(UsageWho::RUSAGE_CHILDREN)) {
        (Ok(status), Ok(usage)) if status.success() => {
            println!("{}", usage.max_rss());
            ExitCode::SUCCESS
        }
        _ => ExitCode::FAILURE,
    }
}

/// The peak of one run in MiB.
pub(super) fn peak_mib(program: &Path, arguments: &[&str]) -> Result<f64, String> {
    let own = std::env::current_exe().map_err(|it| it.to_string())?;
    let output = Command::new(own)
        .arg("peak")
        .arg(program)
        .args(arguments)
        .output()
        .map_err(|it| it.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let kib: f64 = text
        .trim()
        .parse()
        .map_err(|_| format!("{}: its memory cannot be told", program.display()))?;
    Ok(kib / 1_024.0)
}
