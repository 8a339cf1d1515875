//! The program of `testing/cluster`: where it is kept for the sources of this checkout, and how it is built.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::Error;

/// The version of Kubernetes in `go.mod`, which the API server then says it has.
const VERSION: &str = "v1.34.10";
/// What the API server's version is made of; charts ask for it.
const LINKER_FLAGS: &str = "-s -w -X k8s.io/component-base/version.gitVersion=v1.34.10 \
     -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34";

/// How many of Go's last lines an error repeats.
const LINES_SAID: usize = 12;

/// A program that is built.
#[derive(Debug, Clone)]
pub struct Binary {
    /// Where it is.
    pub path: PathBuf,
}

/// The program for the sources of this checkout, or for `WINDLASS_CLUSTER` where that names one.
pub fn find() -> Result<Binary, Error> {
    let path = match std::env::var_os("WINDLASS_CLUSTER") {
        Some(named) => PathBuf::from(named),
        None => place()?,
    };
    if path.is_file() {
        Ok(Binary { path })
    } else {
        Err(Error::NotBuilt(path))
    }
}

/// Finds the program, or builds it: minutes of both cores the first time, seconds after a change. `say` is told before that.
/// Only one process builds at a time; others wait for it.
pub fn build(say: impl FnOnce(&str)) -> Result<Binary, Error> {
    if let Ok(binary) = find() {
        return Ok(binary);
    }
    let path = place()?;
    let folder = path.parent().unwrap_or(&path).to_owned();
    std::fs::create_dir_all(&folder).map_err(Error::io(format!("cannot make {}", folder.display())))?;
    let lock =
        File::create(folder.join("lock")).map_err(Error::io("cannot lock the test cluster's folder"))?;
    lock.lock()
        .map_err(Error::io("cannot lock the test cluster's folder"))?;
    if !path.is_file() {
        say(&format!(
            "Building the test cluster, Kubernetes {VERSION}, into {}",
            path.display()
        ));
        compile(&path)?;
    }
    Ok(Binary { path })
}

/// Where the user's cache keeps what belongs to test clusters.
pub(crate) fn cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let base = base.unwrap_or_else(|| {
        PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/tmp".into())).join(".cache")
    });
    base.join("windlass/cluster")
}

fn place() -> Result<PathBuf, Error> {
    Ok(cache().join(key(&sources())?).join("cluster"))
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../cluster")
}

/// What the program is made of, as the name of a folder.
fn key(root: &Path) -> Result<String, Error> {
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();
    let mut sum = Sha256::new();
    sum.update(LINKER_FLAGS);
    for file in files {
        let content = std::fs::read(&file).map_err(Error::io(format!("cannot read {}", file.display())))?;
        let name = file
            .strip_prefix(root)
            .unwrap_or(&file)
            .to_string_lossy()
            .into_owned();
        sum.update(format!("\n{name} {}\n", content.len()));
        sum.update(content);
    }
    Ok(hex::encode(sum.finalize())[..16].to_owned())
}

/// Every file that Go compiles into it, and its tests: these ran when it was built.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let cannot = || Error::io(format!("cannot list {}", folder.display()));
    for entry in std::fs::read_dir(folder).map_err(cannot())? {
        let path = entry.map_err(cannot())?.path();
        if path.is_dir() {
            collect(&path, files)?;
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".go") || name == "go.mod" || name == "go.sum" {
            files.push(path);
        }
    }
    Ok(())
}

/// Builds it and runs its own tests; one whose tests fail is not kept.
fn compile(path: &Path) -> Result<(), Error> {
    let half = path.with_extension("half");
    let go = go()?;
    // It is looked for beside the program.
    let pause = path.with_file_name("pause");
    run_go(
        &go,
        [
            "build".as_ref(),
            "-o".as_ref(),
            pause.as_os_str(),
            "./pause".as_ref(),
        ],
    )?;
    run_go(
        &go,
        ["build".as_ref(), "-o".as_ref(), half.as_os_str(), ".".as_ref()],
    )?;
    run_go(&go, ["test", "./up", "./nodes"])?;
    std::fs::rename(&half, path).map_err(Error::io(format!("cannot keep {}", path.display())))
}

/// Runs `go`. The flags are the same for everything, so that nothing is compiled twice.
fn run_go<const N: usize, T: AsRef<OsStr>>(go: &OsStr, arguments: [T; N]) -> Result<(), Error> {
    let flags = format!("-mod=readonly -trimpath -buildvcs=false -p=2 '-ldflags={LINKER_FLAGS}'");
    let output = Command::new(go)
        .current_dir(sources())
        .args(arguments)
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", flags)
        .env("GOWORK", "off")
        .output()
        .map_err(Error::io("cannot run go"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().collect();
    Err(Error::Build(
        lines[lines.len().saturating_sub(LINES_SAID)..].join("\n"),
    ))
}

/// The `go` to build with: `WINDLASS_GO`, in `PATH`, or where Go's own installation puts it.
fn go() -> Result<OsString, Error> {
    if let Some(named) = std::env::var_os("WINDLASS_GO") {
        return Ok(named);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/local/go/bin")])
        .map(|folder| folder.join("go"))
        .find(|program| program.is_file())
        .map(PathBuf::into_os_string)
        .ok_or(Error::NoGo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_belongs_to_its_sources() {
        let key_with = |main: &str, readme: &str| {
            let folder = tempfile::tempdir().unwrap();
            let part = folder.path().join("part");
            std::fs::create_dir(&part).unwrap();
            std::fs::write(part.join("main.go"), main).unwrap();
            std::fs::write(folder.path().join("go.mod"), "module some").unwrap();
            std::fs::write(folder.path().join("README.md"), readme).unwrap();
            key(folder.path()).unwrap()
        };
        assert_eq!(key_with("package a", "old"), key_with("package a", "new"));
        assert_ne!(key_with("package a", "old"), key_with("package b", "old"));
    }

    #[test]
    fn the_version_we_say_is_the_one_we_build() {
        let module = std::fs::read_to_string(sources().join("go.mod")).unwrap();
        assert!(module.contains(&format!("k8s.io/kubernetes {VERSION}\n")));
        assert!(LINKER_FLAGS.contains(&format!("gitVersion={VERSION} ")));
    }
}
