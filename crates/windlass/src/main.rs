//! The `windlass` binary: hands the command line to the verb that it names, and turns the outcome into an exit code.

mod client;
mod clock;
mod cmd;
mod place;
mod say;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    // What the local runtime starts for each instance. It comes first because it must not have a second thread.
    if words.next().is_some_and(|word| word == "sandbox") {
        return windlass_engine::local::sandbox::main(&words.collect::<Vec<_>>());
    }
    cmd::Cli::parse().run()
}
