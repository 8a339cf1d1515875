//! A chart from its files: Chart.yaml, values, templates, and the charts within `charts/`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sha2::{Digest, Sha256};

use crate::any::{Any, Map, Str};
use crate::archive;
use crate::metadata::Metadata;
use crate::schema::{self, Compiled, RemoteSchemas};
use crate::template::parse::{self, Parsed};
use crate::warnings::{Line, Saying, Warn};
use crate::{ChartError, Limits, Profile, Value, yaml};

/// A loaded chart: default values read, templates parsed once and kept. Cheap to clone and to share between threads.
#[derive(Debug, Clone)]
pub struct Chart(Arc<ChartData>);

#[derive(Debug)]
struct ChartData {
    metadata: Metadata,
    /// Default values: every document of values.yaml.
    values: Vec<Value>,
    templates: Vec<File>,
    files: Vec<File>,
    schema: Option<Vec<u8>>,
    dependencies: Vec<Chart>,
    limits: Limits,
    /// All of the chart's files, for the digest, which few ask for.
    all: Vec<File>,
    digest: OnceLock<[u8; 32]>,
    /// values.schema.json, compiled when it is first asked for.
    compiled_schema: OnceLock<Arc<Compiled>>,
    /// Parsed templates by their name in the render, which contains the aliases of charts.
    parsed: Mutex<BTreeMap<(Str, bool), Arc<Parsed>>>,
}

/// A file of a chart.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) data: Str,
}

impl Chart {
    /// The name that Chart.yaml gives.
    pub fn name(&self) -> &str {
        &self.0.metadata.name
    }

    /// What Chart.yaml says.
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// The charts within this one, before conditions, tags and aliases.
    pub fn dependencies(&self) -> &[Chart] {
        &self.0.dependencies
    }

    /// The default values, as the profile's Helm reads them: helm 3 looks at the first document only.
    pub fn default_values(&self, profile: Profile) -> Value {
        match self.value_documents(profile) {
            [one @ Value::Map(_)] => one.clone(),
            documents => documents
                .iter()
                .fold(Value::empty_map(), |all, it| merge_documents(all, it.clone())),
        }
    }

    /// The default values as templates work on them.
    pub(crate) fn default_map(&self, profile: Profile) -> Map {
        match self.value_documents(profile) {
            [Value::Map(one)] => Map::from(one),
            _ => match self.default_values(profile) {
                Value::Map(all) => Map::from(&all),
                _ => Map::empty(),
            },
        }
    }

    fn value_documents(&self, profile: Profile) -> &[Value] {
        match profile {
            Profile::Helm3 => self.0.values.get(..1).unwrap_or_default(),
            Profile::Helm4 => &self.0.values,
        }
    }

    /// A digest of all of the chart's files.
    pub fn digest(&self) -> [u8; 32] {
        *self.0.digest.get_or_init(|| digest(&self.0.all))
    }

    pub(crate) fn templates(&self) -> &[File] {
        &self.0.templates
    }

    pub(crate) fn files(&self) -> &[File] {
        &self.0.files
    }

    /// values.schema.json, where the chart has one.
    pub fn schema(&self) -> Option<&[u8]> {
        self.0.schema.as_deref()
    }

    /// The schema, compiled once, or why it cannot be. What failed is tried again: it may have been on its way.
    pub(crate) fn compiled_schema(&self, remote: &RemoteSchemas) -> Option<Result<Arc<Compiled>, String>> {
        let text = self.schema()?;
        if let Some(compiled) = self.0.compiled_schema.get() {
            return Some(Ok(compiled.clone()));
        }
        let compiled = schema::compile(text, remote).map(Arc::new);
        Some(compiled.map(|it| self.0.compiled_schema.get_or_init(|| it).clone()))
    }

    /// Says what Helm says of a chart that it has loaded.
    pub(crate) fn warn(&self, warn: Warn<'_>) {
        if !warn.is_heard() {
            return;
        }
        self.warn_of_old_files(warn);
        if self.0.metadata.deprecated {
            warn.say(|| Saying {
                place: "",
                helm3: "WARNING: This chart is deprecated".to_owned(),
                helm4: Line::warn("this chart is deprecated", Vec::new()),
            });
        }
    }

    fn warn_of_old_files(&self, warn: Warn<'_>) {
        const OLD: [(&str, &str, &str); 2] = [
            (
                "requirements.yaml",
                "load.go:120",
                "Warning: Dependencies are handled in Chart.yaml since apiVersion \"v2\". We recommend migrating dependencies to Chart.yaml.",
            ),
            (
                "requirements.lock",
                "load.go:138",
                "Warning: Dependency locking is handled in Chart.lock since apiVersion \"v2\". We recommend migrating to Chart.lock.",
            ),
        ];
        for (name, place, message) in OLD {
            if self.0.metadata.api_version != "v1" && self.0.all.iter().any(|it| it.name == name) {
                warn.same(place, || message.to_owned());
            }
        }
        for chart in &self.0.dependencies {
            chart.warn_of_old_files(warn);
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// A file that is neither a template nor one of those that Helm reads itself, by its path from the chart's root.
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.0.files.iter().find(|it| it.name == path).map(|it| &*it.data)
    }

    /// Whether the templates of the file with this name in the render are kept.
    pub(crate) fn has_parsed(&self, name: &Str, profile: Profile) -> bool {
        let kept = self.0.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        kept.contains_key(&(name.clone(), profile == Profile::Helm3))
    }

    /// The templates that one file defines, parsed under its name in the render.
    pub(crate) fn parse(&self, name: &Str, text: &Str, profile: Profile) -> Result<Arc<Parsed>, String> {
        let key = (name.clone(), profile == Profile::Helm3);
        let cache = || self.0.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(parsed) = cache().get(&key) {
            return Ok(parsed.clone());
        }
        let parsed = Arc::new(parse::parse(name, text, profile)?);
        cache().insert(key, parsed.clone());
        Ok(parsed)
    }
}

fn merge_documents(all: Value, more: Value) -> Value {
    match (all, more) {
        (Value::Map(mut all), Value::Map(more)) => {
            for (key, value) in more {
                let merged = match all.remove(&key) {
                    Some(old @ Value::Map(_)) if matches!(value, Value::Map(_)) => {
                        merge_documents(old, value)
                    }
                    _ => value,
                };
                all.insert(key, merged);
            }
            Value::Map(all)
        }
        (all, _) => all,
    }
}

/// Loads a chart from its files: paths relative to the chart's root (`Chart.yaml`, `templates/service.yaml`,
/// `charts/redis-1.2.3.tgz`) and their bytes.
pub fn load_from_files(files: BTreeMap<String, Vec<u8>>, limits: &Limits) -> Result<Chart, ChartError> {
    let files = files.into_iter().map(|it| (it.0, Content::Bytes(it.1)));
    load_from_contents(files.collect(), limits)
}

/// What a file of a chart holds.
pub enum Content {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// Its length in bytes, and how its bytes are read if something asks for them.
    Later(usize, Box<dyn Fn() -> Vec<u8> + Send + Sync>),
}

impl Content {
    /// Whether a file, by its path from the chart's root, may be read later: no chart is loaded by it, and few templates
    /// ask for it.
    pub fn may_be_later(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let asked_for = [
            "Chart.yaml",
            "Chart.lock",
            "requirements.yaml",
            "requirements.lock",
            "values.yaml",
            "values.schema.json",
        ];
        let of_templates = path.split('/').any(|it| it == "templates");
        !(of_templates || asked_for.contains(&name) || has_extension(name, "tgz"))
    }
}

/// As [`load_from_files`], where files that nothing asks for need not be read.
pub fn load_from_contents(files: BTreeMap<String, Content>, limits: &Limits) -> Result<Chart, ChartError> {
    if files.len() > limits.files_max {
        return Err(ChartError::Limit(format!(
            "the chart has {} files, {} are allowed",
            files.len(),
            limits.files_max
        )));
    }
    let mut budget = Budget {
        bytes: limits.input_bytes_max,
        depth: limits.chart_depth_max,
    };
    let files = files
        .into_iter()
        .map(|(name, content)| File {
            name,
            data: match content {
                Content::Bytes(bytes) => bytes.into(),
                Content::Later(length, read) => Str::later(length, read),
            },
        })
        .collect();
    load(files, limits, &mut budget)
}

fn digest(files: &[File]) -> [u8; 32] {
    let mut files: Vec<&File> = files.iter().collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let mut hash = Sha256::new();
    for file in files {
        for part in [file.name.as_bytes(), &file.data] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hash.finalize().into()
}

/// What may still be loaded.
struct Budget {
    bytes: usize,
    depth: usize,
}

fn load(files: Vec<File>, limits: &Limits, budget: &mut Budget) -> Result<Chart, ChartError> {
    let bytes: usize = files.iter().map(|it| it.data.known_length()).sum();
    budget.bytes = budget.bytes.checked_sub(bytes).ok_or_else(|| {
        ChartError::Limit(format!(
            "the chart is larger than {} bytes",
            limits.input_bytes_max
        ))
    })?;
    if budget.depth == 0 {
        return Err(ChartError::Limit(format!(
            "charts are nested deeper than {}",
            limits.chart_depth_max
        )));
    }
    let mut loading = Loading::default();
    if let Some(file) = files.iter().find(|it| it.name == "Chart.yaml") {
        loading.read_metadata(file, limits)?;
    }
    for file in files.iter().cloned() {
        loading.file(file, limits)?;
    }
    if !loading.has_metadata {
        return Err(ChartError::Load("Chart.yaml file is missing".to_owned()));
    }
    loading.metadata.validate().map_err(ChartError::Load)?;
    let name = loading.metadata.name.clone();
    let mut dependencies = Vec::new();
    for (directory, files) in loading.charts {
        if directory.starts_with(['_', '.']) {
            continue;
        }
        budget.depth -= 1;
        let chart = subchart(&directory, files, limits, budget);
        budget.depth += 1;
        match chart {
            Ok(chart) => dependencies.push(chart),
            Err(limit @ ChartError::Limit(_)) => return Err(limit),
            Err(error) => {
                return Err(ChartError::Load(format!(
                    "error unpacking subchart {directory} in {name}: {error}"
                )));
            }
        }
    }
    Ok(Chart(Arc::new(ChartData {
        metadata: loading.metadata,
        values: loading.values,
        templates: loading.templates,
        files: loading.files,
        schema: loading.schema,
        dependencies,
        limits: limits.clone(),
        all: files,
        digest: OnceLock::new(),
        compiled_schema: OnceLock::new(),
        parsed: Mutex::default(),
    })))
}

fn subchart(
    directory: &str,
    files: Vec<File>,
    limits: &Limits,
    budget: &mut Budget,
) -> Result<Chart, ChartError> {
    if has_extension(directory, "tgz") {
        let [file] = files.as_slice() else {
            return Err(ChartError::Load(format!("expected {directory} to be a file")));
        };
        let unpacked = archive::unpack(&file.data, limits, budget.bytes)?;
        return load(unpacked, limits, budget);
    }
    let inner = files.into_iter().filter_map(|it| {
        let (_, name) = it.name.split_once('/')?;
        Some(File {
            name: name.to_owned(),
            data: it.data,
        })
    });
    load(inner.collect(), limits, budget)
}

/// As Go's `filepath.Ext`: case matters.
fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|it| it.1 == extension)
}

#[derive(Default)]
struct Loading {
    metadata: Metadata,
    has_metadata: bool,
    values: Vec<Value>,
    templates: Vec<File>,
    files: Vec<File>,
    schema: Option<Vec<u8>>,
    charts: BTreeMap<String, Vec<File>>,
}

impl Loading {
    fn read_metadata(&mut self, file: &File, limits: &Limits) -> Result<(), ChartError> {
        let fail = |what: String| ChartError::Load(format!("cannot load {}: {what}", file.name));
        let document = yaml::read(&file.data, limits)
            .map_err(|it| fail(format!("error converting YAML to JSON: {it}")))?;
        self.has_metadata = true;
        self.metadata.read(&document).map_err(fail)?;
        if self.metadata.api_version.is_empty() {
            "v1".clone_into(&mut self.metadata.api_version);
        }
        Ok(())
    }

    fn file(&mut self, file: File, limits: &Limits) -> Result<(), ChartError> {
        match file.name.as_str() {
            "Chart.yaml" => {}
            "Chart.lock" => {
                yaml::read(&file.data, limits).map_err(|it| {
                    ChartError::Load(format!(
                        "cannot load Chart.lock: error converting YAML to JSON: {it}"
                    ))
                })?;
            }
            "values.yaml" => self.values = read_values(&file, limits)?,
            "values.schema.json" => self.schema = Some(file.data.to_vec()),
            "requirements.yaml" => {
                self.read_metadata(&file, limits)?;
                if self.metadata.api_version == "v1" {
                    self.files.push(file);
                }
            }
            "requirements.lock" => {
                if self.metadata.api_version == "v1" {
                    self.files.push(file);
                }
            }
            name if name.starts_with("templates/") => self.templates.push(file),
            name if name.starts_with("charts/") && !has_extension(name, "prov") => {
                let inner = name["charts/".len()..].to_owned();
                let directory = inner.split('/').next().unwrap_or_default().to_owned();
                self.charts.entry(directory).or_default().push(File {
                    name: inner,
                    data: file.data,
                });
            }
            _ => self.files.push(file),
        }
        Ok(())
    }
}

/// The documents of values.yaml, split as Kubernetes' reader splits them: at lines that begin with `---`.
fn read_values(file: &File, limits: &Limits) -> Result<Vec<Value>, ChartError> {
    let mut documents = Vec::new();
    for part in split_documents(&file.data) {
        let document = yaml::read(part, limits).map_err(|it| {
            ChartError::Load(format!(
                "cannot load values.yaml: cannot unmarshal yaml document: error converting YAML to JSON: {it}"
            ))
        })?;
        match document {
            Any::Nil => documents.push(Value::empty_map()),
            map @ Any::Map(_) => documents.push(map.to_value()),
            other => {
                let what = not_a_map(&other.to_value());
                let before = "cannot load values.yaml: cannot unmarshal yaml document";
                return Err(ChartError::Load(format!("{before}: {what}")));
            }
        }
    }
    Ok(documents)
}

/// Go's complaint about values that are no map.
pub(crate) fn not_a_map(value: &Value) -> String {
    let got = match value {
        Value::List(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        _ => "number",
    };
    let before = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal";
    format!("{before} {got} into Go value of type map[string]interface {{}}")
}

pub(crate) fn split_documents(text: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < text.len() {
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |it| at + it + 1);
        let line = &text[at..end];
        if let Some(rest) = line.strip_prefix(b"---")
            && rest.iter().all(u8::is_ascii_whitespace)
        {
            if text[start..at].iter().any(|it| !it.is_ascii_whitespace()) {
                parts.push(&text[start..at]);
            }
            start = end;
        }
        at = end;
    }
    if start < text.len() {
        parts.push(&text[start..]);
    }
    parts
}
