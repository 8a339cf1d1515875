//! `windlass helm lint`: problems of charts, as Helm words them.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use windlass_chart::lint::{self, Finding, Severity};
use windlass_chart::{Capabilities, Options, Profile, Value};

use super::flags::{COMMON, Flag, Flags, Takes, VALUES};
use super::{Stop, folder, print, remote, values};

const OWN: &[Flag] = &[
    ("strict", None, Takes::Switch),
    ("quiet", None, Takes::Switch),
    ("with-subcharts", None, Takes::Switch),
    ("kube-version", None, Takes::Text),
    ("skip-schema-validation", None, Takes::Switch),
];

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let flags = Flags::read(words, &[COMMON, VALUES, OWN])?;
    let profile = super::profile(&flags)?;
    let paths = paths(&flags, profile)?;
    let capabilities = match flags.one("kube-version") {
        Some(version) => Capabilities::with_kube_version(version)
            .map_err(|it| format!("invalid kube version '{version}': {it}"))?,
        None => Capabilities::default(),
    };
    let mut options = Options::of_profile(profile);
    options.skip_schema = flags.is_on("skip-schema-validation");
    options.remote_schemas = remote::schemas();
    let values = values::merged(&flags, profile)?;
    let limit = if flags.is_on("strict") {
        Severity::Warning
    } else {
        Severity::Error
    };
    let quiet = flags.is_on("quiet");
    let (mut failed, mut worth_saying) = (0, false);
    let mut out = String::new();
    for path in &paths {
        let findings = findings(&flags, path, &values, &capabilities, &options);
        let (bad, bad_enough) = match &findings {
            Ok(all) => (
                all.iter().any(|it| it.severity > Severity::Info),
                all.iter().any(|it| it.severity >= limit),
            ),
            Err(_) => (true, true),
        };
        worth_saying |= bad;
        failed += usize::from(bad_enough);
        if quiet && !bad {
            continue;
        }
        let _ = writeln!(out, "==> Linting {path}");
        match findings {
            Ok(all) => {
                for finding in all.iter().filter(|it| !quiet || it.severity > Severity::Info) {
                    let _ = writeln!(out, "{finding}");
                }
            }
            Err(why) => {
                let _ = writeln!(out, "Error {why}");
            }
        }
        out.push('\n');
    }
    print(out.as_bytes());
    let summary = format!("{} chart(s) linted, {failed} chart(s) failed", paths.len());
    if failed > 0 {
        return Err(Stop::Failed(summary));
    }
    if !quiet || worth_saying {
        print(format!("{summary}\n").as_bytes());
    }
    Ok(())
}

/// What is to be linted: the arguments, and with `--with-subcharts` what is below their `charts/`.
fn paths(flags: &Flags, profile: Profile) -> Result<Vec<String>, Stop> {
    let mut paths = flags.arguments.clone();
    if paths.is_empty() {
        if profile == Profile::Helm4 {
            let what = "\"helm lint\" requires at least 1 argument\n\nUsage:  helm lint PATH [flags]";
            return Err(Stop::Failed(what.to_owned()));
        }
        paths.push(".".to_owned());
    }
    if flags.is_on("with-subcharts") {
        for path in paths.clone() {
            below(&Path::new(&path).join("charts"), &mut paths);
        }
    }
    Ok(paths)
}

fn below(folder: &Path, found: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|it| it.path()).collect();
    entries.sort();
    for path in entries {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            below(&path, found);
        } else if name == "Chart.yaml" {
            found.push(folder.display().to_string());
        } else if is_archive(&name) {
            found.push(path.display().to_string());
        }
    }
}

/// By its name alone, as Helm tells it.
fn is_archive(name: &str) -> bool {
    [".tgz", ".tar.gz"].iter().any(|it| name.ends_with(it))
}

fn findings(
    flags: &Flags,
    path: &str,
    values: &Value,
    capabilities: &Capabilities,
    options: &Options,
) -> Result<Vec<Finding>, String> {
    let place = Path::new(path);
    let is_archive = is_archive(path);
    if is_archive && !place.exists() {
        return Err(format!(
            "unable to open tarball: open {path}: no such file or directory"
        ));
    }
    let about: PathBuf = place
        .components()
        .filter(|it| *it != Component::CurDir)
        .collect::<PathBuf>()
        .join("Chart.yaml");
    if !is_archive && !about.exists() {
        let about = about.display();
        return Err(format!(
            "unable to check Chart.yaml file in chart: stat {about}: no such file or directory"
        ));
    }
    let files = folder::files(path).map_err(|it| match it {
        Stop::Failed(why) | Stop::Usage(why) => why,
    })?;
    let folder = std::path::absolute(place).unwrap_or_else(|_| place.to_owned());
    let folder: PathBuf = folder.components().collect();
    Ok(lint::lint(&lint::Subject {
        files: &files,
        folder: &folder.to_string_lossy(),
        values,
        namespace: flags.one("namespace").unwrap_or("default"),
        capabilities,
        options,
    }))
}
