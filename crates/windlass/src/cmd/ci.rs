//! `windlass ci`: runs the steps below `ci` in windlass.yaml on a commit, and has the controller write down how they ended:
//! what the gate of the checklist's first item looks at.

use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Program, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use windlass_core::config::{Config, Step};
use windlass_core::machine::event::Wish;
use windlass_engine::checkout::Checkout;
use windlass_server::Command;

use super::serve::configuration;
use super::wish::account;
use super::{Outcome, Shared};
use crate::client::Client;
use crate::place::Place;
use crate::say::{Say, Tone};

/// What differs from the commit; the state folder is nobody's source.
const STATUS: [&str; 5] = ["status", "--porcelain", "--", ".", ":(exclude).windlass"];
/// From look to look at whether a step has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Run what a commit must pass.
#[derive(Debug, Args)]
pub(super) struct Ci {
    /// Run it on this commit, checked out beside; without it, on the files of this folder
    commit: Option<String>,
    /// Only these steps; the result is then not written down
    #[arg(long = "step", value_name = "NAME")]
    steps: Vec<String>,
    /// Who says how it ended; without it, git's user.name or the account on this machine
    #[arg(long = "as", value_name = "NAME", env = "WINDLASS_ACTOR")]
    actor: Option<String>,
}

/// How a step ended.
#[derive(Debug, Serialize)]
struct Ended {
    name: String,
    passed: bool,
    /// What went wrong; empty for nothing.
    reason: String,
    took_ms: u64,
}

/// What is tested.
struct Subject {
    folder: PathBuf,
    config: Config,
    /// `None` while files differ from it: a result would be about something else.
    commit: Option<String>,
}

impl Ci {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let (place, say) = (shared.place()?, shared.say());
        let subject = self.subject(&place)?;
        let mut ended = Vec::new();
        for step in wanted(&subject.config, &self.steps)? {
            ended.push(run(say, step, &subject.folder)?);
        }
        let failed = ended.iter().filter(|step| !step.passed).count();
        let seq = self.record(&place, &subject, &ended)?;
        say.document(&json!({ "commit": subject.commit, "seq": seq, "steps": ended }));
        let what = subject.commit.as_deref().unwrap_or("these files");
        let verdict = if failed == 0 {
            say.tone(Tone::Good, format!("all {} steps passed", ended.len()))
        } else {
            say.tone(Tone::Bad, format!("{failed} of {} steps failed", ended.len()))
        };
        say.line(format!("{what}: {verdict}"));
        say.line(self.note(&subject, seq));
        say.next(if seq.is_some() {
            "windlass status"
        } else {
            "windlass up"
        });
        Ok(if failed == 0 {
            Outcome::Done
        } else {
            Outcome::Failed
        })
    }

    fn subject(&self, place: &Place) -> Result<Subject> {
        let Some(commit) = &self.commit else {
            let changed = !git(&place.root, &STATUS)?.is_empty();
            let commit = (!changed)
                .then(|| git(&place.root, &["rev-parse", "HEAD"]))
                .transpose()?;
            return Ok(Subject {
                folder: place.root.clone(),
                config: configuration(place)?,
                commit,
            });
        };
        let named = format!("{commit}^{{commit}}");
        let commit = git(&place.root, &["rev-parse", "--verify", "--quiet", &named])
            .with_context(|| format!("there is no commit {commit}\nhint: `git log` lists them"))?;
        let folder = check_out(place, &commit)?;
        let path = folder.join("windlass.yaml");
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("commit {commit} has no windlass.yaml\nhint: it says below `ci` what to run")
        })?;
        let config = {
            let files = Checkout::Folder(&folder);
            Config::parse_with(&format!("windlass.yaml of {commit}"), &text, &files)?
        };
        Ok(Subject {
            folder,
            config,
            commit: Some(commit),
        })
    }

    /// Tells the controller, if one runs; the number of the event.
    fn record(&self, place: &Place, subject: &Subject, ended: &[Ended]) -> Result<Option<u64>> {
        let (Some(commit), true) = (&subject.commit, self.steps.is_empty()) else {
            return Ok(None);
        };
        let Some(client) = Client::running(&place.contact()) else {
            return Ok(None);
        };
        // It counts everywhere; an environment is named because every wish names one.
        let Some(environment) = client.view()?.environments.first().map(|one| one.name.clone()) else {
            return Ok(None);
        };
        let names = |passed| -> Vec<String> {
            let these = ended.iter().filter(|step| step.passed == passed);
            these.map(|step| step.name.clone()).collect()
        };
        let wish = Wish::Tested {
            commit: commit.clone(),
            passed: names(true),
            failed: names(false),
        };
        let seq = client.ask(&Command {
            environment,
            actor: self.actor.clone().unwrap_or_else(account),
            comment: String::new(),
            wish,
        })?;
        Ok(Some(seq))
    }

    fn note(&self, subject: &Subject, seq: Option<u64>) -> String {
        match (seq, &subject.commit) {
            (Some(seq), _) => format!("written down as event {seq}"),
            (None, _) if !self.steps.is_empty() => "not written down: not all steps ran".to_owned(),
            (None, None) => "not written down: files differ from the commit; commit them first".to_owned(),
            (None, Some(_)) => "not written down: no controller runs here".to_owned(),
        }
    }
}

/// The steps to run, in the order of the file.
fn wanted<'a>(config: &'a Config, names: &[String]) -> Result<Vec<&'a Step>> {
    if config.ci.is_empty() {
        bail!(
            "windlass.yaml names nothing to run\nhint: add a step: `ci: [{{ name: test, run: [cargo, test] }}]`"
        );
    }
    if let Some(strange) = names
        .iter()
        .find(|name| config.ci.iter().all(|step| step.name != **name))
    {
        let known: Vec<&str> = config.ci.iter().map(|step| step.name.as_str()).collect();
        bail!(
            "there is no step {strange}\nhint: windlass.yaml has {}",
            known.join(", ")
        );
    }
    let all = config.ci.iter();
    Ok(all
        .filter(|step| names.is_empty() || names.contains(&step.name))
        .collect())
}

/// What it writes is shown as it comes; beside a document it goes to standard error.
fn run(say: Say, step: &Step, folder: &Path) -> Result<Ended> {
    say.progress(format!(
        "{} {}",
        say.tone(Tone::Strong, &step.name),
        step.run.join(" ")
    ));
    let began = Instant::now();
    let reason = match start(say, step, folder) {
        Ok(child) => match end(child, Duration::from_millis(step.timeout_ms))? {
            Some(status) if status.success() => String::new(),
            Some(status) => format!("it ended with {status}"),
            None => format!("it did not end within {} ms", step.timeout_ms),
        },
        Err(error) => format!("it cannot be started: {error}"),
    };
    let took = began.elapsed();
    let ended = Ended {
        name: step.name.clone(),
        passed: reason.is_empty(),
        reason,
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    };
    let word = if ended.passed {
        say.tone(Tone::Good, "✔ passed")
    } else {
        say.tone(Tone::Bad, "✖ failed")
    };
    say.progress(format!(
        "{word} {} after {:.1} s {}",
        step.name,
        took.as_secs_f64(),
        ended.reason
    ));
    Ok(ended)
}

fn start(say: Say, step: &Step, folder: &Path) -> io::Result<Child> {
    let Some((program, arguments)) = step.run.split_first() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let output = if say.is_json() {
        Stdio::from(io::stderr().as_fd().try_clone_to_owned()?)
    } else {
        Stdio::inherit()
    };
    Program::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(output)
        .spawn()
}

/// Waits for the end, but not for ever.
fn end(mut child: Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("a step cannot be waited for")? {
            return Ok(Some(status));
        }
        if began.elapsed() >= limit {
            let _ = child.kill();
            let _ = child.wait();
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    }
}

/// The files of a commit in a folder that is kept from run to run, so that compiled code is used again.
fn check_out(place: &Place, commit: &str) -> Result<PathBuf> {
    let name = place.root.file_name().unwrap_or_default();
    let folder = place.cache.join("ci").join(name);
    if !folder.join(".git").exists() {
        std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        git(&folder, &["init", "--quiet"])?;
    }
    let root = place.root.display().to_string();
    git(
        &folder,
        &["fetch", "--quiet", "--force", "--depth", "1", &root, commit],
    )?;
    git(&folder, &["checkout", "--quiet", "--force", "--detach", commit])?;
    Ok(folder)
}

/// Git without hooks; its answer without the line's end.
fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = Program::new("git")
        .args(["-c", "core.hooksPath=/dev/null"])
        .args(arguments)
        .current_dir(folder)
        .env_remove("GIT_DIR")
        .stdin(Stdio::null())
        .output()
        .context("git cannot be started\nhint: install git")?;
    if !output.status.success() {
        bail!(
            "git {} failed in {}: {}\nhint: the folder of windlass.yaml must be in a git repository that has a commit",
            arguments.first().unwrap_or(&""),
            folder.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
