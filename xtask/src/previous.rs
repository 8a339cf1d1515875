//! `cargo xtask previous build`: the shop's services as they were before this state, so that tests can run two builds side by
//! side, as a rollout does.
//!
//! "Before" is the newest tag `v*`; without one it is the newest commit whose services differ from the ones here. In a clone
//! without that history it is this very commit, which is said. They are built unoptimised, in this checkout's target folder,
//! where nearly everything that they need is compiled already.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::tidy::root;

/// The programs, and the features with which they are built: all stores that both builds may share.
const SERVICES: [(&str, &str); 7] = [
    ("api-gateway", "redis"),
    ("user-service", "postgres"),
    ("catalog-service", "postgres"),
    ("cart-service", "postgres,redis"),
    ("order-service", "postgres"),
    ("storefront", ""),
    ("psp-sim", ""),
];
/// What a service is made of, of its own and of the kit of all. Tests and documents make no other build.
const SOURCES: [&str; 3] = ["src", "migrations", "assets"];
const KIT: &str = "service-kit";
/// In the target folder: says where the programs are. The tests look there.
const POINTER: &str = "previous";

/// `cargo xtask previous`.
#[expect(clippy::print_stderr, reason = "a command line tool speaks to its user")]
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    if arguments != ["build"] {
        eprintln!(
            "usage: cargo xtask previous build\n\n  builds the shop's services as they were before, for tests that run both"
        );
        return ExitCode::from(2);
    }
    match build() {
        Ok(folder) => {
            eprintln!("{}", folder.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a command line tool speaks to its user")]
fn build() -> Result<PathBuf, String> {
    let commit = commit()?;
    let kept = cache()?;
    let folder = kept.join(&commit[..12]);
    let complete = folder.join("complete");
    // Other features are other programs.
    let contents = format!("{commit} {SERVICES:?}");
    if std::fs::read_to_string(&complete).ok().as_deref() != Some(&contents) {
        eprintln!(
            "Building the shop's services of {} into {}",
            &commit[..12],
            folder.display()
        );
        let source = kept.join("source");
        unpack(&commit, &source)?;
        compile(&source)?;
        keep(&folder)?;
        std::fs::write(&complete, &contents).map_err(|error| format!("{}: {error}", complete.display()))?;
    }
    let pointer = target().join(POINTER);
    let text = folder.display().to_string();
    std::fs::write(&pointer, text).map_err(|error| format!("{}: {error}", pointer.display()))?;
    Ok(folder)
}

/// The commit before.
#[expect(clippy::print_stderr, reason = "a command line tool speaks to its user")]
fn commit() -> Result<String, String> {
    let no_history = |cause: String| {
        format!(
            "there is nothing before this: {cause}\nhint: this needs a clone of the repository, with a commit"
        )
    };
    let sources = sources();
    let about = |command: &[&'static str]| {
        let sources = sources.iter().map(String::as_str);
        git(&command.iter().copied().chain(sources).collect::<Vec<_>>())
    };
    let changed = !about(&["status", "--porcelain", "--"])?.is_empty();
    // A tag on this very state is this state.
    let from = if changed { "HEAD" } else { "HEAD~1" };
    if let Ok(tag) = git(&["describe", "--tags", "--abbrev=0", "--match", "v*", from]) {
        return git(&["rev-list", "-n", "1", &tag]);
    }
    if changed {
        return git(&["rev-parse", "HEAD"]).map_err(no_history);
    }
    let last = about(&["log", "-1", "--format=%H", "--"])?;
    let before = git(&["rev-parse", "--verify", "--quiet", &format!("{last}~1")]);
    before.or_else(|_| {
        eprintln!(
            "nothing before this is known here, so these services run beside themselves; a clone with its history \
             (git fetch --unshallow) has the ones before"
        );
        git(&["rev-parse", "HEAD"]).map_err(no_history)
    })
}

/// Where the sources of all services are.
fn sources() -> Vec<String> {
    let crates = SERVICES.iter().map(|(service, _)| *service).chain([KIT]);
    crates
        .flat_map(|name| SOURCES.map(|folder| format!("shop/{name}/{folder}")))
        .collect()
}

fn git(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("git")
        .current_dir(root())
        .args(arguments)
        .output()
        .map_err(|error| format!("git: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("git {}: {}", arguments.join(" "), said.trim()))
}

/// The whole tree of a commit, where the one before was.
fn unpack(commit: &str, source: &Path) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", source.display());
    if source.exists() {
        std::fs::remove_dir_all(source).map_err(told)?;
    }
    std::fs::create_dir_all(source).map_err(told)?;
    let mut archive = Command::new("git")
        .current_dir(root())
        .args(["archive", "--format=tar", commit])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("git archive: {error}"))?;
    let input = archive.stdout.take().map_or_else(Stdio::null, Stdio::from);
    let unpacked = Command::new("tar")
        .arg("-x")
        .arg("-C")
        .arg(source)
        .stdin(input)
        .status();
    let archived = archive.wait().map_err(|error| format!("git archive: {error}"))?;
    let unpacked = unpacked.map_err(|error| format!("tar: {error}"))?;
    if archived.success() && unpacked.success() {
        return Ok(());
    }
    Err(format!("git archive {commit}: {archived}; tar: {unpacked}"))
}

fn compile(source: &Path) -> Result<(), String> {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(source)
        .env("CARGO_TARGET_DIR", target())
        .args(["build", "--quiet", "--locked", "--bins"]);
    for (service, features) in SERVICES {
        cargo.args(["--package", service]);
        for feature in features.split(',').filter(|feature| !feature.is_empty()) {
            cargo.args(["--features", &format!("{service}/{feature}")]);
        }
    }
    let ended = cargo.status().map_err(|error| format!("cargo: {error}"))?;
    ended
        .success()
        .then_some(())
        .ok_or_else(|| format!("{cargo:?}: {ended}"))
}

/// Moves the programs to where they stay, small; other builds put theirs where these are now.
fn keep(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let built = target().join(host()?).join("debug");
    for (service, _) in SERVICES {
        let (from, to) = (built.join(service), folder.join(service));
        std::fs::copy(&from, &to).map_err(|error| format!("{}: {error}", from.display()))?;
        // Where there is no such program they are only larger.
        let _ = Command::new("strip").arg(&to).status();
    }
    Ok(())
}

fn host() -> Result<String, String> {
    let output = Command::new("rustc").arg("-vV").output();
    let output = output.map_err(|error| format!("rustc: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| "rustc -vV names no host".to_owned())
}

fn target() -> PathBuf {
    let given = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    given.unwrap_or_else(|| root().join("target"))
}

fn cache() -> Result<PathBuf, String> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    if let Some(named) = named.filter(|path| path.is_absolute()) {
        return Ok(named.join("windlass/previous"));
    }
    let home = std::env::var_os("HOME").ok_or("HOME is not set")?;
    Ok(PathBuf::from(home).join(".cache/windlass/previous"))
}
