//! Charts on this machine: folders by the rules of .helmignore, and archives. Nothing outside of a chart is read.

use std::collections::BTreeMap;
use std::fs::{DirEntry, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use windlass_chart::ignore::Rules;
use windlass_chart::{Chart, Limits};

use super::flags::Flags;
use super::{Stop, remote};

/// Helm's limit of one file.
const FILE_BYTES_MAX: u64 = 5 << 20;
/// Folders within folders.
const DEPTH_MAX: usize = 64;

/// Loads the chart in a folder or an archive.
pub(super) fn load(path: &str) -> Result<Chart, Stop> {
    Ok(windlass_chart::load_from_files(files(path)?, &Limits::default())?)
}

/// Loads the chart that the command line names: from here, a repository or a registry.
pub(super) fn find(flags: &Flags, reference: &str) -> Result<Chart, Stop> {
    let files = find_files(flags, reference)?;
    Ok(windlass_chart::load_from_files(files, &Limits::default())?)
}

/// The files of the chart that the command line names.
pub(super) fn find_files(flags: &Flags, reference: &str) -> Result<BTreeMap<String, Vec<u8>>, Stop> {
    let local = reference.starts_with(['.', '/']) || Path::new(reference).exists();
    if flags.is_given("repo") || !local {
        let fetched = remote::chart(flags, reference)?;
        super::complain(&fetched.said);
        return Ok(windlass_chart::archive::files(
            &fetched.bytes,
            &Limits::default(),
        )?);
    }
    remote::refuse(flags)?;
    if let Some(outer) = flags.one("links-within")
        && Path::new(reference).is_dir()
    {
        let mut walk = Walk::new(Path::new(reference))?;
        walk.boundary = Path::new(outer).canonicalize()?;
        return walk.all();
    }
    files(reference)
}

/// The files of a chart on this machine, by their paths from its root.
pub(super) fn files(path: &str) -> Result<BTreeMap<String, Vec<u8>>, Stop> {
    let place = Path::new(path);
    let Ok(about) = std::fs::metadata(place) else {
        return Err(Stop::Failed(format!("path \"{path}\" not found")));
    };
    if about.is_dir() {
        return Walk::new(place)?.all();
    }
    let data = std::fs::read(place)?;
    let limits = Limits::default();
    Ok(windlass_chart::archive::files(&data, &limits)?)
}

/// What a link leads to and that is not there, in Go's words.
fn missing(link: &Path) -> Option<String> {
    let target = link.parent()?.join(std::fs::read_link(link).ok()?);
    let mut place = PathBuf::new();
    for part in target.components() {
        if part == std::path::Component::ParentDir {
            place.pop();
        } else {
            place.push(part);
        }
        if std::fs::symlink_metadata(&place).is_err() {
            return Some(format!("lstat {}: no such file or directory", place.display()));
        }
    }
    None
}

struct Walk {
    root: PathBuf,
    /// Links may lead to what the same checkout holds, and nowhere else.
    boundary: PathBuf,
    rules: Rules,
    files: BTreeMap<String, Vec<u8>>,
    bytes: u64,
}

impl Walk {
    fn new(root: &Path) -> Result<Self, Stop> {
        let root = root.canonicalize()?;
        let text = std::fs::read_to_string(root.join(".helmignore")).unwrap_or_default();
        let rules = Rules::read(&text)?;
        let checkout = root
            .ancestors()
            .find(|it| it.join(".git").exists())
            .map(Path::to_owned);
        let boundary = checkout.unwrap_or_else(|| root.clone());
        Ok(Self {
            root,
            boundary,
            rules,
            files: BTreeMap::new(),
            bytes: 0,
        })
    }

    fn all(mut self) -> Result<BTreeMap<String, Vec<u8>>, Stop> {
        let root = self.root.clone();
        self.folder(&root, "", 0)?;
        Ok(self.files)
    }

    fn folder(&mut self, folder: &Path, name: &str, depth: usize) -> Result<(), Stop> {
        if depth > DEPTH_MAX {
            return Err(Stop::Failed(format!(
                "{}: folders are nested deeper than {DEPTH_MAX}",
                folder.display()
            )));
        }
        let mut entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            let file_name = entry.file_name();
            let Some(file_name) = file_name.to_str() else {
                return Err(Stop::Failed(format!(
                    "{}: its name is no UTF-8",
                    entry.path().display()
                )));
            };
            let inner = if name.is_empty() {
                file_name.to_owned()
            } else {
                format!("{name}/{file_name}")
            };
            self.entry(&entry, &inner, depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &DirEntry, name: &str, depth: usize) -> Result<(), Stop> {
        let (path, kind) = (&entry.path(), entry.file_type()?);
        let is_link = kind.is_symlink();
        if is_link {
            if self.rules.ignores_file(name) {
                return Ok(());
            }
            let target = path.canonicalize().map_err(|it| {
                let why = missing(path).unwrap_or_else(|| it.to_string());
                Stop::Failed(format!("error evaluating symlink {}: {why}", path.display()))
            })?;
            if !target.starts_with(&self.boundary) {
                let target = target.display();
                return Err(Stop::Failed(format!(
                    "{name}: a link out of the chart, to {target}\nhint: copy the file into the chart"
                )));
            }
        }
        let (is_dir, is_file) = if is_link {
            let about = std::fs::metadata(path)?;
            (about.is_dir(), about.is_file())
        } else {
            (kind.is_dir(), kind.is_file())
        };
        if is_dir {
            if self.rules.ignores_folder(name) {
                return Ok(());
            }
            return self.folder(path, name, depth + 1);
        }
        if self.rules.ignores_file(name) {
            return Ok(());
        }
        if !is_file {
            let path = path.display();
            return Err(Stop::Failed(format!(
                "cannot load irregular file {path} as it has file mode type bits set"
            )));
        }
        let data = self.read(path, name)?;
        self.files.insert(name.to_owned(), data);
        Ok(())
    }

    /// The file's bytes, without a byte order mark.
    fn read(&mut self, path: &Path, name: &str) -> Result<Vec<u8>, Stop> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let limit = Limits::default().input_bytes_max as u64;
        self.bytes += length;
        if length > FILE_BYTES_MAX {
            return Err(Stop::Failed(format!(
                "chart file \"{name}\" is larger than the maximum file size {FILE_BYTES_MAX}"
            )));
        }
        if self.bytes > limit {
            return Err(Stop::Failed(format!("the chart is larger than {limit} bytes")));
        }
        // One byte more than the file has, so that its end is seen without another look.
        let mut data = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
        file.take(FILE_BYTES_MAX).read_to_end(&mut data)?;
        if data.starts_with("\u{FEFF}".as_bytes()) {
            data.drain(.."\u{FEFF}".len());
        }
        Ok(data)
    }
}
