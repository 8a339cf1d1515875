//! Helm's verbs on a cluster: releases are installed, upgraded, rolled back and removed, and their records kept as Helm
//! keeps them.

mod chart;
mod deploy;
mod get;
mod history;
mod hooks;
mod install;
mod list;
mod manifest;
mod moment;
mod owner;
mod print;
mod revisions;
mod rollback;
mod span;
mod status;
mod store;
mod test;
mod uninstall;
mod upgrade;
mod wait;

use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::{Handle, Runtime};
use windlass_kube::{Cluster, Target};

use super::flags::{Flag, Flags, Takes};
use super::{Stop, complain};

/// Who Helm is to a cluster: whose fields a release's are. Real Helm is called the same, so that either takes over from the
/// other.
const MANAGER: &str = "helm";
/// What Helm waits for anything, unless told otherwise.
const TIMEOUT: &str = "5m0s";

/// What every verb that changes something takes.
const CHANGE: &[Flag] = &[
    ("no-hooks", None, Takes::Switch),
    ("timeout", None, Takes::Text),
    ("wait", None, Takes::Optional),
    ("wait-for-jobs", None, Takes::Switch),
    ("description", None, Takes::Text),
    ("dry-run", None, Takes::Optional),
];

/// What every verb that applies objects takes.
const APPLY: &[Flag] = &[
    ("atomic", None, Takes::Switch),
    ("rollback-on-failure", None, Takes::Switch),
    ("cleanup-on-fail", None, Takes::Switch),
    ("force", None, Takes::Switch),
    ("force-conflicts", None, Takes::Switch),
    ("force-replace", None, Takes::Switch),
    ("server-side", None, Takes::Optional),
    ("take-ownership", None, Takes::Switch),
    ("disable-openapi-validation", None, Takes::Switch),
    ("history-max", None, Takes::Text),
];

/// How answers are given.
const OUTPUT: &[Flag] = &[("output", Some('o'), Takes::Text)];

/// Runs a verb.
pub(super) fn run(verb: &str, words: &[String]) -> Result<(), Stop> {
    match verb {
        "install" => install::run(words),
        "upgrade" => upgrade::run(words),
        "rollback" => rollback::run(words),
        "uninstall" | "delete" | "del" | "un" => uninstall::run(words),
        "list" | "ls" => list::run(words),
        "history" | "hist" => history::run(words),
        "get" => get::run(words),
        "test" => test::run(words),
        _ => status::run(words),
    }
}

/// A cluster, and the namespace that is worked in.
struct Session {
    runtime: Runtime,
    cluster: Cluster,
    namespace: String,
}

impl Session {
    /// Connects to the cluster that the command line names.
    fn open(flags: &Flags) -> Result<Self, Stop> {
        let environment = |name: &str| std::env::var(name).ok().filter(|it| !it.is_empty());
        let target = Target {
            kubeconfig: flags.one("kubeconfig").map(PathBuf::from),
            context: flags
                .one("kube-context")
                .map(str::to_owned)
                .or_else(|| environment("HELM_KUBECONTEXT")),
            ..Target::default()
        };
        // More than one thread: templates ask the cluster while a render waits for its answer.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let cluster = runtime
            .block_on(Cluster::connect(&target))
            .map_err(|it| it.to_string())?;
        let namespace = flags.one("namespace").map(str::to_owned);
        let namespace = namespace.or_else(|| environment("HELM_NAMESPACE"));
        let namespace = namespace.unwrap_or_else(|| cluster.namespace().to_owned());
        Ok(Self {
            runtime,
            cluster,
            namespace,
        })
    }

    fn handle(&self) -> Handle {
        self.runtime.handle().clone()
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T, String>>) -> Result<T, Stop> {
        Ok(self.runtime.block_on(work)?)
    }
}

/// Whether and how a verb only says what it would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DryRun {
    No,
    /// Without the cluster, as far as that goes.
    Client,
    /// With the cluster's answers.
    Server,
}

impl DryRun {
    fn of(flags: &Flags) -> Result<Self, Stop> {
        match flags.one("dry-run") {
            None | Some("none" | "false") => Ok(Self::No),
            Some("" | "client" | "true") => Ok(Self::Client),
            Some("server") => Ok(Self::Server),
            Some(other) => Err(Stop::Failed(format!(
                "invalid dry-run value (\"{other}\"). Must be \"none\", \"server\", or \"client\""
            ))),
        }
    }
}

/// What is waited for beside hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Waiting {
    /// For workloads to be ready.
    workloads: bool,
    /// For Jobs to be done too.
    jobs: bool,
    /// At most so long for anything.
    timeout: Duration,
}

impl Waiting {
    fn of(flags: &Flags) -> Result<Self, Stop> {
        let text = flags.one("timeout").unwrap_or(TIMEOUT);
        let timeout = span::read(text).ok_or_else(|| {
            Stop::Usage(format!(
                "invalid argument \"{text}\" for \"--timeout\" flag: it is a span of time such as 5m0s"
            ))
        })?;
        let asked = match flags.one("wait") {
            None | Some("hookOnly" | "false") => false,
            Some("" | "watcher" | "legacy" | "true") => true,
            Some(other) => {
                return Err(Stop::Usage(format!(
                    "invalid wait input \"{other}\". Valid inputs are watcher, hookOnly, and legacy"
                )));
            }
        };
        let undoes = flags.is_on("atomic") || flags.is_on("rollback-on-failure");
        Ok(Self {
            workloads: asked || undoes,
            jobs: flags.is_on("wait-for-jobs"),
            timeout,
        })
    }
}

/// Refuses what Helm can do and this cannot.
fn refuse_client_side(flags: &Flags) -> Result<(), Stop> {
    match flags.one("server-side") {
        None | Some("" | "auto" | "true") => Ok(()),
        Some(other) => Err(Stop::Usage(format!(
            "--server-side={other}: objects are always applied by the server, also those of releases that helm 3 made"
        ))),
    }
}

/// A number on the command line.
fn number(flags: &Flags, name: &str) -> Result<Option<usize>, Stop> {
    let read = |text: &str| {
        text.parse().map_err(|_| {
            Stop::Usage(format!(
                "invalid argument \"{text}\" for \"--{name}\" flag: it is a whole number from 0"
            ))
        })
    };
    flags.one(name).map(read).transpose()
}

/// How many revisions are kept.
fn history_max(flags: &Flags) -> Result<usize, Stop> {
    const USUAL: usize = 10;
    if let Some(given) = number(flags, "history-max")? {
        return Ok(given);
    }
    let set = std::env::var("HELM_MAX_HISTORY").ok();
    Ok(set.and_then(|it| it.parse().ok()).unwrap_or(USUAL))
}

/// Exactly one release's name.
fn one_name(flags: &Flags, verb: &str) -> Result<String, Stop> {
    match flags.arguments.as_slice() {
        [name] => {
            super::template::check_name(name)?;
            Ok(name.clone())
        }
        other => Err(Stop::Usage(format!(
            "\"helm {verb}\" requires 1 argument, and got {}",
            other.len()
        ))),
    }
}

/// A warning on standard error, in one line.
fn warn(text: &str) {
    complain(&format!("WARNING: {text}\n"));
}

fn not_found() -> String {
    "release: not found".to_owned()
}
