//! The simulated payment provider as a process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_kit::run::<psp_sim::PspSim>()
}
