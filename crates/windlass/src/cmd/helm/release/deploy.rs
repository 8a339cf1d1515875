//! A revision's objects brought to the cluster: checked, applied kind by kind, and what fell out of the release removed.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use windlass_chart::release::Record;
use windlass_core::object::Object;
use windlass_kube::{Address, Applying, Cascade, Refusal};

use super::super::Stop;
use super::super::flags::Flags;
use super::{MANAGER, Session, Waiting, manifest, owner, refuse_client_side, warn};

/// How a revision is brought in.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of Helm's")]
pub(super) struct Ways {
    pub(super) waiting: Waiting,
    pub(super) hooks: bool,
    /// Fields that others manage are taken from them.
    force_conflicts: bool,
    /// Objects are put in the place of those that are there.
    force_replace: bool,
    /// Objects are held against their kinds before anything is written.
    validate: bool,
    /// Objects of nobody's, or of others, become the release's.
    pub(super) take_ownership: bool,
    /// What was made goes again if it fails.
    cleanup: bool,
    /// What was before comes back if it fails.
    pub(super) undo: bool,
}

impl Ways {
    pub(super) fn of(flags: &Flags) -> Result<Self, Stop> {
        refuse_client_side(flags)?;
        let force_replace = flags.is_on("force-replace") || flags.is_on("force");
        let force_conflicts = flags.is_on("force-conflicts");
        if force_replace && force_conflicts {
            return Err(Stop::Usage(
                "--force-replace and --force-conflicts exclude each other".to_owned(),
            ));
        }
        Ok(Self {
            waiting: Waiting::of(flags)?,
            hooks: !flags.is_on("no-hooks"),
            force_conflicts,
            force_replace,
            validate: !flags.is_on("disable-openapi-validation"),
            take_ownership: flags.is_on("take-ownership"),
            cleanup: flags.is_on("cleanup-on-fail"),
            undo: flags.is_on("atomic") || flags.is_on("rollback-on-failure"),
        })
    }

    /// To bring back what was there: it was valid before.
    pub(super) fn back(self) -> Self {
        Self {
            validate: false,
            take_ownership: false,
            cleanup: false,
            undo: false,
            ..self
        }
    }
}

/// An object as it is applied, and where.
pub(super) type Target = (Address, Arc<Value>);

/// `Service "web" in namespace "shop"`, as Helm names an object.
fn named(address: &Address) -> String {
    let Address {
        kind,
        name,
        namespace,
        ..
    } = address;
    format!("{kind} \"{name}\" in namespace \"{namespace}\"")
}

/// `shop/web /v1, Kind=Service`, as Helm names an object that could not be applied.
fn fully_named(address: &Address) -> String {
    let (group, version) = address
        .api_version
        .split_once('/')
        .unwrap_or(("", &address.api_version));
    format!(
        "{}/{} {group}/{version}, Kind={}",
        address.namespace, address.name, address.kind
    )
}

impl Session {
    /// The objects of a revision, marked as its own. All that have no place in the cluster are named.
    pub(super) async fn targets(&self, record: &Record) -> Result<Vec<Target>, String> {
        let objects = manifest::objects(&record.manifest)?;
        let mut all = Vec::new();
        let mut wrong = Vec::new();
        for object in &objects {
            match self.cluster.locate(object, &record.namespace).await {
                Ok(address) => {
                    let mut body = object.value().clone();
                    owner::mark(&mut body, &record.name, &record.namespace);
                    all.push((address, Arc::new(body)));
                }
                Err(error) => wrong.push(error.to_string()),
            }
        }
        if wrong.is_empty() {
            Ok(all)
        } else {
            let wrong = wrong.join("\n");
            Err(format!(
                "unable to build kubernetes objects from release manifest: {wrong}"
            ))
        }
    }

    /// Where the objects of a revision are that was there before. Kinds that the cluster does not serve any more have none.
    pub(super) async fn addresses(&self, record: &Record) -> Result<Vec<Address>, String> {
        let mut all = Vec::new();
        for object in manifest::objects(&record.manifest)? {
            all.extend(self.address(&object, &record.namespace).await);
        }
        Ok(all)
    }

    pub(super) async fn address(&self, object: &Object, namespace: &str) -> Option<Address> {
        let found = self.cluster.locate(object, namespace).await;
        found.map_err(|error| warn(&error.to_string())).ok()
    }

    /// Whether what is there already may become the release's. `known` was so before.
    pub(super) async fn check_owners(
        &self,
        targets: &[Target],
        known: &[Address],
        record: &Record,
        ways: Ways,
    ) -> Result<(), String> {
        let new: Vec<Address> = targets
            .iter()
            .map(|it| it.0.clone())
            .filter(|it| !known.contains(it))
            .collect();
        let there = self.cluster.read_all(&new).await.map_err(|it| it.to_string())?;
        if ways.take_ownership {
            return Ok(());
        }
        let objections = new.iter().zip(&there).filter_map(|(address, there)| {
            let why = owner::objection(there.as_ref()?, &record.name, &record.namespace)?;
            let named = named(address);
            Some(format!(
                "{named} exists and cannot be imported into the current release: {why}"
            ))
        });
        let objections: Vec<String> = objections.collect();
        if objections.is_empty() {
            return Ok(());
        }
        let objections = objections.join("\n");
        Err(format!(
            "{objections}\nhint: --take-ownership makes it the release's; else give it another name, or delete it"
        ))
    }

    /// Has the server judge all objects before anything is written, and names every one that does not fit its kind.
    pub(super) async fn validate(&self, targets: &[Target], ways: Ways) -> Result<(), String> {
        if !ways.validate || ways.force_replace {
            return Ok(());
        }
        let how = Applying {
            force: true,
            strict: true,
            dry: true,
        };
        let tried = self.cluster.apply_all(MANAGER, targets, how).await;
        let wrong = targets.iter().zip(tried).filter_map(|((address, _), tried)| {
            let refusal = tried.err()?;
            // Anything else may be different once it is its turn: its namespace may be there by then.
            matches!(refusal.code, Some(400 | 422)).then(|| failed(address, &refusal))
        });
        let wrong: Vec<String> = wrong.collect();
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("\n"))
        }
    }

    /// Brings the objects in, and removes what is in `before` and not among them. What was made new is in `made`, also
    /// when it fails.
    pub(super) async fn bring(
        &self,
        targets: &[Target],
        before: &[Address],
        ways: Ways,
        made: &mut Vec<Address>,
    ) -> Result<(), String> {
        for batch in targets.chunk_by(|a, b| a.0.kind == b.0.kind) {
            self.bring_batch(batch, ways, made).await?;
        }
        let now: BTreeSet<&Address> = targets.iter().map(|it| &it.0).collect();
        let gone: Vec<Address> = before.iter().filter(|it| !has(&now, it)).cloned().collect();
        self.prune(&gone).await
    }

    async fn bring_batch(&self, batch: &[Target], ways: Ways, made: &mut Vec<Address>) -> Result<(), String> {
        let addresses: Vec<Address> = batch.iter().map(|it| it.0.clone()).collect();
        let there = self.cluster.read_all(&addresses).await;
        let there = there.map_err(|it| format!("could not get information about the resource: {it}"))?;
        let mut errors = Vec::new();
        for (address, there) in addresses.iter().zip(&there) {
            match there {
                None => made.push(address.clone()),
                Some(there) => {
                    let claimed = self.cluster.claim(MANAGER, address, there).await;
                    errors.extend(claimed.err().map(|it| failed(address, &it)));
                }
            }
        }
        let how = Applying {
            force: ways.force_conflicts || ways.take_ownership,
            strict: ways.validate,
            dry: false,
        };
        let (replaced, applied): (Vec<_>, Vec<_>) = batch
            .iter()
            .zip(there)
            .partition(|it| ways.force_replace && it.1.is_some());
        for ((address, body), there) in replaced {
            let mut body = Value::clone(body);
            if let Some(there) = there {
                body["metadata"]["resourceVersion"] = there["metadata"]["resourceVersion"].clone();
            }
            let replaced = self.cluster.replace(MANAGER, address, &body).await;
            errors.extend(replaced.err().map(|it| failed(address, &it)));
        }
        let applied: Vec<Target> = applied.into_iter().map(|it| it.0.clone()).collect();
        let answers = self.cluster.apply_all(MANAGER, &applied, how).await;
        let refused = applied
            .iter()
            .zip(answers)
            .filter_map(|(target, it)| Some(failed(&target.0, &it.err()?)));
        errors.extend(refused);
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors.join(" && "))
        }
    }

    /// Removes what a release no longer has, unless it is to be kept.
    async fn prune(&self, gone: &[Address]) -> Result<(), String> {
        let there = self.cluster.read_all(gone).await.map_err(|it| it.to_string())?;
        let mut errors = Vec::new();
        for (address, there) in gone.iter().zip(there) {
            if there.is_none_or(|it| owner::is_kept(&it)) {
                continue;
            }
            if let Err(refusal) = self.cluster.delete_object(address, Cascade::Background).await {
                let Address {
                    namespace,
                    name,
                    kind,
                    ..
                } = address;
                errors.push(format!(
                    "failed to delete resource namespace={namespace}, name={name}, kind={kind}: {refusal}"
                ));
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors.join(" && "))
        }
    }

    /// Removes what a revision that failed had made, where that is asked for.
    pub(super) async fn clean_up(&self, made: &[Address], ways: Ways) {
        if !ways.cleanup {
            return;
        }
        for address in made {
            if let Err(refusal) = self.cluster.delete_object(address, Cascade::Background).await {
                warn(&format!("{} cannot be removed: {refusal}", named(address)));
            }
        }
    }
}

/// Whether an object is among those, be it in another version of its kind.
fn has(all: &BTreeSet<&Address>, one: &Address) -> bool {
    fn group(it: &Address) -> &str {
        it.api_version.split_once('/').map_or("", |it| it.0)
    }
    let same = |other: &&Address| {
        (&other.kind, &other.namespace, &other.name) == (&one.kind, &one.namespace, &one.name)
            && group(other) == group(one)
    };
    all.contains(one) || all.iter().any(same)
}

fn failed(address: &Address, refusal: &Refusal) -> String {
    let named = fully_named(address);
    if refusal.code == Some(409) {
        let reason = &refusal.reason;
        return format!(
            "conflict occurred while applying object {named}: {reason}\nhint: --force-conflicts takes the fields from whoever set them"
        );
    }
    format!("server-side apply failed for object {named}: {refusal}")
}
