//! Accounts and sessions as a process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_kit::run::<user_service::Users>()
}
