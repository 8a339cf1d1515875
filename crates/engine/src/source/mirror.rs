//! A copy of a repository that is elsewhere: `ssh://`, `https://`, `http://`, `git://`, `file://` and `user@host:path`. The
//! git of this machine fetches it, with its keys, proxies and credential helpers; what is read afterwards is read here.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::SourceError;

/// Of one fetch; a repository that is large comes in parts, each of which is kept.
const TIMEOUT: Duration = Duration::from_mins(2);
/// From look to look at whether it has ended.
const LOOK: Duration = Duration::from_millis(20);
/// How git may reach a repository; others would run programs that a configuration names.
pub(crate) const PROTOCOLS: &str = "file:git:http:https:ssh";
/// What is fetched: branches and tags, wherever they were moved.
const REFS: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
/// Asks nobody: a controller has no terminal.
const SSH: &str = "ssh -o BatchMode=yes";

/// Whether a `repository` of windlass.yaml is elsewhere, and not a folder of this machine.
pub fn is_remote(repository: &str) -> bool {
    let short = |(host, _): (&str, &str)| !host.is_empty() && !host.contains('/');
    repository.contains("://") || repository.split_once(':').is_some_and(short)
}

/// Where its copy is.
pub(crate) fn place(state: &Path, repository: &str) -> PathBuf {
    let name = hex::encode(&Sha256::digest(repository.as_bytes())[..8]);
    state.join("mirrors").join(name)
}

/// Brings the copy up to date. What is there stays when this fails.
pub(crate) fn refresh(repository: &str, folder: &Path) -> Result<(), SourceError> {
    if !folder.join("HEAD").is_file() {
        std::fs::create_dir_all(folder).map_err(|e| failed(repository, e))?;
        git(repository, folder, &["init", "--quiet", "--bare"])?;
    }
    let mut arguments = vec![
        "fetch",
        "--quiet",
        "--prune",
        "--force",
        "--no-write-fetch-head",
        "--",
        repository,
    ];
    arguments.extend(REFS);
    git(repository, folder, &arguments)
}

fn git(repository: &str, folder: &Path, arguments: &[&str]) -> Result<(), SourceError> {
    let mut command = Command::new("git");
    command
        .args(["-c", "gc.auto=0", "-c", "core.hooksPath=/dev/null"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ALLOW_PROTOCOL", PROTOCOLS)
        .env_remove("GIT_DIR")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    if std::env::var_os("GIT_SSH_COMMAND").is_none() {
        command.env("GIT_SSH_COMMAND", SSH);
    }
    let mut child = command
        .spawn()
        .map_err(|e| failed(repository, format!("git cannot be started: {e}")))?;
    let began = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|e| failed(repository, e))? {
            Some(status) => break status,
            None if began.elapsed() >= TIMEOUT => {
                let _ = child.kill();
                let _ = child.wait();
                let late = format!("it does not answer within {} s", TIMEOUT.as_secs());
                return Err(failed(repository, late));
            }
            None => std::thread::sleep(LOOK),
        }
    };
    if status.success() {
        return Ok(());
    }
    let mut said = String::new();
    if let Some(mut errors) = child.stderr.take() {
        let _ = errors.read_to_string(&mut said);
    }
    let said = said.trim().replace(repository, &shown(repository));
    Err(failed(repository, said.replace('\n', "; ")))
}

fn failed(repository: &str, reason: impl std::fmt::Display) -> SourceError {
    SourceError::Remote {
        repository: shown(repository),
        reason: reason.to_string(),
    }
}

/// Without the password, if the address has one.
fn shown(repository: &str) -> String {
    let Some((scheme, rest)) = repository.split_once("://") else {
        return repository.to_owned();
    };
    match rest.split_once('@') {
        Some((who, place)) if who.contains(':') && !who.contains('/') => {
            let name = who.split(':').next().unwrap_or_default();
            format!("{scheme}://{name}:***@{place}")
        }
        Some(_) | None => repository.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_remote, shown};

    #[test]
    fn what_is_elsewhere_is_told_from_a_folder() {
        for remote in [
            "https://git.example.com/shop.git",
            "ssh://git@git.example.com:2222/shop.git",
            "git@git.example.com:company/shop.git",
            "file:///srv/shop.git",
        ] {
            assert!(is_remote(remote), "{remote}");
        }
        for folder in [".", "../shop", "/srv/shop.git", "shop.git", "./a:b"] {
            assert!(!is_remote(folder), "{folder}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(
            shown("https://ada:secret@git.example.com/shop.git"),
            "https://ada:***@git.example.com/shop.git"
        );
        assert_eq!(
            shown("git@git.example.com:shop.git"),
            "git@git.example.com:shop.git"
        );
    }
}
