//! `windlass helm package`: packs charts into archives.

use std::path::Path;

use super::flags::{COMMON, Flag, Flags, Takes};
use super::{Stop, folder, print};

const OWN: &[Flag] = &[
    ("destination", Some('d'), Takes::Text),
    ("version", None, Takes::Text),
    ("app-version", None, Takes::Text),
    ("dependency-update", Some('u'), Takes::Switch),
    ("sign", None, Takes::Switch),
    ("key", None, Takes::Text),
    ("keyring", None, Takes::Text),
    ("passphrase-file", None, Takes::Text),
];

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let flags = Flags::read(words, &[COMMON, OWN])?;
    if flags.is_on("sign") {
        return Err(Stop::Failed(
            "--sign: provenance files are not signed here\nhint: `helm package --sign` signs the same archive, and `windlass helm push` takes its .prov file along".to_owned(),
        ));
    }
    if flags.arguments.is_empty() {
        return Err(Stop::Failed(
            "need at least one argument, the path to the chart".to_owned(),
        ));
    }
    for path in &flags.arguments {
        if flags.is_on("dependency-update") {
            super::dependency::update(&flags, path)?;
        }
        let mut files = folder::files(path)?;
        for (flag, key) in [("version", "version"), ("app-version", "appVersion")] {
            if let (Some(value), Some(about)) = (flags.one(flag), files.get_mut("Chart.yaml")) {
                *about = with_line(about, key, value);
            }
        }
        let folder = Path::new(flags.one("destination").unwrap_or("."));
        let place = pack(&files, folder)?;
        let place = place.canonicalize().unwrap_or(place);
        print(
            format!(
                "Successfully packaged chart and saved it to: {}\n",
                place.display()
            )
            .as_bytes(),
        );
    }
    Ok(())
}

/// Writes the archive of a chart's files into a folder; gives its path.
fn pack(files: &Files, folder: &Path) -> Result<std::path::PathBuf, Stop> {
    let (name, data) = packed(files)?;
    std::fs::create_dir_all(folder)?;
    let place = folder.join(name);
    std::fs::write(&place, data)?;
    Ok(place)
}

type Files = std::collections::BTreeMap<String, Vec<u8>>;

/// The archive of a chart's files, and its name.
pub(super) fn packed(files: &Files) -> Result<(String, Vec<u8>), Stop> {
    let chart = windlass_chart::load_from_files(files.clone(), &windlass_chart::Limits::default())?;
    let about = chart.metadata();
    let data = windlass_chart::archive::pack(&about.name, files)?;
    Ok((format!("{}-{}.tgz", about.name, about.version), data))
}

/// Chart.yaml with one top-level key changed or added.
fn with_line(text: &[u8], key: &str, value: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let line = format!("{key}: {value:?}");
    let mut found = false;
    let mut lines: Vec<String> = Vec::new();
    for old in text.lines() {
        if old.starts_with(&format!("{key}:")) {
            found = true;
            lines.push(line.clone());
        } else {
            lines.push(old.to_owned());
        }
    }
    if !found {
        lines.push(line);
    }
    format!("{}\n", lines.join("\n")).into_bytes()
}
