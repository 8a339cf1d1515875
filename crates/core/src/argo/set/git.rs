//! `git`: parameters of each folder, or of each file with what it holds, that patterns pick.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Around;
use super::params::{Params, normalized};
use super::template::Mode;
use crate::argo::Wrong;
use crate::argo::fields::Part;
use crate::argo::glob::{Star, matches_until};

/// What picks a path: patterns, and those that leave it out.
struct Picks(Vec<(String, bool)>);

impl Picks {
    fn read(part: &Part<'_>) -> Result<Self, Wrong> {
        let items = part.list()?;
        let read = |it: &Part<'_>| Ok((it.get("path").word()?, it.get("exclude").flag(false)?));
        Ok(Self(items.iter().map(read).collect::<Result<_, _>>()?))
    }

    fn takes(&self, path: &str) -> bool {
        let fits = |excludes: bool| {
            let mut patterns = self.0.iter().filter(|it| it.1 == excludes);
            patterns.any(|it| matches_until(it.0.trim_start_matches("./"), path, Star::Until('/')))
        };
        fits(false) && !fits(true)
    }
}

impl Around<'_> {
    pub(super) fn git(&self, part: &Part<'_>) -> Result<Vec<Params>, Wrong> {
        part.only(&[
            "repoURL",
            "revision",
            "directories",
            "files",
            "requeueAfterSeconds",
            "pathParamPrefix",
            "values",
            "template",
        ])?;
        part.get("template").only(&[])?;
        let address = part.get("repoURL").word()?;
        if !self.files.is_own(&address) {
            return Err(part.get("repoURL").wrong(
                format!("{address} is another repository"),
                "generators look at the repository of windlass.yaml, in the same commit; one of its git remotes has its address",
            ));
        }
        let paths = self
            .files
            .below("")
            .map_err(|it| part.wrong(it, "look at the repository"))?;
        let (directories, files) = (
            Picks::read(&part.get("directories"))?,
            Picks::read(&part.get("files"))?,
        );
        let mut all = Vec::new();
        for folder in folders(&paths).iter().filter(|it| directories.takes(it)) {
            all.push(self.at_path(part, Map::new(), folder, None)?);
        }
        for file in paths.iter().filter(|it| files.takes(it)) {
            for map in self.maps_of(part, file)? {
                let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
                all.push(self.at_path(part, map, folder, Some(name))?);
            }
        }
        Ok(all)
    }

    /// What a file holds: a map, or a list of maps.
    fn maps_of(&self, part: &Part<'_>, file: &str) -> Result<Vec<Map<String, Value>>, Wrong> {
        const HINT: &str = "files of a generator are YAML or JSON: a map of parameters, or a list of maps";
        let text = self
            .files
            .read(file)
            .map_err(|it| part.wrong(it, HINT))?
            .unwrap_or_default();
        let wrong = |reason: String| Wrong::new(file, reason, HINT);
        let documents = self.files.documents(&text).map_err(wrong)?;
        let mut maps = Vec::new();
        for document in documents {
            let items = if let Value::Array(items) = document {
                items
            } else {
                vec![document]
            };
            for item in items {
                let Value::Object(map) = item else {
                    return Err(wrong("it is no map of parameters".to_owned()));
                };
                maps.push(map);
            }
        }
        Ok(maps)
    }

    /// With `path` and its parts.
    fn at_path(
        &self,
        part: &Part<'_>,
        mut map: Map<String, Value>,
        folder: &str,
        file: Option<&str>,
    ) -> Result<Params, Wrong> {
        let prefix = part.get("pathParamPrefix").word()?;
        let base = folder.rsplit('/').next().unwrap_or_default();
        let segments: Vec<&str> = folder.split('/').filter(|it| !it.is_empty()).collect();
        if let Mode::Go { .. } = self.mode {
            let mut path = json!({ "path": folder, "basename": base, "basenameNormalized": normalized(base), "segments": segments });
            if let Some(file) = file {
                path["filename"] = json!(file);
                path["filenameNormalized"] = json!(normalized(file));
            }
            if prefix.is_empty() {
                map.insert("path".to_owned(), path);
            } else {
                map.insert(prefix, json!({ "path": path }));
            }
            return self.with_values(part, Value::Object(map));
        }
        let dotted = if prefix.is_empty() {
            "path".to_owned()
        } else {
            format!("{prefix}.path")
        };
        let mut put = |name: String, value: &str| map.insert(name, json!(value));
        put(dotted.clone(), folder);
        put(format!("{dotted}.basename"), base);
        put(format!("{dotted}.basenameNormalized"), &normalized(base));
        for (at, segment) in segments.iter().enumerate() {
            put(format!("{dotted}[{at}]"), segment);
        }
        if let Some(file) = file {
            put(format!("{dotted}.filename"), file);
            put(format!("{dotted}.filenameNormalized"), &normalized(file));
        }
        self.with_values(part, Value::Object(map))
    }
}

/// All folders that hold files, however deep, hidden ones left out.
fn folders(paths: &[String]) -> BTreeSet<&str> {
    let mut all = BTreeSet::new();
    for path in paths {
        let ends = path.match_indices('/').map(|it| &path[..it.0]);
        let visible = ends.take_while(|it| !it.rsplit('/').next().is_some_and(|name| name.starts_with('.')));
        all.extend(visible);
    }
    all
}
