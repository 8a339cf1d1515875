//! `windlass helm`: Helm's commands with Helm's flags and Helm's output, in this process.

mod dependency;
mod diff;
mod flags;
mod folder;
mod lint;
mod package;
mod pull;
mod push;
#[cfg(feature = "kubernetes")]
mod release;
mod remote;
mod show;
mod template;
mod values;

use std::io::Write as _;
use std::process::ExitCode;

use flags::{Flags, Wrong};

/// Why a command ended without what was asked for.
#[derive(Debug)]
enum Stop {
    /// It was asked for wrongly.
    Usage(String),
    /// It did not work.
    Failed(String),
}

impl From<String> for Stop {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}

impl From<windlass_chart::ChartError> for Stop {
    fn from(error: windlass_chart::ChartError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<Wrong> for Stop {
    fn from(wrong: Wrong) -> Self {
        Self::Usage(wrong.0)
    }
}

const USAGE: &str = "\
Usage: windlass helm COMMAND [FLAGS] [ARGUMENTS]

  template [NAME] CHART       render a chart's templates
  lint PATH...                look for problems in charts
  show all|chart|values|readme|crds CHART
                              what a chart says of itself
  dependency list|build|update CHART
                              the charts that a chart depends on
  package PATH...             pack charts into archives
  pull CHART...               fetch packed charts from a repository (--repo URL) or a registry (oci://)
  push FILE oci://...         send a packed chart to a registry
  diff CHART [CHART]          how two renders differ, by object and field; secrets masked

On a cluster (--kubeconfig, --kube-context, --namespace), beside Helm 3 and 4, whose releases it reads and which read its:
  install [NAME] CHART        a release's first revision
  upgrade NAME CHART          its next one; --install for the first too
  rollback NAME [REVISION]    an earlier one again
  uninstall NAME...           remove releases
  list, history NAME, status NAME
                              what there is
  get all|hooks|manifest|metadata|notes|values NAME
                              what the record of a release holds
  test NAME                   run a release's tests

Values: -f FILE, --set, --set-string, --set-json, --set-file, --set-literal, as in Helm.
Beyond Helm: --profile helm3|helm4 (which Helm is equalled; helm4), --seed TEXT (random functions give the same each time),
--links-within FOLDER (how far symbolic links in a chart may lead; else its checkout).
";

/// Runs the command that `words` name, without the word `helm` itself.
pub(crate) fn run(words: &[String]) -> ExitCode {
    windlass_chart::ample_memory();
    let words = &flags::verb_first(words);
    let (command, rest) = words
        .split_first()
        .map_or(("help", &[][..]), |it| (it.0.as_str(), it.1));
    let result = match command {
        "template" => template::run(rest),
        "lint" => lint::run(rest),
        "show" | "inspect" => show::run(rest),
        "dependency" | "dep" | "dependencies" => dependency::run(rest),
        "package" => package::run(rest),
        "pull" | "fetch" => pull::run(rest),
        "push" => push::run(rest),
        "diff" => diff::run(rest),
        verb if RELEASE.contains(&verb) => release(verb, rest),
        "help" | "--help" | "-h" => {
            print(USAGE.as_bytes());
            return ExitCode::SUCCESS;
        }
        other => Err(Stop::Usage(format!("unknown command \"{other}\" for \"helm\""))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Failed(message)) => {
            complain(&format!("Error: {message}\n"));
            ExitCode::FAILURE
        }
        Err(Stop::Usage(message)) => {
            complain(&format!(
                "Error: {message}\nhint: `windlass helm help` lists commands\n"
            ));
            ExitCode::from(2)
        }
    }
}

/// The verbs that need a cluster.
const RELEASE: &[&str] = &[
    "install",
    "upgrade",
    "rollback",
    "uninstall",
    "delete",
    "del",
    "un",
    "list",
    "ls",
    "history",
    "hist",
    "get",
    "status",
    "test",
];

#[cfg(feature = "kubernetes")]
use release::run as release;

#[cfg(not(feature = "kubernetes"))]
fn release(verb: &str, _: &[String]) -> Result<(), Stop> {
    let build = crate::wire::cluster::BUILD;
    Err(Stop::Failed(format!(
        "helm {verb} needs a cluster, and this windlass was built without the driver for Kubernetes\nhint: {build}"
    )))
}

/// Writes bytes to standard output; a reader that went away is no error.
fn print(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

fn complain(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Warnings of a render, where Helm writes them.
fn warnings() -> windlass_chart::Warnings {
    windlass_chart::Warnings::by(|line| complain(&format!("{line}\n")))
}

fn profile(flags: &Flags) -> Result<windlass_chart::Profile, Stop> {
    match flags.one("profile").unwrap_or("helm4") {
        "helm3" => Ok(windlass_chart::Profile::Helm3),
        "helm4" => Ok(windlass_chart::Profile::Helm4),
        other => Err(Stop::Usage(format!("--profile {other}: it is helm3 or helm4"))),
    }
}
