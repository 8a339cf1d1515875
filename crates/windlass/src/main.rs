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
    let first = words.next();
    if first.as_ref().is_some_and(|word| word == "sandbox") {
        return windlass_engine::local::sandbox::main(&words.collect::<Vec<_>>());
    }
    // A process of its own with its own threads, and no verb for people.
    let words = words.map(|word| word.to_string_lossy().into_owned());
    if first.as_ref().is_some_and(|word| word == "proxy") {
        return windlass_proxy::main(&words.collect::<Vec<_>>());
    }
    // Helm's flags are not ours, and a render starts nothing that it does not need.
    if first.is_some_and(|word| word == "helm") {
        return cmd::helm::run(&words.collect::<Vec<_>>());
    }
    cmd::Cli::parse().run()
}
