//! An `Application`: where its manifests are, where they go, and how they are kept in step.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::Part;
use super::project::Project;
use super::retry::Retry;
use super::window::SyncWindows;
use super::{Files, Wrong};

/// An `Application`, with what its `AppProject` allows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Application {
    /// The file that it was read from.
    pub file: String,
    /// Its name.
    pub name: String,
    /// Its `AppProject`; `None` for `default` where nothing says what that is: everything is allowed.
    pub project: Option<Project>,
    /// Where its manifests are; one at least.
    pub sources: Vec<Upstream>,
    /// Where they go.
    pub destination: Destination,
    /// When and how.
    pub sync: SyncPolicy,
    /// When it may be synced: the windows of its project that are for it.
    #[serde(default)]
    pub windows: SyncWindows,
    /// Differences that do not matter.
    pub ignored: Vec<Ignored>,
    /// What of it does nothing here, a sentence each.
    pub warnings: Vec<String>,
}

/// One source of manifests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// Address of the repository.
    pub address: String,
    /// The branch.
    pub revision: String,
    /// Folder of the repository, without slashes around it; empty for its root. `None` where only values files are taken.
    pub path: Option<String>,
    /// The name by which values files of other sources refer to this one.
    pub reference: Option<String>,
    /// For a chart.
    pub helm: Helm,
    /// For a kustomization.
    pub kustomize: KustomizeOptions,
    /// For plain manifests.
    pub directory: Directory,
}

/// How a chart is rendered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of Argo CD's")]
pub struct Helm {
    /// The release's name, else the Application's.
    pub release_name: Option<String>,
    /// The namespace of the release, else the destination's.
    pub namespace: Option<String>,
    /// Values files: from the chart's folder, from the root with a slash in front, or `$reference/path`.
    pub value_files: Vec<String>,
    /// Whether a values file may be missing.
    pub ignore_missing: bool,
    /// Values over those of the files.
    pub values: Option<Value>,
    /// Values over all others.
    pub parameters: Vec<HelmParameter>,
    /// Values that are the text of a file: name and path.
    pub file_parameters: Vec<(String, String)>,
    /// Whether the chart's `crds/` are left out.
    pub skip_crds: bool,
    /// Whether tests of the chart are left out.
    pub skip_tests: bool,
    /// Whether the chart's schema is not asked.
    pub skip_schema: bool,
}

/// `--set name=value`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelmParameter {
    /// The dotted path.
    pub name: String,
    /// The value.
    pub value: String,
    /// Whether it stays text whatever it looks like.
    pub force_string: bool,
}

/// What an Application adds to a kustomization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KustomizeOptions {
    /// `name=newName:newTag@digest`, parts of which may be missing.
    pub images: Vec<String>,
    /// Labels of all objects, not of selectors.
    pub labels: BTreeMap<String, String>,
    /// Annotations of all objects.
    pub annotations: BTreeMap<String, String>,
    /// The namespace of all objects.
    pub namespace: Option<String>,
    /// Replicas of workloads by name.
    pub replicas: BTreeMap<String, u64>,
}

/// Which files of a folder are manifests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// Those of folders within it too.
    pub recurse: bool,
    /// Only those that match.
    pub include: Option<String>,
    /// None of those that match.
    pub exclude: Option<String>,
}

/// Where manifests go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Address of the cluster.
    pub server: Option<String>,
    /// Or its name.
    pub name: Option<String>,
    /// The namespace.
    pub namespace: String,
}

/// When and how manifests are brought to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of Argo CD's")]
pub struct SyncPolicy {
    /// Without a person.
    pub automated: bool,
    /// What is no longer among them is deleted.
    pub prune: bool,
    /// What was changed on the cluster is changed back.
    pub self_heal: bool,
    /// They may be none at all.
    pub allow_empty: bool,
    /// What becomes of a sync that failed.
    #[serde(default = "never")]
    pub retry: Retry,
}

/// As it was before it was read.
const fn never() -> Retry {
    Retry::NEVER
}

/// Fields whose differences do not matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    /// API group; a pattern.
    pub group: String,
    /// Kind; a pattern.
    pub kind: String,
    /// Name; empty for all.
    pub name: String,
    /// Namespace; empty for all.
    pub namespace: String,
    /// JSON pointers.
    pub pointers: Vec<String>,
    /// Whatever these managers set.
    pub managers: Vec<String>,
}

/// Sync options that say what Windlass does anyway, or that objects answer by their annotations.
const KNOWN_OPTIONS: [&str; 13] = [
    "CreateNamespace=true",
    "ServerSideApply=true",
    "PruneLast=true",
    "ApplyOutOfSyncOnly=true",
    "RespectIgnoreDifferences=true",
    "SkipDryRunOnMissingResource=true",
    "FailOnSharedResource=true",
    "ClientSideApplyMigration=true",
    "ClientSideApplyMigration=false",
    "Prune=true",
    "Validate=true",
    "Replace=false",
    "Force=false",
];

impl Application {
    /// Reads an `Application`. `project` finds its `AppProject` by name.
    pub(super) fn read(
        file: &str,
        document: &Value,
        files: &dyn Files,
        project: impl FnOnce(&str) -> Result<Option<Project>, Wrong>,
    ) -> Result<Self, Wrong> {
        let root = Part::root(file, document);
        let spec = root.get("spec");
        let mut warnings = Vec::new();
        let name = root.get("metadata").get("name").word()?;
        for other in spec.others(&[
            "project",
            "source",
            "sources",
            "destination",
            "syncPolicy",
            "ignoreDifferences",
            "info",
            "revisionHistoryLimit",
        ])? {
            warnings.push(format!("{} does nothing here", other.place()));
        }
        let sources = sources(&spec, files)?;
        let destination = destination(&spec.get("destination"))?;
        let sync = sync(&spec.get("syncPolicy"), &mut warnings)?;
        let ignored = spec.get("ignoreDifferences").list()?;
        let ignored = ignored.iter().map(|it| ignored_of(it, &mut warnings));
        let ignored = ignored.collect::<Result<_, _>>()?;
        let wanted = spec.get("project").word()?;
        let wanted = if wanted.is_empty() { "default" } else { &wanted };
        let project = project(wanted)?;
        if project.is_none() && wanted != "default" {
            return Err(spec.get("project").wrong(
                format!("there is no AppProject `{wanted}` beside the Application"),
                "commit its manifest into the same folder: what it allows is held to here too",
            ));
        }
        let windows = project.as_ref().map(|it| it.windows.of(&name, &destination));
        let application = Self {
            windows: windows.unwrap_or_default(),
            file: file.to_owned(),
            name,
            project,
            sources,
            destination,
            sync,
            ignored,
            warnings,
        };
        application.allowed(&spec)?;
        Ok(application)
    }

    /// The source whose commits are followed.
    pub fn first(&self) -> &Upstream {
        // There is one: an Application without any is refused.
        &self.sources[0]
    }

    fn allowed(&self, spec: &Part<'_>) -> Result<(), Wrong> {
        let Some(project) = &self.project else {
            return Ok(());
        };
        for source in &self.sources {
            if !project.takes_source(&source.address) {
                return Err(spec.get("source").get("repoURL").wrong(
                    format!(
                        "the AppProject {} does not allow {}",
                        project.name, source.address
                    ),
                    "`sourceRepos` of the project lists what it allows",
                ));
            }
        }
        if project.takes_destination(&self.destination) {
            return Ok(());
        }
        Err(spec.get("destination").wrong(
            format!("the AppProject {} does not allow this place", project.name),
            "`destinations` of the project lists what it allows",
        ))
    }
}

/// All of them: they must be of one repository and branch, which is what an environment follows.
fn sources(spec: &Part<'_>, files: &dyn Files) -> Result<Vec<Upstream>, Wrong> {
    let many = spec.get("sources").list()?;
    let parts = if many.is_empty() {
        vec![spec.get("source")]
    } else {
        many
    };
    let mut sources: Vec<Upstream> = Vec::new();
    for part in &parts {
        if !part.is_there() {
            return Err(part.wrong("it is not there", "an Application says where its manifests are"));
        }
        let source = source(part)?;
        if let Some(first) = sources.first() {
            let same = first.address == source.address
                || (files.is_own(&first.address) && files.is_own(&source.address));
            if !same || first.revision != source.revision {
                return Err(part.wrong(
                    format!(
                        "it follows {} at {}, and the first source {} at {}",
                        source.address, source.revision, first.address, first.revision
                    ),
                    "an environment follows one branch of one repository; bring the other's files into it",
                ));
            }
        }
        sources.push(source);
    }
    if sources.iter().all(|it| it.path.is_none()) {
        return Err(parts[0].get("path").wrong(
            "no source has manifests",
            "`path` names the folder of the repository that has them",
        ));
    }
    Ok(sources)
}

fn source(part: &Part<'_>) -> Result<Upstream, Wrong> {
    const HINT: &str = "render it into the repository, and name that folder in `path`";
    let chart = part.get("chart");
    if chart.is_there() {
        return Err(chart.wrong(
            "charts of a Helm repository are not fetched here",
            "`windlass helm pull CHART --repo URL --untar` brings it; commit it, and name its folder in `path`",
        ));
    }
    for key in ["plugin", "tagPrefix"] {
        let other = part.get(key);
        if other.is_there() {
            return Err(other.wrong("Windlass does not run this", HINT));
        }
    }
    part.only(&[
        "repoURL",
        "targetRevision",
        "path",
        "ref",
        "name",
        "helm",
        "kustomize",
        "directory",
    ])?;
    let address = part.get("repoURL").word()?;
    if address.is_empty() {
        return Err(part
            .get("repoURL")
            .wrong("it is not there", "it is the repository's address"));
    }
    let reference = part.get("ref").text()?;
    let path = match part.get("path").text()? {
        Some(path) => Some(inside(&part.get("path"), &path)?),
        None if reference.is_some() => None,
        None => Some(String::new()),
    };
    Ok(Upstream {
        address,
        revision: revision(&part.get("targetRevision"))?,
        path,
        reference,
        helm: helm(&part.get("helm"))?,
        kustomize: kustomize(&part.get("kustomize"))?,
        directory: directory(&part.get("directory"))?,
    })
}

/// A path that stays inside of the repository, without slashes around it.
fn inside(part: &Part<'_>, path: &str) -> Result<String, Wrong> {
    let mut parts = Vec::new();
    for one in path.split('/') {
        match one {
            "" | "." => {}
            ".." => {
                return Err(part.wrong(
                    "it leads out of the repository",
                    "name a folder of the repository",
                ));
            }
            one => parts.push(one),
        }
    }
    Ok(parts.join("/"))
}

/// A branch: what stands still, or is chosen among tags, cannot be followed.
fn revision(part: &Part<'_>) -> Result<String, Wrong> {
    let text = part.word()?;
    let is_commit = text.len() == 40 && text.bytes().all(|it| it.is_ascii_hexdigit());
    let is_range = text.contains(['*', '~', '^', '>', '<', ' ']) || text.starts_with('=');
    let branch = text.strip_prefix("refs/heads/").unwrap_or(&text);
    if text.is_empty() || text == "HEAD" {
        return Err(part.wrong(
            "it names no branch",
            "name the branch to follow: `targetRevision: main`",
        ));
    }
    if is_commit || is_range || branch.starts_with("refs/") {
        return Err(part.wrong(
            format!("`{text}` is no branch"),
            "an environment follows a branch; `windlass promote ENV RELEASE` brings one commit, `windlass hold` keeps it",
        ));
    }
    Ok(branch.to_owned())
}

fn helm(part: &Part<'_>) -> Result<Helm, Wrong> {
    part.only(&[
        "releaseName",
        "namespace",
        "valueFiles",
        "ignoreMissingValueFiles",
        "values",
        "valuesObject",
        "parameters",
        "fileParameters",
        "skipCrds",
        "skipTests",
        "skipSchemaValidation",
        "version",
        "passCredentials",
    ])?;
    let parameters = part.get("parameters").list()?;
    let parameters = parameters.iter().map(|it| {
        Ok(HelmParameter {
            name: it.get("name").word()?,
            value: it.get("value").word()?,
            force_string: it.get("forceString").flag(false)?,
        })
    });
    let file_parameters = part.get("fileParameters").list()?;
    let file_parameters = file_parameters
        .iter()
        .map(|it| Ok((it.get("name").word()?, it.get("path").word()?)));
    let object = part.get("valuesObject");
    let values = match object.map()? {
        Some(_) => Some(object.value().clone()),
        None => part
            .get("values")
            .text()?
            .filter(|it| !it.trim().is_empty())
            .map(Value::String),
    };
    Ok(Helm {
        release_name: part.get("releaseName").text()?.filter(|it| !it.is_empty()),
        namespace: part.get("namespace").text()?.filter(|it| !it.is_empty()),
        value_files: part.get("valueFiles").words()?,
        ignore_missing: part.get("ignoreMissingValueFiles").flag(false)?,
        values,
        parameters: parameters.collect::<Result<_, _>>()?,
        file_parameters: file_parameters.collect::<Result<_, _>>()?,
        skip_crds: part.get("skipCrds").flag(false)?,
        skip_tests: part.get("skipTests").flag(false)?,
        skip_schema: part.get("skipSchemaValidation").flag(false)?,
    })
}

fn kustomize(part: &Part<'_>) -> Result<KustomizeOptions, Wrong> {
    part.only(&[
        "images",
        "commonLabels",
        "commonAnnotations",
        "namespace",
        "replicas",
        "version",
        "labelWithoutSelector",
        "forceCommonLabels",
        "forceCommonAnnotations",
    ])?;
    let labels = part.get("commonLabels");
    if labels.others(&[])?.is_empty() || part.get("labelWithoutSelector").flag(false)? {
        let replicas = part.get("replicas").list()?;
        let replicas = replicas.iter().map(|it| {
            let count = it.get("count").number()?;
            let count = count.ok_or_else(|| it.get("count").wrong("it is not there", "it is a number"));
            Ok((it.get("name").word()?, count?))
        });
        return Ok(KustomizeOptions {
            images: part.get("images").words()?,
            labels: labels.texts()?,
            annotations: part.get("commonAnnotations").texts()?,
            namespace: part.get("namespace").text()?.filter(|it| !it.is_empty()),
            replicas: replicas.collect::<Result<_, _>>()?,
        });
    }
    Err(labels.wrong(
        "labels that become part of selectors are not added here",
        "`labelWithoutSelector: true` adds them to the objects alone",
    ))
}

fn directory(part: &Part<'_>) -> Result<Directory, Wrong> {
    part.only(&["recurse", "include", "exclude"])?;
    Ok(Directory {
        recurse: part.get("recurse").flag(false)?,
        include: part.get("include").text()?.filter(|it| !it.is_empty()),
        exclude: part.get("exclude").text()?.filter(|it| !it.is_empty()),
    })
}

fn destination(part: &Part<'_>) -> Result<Destination, Wrong> {
    let filled = |key: &str| Ok(part.get(key).text()?.filter(|it| !it.is_empty()));
    let (server, name) = (filled("server")?, filled("name")?);
    if server.is_some() == name.is_some() {
        return Err(part.wrong(
            "it has to name a cluster by either `server` or `name`",
            "`server: https://kubernetes.default.svc` is the cluster of the kubeconfig's current context",
        ));
    }
    Ok(Destination {
        server,
        name,
        namespace: part.get("namespace").word()?,
    })
}

fn sync(part: &Part<'_>, warnings: &mut Vec<String>) -> Result<SyncPolicy, Wrong> {
    let automated = part.get("automated");
    for option in part.get("syncOptions").list()? {
        let text = option.word()?;
        let text: String = text.split_whitespace().collect();
        let is_known = KNOWN_OPTIONS.contains(&text.as_str());
        if !is_known && !matches!(text.as_str(), "Prune=false" | "PruneLast=false" | "Delete=false") {
            warnings.push(format!("{}: `{text}` does nothing here", option.place()));
        }
    }
    let options = part.get("syncOptions").words()?;
    for other in part.others(&["automated", "syncOptions", "retry", "managedNamespaceMetadata"])? {
        warnings.push(format!("{} does nothing here", other.place()));
    }
    if part.get("managedNamespaceMetadata").is_there() {
        let place = part.get("managedNamespaceMetadata");
        warnings.push(format!("{} does nothing here", place.place()));
    }
    let is_on = automated.is_there() && automated.get("enabled").flag(true)?;
    Ok(SyncPolicy {
        automated: is_on,
        prune: is_on && automated.get("prune").flag(false)? && !options.iter().any(|it| it == "Prune=false"),
        self_heal: is_on && automated.get("selfHeal").flag(false)?,
        allow_empty: automated.get("allowEmpty").flag(false)?,
        retry: Retry::read(&part.get("retry"), is_on)?,
    })
}

fn ignored_of(part: &Part<'_>, warnings: &mut Vec<String>) -> Result<Ignored, Wrong> {
    if !part.get("jqPathExpressions").list()?.is_empty() {
        let place = part.get("jqPathExpressions");
        warnings.push(format!("{} does nothing here: use jsonPointers", place.place()));
    }
    Ok(Ignored {
        group: part.get("group").word()?,
        kind: part.get("kind").word()?,
        name: part.get("name").word()?,
        namespace: part.get("namespace").word()?,
        pointers: part.get("jsonPointers").words()?,
        managers: part.get("managedFieldsManagers").words()?,
    })
}
