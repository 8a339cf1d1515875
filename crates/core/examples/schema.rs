//! Prints the JSON Schema of `windlass.yaml`: `cargo run -p windlass-core --example schema > schemas/windlass.schema.json`.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{:#}", windlass_core::config::json_schema())
}
