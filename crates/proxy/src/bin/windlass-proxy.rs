//! The proxy alone, for whoever wants it without the rest. `windlass proxy` is the same.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    windlass_proxy::main(&arguments)
}
