//! Style that a compiler does not check, as a test: dependencies between rooms, what is compiled twice, file sizes, module docs, and that every
//! invariant of ARCHITECTURE.md names a test that exists. `cargo xtask tidy` prints what it finds.

mod files;
mod rooms;
mod shared;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Every finding, as one line that names the place and what to do.
pub(crate) fn findings(root: &Path) -> Vec<String> {
    let mut found = rooms::findings(root);
    found.extend(files::findings(root));
    found.extend(shared::findings(root));
    found
}

/// `cargo xtask tidy`.
#[expect(clippy::print_stdout, reason = "a command line tool speaks to its user")]
pub(crate) fn run(_arguments: &[String]) -> ExitCode {
    let found = findings(&root());
    for finding in &found {
        println!("{finding}");
    }
    if found.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_owned)
        .unwrap_or_default()
}
