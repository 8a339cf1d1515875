//! A commit's files in a folder that is kept from build to build: only what changed is written, so that times of
//! unchanged files stay and the compiler's work is used again.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use super::BuildError;
use crate::source::{Mode, Tree};

/// Makes `folder` hold the files of the commit. Files that were never checked out (build output) are left alone.
pub(super) fn check_out(tree: &Tree<'_>, folder: &Path) -> Result<(), BuildError> {
    fs::create_dir_all(folder).map_err(BuildError::file("make", folder))?;
    let memory = folder.with_extension("files.json");
    let before: BTreeMap<String, String> = fs::read(&memory)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let after: BTreeMap<String, String> = tree
        .entries()
        .iter()
        .map(|(path, entry)| (path.clone(), format!("{:?} {}", entry.mode, entry.oid)))
        .collect();
    let same = |path: &str, content: &str| {
        before.get(path).is_some_and(|old| old == content) && fs::symlink_metadata(folder.join(path)).is_ok()
    };
    // An interrupted checkout must not be taken for a finished one.
    let _ = fs::remove_file(&memory);
    for path in before.keys().filter(|path| after.get(*path) != before.get(*path)) {
        remove(folder, path)?;
    }
    for (path, content) in &after {
        if !same(path, content) {
            write(tree, folder, path)?;
        }
    }
    let bytes = serde_json::to_vec(&after).unwrap_or_default();
    fs::write(&memory, bytes).map_err(BuildError::file("write", &memory))
}

fn remove(folder: &Path, path: &str) -> Result<(), BuildError> {
    let place = inside(folder, path)?;
    match fs::remove_file(&place) {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(BuildError::file("remove", &place)(e)),
    }
    // Empty folders go as well; the first that is not empty stops it.
    let parents = place.ancestors().skip(1).take_while(|parent| *parent != folder);
    for parent in parents {
        if fs::remove_dir(parent).is_err() {
            break;
        }
    }
    Ok(())
}

fn write(tree: &Tree<'_>, folder: &Path, path: &str) -> Result<(), BuildError> {
    let place = inside(folder, path)?;
    let Some(entry) = tree.entries().get(path) else {
        return Ok(());
    };
    let bytes = tree.read(path)?.unwrap_or_default();
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).map_err(BuildError::file("make", parent))?;
    }
    let _ = fs::remove_file(&place);
    let written = match entry.mode {
        Mode::Link => {
            let to = PathBuf::from(std::ffi::OsStr::from_bytes(&bytes));
            if leads_out(path, &to) {
                return Err(unsafe_path(&place));
            }
            std::os::unix::fs::symlink(to, &place)
        }
        Mode::File => fs::write(&place, bytes),
        Mode::Executable => fs::write(&place, bytes)
            .and_then(|()| fs::set_permissions(&place, fs::Permissions::from_mode(0o755))),
    };
    written.map_err(BuildError::file("write", &place))
}

/// The place of a file; a name that git itself would refuse is an error.
fn inside(folder: &Path, path: &str) -> Result<PathBuf, BuildError> {
    let normal = |part: Component<'_>| matches!(part, Component::Normal(name) if name != ".git");
    let place = folder.join(path);
    if path.is_empty() || !Path::new(path).components().all(normal) {
        return Err(unsafe_path(&place));
    }
    // A link on the way would lead elsewhere.
    let linked = |parent: &Path| fs::symlink_metadata(parent).is_ok_and(|meta| meta.is_symlink());
    if place
        .ancestors()
        .skip(1)
        .take_while(|parent| *parent != folder)
        .any(linked)
    {
        return Err(unsafe_path(&place));
    }
    Ok(place)
}

/// Whether a link at `path` to `to` leaves the checkout.
fn leads_out(path: &str, to: &Path) -> bool {
    let mut depth = Path::new(path).components().count() - 1;
    for part in to.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return true,
        }
    }
    false
}

fn unsafe_path(path: &Path) -> BuildError {
    BuildError::file("check out", path)(std::io::Error::other("it would leave the checkout"))
}
