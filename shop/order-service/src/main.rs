//! Checkout, stock and payments as a process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_kit::run::<order_service::Orders>()
}
