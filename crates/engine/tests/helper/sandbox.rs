//! The local runtime's helper as a program of its own, for tests that have no windlass binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    windlass_engine::local::sandbox::main(&arguments)
}
