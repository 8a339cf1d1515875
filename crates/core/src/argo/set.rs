//! An `ApplicationSet`: the Applications that its generators and its template stand for. Pure: the same files give the same
//! Applications.

mod clusters;
mod git;
mod matrix;
mod params;
mod selector;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fields::Part;
use super::{Files, Wrong};
use params::Params;
use template::Mode;

pub(super) use clusters::is_secret as is_cluster_secret;

/// Applications of one set.
const APPLICATIONS_MAX: usize = 5_000;
/// Generators within generators: a matrix may hold another one.
const DEPTH_MAX: usize = 3;

/// What generators look at.
struct Around<'a> {
    files: &'a dyn Files,
    /// Secrets that describe clusters, as Argo CD keeps them.
    secrets: &'a [Value],
    mode: Mode,
}

/// The Applications of a set, in the order of its generators. `secrets` describe further clusters.
pub(super) fn applications(
    file: &str,
    document: &Value,
    secrets: &[Value],
    files: &dyn Files,
) -> Result<Vec<Value>, Wrong> {
    let root = Part::root(file, document);
    let spec = root.get("spec");
    spec.only(&[
        "generators",
        "template",
        "goTemplate",
        "goTemplateOptions",
        "syncPolicy",
        "strategy",
        "preservedFields",
        "ignoreApplicationDifferences",
        "applyNestedSelectors",
    ])?;
    let options = spec.get("goTemplateOptions").words()?;
    let mode = if spec.get("goTemplate").flag(false)? {
        Mode::Go {
            missing_is_wrong: options.iter().any(|it| it == "missingkey=error"),
        }
    } else {
        Mode::Plain
    };
    let around = Around { files, secrets, mode };
    let template = spec.get("template");
    let mut all = Vec::new();
    let mut names = BTreeSet::new();
    for generator in spec.get("generators").list()? {
        for params in around.generate(&generator, 0)? {
            let application = around.application(&root, &template, &params)?;
            let name = application["metadata"]["name"].as_str().unwrap_or_default();
            if !names.insert(name.to_owned()) {
                return Err(template.get("metadata").get("name").wrong(
                    format!("two Applications are called `{name}`"),
                    "take more of the generator's parameters into the name",
                ));
            }
            all.push(application);
            if all.len() > APPLICATIONS_MAX {
                return Err(spec.get("generators").wrong(
                    format!("they stand for more than {APPLICATIONS_MAX} Applications"),
                    "split the set",
                ));
            }
        }
    }
    Ok(all)
}

impl Around<'_> {
    /// The parameters of one generator, those left out that its selector does not take.
    fn generate(&self, generator: &Part<'_>, depth: usize) -> Result<Vec<Params>, Wrong> {
        generator.only(&["list", "clusters", "git", "matrix", "selector"])?;
        let kinds = ["list", "clusters", "git", "matrix"];
        let named: Vec<&str> = kinds
            .into_iter()
            .filter(|it| generator.get(it).is_there())
            .collect();
        let [kind] = named.as_slice() else {
            return Err(generator.wrong(
                "it names none of the generators that are understood, or several",
                "`list`, `clusters`, `git` and `matrix` are, one in each entry",
            ));
        };
        let part = generator.get(kind);
        let all = match *kind {
            "list" => self.list(&part)?,
            "clusters" => self.clusters(&part)?,
            "git" => self.git(&part)?,
            _ if depth < DEPTH_MAX => self.matrix(&part, depth)?,
            _ => return Err(part.wrong("it is within too many others", "a matrix may hold one other")),
        };
        let selector = selector::read(&generator.get("selector"))?;
        Ok(all
            .into_iter()
            .filter(|params| selector.takes(&|key| params.text(key)))
            .collect())
    }

    /// `list`: the elements as they are.
    fn list(&self, part: &Part<'_>) -> Result<Vec<Params>, Wrong> {
        part.only(&["elements"])?;
        let elements = part.get("elements").list()?;
        let read = |element: &Part<'_>| {
            let map = element.map()?.cloned().unwrap_or_default();
            Ok(Params::new(map, self.mode))
        };
        elements.iter().map(read).collect()
    }

    fn application(&self, root: &Part<'_>, template: &Part<'_>, params: &Params) -> Result<Value, Wrong> {
        let mut filled = self.fill(template, params)?;
        let metadata = filled.get_mut("metadata").map(Value::take).unwrap_or_default();
        let mut metadata = params::fields(metadata);
        let namespace = root.get("metadata").get("namespace");
        metadata.insert("namespace".to_owned(), namespace.value().clone());
        let spec = filled.get_mut("spec").map(Value::take).unwrap_or_default();
        Ok(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec,
        }))
    }
}
