//! Watches what environments follow: branches by polling (and at once when somebody says that a push happened), the
//! working tree of development by its content. It builds nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use windlass_core::config::Source;
use windlass_core::machine::event::Event;

use crate::build::worktree_commit;
use crate::source::{Commit, Relation, Repository, SourceError, mirror};
use crate::world::World;

/// From look to look at local branches and files.
const LOOK: Duration = Duration::from_secs(1);
/// What is added to it at random, so that many controllers of one repository do not look at once.
const JITTER_MS: u64 = 250;
/// From fetch to fetch of a repository that is elsewhere; a webhook has it fetched at once.
const FETCH: Duration = Duration::from_secs(15);
/// How long files must have rested before they are a new snapshot: an editor saves in steps.
const REST: Duration = Duration::from_millis(300);

/// The working tree is read as a whole: it rests this many times as long as reading it took.
const READ_SHARE: u32 = 20;

/// What was told last of each source.
type Told = BTreeMap<String, Seen>;

/// What a look at a source is compared with.
#[derive(Debug, Default)]
struct Seen {
    commit: String,
    /// Commits that were asked for; `None` before the first look of this controller.
    known: Option<Vec<String>>,
}

/// Looks for as long as the controller runs. `heads` are what the controller before saw last.
pub(crate) async fn run(world: Arc<World>, heads: BTreeMap<String, String>) {
    let seen = |(branch, commit)| {
        let seen = Seen { commit, known: None };
        (branch, seen)
    };
    let mut told: Told = heads.into_iter().map(seen).collect();
    let mut files_at = Instant::now();
    let mut fetch_at = Instant::now();
    while !world.inbox.is_closed() {
        if fetch_at <= Instant::now() {
            fetch(&world).await;
            fetch_at = Instant::now() + FETCH;
        }
        for (branch, repository) in branches(&world) {
            look_at_branch(&world, &branch, repository, &mut told).await;
        }
        if files_at <= Instant::now() {
            let began = Instant::now();
            look_at_files(&world, &mut told).await;
            files_at = Instant::now() + began.elapsed() * READ_SHARE;
        }
        let wait = LOOK + jitter();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = world.poke.notified() => fetch_at = Instant::now(),
        }
    }
}

/// Brings the copies of repositories that are elsewhere up to date, all at once.
async fn fetch(world: &Arc<World>) {
    let fetches = world.remotes().into_iter().map(|remote| {
        let place = mirror::place(&world.options.state, &remote);
        let task = tokio::task::spawn_blocking({
            let remote = remote.clone();
            move || mirror::refresh(&remote, &place)
        });
        (remote, task)
    });
    // Collected first, so that all of them run.
    for (remote, task) in fetches.collect::<Vec<_>>() {
        let Ok(fetched) = task.await else { continue };
        let warning = fetched.err().map(|error| error.to_string());
        world.warn(&format!("fetch of {remote}"), warning);
    }
}

/// Each branch once, with its repository.
fn branches(world: &World) -> BTreeMap<String, PathBuf> {
    let environments = &world.options.config.environments;
    environments
        .iter()
        .filter_map(|environment| {
            let branch = environment.branch()?.to_owned();
            Some((branch, world.repository_of(environment)))
        })
        .collect()
}

async fn look_at_branch(world: &Arc<World>, branch: &str, repository: PathBuf, told: &mut Told) {
    let known = known_commits(world);
    let seen = told.entry(branch.to_owned()).or_default();
    let before = Some(seen.commit.clone()).filter(|commit| !commit.is_empty());
    let same = seen.known.as_ref() == Some(&known);
    let (name, asked) = (branch.to_owned(), known.clone());
    let looked = tokio::task::spawn_blocking(move || {
        let repository = Repository::open(&repository)?;
        let head = repository.head_of(&name)?;
        if same && before.as_ref() == Some(&head.id) {
            return Ok(None);
        }
        Ok(Some(look(&repository, head, before.as_deref(), &asked)))
    })
    .await;
    let about = format!("branch {branch}");
    let found = match looked {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            let error: SourceError = error;
            world.warn(&about, Some(error.to_string()));
            return;
        }
        Err(_) => return,
    };
    world.warn(&about, None);
    let Some(found) = found else { return };
    seen.commit.clone_from(&found.head.id);
    seen.known = Some(known);
    let event = Event::SnapshotSeen {
        branch: branch.to_owned(),
        commit: found.head.id,
        subject: found.head.subject,
        author: found.head.author,
        contains: found.contains,
        rewritten: found.rewritten,
    };
    world.tell(event, None).await;
}

struct Found {
    head: Commit,
    contains: Vec<String>,
    rewritten: bool,
}

fn look(repository: &Repository, head: Commit, before: Option<&str>, known: &[String]) -> Found {
    let mut contains = vec![head.id.clone()];
    // A commit that is not in this repository is not contained.
    contains.extend(
        known
            .iter()
            .filter(|commit| **commit != head.id && repository.contains(&head.id, commit).unwrap_or(false))
            .cloned(),
    );
    let rewritten = before.is_some_and(|before| {
        repository
            .relation(before, &head.id)
            .is_ok_and(|relation| relation == Relation::Rewritten)
    });
    Found {
        head,
        contains,
        rewritten,
    }
}

/// Commits of releases and of builds that run.
fn known_commits(world: &World) -> Vec<String> {
    let view = world.published.view();
    let releases = view.releases.iter().map(|known| known.release.commit.clone());
    let builds = view.builds.iter().map(|build| build.commit.clone());
    releases.chain(builds).collect()
}

async fn look_at_files(world: &Arc<World>, told: &mut Told) {
    let environments = &world.options.config.environments;
    let Some(folder) = environments
        .iter()
        .find_map(|environment| match &environment.source {
            Source::Worktree(folder) => Some(world.options.root.join(folder)),
            Source::Branch { .. } => None,
        })
    else {
        return;
    };
    let Some(commit) = files(world, &folder).await else {
        return;
    };
    if told
        .get("")
        .is_some_and(|seen| seen.known.is_some() && seen.commit == commit)
    {
        return;
    }
    tokio::time::sleep(REST).await;
    if files(world, &folder).await.as_ref() != Some(&commit) {
        return;
    }
    let seen = Seen {
        commit: commit.clone(),
        known: Some(Vec::new()),
    };
    told.insert(String::new(), seen);
    let event = Event::SnapshotSeen {
        branch: String::new(),
        commit: commit.clone(),
        subject: "files as they are on disk".to_owned(),
        author: String::new(),
        contains: vec![commit],
        rewritten: false,
    };
    world.tell(event, None).await;
}

async fn files(world: &Arc<World>, folder: &std::path::Path) -> Option<String> {
    let about = "working tree";
    let path = folder.to_owned();
    let looked = tokio::task::spawn_blocking(move || worktree_commit(&path))
        .await
        .ok()?;
    match looked {
        Ok(commit) => {
            world.warn(about, None);
            Some(commit)
        }
        Err(error) => {
            world.warn(about, Some(error.to_string()));
            None
        }
    }
}

/// No more than a spread: the low digits of the clock are random enough.
fn jitter() -> Duration {
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    Duration::from_millis(u64::from(nanos) % JITTER_MS)
}
