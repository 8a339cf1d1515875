//! A chart rendered for a cluster: with what the cluster serves, and with templates that may ask it.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use windlass_chart::release::Record;
use windlass_chart::values::{Nulls, coalesce_tables, coalesced};
use windlass_chart::{
    Capabilities, Chart, Limits, Lookup, Options, Profile, Query, ReleaseInfo, Rendered, Seed, Value,
    load_from_files,
};

use super::super::flags::Flags;
use super::super::{Stop, folder, remote, template, values};
use super::Session;
use crate::clock::now_ms;

/// A chart and the values for it.
pub(super) struct Source {
    pub(super) chart: Chart,
    pub(super) values: Value,
}

/// The chart that the command line names, and the values that it gives.
pub(super) fn given(flags: &Flags, reference: &str, profile: Profile) -> Result<Source, Stop> {
    read(flags, reference, profile, None)
}

/// As [`given`], with the values of a release as far as the command line asks for them.
pub(super) fn on_top_of(
    flags: &Flags,
    reference: &str,
    profile: Profile,
    base: &Record,
) -> Result<Source, Stop> {
    read(flags, reference, profile, Some(base))
}

fn read(flags: &Flags, reference: &str, profile: Profile, base: Option<&Record>) -> Result<Source, Stop> {
    let mut values = values::merged_beside(flags, profile, reference)?;
    if flags.is_on("dependency-update") {
        super::super::dependency::update(flags, reference)?;
    }
    let mut files = folder::find_files(flags, reference)?;
    if let Some(base) = base {
        let old = config(base);
        let reuses = flags.is_on("reuse-values");
        if flags.is_on("reset-values") {
            // The chart's own and the command line's, and no others.
        } else if reuses || flags.is_on("reset-then-reuse-values") {
            values = coalesce_tables(&values, &old, Nulls::Delete);
            if reuses {
                // What the old chart said counts as what the new one says.
                let text = computed(base, profile)?.to_json().to_string();
                files.insert("values.yaml".to_owned(), text.into_bytes());
            }
        } else if matches!(&values, Value::Map(map) if map.is_empty()) {
            values = old;
        }
    }
    let chart = load_from_files(files, &Limits::default())?;
    Ok(Source { chart, values })
}

/// The user's values of a release.
pub(super) fn config(record: &Record) -> Value {
    Value::Map(
        record
            .config
            .iter()
            .map(|(key, value)| (key.clone(), plain(value)))
            .collect(),
    )
}

/// As values are read from files: every number is a float.
fn plain(json: &Json) -> Value {
    windlass_chart::values::read_json(&json.to_string()).unwrap_or_default()
}

/// The user's values of a release over those of its chart.
pub(super) fn computed(record: &Record, profile: Profile) -> Result<Value, Stop> {
    let text = |pointer: &str| record.chart.pointer(pointer).map(ToString::to_string);
    let mut files = BTreeMap::new();
    for (name, pointer) in [("Chart.yaml", "/metadata"), ("values.yaml", "/values")] {
        if let Some(text) = text(pointer).filter(|it| it != "null") {
            files.insert(name.to_owned(), text.into_bytes());
        }
    }
    let chart = load_from_files(files, &Limits::default())?;
    Ok(coalesced(&chart, &config(record), Nulls::Delete, profile)?)
}

/// What a chart is rendered for.
pub(super) fn release(name: &str, namespace: &str, revision: u32) -> ReleaseInfo {
    ReleaseInfo {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        revision,
        is_upgrade: false,
        service: "Helm".to_owned(),
    }
}

impl Source {
    /// Renders; with a cluster for what it serves and holds, without one for what Kubernetes has.
    pub(super) fn render(
        &self,
        flags: &Flags,
        release: &ReleaseInfo,
        profile: Profile,
        session: Option<&Session>,
    ) -> Result<Rendered, Stop> {
        let mut options = Options::stable(release, profile);
        options.seed = match flags.one("seed") {
            Some(text) => Seed::new(text),
            None => Seed::new(template::random_bytes()?),
        };
        options.now_ms = now_ms();
        options.subchart_notes = flags.is_on("render-subchart-notes");
        options.skip_schema = flags.is_on("skip-schema-validation");
        options.remote_schemas = remote::schemas();
        options.warnings = super::super::warnings();
        let mut capabilities = Capabilities::default();
        if let Some(session) = session {
            capabilities = session.capabilities()?;
            options.lookup = session.lookup();
        }
        let values = self.values.clone();
        Ok(windlass_chart::render_with(
            &self.chart,
            values,
            release,
            &capabilities,
            &options,
        )?)
    }

    /// The chart's definitions of kinds, file by file.
    pub(super) fn definitions(&self, release: &ReleaseInfo, profile: Profile) -> Result<Vec<String>, Stop> {
        let options = Options::of_profile(profile);
        let crds = windlass_chart::crds(&self.chart, &self.values, release, &options)?;
        Ok(crds.into_iter().map(|it| it.text).collect())
    }

    /// The user's values as records keep them.
    pub(super) fn config(&self) -> BTreeMap<String, Json> {
        let Json::Object(map) = self.values.to_json() else {
            return BTreeMap::new();
        };
        map.into_iter().collect()
    }
}

impl Session {
    fn capabilities(&self) -> Result<Capabilities, Stop> {
        let version = self.runtime.block_on(self.cluster.version());
        let version = version.map_err(|it| it.to_string())?;
        let mut capabilities = Capabilities::with_kube_version(&version)?;
        capabilities.api_versions = self.cluster.served();
        capabilities.complete = true;
        Ok(capabilities)
    }

    /// Templates run on a thread of their own, and wait there for the answer.
    fn lookup(&self) -> Lookup {
        let (cluster, handle) = (self.cluster.clone(), self.handle());
        Lookup::new(move |query: Query<'_>| {
            let asked = cluster.look_up(query.api_version, query.kind, query.namespace, query.name);
            handle.block_on(asked).map_err(|it| it.to_string())
        })
    }
}
