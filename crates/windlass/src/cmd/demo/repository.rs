//! The demo's own repository: a copy of this checkout's files with a history of its own. The checkout stays untouched.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// What differs in production.
const PRODUCTION_VALUES: &str = "charts/ecommerce-platform/values.production.yaml";

/// A repository that people push to, and the clone they work in.
#[derive(Debug)]
pub(crate) struct Repository {
    work: PathBuf,
    origin: PathBuf,
}

impl Repository {
    /// Copies the files of `checkout` (tracked and new ones, ignored ones not) into a fresh repository below `folder`.
    pub(crate) fn create(checkout: &Path, folder: &Path) -> Result<Self> {
        let this = Self {
            work: folder.join("work"),
            origin: folder.join("origin.git"),
        };
        std::fs::create_dir_all(&this.work)
            .with_context(|| format!("cannot make {}", this.work.display()))?;
        copy_files(checkout, &this.work)?;
        git(
            folder,
            ["init", "--quiet", "--bare", "--initial-branch=main", "origin.git"],
        )?;
        git(&this.work, ["init", "--quiet", "--initial-branch=main"])?;
        git(&this.work, ["remote", "add", "origin", "../origin.git"])?;
        Ok(this)
    }

    /// The bare repository that the controller watches.
    pub(crate) fn origin(&self) -> &Path {
        &self.origin
    }

    /// The folder of the clone.
    pub(crate) fn work(&self) -> &Path {
        &self.work
    }

    /// Replaces `from` by `to` in a file; an error when the file does not say `from`.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) -> Result<()> {
        let file = self.work.join(path);
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        if !text.contains(from) {
            bail!("{path} does not contain {from:?}, which the demo changes");
        }
        std::fs::write(&file, text.replacen(from, to, 1))
            .with_context(|| format!("cannot write {}", file.display()))
    }

    /// Leaves out the lines that `unwanted` says.
    pub(crate) fn remove_lines(&self, path: &str, unwanted: impl Fn(&str) -> bool) -> Result<()> {
        let file = self.work.join(path);
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let kept: Vec<&str> = text.lines().filter(|line| !unwanted(line)).collect();
        std::fs::write(&file, kept.join("\n") + "\n")
            .with_context(|| format!("cannot write {}", file.display()))
    }

    /// Gives one service a fault in production; the fault of the release before goes.
    pub(crate) fn set_fault(&self, service: &str, fault: &str) -> Result<()> {
        self.remove_lines(PRODUCTION_VALUES, |line| line.starts_with("faults:"))?;
        let file = self.work.join(PRODUCTION_VALUES);
        let mut text =
            std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        writeln!(text, "faults: {{ {service}: \"{fault}\" }}").context("no memory")?;
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Commits everything and pushes it to `branches`. Returns the commit's id.
    pub(crate) fn push(&self, message: &str, branches: &[&str]) -> Result<String> {
        git(&self.work, ["add", "--all"])?;
        git(
            &self.work,
            ["commit", "--quiet", "--allow-empty", "--message", message],
        )?;
        self.push_head(branches)?;
        git(&self.work, ["rev-parse", "HEAD"])
    }

    /// Pushes the commit that is there to further branches, as a merge of develop into main does.
    pub(crate) fn push_head(&self, branches: &[&str]) -> Result<()> {
        for branch in branches {
            git(
                &self.work,
                ["push", "--quiet", "origin", &format!("HEAD:refs/heads/{branch}")],
            )?;
        }
        Ok(())
    }
}

/// Runs git without the user's own settings, so that hooks, signing and templates of this machine play no part.
fn git<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(folder: &Path, arguments: I) -> Result<String> {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=Windlass demo",
            "-c",
            "user.email=demo@example.com",
            "-c",
            "core.autocrlf=false",
        ])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env_remove("GIT_DIR")
        .stdin(Stdio::null())
        .output()
        .context("git cannot be started\nhint: install git")?;
    if !output.status.success() {
        bail!(
            "git failed in {}: {}",
            folder.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn copy_files(checkout: &Path, work: &Path) -> Result<()> {
    for path in files(checkout)? {
        let (from, to) = (checkout.join(&path), work.join(&path));
        // A file that was deleted but not yet committed is listed and not there.
        if !from.is_file() {
            continue;
        }
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        std::fs::copy(&from, &to).with_context(|| format!("cannot copy {path}"))?;
    }
    Ok(())
}

fn files(checkout: &Path) -> Result<Vec<String>> {
    let listed = git(
        checkout,
        [
            "-c",
            "safe.directory=*",
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ],
    )
    .context("the demo copies the files of this checkout, which must be a git repository")?;
    Ok(listed
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
        .collect())
}
