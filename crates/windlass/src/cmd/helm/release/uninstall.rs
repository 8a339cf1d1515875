//! `windlass helm uninstall`: a release's objects removed, and its records with them.

use std::fmt::Write as _;

use windlass_chart::Profile;
use windlass_chart::manifest::in_order_of_removal;
use windlass_chart::release::{Record, Status};
use windlass_core::object::Object;
use windlass_kube::{Address, Cascade};

use super::super::flags::{COMMON, Flag, Flags, Takes};
use super::super::{Stop, print as write, template};
use super::deploy::Ways;
use super::{CHANGE, DryRun, Session, Waiting, manifest, moment, not_found, owner, warn};
use crate::clock::now_ms;

const OWN: &[Flag] = &[
    ("cascade", None, Takes::Text),
    ("ignore-not-found", None, Takes::Switch),
    ("keep-history", None, Takes::Switch),
];

/// How a release is removed.
#[derive(Debug, Clone)]
pub(super) struct Removal {
    waiting: Waiting,
    hooks: bool,
    cascade: Cascade,
    keeps_history: bool,
    description: String,
}

impl Removal {
    fn of(flags: &Flags) -> Result<Self, Stop> {
        let cascade = match flags.one("cascade") {
            None | Some("background") => Cascade::Background,
            Some("foreground") => Cascade::Foreground,
            Some("orphan") => Cascade::Orphan,
            Some(other) => {
                return Err(Stop::Failed(format!(
                    "invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\""
                )));
            }
        };
        Ok(Self {
            waiting: Waiting::of(flags)?,
            hooks: !flags.is_on("no-hooks"),
            cascade,
            keeps_history: flags.is_on("keep-history"),
            description: flags
                .one("description")
                .unwrap_or("Uninstallation complete")
                .to_owned(),
        })
    }

    /// What was installed in vain.
    pub(super) fn after_failure(ways: Ways) -> Self {
        Self {
            waiting: ways.waiting,
            hooks: ways.hooks,
            cascade: Cascade::Background,
            keeps_history: false,
            description: String::new(),
        }
    }
}

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let flags = Flags::read(words, &[COMMON, CHANGE, OWN])?;
    if flags.arguments.is_empty() {
        return Err(Stop::Usage(
            "\"helm uninstall\" requires at least 1 argument".to_owned(),
        ));
    }
    let removal = Removal::of(&flags)?;
    let dry = DryRun::of(&flags)? != DryRun::No;
    let session = Session::open(&flags)?;
    for name in &flags.arguments {
        template::check_name(name)?;
        let all = session.wait(session.revisions(name))?;
        if all.last().is_none() && !flags.is_on("ignore-not-found") {
            let why = format!("uninstall: Release not loaded: {name}: {}", not_found());
            return Err(Stop::Failed(why));
        }
        if all.last().is_some() && !dry {
            let kept = session.wait(session.uninstall(name, &removal))?;
            if !kept.is_empty() {
                write(format!("These resources were kept due to the resource policy:\n{kept}\n").as_bytes());
            }
        }
        write(format!("release \"{name}\" uninstalled\n").as_bytes());
    }
    Ok(())
}

/// The objects of a release in the order in which they go, and one line for each that stays.
fn parted(record: &Record) -> Result<(Vec<Object>, String), String> {
    let objects = manifest::objects(&record.manifest)
        .map_err(|it| format!("corrupted release record. You must manually delete the resources: {it}"))?;
    let (kept, mut going): (Vec<Object>, Vec<Object>) =
        objects.into_iter().partition(|it| owner::is_kept(it.value()));
    in_order_of_removal(&mut going, |it| it.kind().to_owned(), Profile::Helm4);
    let mut named = String::new();
    for object in kept {
        let _ = writeln!(named, "[{}] {}", object.kind(), object.name());
    }
    Ok((going, named))
}

impl Session {
    /// Removes a release. What stays by its policy is returned, a line for each.
    pub(super) async fn uninstall(&self, name: &str, removal: &Removal) -> Result<String, String> {
        let all = self.revisions(name).await?;
        let mut record = all.last().ok_or_else(not_found)?.clone();
        if record.status == Status::Uninstalled {
            if removal.keeps_history {
                return Err(format!("the release named \"{name}\" is already deleted"));
            }
            self.purge(&all.0).await?;
            return Ok(String::new());
        }
        record.status = Status::Uninstalling;
        record.deleted = moment::rfc3339(now_ms());
        "Deletion in progress (or silently failed)".clone_into(&mut record.description);
        let timeout = removal.waiting.timeout;
        if removal.hooks {
            self.hooks(&mut record, "pre-delete", timeout).await?;
        }
        self.update(&record).await?;
        let (going, kept) = parted(&record)?;
        let addresses = self.remove(&going, &record, removal.cascade).await?;
        let mut errors = Vec::new();
        if removal.waiting.workloads {
            errors.extend(self.until_gone(&addresses, timeout).await.err());
        }
        if removal.hooks {
            errors.extend(self.hooks(&mut record, "post-delete", timeout).await.err());
        }
        record.status = Status::Uninstalled;
        record.description.clone_from(&removal.description);
        if removal.keeps_history {
            self.update(&record).await?;
            let in_force = all.0.iter().filter(|it| it.status == Status::Deployed);
            for earlier in in_force.filter(|it| it.revision != record.revision) {
                let mut earlier = earlier.clone();
                earlier.status = Status::Superseded;
                self.update(&earlier).await?;
            }
        } else {
            self.purge(&all.0).await?;
        }
        if errors.is_empty() {
            return Ok(kept);
        }
        Err(format!(
            "uninstallation completed with {} error(s): {}",
            errors.len(),
            errors.join("; ")
        ))
    }

    /// Removes objects kind by kind; where they were is returned.
    async fn remove(
        &self,
        going: &[Object],
        record: &Record,
        cascade: Cascade,
    ) -> Result<Vec<Address>, String> {
        let mut addresses = Vec::new();
        let mut errors = Vec::new();
        for object in going {
            let Some(address) = self.address(object, &record.namespace).await else {
                continue;
            };
            let deleted = self.cluster.delete_object(&address, cascade).await;
            errors.extend(
                deleted
                    .err()
                    .map(|it| format!("{} {}: {it}", object.kind(), object.name())),
            );
            addresses.push(address);
        }
        if errors.is_empty() {
            return Ok(addresses);
        }
        Err(format!(
            "failed to delete release: {}: {}",
            record.name,
            errors.join("; ")
        ))
    }

    async fn purge(&self, records: &[Record]) -> Result<(), String> {
        for record in records {
            if let Err(error) = self.forget(record).await {
                warn(&error);
                return Err("uninstall: Failed to purge the release".to_owned());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_go_in_helms_order_and_kept_ones_are_named() {
        let manifest = "\
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: p, annotations: {helm.sh/resource-policy: keep}}}
---
{apiVersion: v1, kind: Service, metadata: {name: s}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}}
";
        let record = Record {
            manifest: manifest.to_owned(),
            ..Record::default()
        };
        let (going, kept) = parted(&record).unwrap();
        let names: Vec<&str> = going.iter().map(Object::name).collect();
        assert_eq!(names, ["s", "d", "c"]);
        assert_eq!(kept, "[PersistentVolumeClaim] p\n");
    }
}
