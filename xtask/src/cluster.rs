//! The Kubernetes of `testing/cluster`: built for the tests, or left running for a person.

pub(crate) mod shop;

use std::process::ExitCode;

use windlass_cluster::{Error, Nodes, Report};

const USAGE: &str = "usage: cargo xtask cluster build|up|status|down|images [--real]

  build   builds its program into the cache folder (minutes the first time; needs Go)
  up      leaves one running and prints its kubeconfig
  status  prints the kubeconfig of the one that runs
  down    ends it
  images  brings the shop's images, built from this checkout, to the node of the one that runs (--real)

  --real  one node that runs pods, with the shop's images; needs root, containerd and more (testing/cluster/README.md)";

/// `cargo xtask cluster`.
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to its user"
)]
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let mut words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let nodes = if words.contains(&"--real") {
        Nodes::Real
    } else {
        Nodes::Pretended
    };
    words.retain(|word| *word != "--real");
    let told = match words.as_slice() {
        ["build"] => build()
            .map(|binary| binary.path.display().to_string())
            .map_err(said),
        ["up"] => up(nodes),
        ["status"] => Ok(windlass_cluster::standing(nodes).map_or_else(
            || "no cluster runs\nnext: cargo xtask cluster up".to_owned(),
            |report| about(&report),
        )),
        ["down"] => windlass_cluster::down(nodes)
            .map(|ran| if ran { "ended" } else { "no cluster ran" }.to_owned())
            .map_err(said),
        ["images"] => windlass_cluster::standing(Nodes::Real)
            .ok_or_else(|| "no cluster with a real node runs\nhint: cargo xtask cluster up --real".to_owned())
            .and_then(|report| shop::load(&report)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match told {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a command line tool speaks to its user")]
pub(crate) fn build() -> Result<windlass_cluster::Binary, Error> {
    windlass_cluster::build(|what| eprintln!("{what}"))
}

fn up(nodes: Nodes) -> Result<String, String> {
    let binary = build().map_err(said)?;
    let report = windlass_cluster::up(&binary, nodes).map_err(said)?;
    let mut text = about(&report);
    if nodes == Nodes::Real {
        text = format!("{}\n{text}", shop::load(&report)?);
    }
    Ok(text)
}

fn about(report: &Report) -> String {
    let (nodes, end) = match &report.node {
        None => (
            "its nodes only pretend (testing/cluster/README.md)".to_owned(),
            "cargo xtask cluster down",
        ),
        Some(node) => (
            format!(
                "its node runs pods; they and Services are reached from this machine through {}",
                node.address
            ),
            "cargo xtask cluster down --real",
        ),
    };
    format!(
        "Kubernetes at {}, healthy after {} ms; {nodes}\n\
         logs: {}\n\
         end it with: {end}\n\
         export KUBECONFIG={}",
        report.server,
        report.ready_ms,
        report.dir.display(),
        report.kubeconfig.display()
    )
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` passes")]
fn said(error: Error) -> String {
    error.to_string()
}
