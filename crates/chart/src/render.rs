//! A render: values are coalesced, templates executed, manifests split and sorted as Helm does.

mod ahead;
mod context;
mod message;
mod snippet;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::any::{Any, Map, Str};
use crate::limits::Limits;
use crate::seed::Seed;
use crate::template::exec::{Exec, Setting};
use crate::template::parse::Parsed;
use crate::tree::Branch;
use crate::values::coalesce::{self, Nulls};
use crate::{Capabilities, Chart, ChartError, Profile, Value, dependencies, manifest};

use ahead::Ahead;
pub use snippet::{expand, expand_set};

/// The release that the render is for: `.Release`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseInfo {
    /// Name of the release.
    pub name: String,
    /// Namespace that the objects are for.
    pub namespace: String,
    /// Number of the revision, from 1.
    pub revision: u32,
    /// An upgrade, else an installation.
    pub is_upgrade: bool,
    /// Who renders; charts put it into `app.kubernetes.io/managed-by`. `Helm` for the same bytes as Helm.
    pub service: String,
}

/// One rendered document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The template that wrote it: `shop/templates/service.yaml`.
    pub path: String,
    /// One YAML document, without `---`.
    pub text: String,
}

/// A rendered document that runs at an event instead of being part of the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Name of the object.
    pub name: String,
    /// Kind of the object.
    pub kind: String,
    /// The template that wrote it.
    pub path: String,
    /// One YAML document, without `---`.
    pub text: String,
    /// `pre-install`, `post-upgrade`, `test`, ...
    pub events: Vec<String>,
    /// Lighter ones run first.
    pub weight: i64,
    /// `before-hook-creation`, `hook-succeeded`, `hook-failed`.
    pub delete_policies: Vec<String>,
}

/// What a chart renders to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rendered {
    /// Documents in the order in which Helm installs them.
    pub manifests: Vec<Manifest>,
    /// Hooks, in Helm's order of kinds.
    pub hooks: Vec<Hook>,
    /// NOTES.txt, rendered; empty where there is none.
    pub notes: String,
    /// Files of `crds/`, the chart's before its dependencies'; never templates.
    pub crds: Vec<Manifest>,
}

/// What else a render depends on.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which Helm is to be equalled.
    pub profile: Profile,
    /// Seed of random functions.
    pub seed: Seed,
    /// Milliseconds since 1970, for `now`.
    pub now_ms: i64,
    /// As `helm lint`: `required` and `fail` do not fail.
    pub lint: bool,
    /// Notes of dependencies too.
    pub subchart_notes: bool,
    /// Values are not held against schemas.
    pub skip_schema: bool,
}

impl Options {
    /// Options under which the same release renders to the same bytes always.
    pub fn stable(release: &ReleaseInfo, profile: Profile) -> Self {
        let seed = Seed::new(format!("{}/{}", release.namespace, release.name));
        Self {
            seed,
            ..Self::of_profile(profile)
        }
    }

    /// Options that say nothing but which Helm is to be equalled.
    pub fn of_profile(profile: Profile) -> Self {
        Self {
            profile,
            seed: Seed::new(Vec::new()),
            now_ms: 0,
            lint: false,
            subchart_notes: false,
            skip_schema: false,
        }
    }
}

/// Renders a chart with the user's values (a map; the chart's own defaults are merged in).
///
/// Functions that are random in Helm (`randAlphaNum`, `genCA`, ...) are seeded from the release and the template's path,
/// so that the same input gives the same bytes.
pub fn render(
    chart: &Chart,
    values: Value,
    release: &ReleaseInfo,
    capabilities: &Capabilities,
    profile: Profile,
) -> Result<Rendered, ChartError> {
    render_with(
        chart,
        values,
        release,
        capabilities,
        &Options::stable(release, profile),
    )
}

/// Bytes of stack that a render may need: templates within templates are calls within calls.
const STACK_BYTES: usize = 512 << 20;

/// As [`render`], with a seed and a clock of the caller's.
pub fn render_with(
    chart: &Chart,
    values: Value,
    release: &ReleaseInfo,
    capabilities: &Capabilities,
    options: &Options,
) -> Result<Rendered, ChartError> {
    let render = Render {
        chart,
        release,
        capabilities,
        options,
    };
    on_stack(move || {
        let (root, files) = render.files(&values)?;
        render.sorted(&root, files)
    })
}

/// What each template of a chart writes, by its path, before it is read as YAML.
pub fn render_files(
    chart: &Chart,
    values: &Value,
    release: &ReleaseInfo,
    capabilities: &Capabilities,
    options: &Options,
) -> Result<BTreeMap<String, String>, ChartError> {
    let render = Render {
        chart,
        release,
        capabilities,
        options,
    };
    on_stack(|| {
        let (_, files) = render.files(values)?;
        let text = |it: Vec<u8>| String::from_utf8_lossy(&it).into_owned();
        Ok(files.into_iter().map(|it| (it.0, text(it.1))).collect())
    })
}

/// Memory that a thread asks the system for at once instead of page by page, where the process lets it (see
/// [`ample_memory`]).
const RESERVE_BYTES: usize = 24 << 20;
/// Above it, memory comes from the system directly; glibc raises its bound to the largest that was given back.
const DIRECT_BYTES: usize = 30 << 20;

/// For a process that renders one chart and ends: from now on, memory is kept rather than given back to the system and
/// asked for again, which takes a tenth of such a process's time.
pub fn ample_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(DIRECT_BYTES)));
}

fn reserve() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(RESERVE_BYTES)));
}

/// Runs on a thread of its own for its stack.
fn on_stack<T: Send>(run: impl FnOnce() -> Result<T, ChartError> + Send) -> Result<T, ChartError> {
    let run = || {
        reserve();
        run()
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, run);
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(ChartError::Limit(
                "rendering template failed: the renderer gave up".to_owned(),
            )),
            Err(error) => Err(ChartError::Limit(format!("no thread to render on: {error}"))),
        }
    })
}

struct Render<'a> {
    chart: &'a Chart,
    release: &'a ReleaseInfo,
    capabilities: &'a Capabilities,
    options: &'a Options,
}

impl Render<'_> {
    /// The charts that take part, and what each of their templates wrote.
    fn files(&self, values: &Value) -> Result<(Branch, Written), ChartError> {
        let profile = self.options.profile;
        let values = match Any::from(values) {
            Any::Map(map) => map,
            Any::Nil => Map::empty(),
            _ => return Err(ChartError::Values("the values are no map".to_owned())),
        };
        let mut root = Branch::new(self.chart, profile);
        self.check(&root)?;
        dependencies::process(&mut root, &values, profile)?;
        let ahead = Ahead::new(self.chart, profile, context::texts(&root));
        let files = std::thread::scope(|scope| {
            ahead.start(scope);
            let files = self.written(&root, &values, &ahead);
            ahead.stop();
            files
        })?;
        Ok((root, files))
    }

    fn written(&self, root: &Branch, values: &Map, ahead: &Ahead<'_>) -> Result<Written, ChartError> {
        let profile = self.options.profile;
        let values = coalesce::coalesce_values(root, values, Nulls::Delete, profile)?;
        if !self.options.skip_schema {
            crate::schema::check(root, &values, profile)?;
        }
        self.check_kube_version()?;
        ahead.rest();
        let contexts = context::all(root, &values, self.release, self.capabilities, profile);
        let setting = setting(self.options, self.chart.limits());
        execute_files(&contexts, &setting, &|name, _| ahead.read(name))
    }

    fn check(&self, root: &Branch) -> Result<(), ChartError> {
        if self.chart.metadata().is_library() && !self.options.lint {
            return Err(ChartError::Load("library charts are not installable".to_owned()));
        }
        let missing = dependencies::missing(root);
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(", ");
        let advice = match self.options.profile {
            Profile::Helm3 => {
                "An error occurred while checking for chart dependencies. You may need to run `helm dependency build`"
            }
            Profile::Helm4 => {
                "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build'"
            }
        };
        Err(ChartError::Load(format!(
            "{advice} to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {missing}"
        )))
    }

    fn check_kube_version(&self) -> Result<(), ChartError> {
        let wanted = &self.chart.metadata().kube_version;
        let normalised = self.capabilities.normalised();
        if wanted.is_empty() || dependencies::is_compatible(wanted, &normalised) {
            return Ok(());
        }
        let shown = match self.options.profile {
            Profile::Helm3 => &normalised,
            Profile::Helm4 => &self.capabilities.kube_version,
        };
        let message =
            format!("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {shown}");
        Err(ChartError::Template { message })
    }

    fn sorted(&self, root: &Branch, files: Written) -> Result<Rendered, ChartError> {
        const NOTES: &str = "NOTES.txt";
        let own_notes = format!("{}/templates/{NOTES}", root.name);
        let (notes, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|it| it.0.ends_with(NOTES));
        let notes: Vec<String> = notes
            .into_iter()
            .filter(|it| self.options.subchart_notes || it.0 == own_notes)
            .map(|it| String::from_utf8_lossy(&it.1).into_owned())
            .collect();
        let (manifests, hooks) =
            manifest::sort(&files, self.options.profile, self.chart.limits()).map_err(ChartError::Output)?;
        let mut crds = Vec::new();
        context::crds(root, &root.name, &mut crds);
        Ok(Rendered {
            manifests,
            hooks,
            notes: notes.join("\n"),
            crds,
        })
    }
}

fn setting(options: &Options, limits: &Limits) -> Setting {
    Setting {
        profile: options.profile,
        limits: limits.clone(),
        now_ms: options.now_ms,
        seed: options.seed.clone(),
        lint: options.lint,
    }
}

/// What templates wrote, by their paths, in the order in which they ran.
type Written = Vec<(String, Vec<u8>)>;

/// Reads the templates of one file, named and given as text.
type Read<'r> = &'r dyn Fn(&Str, &Str) -> Result<Arc<Parsed>, String>;

/// What each file's template writes, in Helm's order: deep paths first, so that a chart's own definitions win.
fn execute_files(
    files: &BTreeMap<Str, context::TemplateFile>,
    setting: &Setting,
    read: Read<'_>,
) -> Result<Written, ChartError> {
    let mut names: Vec<&Str> = files.keys().collect();
    let slashes = |name: &Str| memchr::memchr_iter(b'/', name).count();
    names.sort_by(|a, b| (slashes(b), *b).cmp(&(slashes(a), *a)));
    let templates = parse_files(files, &names, read)?;
    let mut exec = Exec::new(setting, Arc::new(templates));
    let mut written = Vec::new();
    for name in names {
        let base = name.rsplit(|it| *it == b'/').next();
        if base.is_some_and(|it| it.starts_with(b"_")) {
            continue;
        }
        let file = &files[name];
        let about = Map::empty().as_values();
        about.set("Name", Any::Str(name.clone()));
        about.set("BasePath", Any::str(file.base_path.as_str()));
        file.context.set("Template", Any::Map(about));
        let out = exec
            .file(name, Any::Map(file.context.clone()))
            .map_err(|fail| message::execution(name, &fail, setting.profile))?;
        written.push((name.text().into_owned(), out));
    }
    Ok(written)
}

/// All templates under their names; the last definition wins, an empty one never does.
fn parse_files(
    files: &BTreeMap<Str, context::TemplateFile>,
    names: &[&Str],
    read: Read<'_>,
) -> Result<Parsed, ChartError> {
    let mut all = Parsed::new();
    for name in names {
        let parsed = read(name, &files[*name].text).map_err(|text| message::parse(name, &text))?;
        for (name, template) in parsed.iter() {
            if !template.empty || !all.contains_key(name) {
                all.insert(name.clone(), template.clone());
            }
        }
    }
    Ok(all)
}
