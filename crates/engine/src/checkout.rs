//! The files of a platform, in a commit or as they are on disk, as configurations and renders read them. Nothing outside of
//! the checkout is read, wherever a link leads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde_json::Value;
use windlass_core::argo::Files;

use crate::render::RenderError;
use crate::source::{Repository, Tree};

/// Files of a folder, and folders within folders.
const FILES_MAX: usize = 20_000;
const DEPTH_MAX: usize = 32;
/// Folders that hold no sources.
const SKIPPED: [&str; 3] = [".git", ".windlass", "target"];

/// Files by their paths from the root, with `/`.
pub enum Checkout<'c> {
    /// On disk, committed or not; the root.
    Folder(&'c Path),
    /// Of a commit.
    Commit(&'c Tree<'c>),
}

impl Checkout<'_> {
    /// The bytes of a file; `None` where there is none.
    pub fn file(&self, path: &str) -> Result<Option<Vec<u8>>, RenderError> {
        match self {
            Self::Commit(tree) => Ok(tree.read(path)?),
            Self::Folder(root) => {
                let place = root.join(path);
                let failed = |source| RenderError::File {
                    path: place.clone(),
                    source,
                };
                let real = match place.canonicalize() {
                    Ok(real) => real,
                    Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(failed(error)),
                };
                if !real.starts_with(root.canonicalize().map_err(failed)?) {
                    return Err(failed(std::io::Error::other("it leads out of the checkout")));
                }
                if !real.is_file() {
                    return Ok(None);
                }
                fs::read(&real).map(Some).map_err(failed)
            }
        }
    }

    /// The bytes of all files below a folder by their paths from it; `""` for the root.
    pub fn all_below(&self, folder: &str) -> Result<BTreeMap<String, Vec<u8>>, RenderError> {
        let paths = self.paths_below(folder)?;
        let prefix = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        let read = |path: String| {
            let bytes = self.file(&path)?.unwrap_or_default();
            Ok((path.get(prefix.len()..).unwrap_or_default().to_owned(), bytes))
        };
        paths.into_iter().map(read).collect()
    }

    /// The paths of all files below a folder, from the root.
    pub fn paths_below(&self, folder: &str) -> Result<Vec<String>, RenderError> {
        let folder = folder.trim_matches('/');
        let prefix = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        match self {
            Self::Commit(tree) => {
                let paths = tree.entries().keys().filter(|path| path.starts_with(&prefix));
                Ok(paths.cloned().collect())
            }
            Self::Folder(root) => {
                let mut paths = Vec::new();
                walk(&root.join(folder), &prefix, 0, &mut paths)?;
                paths.sort();
                Ok(paths)
            }
        }
    }

    fn addresses(&self) -> BTreeSet<String> {
        let addresses = match self {
            Self::Commit(tree) => tree.repository().addresses(),
            Self::Folder(root) => Repository::open(root)
                .map(|it| it.addresses())
                .unwrap_or_default(),
        };
        addresses.iter().map(|it| plain(it)).collect()
    }
}

impl Files for Checkout<'_> {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        let bytes = self.file(path).map_err(|it| it.to_string())?;
        let text = |bytes| String::from_utf8(bytes).map_err(|it| it.to_string());
        bytes.map(text).transpose()
    }

    fn below(&self, folder: &str) -> Result<Vec<String>, String> {
        self.paths_below(folder).map_err(|it| it.to_string())
    }

    fn documents(&self, text: &str) -> Result<Vec<Value>, String> {
        let documents = windlass_chart::yaml::parse(text).map_err(|it| it.to_string())?;
        let documents = documents.iter().map(windlass_chart::Value::to_json);
        Ok(documents.filter(|it| !it.is_null()).collect())
    }

    fn template(&self, text: &str, values: &Value) -> Result<String, String> {
        let mut data = windlass_chart::Value::from_json(values);
        let options = windlass_chart::Options::of_profile(windlass_chart::Profile::default());
        let written = windlass_chart::expand(text, &mut data, &options).map_err(|it| it.to_string())?;
        String::from_utf8(written).map_err(|it| it.to_string())
    }

    fn is_own(&self, address: &str) -> bool {
        self.addresses().contains(&plain(address))
    }
}

/// Regular files only: a link may lead out of the checkout.
fn walk(folder: &Path, prefix: &str, depth: usize, paths: &mut Vec<String>) -> Result<(), RenderError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| RenderError::File { path, source }
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        other => other.map_err(failed(folder))?,
    };
    for entry in entries {
        let entry = entry.map_err(failed(folder))?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let kind = entry.file_type().map_err(failed(&path))?;
        if kind.is_dir() && depth < DEPTH_MAX && !SKIPPED.contains(&name.as_str()) {
            walk(&path, &format!("{prefix}{name}/"), depth + 1, paths)?;
        } else if kind.is_file() {
            if paths.len() >= FILES_MAX {
                return Err(RenderError::TooMany { max: FILES_MAX });
            }
            paths.push(format!("{prefix}{name}"));
        }
    }
    Ok(())
}

/// What two ways to write the address of one repository have in common: `git@github.com:company/shop.git` and
/// `https://github.com/company/shop`.
fn plain(address: &str) -> String {
    let address = address.trim().to_lowercase();
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None => ("", address.as_str()),
    };
    let host = rest.split('/').next().unwrap_or_default();
    let rest = match host.rsplit_once('@') {
        Some((who, _)) => &rest[who.len() + 1..],
        None => rest,
    };
    let rest = match (scheme, rest.split_once(':')) {
        ("", Some((host, path))) if !host.contains('/') => format!("{host}/{}", path.trim_start_matches('/')),
        _ => rest.to_owned(),
    };
    let rest = rest.trim_end_matches('/');
    rest.strip_suffix(".git").unwrap_or(rest).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_repository_are_one() {
        for address in [
            "https://github.com/company/shop",
            "https://github.com/company/shop.git",
            "https://GitHub.com/Company/shop/",
            "https://robot:secret@github.com/company/shop.git",
            "git@github.com:company/shop.git",
            "ssh://git@github.com/company/shop",
        ] {
            assert_eq!(plain(address), "github.com/company/shop", "{address}");
        }
        assert_ne!(
            plain("https://github.com/company/shop"),
            plain("https://github.com/company/shop2")
        );
    }

    #[test]
    fn nothing_outside_of_the_checkout_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("checkout");
        fs::create_dir_all(root.join("a")).unwrap();
        fs::write(folder.path().join("secret"), "x").unwrap();
        fs::write(root.join("a/b.yaml"), "y").unwrap();
        std::os::unix::fs::symlink("../../secret", root.join("a/link.yaml")).unwrap();
        let checkout = Checkout::Folder(&root);
        assert_eq!(checkout.paths_below("").unwrap(), ["a/b.yaml"]);
        assert_eq!(checkout.file("a/b.yaml").unwrap().unwrap(), b"y");
        assert!(checkout.file("a/link.yaml").is_err() && checkout.file("../secret").is_err());
        assert_eq!(checkout.file("a/none.yaml").unwrap(), None);
    }
}
