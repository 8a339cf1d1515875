//! `windlass helm template`: renders a chart without a cluster.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use windlass_chart::{Capabilities, ChartError, Options, Profile, ReleaseInfo, Rendered, Seed, manifest};

use super::flags::{COMMON, Flag, Flags, SOURCE, Takes, VALUES};
use super::{Stop, folder, print, values};
use crate::clock::now_ms;

/// Flags of a render. Those that only matter with a cluster are taken and mean nothing here.
pub(super) const RENDER: &[Flag] = &[
    ("kube-version", None, Takes::Text),
    ("api-versions", Some('a'), Takes::Many),
    ("is-upgrade", None, Takes::Switch),
    ("include-crds", None, Takes::Switch),
    ("skip-crds", None, Takes::Switch),
    ("skip-tests", None, Takes::Switch),
    ("skip-schema-validation", None, Takes::Switch),
    ("no-hooks", None, Takes::Switch),
    ("render-subchart-notes", None, Takes::Switch),
    ("name-template", None, Takes::Text),
    ("generate-name", Some('g'), Takes::Switch),
    ("post-renderer", None, Takes::Text),
    ("post-renderer-args", None, Takes::Many),
    ("seed", None, Takes::Text),
];

const OWN: &[Flag] = &[
    ("show-only", Some('s'), Takes::Many),
    ("output-dir", None, Takes::Text),
    ("release-name", None, Takes::Switch),
    ("validate", None, Takes::Switch),
    ("dry-run", None, Takes::Optional),
    ("atomic", None, Takes::Switch),
    ("rollback-on-failure", None, Takes::Switch),
    ("create-namespace", None, Takes::Switch),
    ("dependency-update", None, Takes::Switch),
    ("description", None, Takes::Text),
    ("disable-openapi-validation", None, Takes::Switch),
    ("enable-dns", None, Takes::Switch),
    ("force", None, Takes::Switch),
    ("force-conflicts", None, Takes::Switch),
    ("force-replace", None, Takes::Switch),
    ("hide-notes", None, Takes::Switch),
    ("hide-secret", None, Takes::Switch),
    ("labels", Some('l'), Takes::Many),
    ("replace", None, Takes::Switch),
    ("server-side", None, Takes::Optional),
    ("take-ownership", None, Takes::Switch),
    ("timeout", None, Takes::Text),
    ("wait", None, Takes::Optional),
    ("wait-for-jobs", None, Takes::Switch),
];

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let flags = Flags::read(words, &[COMMON, VALUES, SOURCE, RENDER, OWN])?;
    if flags.is_on("validate") || flags.one("dry-run") == Some("server") {
        return Err(Stop::Failed(
            "a validation by the server needs a cluster, and there is none here".to_owned(),
        ));
    }
    let (name, chart) = name_and_chart(&flags)?;
    let profile = super::profile(&flags)?;
    let rendered = rendered(&flags, &name, &chart, profile)?;
    if let Some(folder) = flags.one("output-dir") {
        return write(&flags, &name, folder, &rendered);
    }
    let text = text(&flags, &rendered)?;
    if flags.is_given("show-only") {
        return show_only(&flags, &text, profile);
    }
    print(text.as_bytes());
    Ok(())
}

/// The release's name and the chart, as Helm takes them from the arguments.
pub(super) fn name_and_chart(flags: &Flags) -> Result<(String, String), Stop> {
    const NAME: &str = "release-name";
    match flags.arguments.as_slice() {
        [] => Err(Stop::Usage(
            "\"helm template\" requires at least 1 argument".to_owned(),
        )),
        [chart] => Ok((
            flags.one("name-template").unwrap_or(NAME).to_owned(),
            chart.clone(),
        )),
        [_, _] if flags.is_on("generate-name") => Err(Stop::Failed(
            "cannot set --generate-name and also specify a name".to_owned(),
        )),
        [_, _] if flags.is_given("name-template") => Err(Stop::Failed(
            "cannot set --name-template and also specify a name".to_owned(),
        )),
        [name, chart] => {
            check_name(name)?;
            Ok((name.clone(), chart.clone()))
        }
        [_, _, rest @ ..] => Err(Stop::Failed(format!(
            "expected at most two arguments, unexpected arguments: {}",
            rest.join(", ")
        ))),
    }
}

/// Helm's rule of release names.
pub(super) fn check_name(name: &str) -> Result<(), Stop> {
    let good = |part: &str| {
        let inner = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
        !part.is_empty() && part.chars().all(inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    if name.len() <= 53 && name.split('.').all(good) {
        return Ok(());
    }
    Err(Stop::Failed(format!(
        "release name \"{name}\": invalid release name, must match regex \
         ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53"
    )))
}

/// What is said of charts that Chart.yaml lists and that are not there.
const MISSING: &str = "found in Chart.yaml, but missing in charts/ directory";

/// Renders by the flags.
pub(super) fn rendered(flags: &Flags, name: &str, chart: &str, profile: Profile) -> Result<Rendered, Stop> {
    let values = values::merged_beside(flags, profile, chart)?;
    if flags.is_on("dependency-update") {
        super::dependency::update(flags, chart)?;
    }
    // The process ends after the render: to free the chart piece by piece would take a tenth of its time.
    let chart = std::mem::ManuallyDrop::new(folder::find(flags, chart)?);
    let release = ReleaseInfo {
        name: name.to_owned(),
        namespace: flags.one("namespace").unwrap_or("default").to_owned(),
        revision: 1,
        is_upgrade: flags.is_on("is-upgrade"),
        service: "Helm".to_owned(),
    };
    let mut capabilities = match flags.one("kube-version") {
        Some(version) => Capabilities::with_kube_version(version)
            .map_err(|it| format!("invalid kube version '{version}': {it}"))?,
        None => Capabilities::default(),
    };
    capabilities.api_versions = flags.list("api-versions");
    let mut options = Options::stable(&release, profile);
    options.seed = match flags.one("seed") {
        Some(text) => Seed::new(text),
        None => Seed::new(random_bytes()?),
    };
    options.now_ms = now_ms();
    options.subchart_notes = flags.is_on("render-subchart-notes");
    options.skip_schema = flags.is_on("skip-schema-validation");
    options.without_crds = !flags.is_on("include-crds");
    options.remote_schemas = super::remote::schemas();
    options.warnings = super::warnings();
    let rendered = windlass_chart::render_with(&chart, values.clone(), &release, &capabilities, &options);
    folder::all_read()?;
    rendered.map_err(|error| {
        let while_rendering = matches!(
            error,
            ChartError::Template { .. } | ChartError::Output(_) | ChartError::Limit(_)
        );
        let text = error.to_string();
        if text.contains(MISSING) {
            return Stop::Failed(format!(
                "{text}\nhint: `windlass helm dependency build` fetches them"
            ));
        }
        if !while_rendering {
            return error.into();
        }
        if !flags.is_on("debug") {
            return Stop::Failed(format!("{error}\n\nUse --debug flag to render out invalid YAML"));
        }
        // They have been said.
        options.warnings = windlass_chart::Warnings::default();
        let raw = windlass_chart::render_files(&chart, &values, &release, &capabilities, &options);
        for (path, text) in raw.unwrap_or_default() {
            if !text.trim().is_empty() {
                print(document(&path, &text).as_bytes());
            }
        }
        error.into()
    })
}

pub(super) fn random_bytes() -> Result<[u8; 32], Stop> {
    let mut bytes = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn document(path: &str, text: &str) -> String {
    let mut out = String::new();
    put_document(path, text, &mut out);
    out
}

fn put_document(path: &str, text: &str, out: &mut String) {
    for part in ["---\n# Source: ", path, "\n", text, "\n"] {
        out.push_str(part);
    }
}

/// The whole output as Helm prints it.
fn text(flags: &Flags, rendered: &Rendered) -> Result<String, Stop> {
    const MARK_BYTES: usize = 16;
    let crds = if flags.is_on("include-crds") {
        rendered.crds.as_slice()
    } else {
        &[]
    };
    let manifests = || {
        crds.iter()
            .chain(&rendered.manifests)
            .map(|it| (&it.path, &it.text))
    };
    let hooks = || hooks(flags, rendered).map(|it| (&it.path, &it.text));
    let bytes = |(path, text): (&String, &String)| path.len() + text.len() + MARK_BYTES;
    let mut all = String::with_capacity(manifests().chain(hooks()).map(bytes).sum());
    manifests().for_each(|it| put_document(it.0, it.1, &mut all));
    let mut out = post_rendered(flags, all)?;
    let before = out.len() - out.trim_start().len();
    out.drain(..before);
    out.truncate(out.trim_end().len());
    out.push('\n');
    hooks().for_each(|it| put_document(it.0, it.1, &mut out));
    Ok(out)
}

fn hooks<'r>(flags: &Flags, rendered: &'r Rendered) -> impl Iterator<Item = &'r windlass_chart::Hook> {
    let (none, no_tests) = (flags.is_on("no-hooks"), flags.is_on("skip-tests"));
    rendered
        .hooks
        .iter()
        .filter(move |it| !(none || no_tests && it.events.iter().any(|it| it == "test")))
}

/// The manifests after the user's program has had them.
pub(super) fn post_rendered(flags: &Flags, manifests: String) -> Result<String, Stop> {
    let Some(program) = flags.one("post-renderer") else {
        return Ok(manifests);
    };
    let fail = |what: String| Stop::Failed(format!("error while running post render on files: {what}"));
    let mut child = Command::new(program)
        .args(flags.many("post-renderer-args"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|it| fail(format!("error while running command {program}: {it}")))?;
    let mut stdin = child.stdin.take();
    let writer = std::thread::spawn(move || {
        if let Some(stdin) = &mut stdin {
            // A program that does not read everything says so by its exit code.
            let _ = stdin.write_all(manifests.as_bytes());
        }
    });
    let output = child.wait_with_output()?;
    let _ = writer.join();
    if !output.status.success() {
        return Err(fail(format!(
            "error while running command {program}: {}",
            output.status
        )));
    }
    if output.stdout.iter().all(u8::is_ascii_whitespace) {
        return Err(fail(format!("post-renderer \"{program}\" produced empty output")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Only the documents of the templates that `--show-only` names.
fn show_only(flags: &Flags, text: &str, profile: Profile) -> Result<(), Stop> {
    let documents: Vec<String> = manifest::split(text.as_bytes(), profile)
        .into_iter()
        .map(|it| String::from_utf8_lossy(it).into_owned())
        .collect();
    let mut chosen = String::new();
    for wanted in flags.many("show-only") {
        let mut missing = true;
        for text in &documents {
            let source = text
                .lines()
                .find_map(|it| it.split_once("# Source: "))
                .map(|it| it.1);
            let Some((_, path)) = source.and_then(|it| it.split_once('/')) else {
                continue;
            };
            if windlass_chart::file_path_matches(wanted, path) {
                missing = false;
                let _ = writeln!(chosen, "---\n{text}");
            }
        }
        if missing {
            return Err(Stop::Failed(format!("could not find template {wanted} in chart")));
        }
    }
    print(chosen.as_bytes());
    Ok(())
}

/// One file for each template, below a folder.
fn write(flags: &Flags, name: &str, folder: &str, rendered: &Rendered) -> Result<(), Stop> {
    let folder = if flags.is_on("release-name") {
        format!("{folder}/{name}")
    } else {
        folder.to_owned()
    };
    let mut written = BTreeSet::new();
    let crds = if flags.is_on("include-crds") {
        rendered.crds.as_slice()
    } else {
        &[]
    };
    let manifests = crds
        .iter()
        .chain(&rendered.manifests)
        .map(|it| (&it.path, &it.text));
    for (path, text) in manifests.chain(hooks(flags, rendered).map(|it| (&it.path, &it.text))) {
        let file = Path::new(&folder).join(path);
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let append = !written.insert(path.clone());
        let mut out = std::fs::OpenOptions::new()
            .create(true)
            .write(true)
            .append(append)
            .truncate(!append)
            .open(&file)?;
        out.write_all(document(path, text).as_bytes())?;
        print(format!("wrote {folder}/{path}\n").as_bytes());
    }
    print(b"\n");
    Ok(())
}
