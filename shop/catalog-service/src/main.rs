//! The catalogue as a process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_kit::run::<catalog_service::Catalog>()
}
