//! A render: values are coalesced, templates executed, manifests split and sorted as Helm does.

mod ahead;
mod context;
mod heads;
mod message;
mod snippet;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::any::{Any, Map, Str};
use crate::limits::Limits;
use crate::schema::RemoteSchemas;
use crate::seed::Seed;
use crate::template::exec::{Exec, Setting};
use crate::template::parse::Parsed;
use crate::tree::Branch;
use crate::values::coalesce::{self, Nulls};
use crate::warnings::{Warn, Warnings};
use crate::{Capabilities, Chart, ChartError, Lookup, Profile, Value, dependencies, manifest};

use ahead::Ahead;
use heads::Heads;
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
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
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
    /// Files of `crds/` are not wanted: `Rendered::crds` stays empty.
    pub without_crds: bool,
    /// Schemas that those of charts refer to by address.
    pub remote_schemas: RemoteSchemas,
    /// How `lookup` asks a cluster.
    pub lookup: Lookup,
    /// Where warnings go.
    pub warnings: Warnings,
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
            without_crds: false,
            remote_schemas: RemoteSchemas::default(),
            lookup: Lookup::default(),
            warnings: Warnings::default(),
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
    on_stack(move || render.documents(&values))
}

/// The files of `crds/` of the charts that take part, the chart's before its dependencies'. They are no templates, so that
/// they are known before a render, which may ask for what they define.
pub fn crds(
    chart: &Chart,
    values: &Value,
    release: &ReleaseInfo,
    options: &Options,
) -> Result<Vec<Manifest>, ChartError> {
    let render = Render {
        chart,
        release,
        capabilities: &Capabilities::default(),
        options,
    };
    let (root, _) = render.prepared(values, Warn::nobody(options.profile))?;
    let mut crds = Vec::new();
    context::crds(&root, &root.name, &mut crds);
    Ok(crds)
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
        let (root, values) = render.prepared(values, render.warn())?;
        let ahead = Ahead::new(chart, options.profile, context::texts(&root));
        let mut files = BTreeMap::new();
        render.written(&root, &values, &ahead, &mut |path, text| {
            files.insert(path.to_owned(), text.text().into_owned());
        })?;
        Ok(files)
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
    /// Everything that the chart renders to.
    fn documents(&self, values: &Value) -> Result<Rendered, ChartError> {
        let profile = self.options.profile;
        let (root, values) = self.prepared(values, self.warn())?;
        let ahead = Ahead::new(self.chart, profile, context::texts(&root));
        let (sender, queue) = heads::way();
        let mut notes = Notes::new(&root.name, self.options.subchart_notes);
        let files = std::thread::scope(|scope| {
            ahead.start(scope);
            let mut heads = Heads::new(scope, (sender, &queue), profile, self.chart.limits());
            let written = self.written(&root, &values, &ahead, &mut |path, text| {
                if !notes.took(path, text) {
                    heads.add(path, text);
                }
            });
            ahead.stop();
            written.map(|()| heads.finish())
        })?;
        let (manifests, hooks) = manifest::in_order(files, self.warn()).map_err(ChartError::Output)?;
        let mut crds = Vec::new();
        if !self.options.without_crds {
            context::crds(&root, &root.name, &mut crds);
        }
        Ok(Rendered {
            manifests,
            hooks,
            notes: notes.texts.join("\n"),
            crds,
        })
    }

    /// The charts that take part, and the user's values.
    fn prepared(&self, values: &Value, warn: Warn<'_>) -> Result<(Branch, Map), ChartError> {
        let profile = self.options.profile;
        let values = match Any::from(values) {
            Any::Map(map) => map,
            Any::Nil => Map::empty(),
            _ => return Err(ChartError::Values("the values are no map".to_owned())),
        };
        self.chart.warn(warn);
        let mut root = Branch::new(self.chart, profile);
        if !self.options.lint {
            self.check(&root)?;
        }
        dependencies::process(&mut root, &values, warn)?;
        Ok((root, values))
    }

    /// Hands out what every file's template wrote.
    fn written(
        &self,
        root: &Branch,
        values: &Map,
        ahead: &Ahead<'_>,
        out: &mut dyn FnMut(&str, &Str),
    ) -> Result<(), ChartError> {
        let profile = self.options.profile;
        let values = coalesce::coalesce_values(root, values, Nulls::Delete, self.warn())?;
        if !self.options.skip_schema {
            crate::schema::check(root, &values, profile, &self.options.remote_schemas)?;
        }
        if !self.options.lint {
            self.check_kube_version()?;
        }
        ahead.rest();
        let contexts = context::all(root, &values, self.release, self.capabilities, profile);
        let setting = setting(self.options, self.chart.limits());
        execute_files(&contexts, &setting, &|name, _| ahead.read(name), out)
    }

    fn warn(&self) -> Warn<'_> {
        Warn::new(&self.options.warnings, self.options.profile)
    }

    fn check(&self, root: &Branch) -> Result<(), ChartError> {
        if self.chart.metadata().is_library() {
            return Err(ChartError::Load("library charts are not installable".to_owned()));
        }
        let missing = dependencies::missing(root);
        if missing.is_empty() {
            // Helm 4 knows the next version of charts, and keeps it shut.
            let is_next = self.options.profile == Profile::Helm4 && self.chart.metadata().api_version == "v3";
            if is_next {
                return Err(ChartError::Load("invalid chart apiVersion".to_owned()));
            }
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
}

/// Notes, as they come along with what else templates write.
struct Notes {
    /// The path of the chart's own.
    own: String,
    of_all_charts: bool,
    texts: Vec<String>,
}

impl Notes {
    const FILE: &str = "NOTES.txt";

    fn new(chart: &str, of_all_charts: bool) -> Self {
        let own = format!("{chart}/templates/{}", Self::FILE);
        Self {
            own,
            of_all_charts,
            texts: Vec::new(),
        }
    }

    /// Whether the file holds notes; those that are asked for are kept.
    fn took(&mut self, path: &str, text: &Str) -> bool {
        if !path.ends_with(Self::FILE) {
            return false;
        }
        if self.of_all_charts || path == self.own {
            self.texts.push(text.text().into_owned());
        }
        true
    }
}

fn setting(options: &Options, limits: &Limits) -> Setting {
    Setting {
        profile: options.profile,
        limits: limits.clone(),
        now_ms: options.now_ms,
        seed: options.seed.clone(),
        lint: options.lint,
        lookup: options.lookup.clone(),
    }
}

/// Reads the templates of one file, named and given as text.
type Read<'r> = &'r dyn Fn(&Str, &Str) -> Result<Arc<Parsed>, String>;

/// Hands out what each file's template writes, in Helm's order: deep paths first, so that a chart's own definitions win.
fn execute_files(
    files: &BTreeMap<Str, context::TemplateFile>,
    setting: &Setting,
    read: Read<'_>,
    written: &mut dyn FnMut(&str, &Str),
) -> Result<(), ChartError> {
    let mut names: Vec<&Str> = files.keys().collect();
    let slashes = |name: &Str| memchr::memchr_iter(b'/', name).count();
    names.sort_by(|a, b| (slashes(b), *b).cmp(&(slashes(a), *a)));
    let templates = parse_files(files, &names, read)?;
    let mut exec = Exec::new(setting, Arc::new(templates));
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
            .file(name, Any::Map(file.context.as_values()))
            .map_err(|fail| message::execution(name, &fail, setting.profile))?;
        written(&name.text(), &out.into());
    }
    Ok(())
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
