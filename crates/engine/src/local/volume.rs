//! The folders behind an instance's volumes: ConfigMaps and Secrets as files, scratch folders, claims.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Component, Path, PathBuf};

use super::LocalError;
use super::sandbox::Bind;

/// A volume of one instance, and where it appears.
#[derive(Debug, Clone)]
pub(super) struct Mount {
    pub(super) name: String,
    pub(super) content: Content,
    pub(super) target: String,
    pub(super) sub_path: Option<String>,
    pub(super) read_only: bool,
}

/// What is in a volume.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// Files by their path in the volume.
    Files(BTreeMap<String, Vec<u8>>),
    /// Nothing at first; lives as long as the instance is wanted.
    Scratch,
    /// A folder that outlives instances, shared by all that name it.
    Claim(PathBuf),
}

/// Makes the folders of all mounts below `home` and the places where they appear in the image's root.
pub(super) fn prepare(
    mounts: &[Mount],
    home: &Path,
    root: &Path,
    owner: u32,
) -> Result<Vec<Bind>, LocalError> {
    for folder in ["proc", "dev"] {
        place(root, folder, Kind::Folder)?;
    }
    mounts
        .iter()
        .map(|mount| bind(mount, home, root, owner))
        .collect()
}

fn bind(mount: &Mount, home: &Path, root: &Path, owner: u32) -> Result<Bind, LocalError> {
    let own = home.join("volumes").join(plain(&mount.name)?);
    let (folder, read_only) = match &mount.content {
        Content::Files(files) => {
            write_files(files, &own, owner)?;
            (own, true)
        }
        Content::Scratch => {
            make(&own, owner)?;
            (own, mount.read_only)
        }
        Content::Claim(folder) => {
            make(folder, owner)?;
            (folder.clone(), mount.read_only)
        }
    };
    let source = match &mount.sub_path {
        Some(part) => folder.join(inside(part)?),
        None => folder,
    };
    if !source.exists() {
        make(&source, owner)?;
    }
    let kind = if source.is_file() {
        Kind::File
    } else {
        Kind::Folder
    };
    place(root, &mount.target, kind)?;
    Ok(Bind {
        source,
        target: mount.target.clone(),
        read_only,
    })
}

#[derive(Clone, Copy)]
enum Kind {
    Folder,
    File,
}

/// Makes the place in the unpacked image, which is the same for all instances of it. No link is followed.
fn place(root: &Path, target: &str, kind: Kind) -> Result<(), LocalError> {
    let mut at = root.to_owned();
    let parts = inside(target.trim_start_matches('/'))?;
    let count = parts.components().count();
    for (index, part) in parts.components().enumerate() {
        at.push(part);
        match at.symlink_metadata() {
            Ok(meta) if meta.is_symlink() => {
                return Err(refuse(target, "goes through a symbolic link of the image"));
            }
            Ok(_) => {}
            Err(_) if index + 1 == count && matches!(kind, Kind::File) => {
                fs::write(&at, "").map_err(LocalError::file("make", &at))?;
            }
            Err(_) => {
                // Another instance of the same image may be making it too.
                fs::create_dir_all(&at).map_err(LocalError::file("make", &at))?;
            }
        }
    }
    Ok(())
}

/// Makes the folder hold exactly these files. What is right already is left alone: an instance may have the folder mounted,
/// and would see nothing in one that takes its place.
fn write_files(files: &BTreeMap<String, Vec<u8>>, folder: &Path, owner: u32) -> Result<(), LocalError> {
    make(folder, owner)?;
    let mut wanted = BTreeMap::new();
    for (name, bytes) in files {
        wanted.insert(folder.join(inside(name)?), bytes);
    }
    remove_others(folder, &wanted)?;
    for (path, bytes) in wanted {
        if fs::read(&path).is_ok_and(|found| found == *bytes) {
            continue;
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(LocalError::file("make", parent))?;
        }
        let _ = fs::remove_file(&path);
        fs::write(&path, bytes).map_err(LocalError::file("write", &path))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o440))
            .map_err(LocalError::file("change", &path))?;
        give(&path, owner)?;
    }
    Ok(())
}

/// Removes what is neither wanted nor on the way to what is.
fn remove_others(folder: &Path, wanted: &BTreeMap<PathBuf, &Vec<u8>>) -> Result<(), LocalError> {
    let entries = fs::read_dir(folder).map_err(LocalError::file("read", folder))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_folder = path.is_dir() && !path.is_symlink();
        let removed = if is_folder && wanted.keys().any(|file| file.starts_with(&path) && *file != path) {
            remove_others(&path, wanted)?;
            continue;
        } else if is_folder {
            fs::remove_dir_all(&path)
        } else if wanted.contains_key(&path) {
            continue;
        } else {
            fs::remove_file(&path)
        };
        removed.map_err(LocalError::file("remove", &path))?;
    }
    Ok(())
}

fn make(folder: &Path, owner: u32) -> Result<(), LocalError> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(LocalError::file("make", folder))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o770))
        .map_err(LocalError::file("change", folder))?;
    give(folder, owner)
}

/// Only root can give files away; as an ordinary user instances run as that user.
fn give(path: &Path, owner: u32) -> Result<(), LocalError> {
    if nix::unistd::geteuid().is_root() {
        chown(path, Some(owner), Some(owner)).map_err(LocalError::file("give away", path))?;
    }
    Ok(())
}

fn plain(name: &str) -> Result<&str, LocalError> {
    if name.contains('/') || name == ".." {
        Err(refuse(name, "is no plain name"))
    } else {
        Ok(name)
    }
}

fn inside(path: &str) -> Result<PathBuf, LocalError> {
    let path = Path::new(path);
    if path.components().all(|part| matches!(part, Component::Normal(_)))
        && path.components().next().is_some()
    {
        return Ok(path.to_owned());
    }
    Err(refuse(&path.display().to_string(), "leaves its folder"))
}

fn refuse(path: &str, reason: &str) -> LocalError {
    LocalError::Object {
        object: format!("a volume at {path:?}"),
        reason: reason.to_owned(),
        hint: "mount paths are absolute, without `..`, and keys of ConfigMaps are plain names",
    }
}
