//! Proposes the revert of a commit: a branch `windlass/revert-<commit>` in the source's repository, which takes back all
//! that the release had over what serves now. Customers are back long before; when Git cannot be reached, the hold keeps
//! the release out all the same.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use windlass_core::machine::event::Event;

use crate::source::mirror;
use crate::world::{World, named};

/// Of one git command.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Where the proposal is.
pub(super) async fn propose(
    world: &World,
    environment: String,
    (commit, back_to): (&str, Option<&str>),
    reason: &str,
) -> Option<Event> {
    let settings = world.environment(&environment)?;
    let (branch, repository) = (settings.branch()?, world.repository_of(settings));
    let about = format!("revert of {commit}");
    // Of a repository that is elsewhere there is only a copy here: the proposal belongs there.
    let origin = named(settings)
        .filter(|name| mirror::is_remote(name))
        .unwrap_or("origin");
    let short = commit.get(..7).unwrap_or(commit);
    let work = world.options.state.join("revert");
    let ended = revert(&work, (&repository, origin), branch, (commit, back_to), reason).await;
    let revert = match ended {
        Ok(proposal) => {
            world.warn(&about, None);
            match proposal {
                Proposal::Branch(name) => format!("branch {name} proposes the revert for {branch}"),
                Proposal::Needless(why) => format!("{branch} needs no revert of {short}: {why}"),
            }
        }
        Err(problem) => {
            let warning = format!(
                "no revert of {short} could be proposed on {branch}: {problem}; the hold keeps it out"
            );
            world.warn(&about, Some(warning.clone()));
            warning
        }
    };
    Some(Event::RevertProposed {
        environment,
        commit: commit.to_owned(),
        revert,
    })
}

/// What came of it.
enum Proposal {
    /// A branch of this name.
    Branch(String),
    /// There is nothing to take back.
    Needless(&'static str),
}

async fn revert(
    work: &Path,
    (repository, origin): (&Path, &str),
    branch: &str,
    (commit, back_to): (&str, Option<&str>),
    reason: &str,
) -> Result<Proposal, String> {
    let name = format!("windlass/revert-{}", commit.get(..7).unwrap_or(commit));
    // What an earlier try left.
    let _ = tokio::fs::remove_dir_all(work).await;
    git(
        repository,
        &["clone", "--quiet", "--shared", "--branch", branch, "--"],
        &[repository, work],
    )
    .await?;
    // Where customers are led back to nothing, what the commit itself brought is taken back.
    let parent = format!("{commit}^");
    let goal = back_to.unwrap_or(&parent);
    if git(work, &["merge-base", "--is-ancestor", commit, goal], &[])
        .await
        .is_ok()
    {
        return Ok(Proposal::Needless("customers are led back to a later one"));
    }
    git(work, &["checkout", "--quiet", "-B", &name], &[]).await?;
    // A commit after the bad one that has the files of the good one, so that what is picked is the way back, whatever
    // number of commits and merges lies between them.
    let files = format!("{goal}^{{tree}}");
    let back = git(work, &["commit-tree", &files, "-p", commit, "-m", "back"], &[]).await?;
    if let Err(problem) = git(work, &["cherry-pick", "--no-commit", &back], &[]).await {
        let conflicts = git(work, &["diff", "--name-only", "--diff-filter=U"], &[]).await?;
        return Err(if conflicts.is_empty() {
            problem
        } else {
            format!(
                "later commits changed the same places of {}",
                conflicts.replace('\n', ", ")
            )
        });
    }
    if git(work, &["diff", "--cached", "--quiet"], &[]).await.is_ok() {
        return Ok(Proposal::Needless("later commits took it back"));
    }
    let subject = format!("Revert {commit}\n\n{reason}");
    git(work, &["commit", "--quiet", "--message", &subject], &[]).await?;
    git(work, &["push", "--quiet", "--force", "--", origin, &name], &[]).await?;
    let _ = tokio::fs::remove_dir_all(work).await;
    Ok(Proposal::Branch(name))
}

/// What git prints. Without the user's own settings, so that hooks and signing play no part; the author is the
/// controller.
async fn git(folder: &Path, arguments: &[&str], paths: &[&Path]) -> Result<String, String> {
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
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Proposal, git, revert};

    /// A repository with a commit per entry: file and content.
    struct History {
        folder: tempfile::TempDir,
        commits: Vec<String>,
    }

    impl History {
        async fn of(entries: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("origin");
            std::fs::create_dir(&root).unwrap();
            git(&root, &["init", "--quiet", "--initial-branch", "main"], &[])
                .await
                .unwrap();
            let mut commits = Vec::new();
            for (file, content) in entries {
                std::fs::write(root.join(file), content).unwrap();
                git(&root, &["add", "--all"], &[]).await.unwrap();
                git(&root, &["commit", "--quiet", "--message", "change"], &[])
                    .await
                    .unwrap();
                commits.push(git(&root, &["rev-parse", "HEAD"], &[]).await.unwrap());
            }
            Self { folder, commits }
        }

        fn root(&self) -> PathBuf {
            self.folder.path().join("origin")
        }

        async fn revert(&self, bad: usize, back_to: Option<usize>) -> Result<Proposal, String> {
            let root = self.root();
            let repository: (&Path, &str) = (&root, "origin");
            let back_to = back_to.map(|at| self.commits[at].as_str());
            let work = self.folder.path().join("work");
            revert(&work, repository, "main", (&self.commits[bad], back_to), "slow").await
        }
    }

    async fn branch(history: &History, bad: usize, back_to: Option<usize>) -> String {
        match history.revert(bad, back_to).await {
            Ok(Proposal::Branch(name)) => name,
            Ok(Proposal::Needless(why)) => panic!("needless: {why}"),
            Err(problem) => panic!("{problem}"),
        }
    }

    #[tokio::test]
    async fn all_that_the_release_had_over_what_customers_are_led_back_to_is_taken_back_and_nothing_else() {
        let history = History::of(&[("a", "1\n"), ("a", "2\n"), ("b", "2\n"), ("c", "3\n")]).await;
        let name = branch(&history, 2, Some(0)).await;
        let files = git(&history.root(), &["ls-tree", "--name-only", &name], &[]).await;
        assert_eq!(files.unwrap(), "a\nc", "b is of the release, c came later");
        let content = git(&history.root(), &["show", &format!("{name}:a")], &[]).await;
        assert_eq!(content.unwrap(), "1");
        let last = git(
            &history.root(),
            &["show", "--no-patch", "--format=%B", &name],
            &[],
        )
        .await;
        assert_eq!(last.unwrap(), format!("Revert {}\n\nslow", history.commits[2]));
    }

    #[tokio::test]
    async fn where_customers_are_led_back_to_nothing_the_commit_itself_is_taken_back() {
        let history = History::of(&[("a", "1\n"), ("b", "2\n")]).await;
        let name = branch(&history, 1, None).await;
        let files = git(&history.root(), &["ls-tree", "--name-only", &name], &[]).await;
        assert_eq!(files.unwrap(), "a");
    }

    #[tokio::test]
    async fn a_release_older_than_what_customers_are_led_back_to_needs_no_revert_nor_does_one_that_was_taken_back()
     {
        let history = History::of(&[("a", "1\n"), ("a", "2\n"), ("a", "1\n")]).await;
        let older = history.revert(0, Some(1)).await;
        assert!(matches!(
            older,
            Ok(Proposal::Needless("customers are led back to a later one"))
        ));
        let taken_back = history.revert(1, Some(0)).await;
        assert!(matches!(
            taken_back,
            Ok(Proposal::Needless("later commits took it back"))
        ));
    }

    #[tokio::test]
    async fn what_conflicts_is_named() {
        let history = History::of(&[("a", "1\n"), ("a", "2\n"), ("a", "3\n")]).await;
        let problem = history.revert(1, Some(0)).await.map(|_| ()).unwrap_err();
        assert_eq!(problem, "later commits changed the same places of a");
    }
}
