//! `windlass helm pull`: a packed chart from a repository or a registry, as a file or unpacked.

use std::path::{Path, PathBuf};

use windlass_chart::{Limits, archive};

use super::flags::{COMMON, Flag, Flags, SOURCE, Takes};
use super::{Stop, print, remote};

const OWN: &[Flag] = &[
    ("destination", Some('d'), Takes::Text),
    ("untar", None, Takes::Switch),
    ("untardir", None, Takes::Text),
    ("prov", None, Takes::Switch),
];

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let flags = Flags::read(words, &[COMMON, SOURCE, OWN])?;
    if flags.arguments.is_empty() {
        return Err(Stop::Usage(
            "\"helm pull\" requires at least 1 argument".to_owned(),
        ));
    }
    let folder = PathBuf::from(flags.one("destination").unwrap_or("."));
    for reference in &flags.arguments {
        let fetched = remote::chart(&flags, reference)?;
        print(fetched.said.as_bytes());
        // A file's name comes from elsewhere, and stays within the folder.
        let file = Path::new(&fetched.file)
            .file_name()
            .map(PathBuf::from)
            .unwrap_or_default();
        if flags.is_on("untar") {
            let to = folder.join(flags.one("untardir").unwrap_or("."));
            unpack(&fetched.bytes, &to)?;
            continue;
        }
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(&file), &fetched.bytes)?;
        if let Some(provenance) = &fetched.provenance {
            std::fs::write(folder.join(format!("{}.prov", file.display())), provenance)?;
        }
    }
    Ok(())
}

/// The chart's files below `to`, in a folder of the chart's name, which must not be there yet.
fn unpack(bytes: &[u8], to: &Path) -> Result<(), Stop> {
    let files = archive::files(bytes, &Limits::default())?;
    let chart = windlass_chart::load_from_files(files.clone(), &Limits::default())?;
    let root = to.join(chart.name());
    if root.exists() {
        return Err(Stop::Failed(format!(
            "failed to untar: a file or directory with the name {} already exists",
            root.display()
        )));
    }
    for (name, data) in files {
        let place = root.join(name);
        if let Some(parent) = place.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(place, data)?;
    }
    Ok(())
}
