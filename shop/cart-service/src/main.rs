//! The carts as a process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_kit::run::<cart_service::Carts>()
}
