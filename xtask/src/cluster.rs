//! The Kubernetes control plane of `testing/cluster`: built for the tests, or left running for a person.

use std::process::ExitCode;

use windlass_cluster::{Error, Report};

const USAGE: &str = "usage: cargo xtask cluster build|up|status|down

  build   builds its program into the cache folder (minutes the first time; needs Go)
  up      leaves one running and prints its kubeconfig
  status  prints the kubeconfig of the one that runs
  down    ends it";

/// `cargo xtask cluster`.
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to its user"
)]
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let told = match words.as_slice() {
        ["build"] => build().map(|binary| binary.path.display().to_string()),
        ["up"] => build()
            .and_then(|binary| windlass_cluster::up(&binary))
            .map(|report| about(&report)),
        ["status"] => Ok(windlass_cluster::standing().map_or_else(
            || "no cluster runs\nnext: cargo xtask cluster up".to_owned(),
            |report| about(&report),
        )),
        ["down"] => {
            windlass_cluster::down().map(|ran| if ran { "ended" } else { "no cluster ran" }.to_owned())
        }
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
fn build() -> Result<windlass_cluster::Binary, Error> {
    windlass_cluster::build(|what| eprintln!("{what}"))
}

fn about(report: &Report) -> String {
    format!(
        "Kubernetes at {}, healthy after {} ms; its nodes only pretend (testing/cluster/README.md)\n\
         logs: {}\n\
         end it with: cargo xtask cluster down\n\
         export KUBECONFIG={}",
        report.server,
        report.ready_ms,
        report.dir.display(),
        report.kubeconfig.display()
    )
}
