//! Charts on this machine: folders by the rules of .helmignore, and archives. Nothing outside of a chart is read.

use std::collections::BTreeMap;
use std::fs::{DirEntry, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use std::sync::OnceLock;

use windlass_chart::ignore::Rules;
use windlass_chart::{Chart, Content, Limits, load_from_contents};

use super::flags::Flags;
use super::{Stop, remote};

/// Helm's limit of one file.
const FILE_BYTES_MAX: u64 = 5 << 20;
/// Folders within folders.
const DEPTH_MAX: usize = 64;
/// Files that are worth being read only when something asks for them. Most charts have a long readme or a changelog.
const LATER_BYTES_MIN: u64 = 4_096;
/// What could not be read any more when something asked for it.
static UNREAD: OnceLock<String> = OnceLock::new();

/// Loads the chart in a folder or an archive.
pub(super) fn load(path: &str) -> Result<Chart, Stop> {
    let contents = contents(Path::new(path), &Walk::new)?;
    Ok(load_from_contents(contents, &Limits::default())?)
}

/// Fails if a file of a chart has gone since the chart was loaded.
pub(super) fn all_read() -> Result<(), Stop> {
    UNREAD.get().map_or(Ok(()), |it| Err(Stop::Failed(it.clone())))
}

/// Loads the chart that the command line names: from here, a repository or a registry.
pub(super) fn find(flags: &Flags, reference: &str) -> Result<Chart, Stop> {
    let contents = find_contents(flags, reference)?;
    Ok(load_from_contents(contents, &Limits::default())?)
}

/// The files of the chart that the command line names.
pub(super) fn find_files(flags: &Flags, reference: &str) -> Result<BTreeMap<String, Vec<u8>>, Stop> {
    Ok(read_now(find_contents(flags, reference)?))
}

fn find_contents(flags: &Flags, reference: &str) -> Result<Contents, Stop> {
    let local = reference.starts_with(['.', '/']) || Path::new(reference).exists();
    if flags.is_given("repo") || !local {
        let fetched = remote::chart(flags, reference)?;
        super::complain(&fetched.said);
        return unpacked(&fetched.bytes);
    }
    remote::refuse(flags)?;
    let outer = flags.one("links-within").map(Path::new);
    contents(Path::new(reference), &|place| {
        let mut walk = Walk::new(place)?;
        if let Some(outer) = outer {
            walk.boundary = outer.canonicalize()?;
        }
        Ok(walk)
    })
}

/// The files of a chart on this machine, by their paths from its root.
pub(super) fn files(path: &str) -> Result<BTreeMap<String, Vec<u8>>, Stop> {
    Ok(read_now(contents(Path::new(path), &Walk::new)?))
}

type Contents = BTreeMap<String, Content>;

fn contents(place: &Path, walk: &dyn Fn(&Path) -> Result<Walk, Stop>) -> Result<Contents, Stop> {
    let Ok(about) = std::fs::metadata(place) else {
        return Err(Stop::Failed(format!("path \"{}\" not found", place.display())));
    };
    if about.is_dir() {
        return walk(place)?.all();
    }
    unpacked(&std::fs::read(place)?)
}

fn unpacked(archive: &[u8]) -> Result<Contents, Stop> {
    let files = windlass_chart::archive::files(archive, &Limits::default())?;
    Ok(files.into_iter().map(|it| (it.0, Content::Bytes(it.1))).collect())
}

fn read_now(contents: Contents) -> BTreeMap<String, Vec<u8>> {
    let read = |content| match content {
        Content::Bytes(bytes) => bytes,
        Content::Later(_, read) => read(),
    };
    contents.into_iter().map(|it| (it.0, read(it.1))).collect()
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
    files: Contents,
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

    fn all(mut self) -> Result<Contents, Stop> {
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

    fn read(&mut self, path: &Path, name: &str) -> Result<Content, Stop> {
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
        // That it can be read is known now, because it is open.
        if length >= LATER_BYTES_MIN && Content::may_be_later(name) {
            let path = path.to_owned();
            let read = move || match File::open(&path).and_then(|it| bytes(it, length)) {
                Ok(bytes) => bytes,
                Err(error) => {
                    let _ = UNREAD.set(format!("{}: {error}", path.display()));
                    Vec::new()
                }
            };
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            return Ok(Content::Later(length, Box::new(read)));
        }
        Ok(Content::Bytes(bytes(file, length)?))
    }
}

/// A file's bytes, without a byte order mark.
fn bytes(file: File, length: u64) -> std::io::Result<Vec<u8>> {
    // One byte more than the file has, so that its end is seen without another look.
    let mut data = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    file.take(FILE_BYTES_MAX).read_to_end(&mut data)?;
    if data.starts_with("\u{FEFF}".as_bytes()) {
        data.drain(.."\u{FEFF}".len());
    }
    Ok(data)
}
