//! `windlass helm show`: what a chart says of itself.

use std::fmt::Write as _;

use super::flags::{COMMON, Flag, Flags, SOURCE, Takes};
use super::{Stop, folder, print};

const OWN: &[Flag] = &[("jsonpath", None, Takes::Text)];

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let flags = Flags::read(words, &[COMMON, SOURCE, OWN])?;
    let [what, chart] = flags.arguments.as_slice() else {
        return Err(Stop::Usage(
            "\"helm show\" requires what to show and a chart".to_owned(),
        ));
    };
    let files = folder::find_files(&flags, chart)?;
    let text = |name: &str| files.get(name).map(|it| String::from_utf8_lossy(it).into_owned());
    let readme = || {
        let names = ["readme.md", "readme.txt", "readme"];
        files
            .keys()
            .find(|it| names.contains(&it.to_lowercase().as_str()))
            .and_then(|it| text(it))
    };
    let loaded = windlass_chart::load_from_files(files.clone(), &windlass_chart::Limits::default())?;
    let crds: String = files
        .iter()
        .filter(|it| it.0.starts_with("crds/") && has_manifest_extension(it.0))
        .map(|it| {
            let text = String::from_utf8_lossy(it.1).into_owned();
            if text.starts_with("---") {
                format!("{text}\n")
            } else {
                format!("---\n{text}\n")
            }
        })
        .collect();
    let about = format!("{}\n", loaded.metadata().to_yaml().trim_end());
    let out = match what.as_str() {
        "chart" => about,
        "values" => format!("{}\n", text("values.yaml").unwrap_or_default()),
        "readme" => readme().map(|it| format!("{it}\n")).unwrap_or_default(),
        "crds" => crds,
        "all" => {
            let mut out = about;
            if let Some(values) = text("values.yaml") {
                let _ = writeln!(out, "\n---\n{values}");
            }
            if let Some(readme) = readme() {
                let _ = writeln!(out, "\n---\n{readme}");
            }
            if !crds.is_empty() {
                let _ = writeln!(out, "\n{crds}");
            }
            out
        }
        other => {
            return Err(Stop::Usage(format!(
                "show {other}: it is all, chart, values, readme or crds"
            )));
        }
    };
    print(out.as_bytes());
    Ok(())
}

fn has_manifest_extension(name: &str) -> bool {
    let extension = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    matches!(extension.as_str(), "yaml" | "yml" | "json")
}
