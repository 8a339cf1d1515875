//! What each template is given: `.Values`, `.Chart`, `.Files`, `.Subcharts` and the rest, with Helm's sharing of maps.

use std::collections::BTreeMap;

use super::{Manifest, ReleaseInfo};
use crate::Capabilities;
use crate::any::{Any, Entries, Flavour, Map, Str};
use crate::load::File;
use crate::profile::Profile;
use crate::tree::Branch;

/// A template and its context, which is shared by all templates of one chart.
pub(super) struct TemplateFile {
    pub(super) text: Str,
    pub(super) context: Map,
    pub(super) base_path: String,
}

/// All templates by their names.
pub(super) fn all(
    root: &Branch,
    values: &Map,
    release: &ReleaseInfo,
    capabilities: &Capabilities,
    profile: Profile,
) -> BTreeMap<Str, TemplateFile> {
    let about = Map::empty();
    about.set("Name", Any::str(release.name.as_str()));
    about.set("Namespace", Any::str(release.namespace.as_str()));
    about.set("Revision", Any::Int(i64::from(release.revision)));
    about.set("IsUpgrade", Any::Bool(release.is_upgrade));
    about.set("IsInstall", Any::Bool(!release.is_upgrade));
    about.set("Service", Any::str(release.service.as_str()));
    let mut walk = Walk {
        release: Any::Map(about),
        capabilities: capabilities.object(profile),
        profile,
        files: BTreeMap::new(),
    };
    walk.chart(root, &root.name, &values.as_values(), true);
    walk.files
}

struct Walk {
    release: Any,
    capabilities: Any,
    profile: Profile,
    files: BTreeMap<Str, TemplateFile>,
}

impl Walk {
    fn chart(&mut self, branch: &Branch, path: &str, values: &Map, is_root: bool) -> Map {
        let context = Map::empty();
        let metadata = branch.metadata();
        let about = match self.profile {
            Profile::Helm3 => metadata.as_struct(is_root, &branch.listed),
            Profile::Helm4 => metadata.as_map(is_root, &branch.listed),
        };
        let files: Entries = branch
            .chart
            .files()
            .iter()
            .map(|it| (it.name.as_str().into(), Any::Bytes(it.data.clone())))
            .collect();
        let subcharts = Map::empty();
        context.set("Chart", about);
        context.set("Files", Any::Map(Map::flavoured(Flavour::Files, files)));
        context.set("Release", self.release.clone());
        context.set("Capabilities", self.capabilities.clone());
        context.set("Values", Any::Map(values.clone()));
        context.set("Subcharts", Any::Map(subcharts.clone()));
        for child in &branch.children {
            let section = match values.get(child.name.as_bytes()) {
                Some(Any::Map(map)) => map.as_values(),
                _ => Map::empty().as_values(),
            };
            let path = format!("{path}/charts/{}", child.name);
            subcharts.set(
                child.name.as_str(),
                Any::Map(self.chart(child, &path, &section, false)),
            );
        }
        for template in templates(branch) {
            let file = TemplateFile {
                text: template.data.clone(),
                context: context.clone(),
                base_path: format!("{path}/templates"),
            };
            self.files
                .insert(format!("{path}/{}", template.name).into(), file);
        }
        context
    }
}

/// The templates of all charts, by their names in the render.
pub(super) fn texts(root: &Branch) -> BTreeMap<Str, Str> {
    let mut found = BTreeMap::new();
    collect(root, &root.name, &mut found);
    found
}

fn collect(branch: &Branch, path: &str, found: &mut BTreeMap<Str, Str>) {
    let templates = templates(branch).map(|it| (format!("{path}/{}", it.name).into(), it.data.clone()));
    for child in &branch.children {
        collect(child, &format!("{path}/charts/{}", child.name), found);
    }
    found.extend(templates);
}

/// A chart's templates; a library has only those that are for others.
fn templates(branch: &Branch) -> impl Iterator<Item = &File> {
    let is_library = branch.chart.metadata().is_library();
    branch.chart.templates().iter().filter(move |it| {
        let name = it.name.rsplit('/').next().unwrap_or_default();
        !is_library || name.starts_with('_')
    })
}

/// Files of `crds/`, the chart's own before those of its dependencies.
pub(super) fn crds(branch: &Branch, path: &str, out: &mut Vec<Manifest>) {
    for file in branch.chart.files() {
        let extension = file.name.rsplit('.').next().unwrap_or_default().to_lowercase();
        if file.name.starts_with("crds/") && matches!(extension.as_str(), "yaml" | "yml" | "json") {
            let text = file.data.text().into_owned();
            out.push(Manifest {
                path: format!("{path}/{}", file.name),
                text,
            });
        }
    }
    for child in &branch.children {
        crds(child, &format!("{path}/charts/{}", child.name), out);
    }
}
