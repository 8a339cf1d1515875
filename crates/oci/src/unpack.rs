//! Unpacking an image's layers into a folder. Whatever the layers hold, nothing outside of the folder is written: every
//! path is walked part by part and no symbolic link is followed.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use windlass_core::digest::Digest;

use crate::document::{Descriptor, Image};
use crate::layout::{Layout, Summed, encode};
use crate::{OciError, document};

/// Files and folders of one image.
const ENTRIES_MAX: u64 = 200_000;
/// Bytes of one image, unpacked.
const BYTES_MAX: u64 = 4 << 30;
/// Written last: the folder is complete.
const COMPLETE: &str = "complete.json";
/// A file with this prefix removes what is below it in lower layers (image specification, "Whiteouts").
const WHITEOUT: &str = ".wh.";
/// Removes all that lower layers have in the folder.
const OPAQUE: &str = ".wh..wh..opq";

/// What is left of the limits for this image.
struct Budget {
    entries: u64,
    bytes: u64,
}

impl Layout {
    /// Unpacks an image below `into` and returns its root folder, `<into>/<digest>/root`. An image that is there already
    /// is left as it is; a half-unpacked one is made anew. Owners are not kept: all belongs to this user, readable for all.
    pub fn unpack(&self, digest: Digest, into: &Path) -> Result<(PathBuf, Image), OciError> {
        let home = into.join(digest.hex());
        if let Some(image) = complete(&home) {
            return Ok((home.join("root"), image));
        }
        fs::create_dir_all(into).map_err(OciError::file("make", into))?;
        let lock = into.join(format!("{}.lock", digest.hex()));
        let file = File::create(&lock).map_err(OciError::file("lock", &lock))?;
        file.lock().map_err(OciError::file("lock", &lock))?;
        if let Some(image) = complete(&home) {
            return Ok((home.join("root"), image));
        }
        let image = self.unpack_into(&digest, &home)?;
        Ok((home.join("root"), image))
    }

    fn unpack_into(&self, digest: &Digest, home: &Path) -> Result<Image, OciError> {
        if home.exists() {
            fs::remove_dir_all(home).map_err(OciError::file("remove", home))?;
        }
        let root = home.join("root");
        fs::create_dir_all(&root).map_err(OciError::file("make", &root))?;
        let manifest = self.manifest(digest)?;
        let image = self.inspect(*digest)?.image;
        let mut budget = Budget {
            entries: ENTRIES_MAX,
            bytes: BYTES_MAX,
        };
        for layer in &manifest.layers {
            self.unpack_layer(layer, &root, &mut budget)?;
        }
        let complete = home.join(COMPLETE);
        fs::write(&complete, encode(&image)?).map_err(OciError::file("write", &complete))?;
        Ok(image)
    }

    fn unpack_layer(&self, layer: &Descriptor, root: &Path, budget: &mut Budget) -> Result<(), OciError> {
        self.verify(&layer.digest)?;
        let path = self.blob(&layer.digest);
        let file = io::BufReader::new(File::open(&path).map_err(OciError::file("read", &path))?);
        match layer.media_type.as_str() {
            document::LAYER => extract(file, root, budget),
            kind if kind.ends_with("tar+gzip") || kind.ends_with("tar.gzip") => {
                extract(flate2::read::MultiGzDecoder::new(file), root, budget)
            }
            kind => {
                let reason = format!("{kind} is not supported");
                Err(OciError::format(format!("layer {}", layer.digest), &reason))
            }
        }
    }

    /// Checks a blob of any size against its digest, before anything of it is used.
    pub(crate) fn verify(&self, digest: &Digest) -> Result<(), OciError> {
        let path = self.blob(digest);
        let file = File::open(&path).map_err(OciError::file("read", &path))?;
        let mut sum = Summed::new(file);
        io::copy(&mut sum, &mut io::sink()).map_err(OciError::file("read", &path))?;
        let (_, found, _) = sum.finish()?;
        if found == *digest {
            return Ok(());
        }
        let reason = format!("its content is {found}");
        Err(OciError::Damaged {
            digest: digest.to_string(),
            path,
            reason,
        })
    }
}

/// What a complete folder says of its image.
fn complete(home: &Path) -> Option<Image> {
    serde_json::from_slice(&fs::read(home.join(COMPLETE)).ok()?).ok()
}

fn extract(from: impl Read, root: &Path, budget: &mut Budget) -> Result<(), OciError> {
    let mut archive = tar::Archive::new(from);
    let entries = archive.entries().map_err(|e| OciError::format("a layer", &e))?;
    for entry in entries {
        let mut entry = entry.map_err(|e| OciError::format("a layer", &e))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let refuse = |reason: &str| OciError::Unsafe {
            entry: name.clone(),
            reason: reason.to_owned(),
        };
        budget.entries = budget
            .entries
            .checked_sub(1)
            .ok_or_else(|| refuse("is one entry too many"))?;
        budget.bytes = budget
            .bytes
            .checked_sub(entry.size())
            .ok_or_else(|| refuse("makes the image too large"))?;
        let Some(place) = Place::of(&name).map_err(refuse)? else {
            continue;
        };
        place_entry(&mut entry, root, &place, &refuse)?;
    }
    Ok(())
}

fn place_entry(
    entry: &mut tar::Entry<'_, impl Read>,
    root: &Path,
    place: &Place,
    refuse: &impl Fn(&str) -> OciError,
) -> Result<(), OciError> {
    let folder = walk(root, &place.parents).map_err(refuse)?;
    if place.name == OPAQUE {
        return empty(&folder);
    }
    if let Some(hidden) = place.name.strip_prefix(WHITEOUT) {
        return remove(&folder.join(hidden));
    }
    let target = folder.join(&place.name);
    let mode = entry.header().mode().unwrap_or(0o644) & 0o1777;
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "devices, pipes and unknown kinds are all left out"
    )]
    match entry.header().entry_type() {
        tar::EntryType::Directory => {
            if !target.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
                remove(&target)?;
                fs::DirBuilder::new()
                    .mode(0o755)
                    .create(&target)
                    .map_err(OciError::file("make", &target))?;
            }
            // Owners are not kept, so everyone may look into every folder.
            set_mode(&target, mode | 0o555)
        }
        tar::EntryType::Regular | tar::EntryType::Continuous => {
            remove(&target)?;
            let mut file = File::options()
                .write(true)
                .create_new(true)
                .open(&target)
                .map_err(OciError::file("write", &target))?;
            io::copy(entry, &mut file).map_err(OciError::file("write", &target))?;
            set_mode(&target, mode | 0o444)
        }
        tar::EntryType::Symlink => {
            let to = entry
                .link_name()
                .ok()
                .flatten()
                .ok_or_else(|| refuse("is a link to nothing"))?
                .into_owned();
            remove(&target)?;
            symlink(to, &target).map_err(OciError::file("make", &target))
        }
        tar::EntryType::Link => {
            let to = entry
                .link_name_bytes()
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .unwrap_or_default();
            let to = Place::of(&to)
                .map_err(refuse)?
                .ok_or_else(|| refuse("is a link to nothing"))?;
            let from = walk(root, &to.parents).map_err(refuse)?.join(&to.name);
            if !from.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
                return Err(refuse("is a hard link to what is no file of the image"));
            }
            remove(&target)?;
            fs::hard_link(&from, &target).map_err(OciError::file("make", &target))
        }
        tar::EntryType::XGlobalHeader => Ok(()),
        _ => Err(refuse("is a device or a pipe")),
    }
}

/// A path of a layer, split and checked.
struct Place {
    parents: Vec<String>,
    name: String,
}

impl Place {
    /// `None` for the root itself.
    fn of(path: &str) -> Result<Option<Self>, &'static str> {
        let mut parents = Vec::new();
        for part in Path::new(path).components() {
            match part {
                Component::Normal(part) => parents.push(part.to_string_lossy().into_owned()),
                Component::CurDir | Component::RootDir => {}
                Component::ParentDir | Component::Prefix(_) => return Err("leaves its folder through `..`"),
            }
        }
        Ok(parents.pop().map(|name| Self { parents, name }))
    }
}

/// The folder below the root, made where it is missing; a link on the way is refused.
fn walk(root: &Path, parents: &[String]) -> Result<PathBuf, &'static str> {
    let mut at = root.to_owned();
    for part in parents {
        at.push(part);
        match at.symlink_metadata() {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Err("goes through a symbolic link or a file"),
            Err(_) => fs::create_dir(&at).map_err(|_| "has a parent that cannot be made")?,
        }
    }
    Ok(at)
}

fn remove(path: &Path) -> Result<(), OciError> {
    let result = match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    };
    result.map_err(OciError::file("remove", path))
}

fn empty(folder: &Path) -> Result<(), OciError> {
    for entry in fs::read_dir(folder).map_err(OciError::file("read", folder))? {
        remove(&entry.map_err(OciError::file("read", folder))?.path())?;
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<(), OciError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(OciError::file("change", path))
}
