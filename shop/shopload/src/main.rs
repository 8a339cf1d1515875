//! Customers on demand: `run` sends journeys through the shop at a steady rate and counts what was lost; `verify` asks the
//! services what they can prove afterwards. It knows the shop's API and nothing of what delivers it.

#[cfg(test)]
mod accounting;
mod connection;
mod journey;
mod run;
mod shop;
mod tally;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Load for the shop, and proof afterwards.
#[derive(Debug, Parser)]
#[command(name = "shopload", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Send customers through the shop; one JSON line a second, and a summary at the end
    Run(run::Run),
    /// Ask the services for what they can prove; exit code 1 when a promise was broken
    Verify(verify::Verify),
}

#[expect(clippy::print_stderr, reason = "it is a program for the command line")]
fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let ended = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            match cli.verb {
                Verb::Run(run) => run.run().await.map(|()| true),
                Verb::Verify(verify) => verify.run().await,
            }
        })
    });
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
