//! The edge as a process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_kit::run::<api_gateway::Gateway>()
}
