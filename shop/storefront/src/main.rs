//! The storefront as a process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_kit::run::<storefront::Storefront>()
}
