//! The local runtime's helper and the proxy as a program of their own, for tests that have no windlass binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if arguments.first().is_some_and(|word| word == "proxy") {
        return windlass_proxy::main(&std::env::args().skip(2).collect::<Vec<_>>());
    }
    windlass_engine::local::sandbox::main(&arguments)
}
