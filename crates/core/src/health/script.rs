//! Health scripts that users bring for kinds of their own, in the forms in which Argo CD takes them: a folder
//! `<group>/<Kind>/health.lua`, and the ConfigMap `argocd-cm`. Which script judges which kind is decided here; how one runs
//! is not known.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::argo::{Files, Star, Wrong, matches_until};
use crate::config::Environment;

/// The script of a kind, below a folder.
const FILE: &str = "health.lua";
/// What settings of Argo CD are called.
const SETTINGS: &str = "argocd-cm";
/// Settings that have everything about all kinds in one text.
const ALL_IN_ONE: &str = "resource.customizations";
/// Settings of one kind.
const OF_KIND: &str = "resource.customizations.health.";
/// Scripts of one environment.
const SCRIPTS_MAX: usize = 5_000;
/// Bytes of one script.
const SCRIPT_BYTES_MAX: usize = 256 * 1024;

/// The scripts of an environment, those that count first in front.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scripts {
    all: Vec<Script>,
}

/// One script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// `group/Kind`, `Kind` where there is no group; a pattern.
    key: String,
    /// What comes first counts.
    rank: Rank,
    /// Where it was found, for messages.
    pub place: String,
    /// The program.
    pub text: String,
}

/// Settings count before folders, and exact names before patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Rank {
    Setting,
    SettingPattern,
    File,
    FilePattern,
}

impl Scripts {
    /// What an environment names in `health`, and the `argocd-cm` beside its Application.
    pub fn of(environment: &Environment, files: &dyn Files) -> Result<Self, Wrong> {
        let mut scripts = Self::default();
        for path in &environment.health_scripts {
            scripts.take(path, files)?;
        }
        if let Some(application) = &environment.application {
            for path in crate::argo::beside(&application.file, files)? {
                // A file that is no YAML is somebody else's business.
                let documents = documents(&path, files).unwrap_or_default();
                scripts.settings(&path, &documents, files)?;
            }
        }
        Ok(scripts.in_order())
    }

    /// What a folder or a file with settings has.
    pub fn read(path: &str, files: &dyn Files) -> Result<Self, Wrong> {
        let mut scripts = Self::default();
        scripts.take(path, files)?;
        Ok(scripts.in_order())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Script> {
        self.all.iter()
    }

    /// The script that judges objects of a kind.
    pub fn find(&self, group: &str, kind: &str) -> Option<&Script> {
        let key = if group.is_empty() {
            kind.to_owned()
        } else {
            format!("{group}/{kind}")
        };
        self.all.iter().find(|script| script.fits(&key))
    }

    fn take(&mut self, path: &str, files: &dyn Files) -> Result<(), Wrong> {
        let path = path.trim_matches('/');
        let before = self.all.len();
        let is_settings = path
            .rsplit_once('.')
            .is_some_and(|it| matches!(it.1, "yaml" | "yml" | "json"));
        if is_settings {
            self.settings(path, &documents(path, files)?, files)?;
        } else {
            self.folder(path, files)?;
        }
        if self.all.len() > before {
            return Ok(());
        }
        Err(Wrong::new(
            path,
            "it has no health script",
            "`health-scripts` names a folder with `<group>/<Kind>/health.lua`, or a file with Argo CD's ConfigMap `argocd-cm`",
        ))
    }

    fn folder(&mut self, folder: &str, files: &dyn Files) -> Result<(), Wrong> {
        let all = files.below(folder).map_err(|it| unreadable(folder, &it))?;
        for path in all {
            let inner = path.strip_prefix(folder).unwrap_or(&path).trim_start_matches('/');
            let Some(key) = inner.strip_suffix(FILE).and_then(|it| it.strip_suffix('/')) else {
                continue;
            };
            let text = files.read(&path).map_err(|it| unreadable(&path, &it))?;
            let pattern = key.contains('_');
            self.add(Script {
                key: key.replace('_', "*"),
                rank: if pattern { Rank::FilePattern } else { Rank::File },
                place: path,
                text: text.unwrap_or_default(),
            })?;
        }
        Ok(())
    }

    /// The scripts of all ConfigMaps `argocd-cm` among documents.
    fn settings(&mut self, path: &str, documents: &[Value], files: &dyn Files) -> Result<(), Wrong> {
        let is_settings = |it: &&Value| it["kind"] == "ConfigMap" && it["metadata"]["name"] == SETTINGS;
        for document in documents.iter().filter(is_settings) {
            for (name, value) in document["data"].as_object().into_iter().flatten() {
                let text = value.as_str().unwrap_or_default();
                if name == ALL_IN_ONE {
                    self.all_in_one(path, text, files)?;
                } else if let Some(kind) = name.strip_prefix(OF_KIND) {
                    let place = format!("{path}: data.{name}");
                    self.add(Script::of_setting(&key_of(&place, kind)?, place, text))?;
                }
            }
        }
        Ok(())
    }

    fn all_in_one(&mut self, path: &str, text: &str, files: &dyn Files) -> Result<(), Wrong> {
        let place = format!("{path}: data.{ALL_IN_ONE}");
        let read = files.documents(text);
        let read = read.map_err(|it| Wrong::new(&place, it, "it is a YAML map by `group/Kind`"))?;
        let kinds = read.iter().filter_map(Value::as_object).flatten();
        for (key, about) in kinds {
            if let Some(text) = about[FILE].as_str() {
                self.add(Script::of_setting(key, format!("{place}: {key}"), text))?;
            }
        }
        Ok(())
    }

    fn add(&mut self, script: Script) -> Result<(), Wrong> {
        let wrong = |cause: String, hint: &str| Err(Wrong::new(&script.place, cause, hint));
        if script.text.len() > SCRIPT_BYTES_MAX {
            return wrong(
                format!("the script has more than {SCRIPT_BYTES_MAX} bytes"),
                "a health script looks at one object: shorten it",
            );
        }
        if self.all.len() >= SCRIPTS_MAX {
            return wrong(
                format!("there are more than {SCRIPTS_MAX} scripts"),
                "name a folder that has only those of your kinds",
            );
        }
        if !script.text.trim().is_empty() {
            self.all.push(script);
        }
        Ok(())
    }

    /// Of equals the one that was found first counts.
    fn in_order(mut self) -> Self {
        self.all
            .sort_by(|a, b| a.rank.cmp(&b.rank).then_with(|| a.key.cmp(&b.key)));
        self
    }
}

impl Script {
    fn of_setting(key: &str, place: String, text: &str) -> Self {
        let pattern = key.contains(['*', '?', '[', '{']);
        Self {
            key: key.to_owned(),
            rank: if pattern {
                Rank::SettingPattern
            } else {
                Rank::Setting
            },
            place,
            text: text.to_owned(),
        }
    }

    fn fits(&self, key: &str) -> bool {
        match self.rank {
            Rank::Setting | Rank::File => self.key == key,
            Rank::SettingPattern => matches_until(&self.key, key, Star::All),
            Rank::FilePattern => matches_until(&self.key, key, Star::Until('/')),
        }
    }
}

/// `cert-manager.io_Certificate` as `cert-manager.io/Certificate`; `all` is every kind of a group.
fn key_of(place: &str, kind: &str) -> Result<String, Wrong> {
    match kind.split('_').collect::<Vec<_>>().as_slice() {
        ["all"] => Ok("*/*".to_owned()),
        [kind] if !kind.is_empty() => Ok((*kind).to_owned()),
        [group, kind] => Ok(format!("{group}/{kind}")),
        _ => Err(Wrong::new(
            place,
            format!("`{kind}` names no kind"),
            "it is `group_Kind`, or `Kind` where there is no group",
        )),
    }
}

fn documents(path: &str, files: &dyn Files) -> Result<Vec<Value>, Wrong> {
    let text = files.read(path).map_err(|it| unreadable(path, &it))?;
    let Some(text) = text else {
        return Err(Wrong::new(
            path,
            "there is no such file",
            "`health-scripts` names files and folders of this checkout",
        ));
    };
    files
        .documents(&text)
        .map_err(|it| Wrong::new(path, it, "it is YAML, as `kubectl apply` takes it"))
}

fn unreadable(path: &str, reason: &str) -> Wrong {
    Wrong::new(
        path,
        format!("it cannot be read: {reason}"),
        "look at the file's permissions",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::argo::tests::InMemory;

    /// Files of scripts whose text is their own path, and settings.
    fn files(scripts: &[&str], data: &Value) -> InMemory {
        let settings = json!({ "kind": "ConfigMap", "metadata": { "name": "argocd-cm" }, "data": data });
        let mut files = InMemory::new(&[("argocd/argocd-cm.yaml", &[json!({ "kind": "Secret" }), settings])]);
        for path in scripts {
            files.0.insert((*path).to_owned(), (*path).to_owned());
        }
        files
    }

    fn check(scripts: &Scripts, group: &str, kind: &str, expected: &str) {
        let found = scripts.find(group, kind).map(|it| it.text.as_str());
        assert_eq!(
            found,
            (!expected.is_empty()).then_some(expected),
            "{group}/{kind}"
        );
    }

    #[test]
    fn a_folder_has_scripts_by_group_and_kind_exact_names_first() {
        let all = [
            "h/_.aws.dev/_/health.lua",
            "h/db.aws.dev/Cluster/health.lua",
            "h/db.aws.dev/Cluster/health_test.yaml",
            "h/db.aws.dev/Cluster/testdata/health.lua/x.yaml",
            "h/shop.dev/_/health.lua",
            "h/Pod/health.lua",
            "other/shop.dev/Cart/health.lua",
        ];
        let scripts = Scripts::read("h/", &files(&all, &json!({}))).unwrap();
        assert_eq!(scripts.len(), 4);
        check(
            &scripts,
            "db.aws.dev",
            "Cluster",
            "h/db.aws.dev/Cluster/health.lua",
        );
        check(&scripts, "db.aws.dev", "User", "h/_.aws.dev/_/health.lua");
        check(&scripts, "shop.dev", "Cart", "h/shop.dev/_/health.lua");
        check(&scripts, "", "Pod", "h/Pod/health.lua");
        check(&scripts, "", "Service", "");
        check(&scripts, "apps", "Pod", "");
        let wrong = Scripts::read("none", &files(&all, &json!({}))).unwrap_err();
        assert!(wrong.hint.contains("health.lua"), "{wrong}");
    }

    #[test]
    fn settings_are_read_in_both_forms_and_count_more() {
        let old = json!({ "*.aws.dev/*": { "health.lua": "old pattern" }, "shop.dev/Cart": { "health.lua": "old" },
            "shop.dev/Till": { "actions": "no health" } });
        let data = json!({
            "resource.customizations": old.to_string(),
            "resource.customizations.health.shop.dev_Order": "new",
            "resource.customizations.health.Pod": "core",
            "resource.customizations.ignoreDifferences.all": "jsonPointers: []",
            "resource.customizations.health.shop.dev_Nothing": " ",
            "url": "https://argocd.example.com",
        });
        let files = files(
            &["h/db.aws.dev/Cluster/health.lua", "h/shop.dev/Order/health.lua"],
            &data,
        );
        let mut scripts = Scripts::default();
        scripts.take("h", &files).unwrap();
        scripts.take("argocd/argocd-cm.yaml", &files).unwrap();
        let scripts = scripts.in_order();
        check(&scripts, "shop.dev", "Order", "new");
        check(&scripts, "shop.dev", "Cart", "old");
        check(&scripts, "db.aws.dev", "Cluster", "old pattern");
        check(&scripts, "", "Pod", "core");
        check(&scripts, "shop.dev", "Till", "");
        check(&scripts, "shop.dev", "Nothing", "");
        let place = &scripts.find("shop.dev", "Order").unwrap().place;
        assert_eq!(
            place,
            "argocd/argocd-cm.yaml: data.resource.customizations.health.shop.dev_Order"
        );
    }

    #[test]
    fn what_names_no_kind_or_is_too_long_is_refused() {
        let read = |name: &str, text: &str| {
            let data = json!({ format!("resource.customizations.health.{name}"): text });
            Scripts::read("argocd/argocd-cm.yaml", &files(&[], &data))
        };
        assert!(read("a_b_c", "x").unwrap_err().cause.contains("names no kind"));
        let long = "x".repeat(SCRIPT_BYTES_MAX + 1);
        assert!(read("a_b", &long).unwrap_err().cause.contains("bytes"));
        check(&read("all", "every").unwrap(), "any.dev", "Kind", "every");
    }
}
