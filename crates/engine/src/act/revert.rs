//! Proposes the revert of a commit: a branch `windlass/revert-<commit>` in the source's repository. Customers are back
//! long before; when Git cannot be reached, the hold keeps the release out all the same.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use windlass_core::machine::event::Event;

use crate::source::mirror;
use crate::world::{World, named};

/// Of one git command.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Tells the rollout that ended last where the proposal is.
pub(super) async fn propose(world: &World, environment: String, commit: &str, reason: &str) -> Option<Event> {
    let settings = world.environment(&environment)?;
    let (branch, repository) = (settings.branch()?, world.repository_of(settings));
    let about = format!("revert of {commit}");
    // Of a repository that is elsewhere there is only a copy here: the proposal belongs there.
    let origin = named(settings)
        .filter(|name| mirror::is_remote(name))
        .unwrap_or("origin");
    let receipt = match revert(world, (&repository, origin), branch, commit, reason).await {
        Ok(name) => {
            world.warn(&about, None);
            format!("branch {name} proposes the revert for {branch}")
        }
        Err(problem) => {
            let warning = format!(
                "no revert of {commit} could be proposed on {branch}: {problem}; the hold keeps it out"
            );
            world.warn(&about, Some(warning.clone()));
            warning
        }
    };
    let view = world.published.view();
    let lane = view.environments.iter().find(|lane| lane.name == environment)?;
    let rollout = lane.history.first().map_or(0, |ended| ended.rollout);
    Some(Event::Notified {
        environment,
        rollout,
        receipt,
    })
}

async fn revert(
    world: &World,
    (repository, origin): (&Path, &str),
    branch: &str,
    commit: &str,
    reason: &str,
) -> Result<String, String> {
    let name = format!("windlass/revert-{}", commit.get(..7).unwrap_or(commit));
    let work = world.options.state.join("revert");
    // What an earlier try left.
    let _ = tokio::fs::remove_dir_all(&work).await;
    git(
        repository,
        &["clone", "--quiet", "--shared", "--branch", branch, "--"],
        &[repository, &work],
    )
    .await?;
    git(&work, &["checkout", "--quiet", "-B", &name], &[]).await?;
    let subject = format!("Revert {commit}\n\n{reason}");
    let mut arguments = vec!["revert", "--no-edit", "--no-commit"];
    // Of a merge, what it brought to the branch is taken back.
    let merge = format!("{commit}^2");
    if git(&work, &["rev-parse", "--quiet", "--verify", &merge], &[])
        .await
        .is_ok()
    {
        arguments.extend(["--mainline", "1"]);
    }
    arguments.push(commit);
    git(&work, &arguments, &[]).await?;
    git(&work, &["commit", "--quiet", "--message", &subject], &[]).await?;
    git(&work, &["push", "--quiet", "--force", "--", origin, &name], &[]).await?;
    let _ = tokio::fs::remove_dir_all(&work).await;
    Ok(name)
}

/// Without the user's own settings, so that hooks and signing play no part; the author is the controller.
async fn git(folder: &Path, arguments: &[&str], paths: &[&Path]) -> Result<(), String> {
    let mut command = Command::new("git");
    command
        .args([
            "-c",
            "user.name=Windlass",
            "-c",
            "user.email=windlass@localhost",
            "-c",
            "commit.gpgSign=false",
        ])
        .args(["-c", "core.hooksPath=/dev/null"])
        .args(arguments)
        .args(paths)
        .current_dir(folder)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ALLOW_PROTOCOL", mirror::PROTOCOLS)
        .env_remove("GIT_DIR")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let ended = tokio::time::timeout(TIMEOUT, command.output()).await;
    let output = ended
        .map_err(|_| format!("git does not end within {} s", TIMEOUT.as_secs()))?
        .map_err(|e| format!("git cannot be started: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
