//! Programs that `./check` builds or installs into the user's cache folder, each under a key of the files that say what it is.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::Result;

/// What `./check` keeps there.
#[derive(Debug, Clone, Copy)]
pub struct Cached {
    /// Its folder, and what people call it.
    pub name: &'static str,
    /// The program, within the folder of its key.
    pub program: &'static str,
    /// What it is made of: the key is the hash of these files.
    pub files: &'static [&'static str],
}

/// Tries OpenAPI documents out.
pub const SCHEMATHESIS: Cached = Cached {
    name: "schemathesis",
    program: "bin/schemathesis",
    files: &["testing/schemathesis/requirements.txt"],
};

/// Speaks MongoDB's protocol.
pub(crate) const FERRETDB: Cached = Cached {
    name: "ferretdb",
    program: "ferretdb",
    files: &[
        "testing/ferretdb/go.mod",
        "testing/ferretdb/go.sum",
        "testing/ferretdb/main.go",
    ],
};

impl Cached {
    /// Finds it, or says that it is missing; with `CI=true` that is an error.
    #[expect(clippy::print_stderr, reason = "a test that is left out says so")]
    pub fn find(&self) -> Result<Option<PathBuf>> {
        let path = cache().join(self.name).join(self.key()?).join(self.program);
        if path.is_file() {
            return Ok(Some(path));
        }
        if std::env::var("CI").is_ok_and(|ci| ci == "true") {
            return Err(format!(
                "{} is not there, and with CI=true no test is left out\nhint: ./check brings it",
                path.display()
            ));
        }
        eprintln!("left out: {} is not there (./check brings it)", self.name);
        Ok(None)
    }

    fn key(&self) -> Result<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut sum = Sha256::new();
        for file in self.files {
            sum.update(std::fs::read(root.join(file)).map_err(|cause| format!("{file}: {cause}"))?);
        }
        let mut key = String::new();
        for byte in &sum.finalize()[..8] {
            let _ = write!(key, "{byte:02x}");
        }
        Ok(key)
    }
}

fn cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/tmp".into())).join(".cache");
    base.filter(|path| path.is_absolute())
        .unwrap_or_else(home)
        .join("windlass")
}
