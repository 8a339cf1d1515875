//! Makes the cluster have objects: wave by wave, only what differs, by server-side apply that forces nobody.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use windlass_core::object::Object;

use crate::answer::Answer;
use crate::claimant::{OURS, SCALE};
use crate::cluster::{APPLY, Call};
use crate::decide::{Decision, Override, Settled, decide, named, yield_to};
use crate::error::KubeError;
use crate::intent::{Intent, Scaled, in_waves};
use crate::known::Known;
use crate::place::{Applied, Place};

/// Conflicts in a row before an object is given up: each yields to at least one more manager.
const CONFLICTS_MAX: usize = 4;
/// How long a definition may take until its kind is served.
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(30);
/// How long an object may take to go before it is made anew.
const GONE_WITHIN: Duration = Duration::from_secs(90);
/// From look to look where no watch tells.
const LOOK: Duration = Duration::from_millis(100);

/// Whether a request is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It changes the object.
    Change,
    /// The server only says what would come of it.
    Dry,
}

impl Place {
    /// Makes the objects be as given. Nothing is sent for those that are; what others decided about is left to them and
    /// named. Unknown kinds are all named before the first write.
    pub async fn apply(&self, objects: &[Object]) -> Result<Applied, KubeError> {
        let scaled = Scaled::of(objects);
        let (definitions, rest): (Vec<&Object>, Vec<&Object>) =
            objects.iter().partition(|object| is_definition(object));
        let kinds: BTreeSet<(&str, &str)> = definitions.iter().filter_map(|object| defined(object)).collect();
        let (custom, rest): (Vec<&Object>, Vec<&Object>) = rest
            .into_iter()
            .partition(|object| kinds.contains(&(object.group(), object.kind())));
        let mut intents = self.intents(&rest, &scaled).await?;
        let definitions = self.intents(&definitions, &scaled).await?;
        let mut applied = Applied::default();
        for wave in in_waves(definitions) {
            let made = wave.clone();
            self.wave(wave, &mut applied).await?;
            for definition in &made {
                self.established(definition).await?;
            }
        }
        intents.extend(self.intents(&custom, &scaled).await?);
        for wave in in_waves(intents) {
            self.wave(wave, &mut applied).await?;
        }
        applied.overrides.sort();
        Ok(applied)
    }

    /// Has the server judge what would be sent, all of it, without any change. Every object that it refuses is named.
    pub async fn check(&self, objects: &[Object]) -> Result<(), KubeError> {
        let kinds: BTreeSet<(&str, &str)> = objects
            .iter()
            .filter(|object| is_definition(object))
            .filter_map(defined)
            .collect();
        let served: Vec<&Object> = objects
            .iter()
            .filter(|object| !kinds.contains(&(object.group(), object.kind())))
            .collect();
        let intents = self.intents(&served, &Scaled::of(objects)).await?;
        let namespace = &self.shared.namespace;
        let tried = join_all(intents.iter().map(|intent| async move {
            match self.decided(intent).0 {
                Decision::Leave => Ok(()),
                Decision::NotOurs { owner } => Err(not_ours(intent, owner)),
                Decision::Send { body, .. } => match self.patch(intent, &body, OURS, true, Mode::Dry).await {
                    Ok(_) => Ok(()),
                    // Nothing can be judged in a namespace that the first apply will make.
                    Err(answer) if answer.misses_namespace(namespace) => Ok(()),
                    Err(answer) => Err(KubeError::refused(&intent.reference, "applied", &answer)),
                },
            }
        }));
        KubeError::all(tried.await.into_iter().filter_map(Result::err).collect())
    }

    /// Objects as they are sent, their kinds watched. All that cannot be are named.
    pub(crate) async fn intents(
        &self,
        objects: &[&Object],
        scaled: &Scaled,
    ) -> Result<Vec<Intent>, KubeError> {
        let mut intents = Vec::new();
        let mut wrong = Vec::new();
        for object in objects {
            let made = self.shared.cluster.resource(object).await.and_then(|resource| {
                Intent::of(
                    object,
                    &resource,
                    &self.shared.namespace,
                    &self.shared.owner,
                    scaled,
                )
            });
            match made {
                Ok(intent) => intents.push(intent),
                Err(error) => wrong.push(error),
            }
        }
        KubeError::all(wrong)?;
        let objects: Vec<Object> = objects.iter().map(|object| (*object).clone()).collect();
        self.watch_kinds(&objects).await?;
        Ok(intents)
    }

    pub(crate) fn decided(&self, intent: &Intent) -> (Decision, Vec<Override>) {
        let known = self.shared.store.known(&intent.reference);
        let settled = self.shared.settled.lock().unwrap_or_else(PoisonError::into_inner);
        decide(
            intent,
            known.as_ref(),
            settled.get(&intent.reference),
            &self.shared.owner.mark(),
        )
    }

    /// Makes the objects be as given, whoever decided otherwise: for a switch, which a rollout asks for by name.
    pub async fn take(&self, objects: &[Object]) -> Result<u64, KubeError> {
        let all: Vec<&Object> = objects.iter().collect();
        let mut writes = 0;
        for intent in self.intents(&all, &Scaled::of(objects)).await? {
            match self.decided(&intent) {
                (Decision::Leave, overrides) if overrides.is_empty() => continue,
                (Decision::NotOurs { owner }, _) => return Err(not_ours(&intent, owner)),
                (Decision::Leave | Decision::Send { .. }, _) => {}
            }
            let sent = self.send(&intent, intent.body.clone(), true, Vec::new()).await?;
            writes += sent.0;
        }
        Ok(writes)
    }

    async fn wave(&self, wave: Vec<Intent>, applied: &mut Applied) -> Result<(), KubeError> {
        let mut wrong = Vec::new();
        for done in join_all(wave.iter().map(|intent| self.apply_one(intent))).await {
            match done {
                Ok((writes, overrides)) => {
                    applied.writes += writes;
                    applied.overrides.extend(overrides);
                }
                Err(error) => wrong.push(error),
            }
        }
        KubeError::all(wrong)
    }

    pub(crate) async fn apply_one(&self, intent: &Intent) -> Result<(u64, Vec<Override>), KubeError> {
        self.gone_if_going(intent).await?;
        match self.decided(intent) {
            (Decision::Leave, overrides) => Ok((0, overrides)),
            (Decision::NotOurs { owner }, _) => Err(not_ours(intent, owner)),
            (Decision::Send { body, take_over }, overrides) => {
                self.send(intent, body, take_over, overrides).await
            }
        }
    }

    /// Sends an object; yields to those who decided about a field, takes over what was never ours.
    async fn send(
        &self,
        intent: &Intent,
        mut body: Value,
        mut take_over: bool,
        mut overrides: Vec<Override>,
    ) -> Result<(u64, Vec<Override>), KubeError> {
        let new = self.shared.store.known(&intent.reference).is_none();
        let refused = |answer: &Answer| KubeError::refused(&intent.reference, "applied", answer);
        let mut names: Vec<String> = overrides.iter().map(|one| one.by.clone()).collect();
        let mut conflicts = 0;
        loop {
            let answer = match self.patch(intent, &body, OURS, take_over, Mode::Change).await {
                Ok(value) => {
                    self.learn(intent, value);
                    if let Some(replicas) = intent.replicas.filter(|_| new) {
                        self.scale(intent, replicas)
                            .await
                            .map_err(|answer| refused(&answer))?;
                    }
                    return Ok((1, overrides));
                }
                Err(answer) => answer,
            };
            if answer.misses_namespace(&self.shared.namespace) && conflicts == 0 {
                self.make_namespace().await?;
            } else if !answer.is_conflict() || conflicts >= CONFLICTS_MAX {
                return Err(refused(&answer));
            } else {
                let known = self.read(intent).await?;
                if known.ours.is_none() {
                    take_over = true;
                } else {
                    let found = answer.causes.iter().filter_map(|cause| named(&cause.message));
                    names.extend(found.map(str::to_owned));
                    (body, overrides) = yield_to(intent, &known, &names);
                }
            }
            conflicts += 1;
        }
    }

    pub(crate) async fn patch(
        &self,
        intent: &Intent,
        body: &Value,
        manager: &str,
        force: bool,
        mode: Mode,
    ) -> Result<Value, Answer> {
        let dry = if mode == Mode::Dry { "&dryRun=All" } else { "" };
        let path = format!(
            "{}?fieldManager={manager}&fieldValidation=Strict&force={force}{dry}",
            intent.path()
        );
        self.shared
            .cluster
            .call(&Call::send(Method::PATCH, path, APPLY, body))
            .await
    }

    fn learn(&self, intent: &Intent, value: Value) {
        if let Some(known) = self.shared.store.learn(value) {
            let settled = Settled {
                digest: intent.digest.clone(),
                ours: known.ours,
            };
            let mut all = self.shared.settled.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(intent.reference.clone(), settled);
        }
    }

    /// A new workload under an autoscaler begins with as many replicas as its counterpart has now, so that it can take over
    /// from it. They are set under another name, so that leaving them out later does not take them away.
    async fn scale(&self, intent: &Intent, replicas: u64) -> Result<(), Answer> {
        let counterpart = {
            let facts = self.shared.store.facts();
            let own = facts.objects.get(&intent.reference);
            let own = own.map(|own| (own.plain.clone(), own.color));
            let other = facts.objects.iter().find(|(reference, known)| {
                let same = own
                    .as_ref()
                    .is_some_and(|(plain, color)| *plain == known.plain && *color != known.color);
                same && reference.kind == intent.reference.kind && reference.group == intent.reference.group
            });
            other
                .and_then(|(_, known)| known.pods)
                .map_or(0, |(_, desired)| u64::from(desired))
        };
        let body = json!({
            "apiVersion": intent.resource.api_version(), "kind": intent.resource.kind,
            "metadata": { "name": intent.reference.name },
            "spec": { "replicas": replicas.max(counterpart) },
        });
        let value = self.patch(intent, &body, SCALE, true, Mode::Change).await?;
        self.learn(intent, value);
        Ok(())
    }

    /// The object as it is now, with what a watch has not told yet or never will.
    async fn read(&self, intent: &Intent) -> Result<Known, KubeError> {
        let refused = |answer: &Answer| KubeError::refused(&intent.reference, "read", answer);
        let value = self
            .shared
            .cluster
            .call(&Call::get(intent.path()))
            .await
            .map_err(|answer| refused(&answer))?;
        let known = self.shared.store.learn(value);
        let known = known.ok_or_else(|| refused(&Answer::default()))?;
        match known
            .owner
            .clone()
            .filter(|_| !self.is_ours(known.owner.as_deref()))
        {
            Some(owner) => Err(not_ours(intent, owner)),
            None => Ok(known),
        }
    }

    async fn make_namespace(&self) -> Result<(), KubeError> {
        let name = &self.shared.namespace;
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        let path = format!("/api/v1/namespaces/{name}?fieldManager={OURS}");
        let made = self
            .shared
            .cluster
            .call(&Call::send(Method::PATCH, path, APPLY, &body))
            .await;
        made.map(|_| ())
            .map_err(|answer| KubeError::refused(&format!("Namespace {name}"), "applied", &answer))
    }

    /// Waits for an object that was told to go: what is applied to it would go with it.
    async fn gone_if_going(&self, intent: &Intent) -> Result<(), KubeError> {
        let going = || {
            self.shared
                .store
                .known(&intent.reference)
                .is_some_and(|known| known.deleting)
        };
        let mut changes = self.changes();
        let wait = async {
            while going() {
                self.changed(&mut changes).await;
            }
        };
        let waited = tokio::time::timeout(GONE_WITHIN, wait).await;
        waited.map_err(|_| KubeError::Refused {
            object: intent.reference.to_string(),
            verb: "applied",
            reason: format!(
                "it was told to go and is still there after {} s",
                GONE_WITHIN.as_secs()
            ),
            hint: "a finalizer holds it; `kubectl get -o yaml` shows which",
            passes: false,
        })
    }

    /// Waits until the kind of a definition is served.
    async fn established(&self, definition: &Intent) -> Result<(), KubeError> {
        let refused = |answer: Answer| KubeError::refused(&definition.reference, "read", &answer);
        let began = tokio::time::Instant::now();
        loop {
            let value = self
                .shared
                .cluster
                .call(&Call::get(definition.path()))
                .await
                .map_err(refused)?;
            let conditions = value.pointer("/status/conditions").and_then(Value::as_array);
            let is = |one: &Value| one["type"] == "Established" && one["status"] == "True";
            if conditions.is_some_and(|all| all.iter().any(is)) {
                let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                let (group, kind) = (text("/spec/group"), text("/spec/names/kind"));
                if self.shared.cluster.catalog().preferred(group, kind).is_some() {
                    return Ok(());
                }
                self.shared.cluster.refresh().await.map_err(refused)?;
            }
            if began.elapsed() > ESTABLISHED_WITHIN {
                return Err(KubeError::Refused {
                    object: definition.reference.to_string(),
                    verb: "applied",
                    reason: format!("its kind is not served after {} s", ESTABLISHED_WITHIN.as_secs()),
                    hint: "its status names the cause: another definition may have taken the name",
                    passes: false,
                });
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn not_ours(intent: &Intent, owner: String) -> KubeError {
    KubeError::NotOurs {
        object: intent.reference.to_string(),
        owner,
    }
}

fn is_definition(object: &Object) -> bool {
    object.is("apiextensions.k8s.io", "CustomResourceDefinition")
}

/// Group and kind that a CustomResourceDefinition defines.
fn defined(object: &Object) -> Option<(&str, &str)> {
    let text = |pointer: &str| object.value().pointer(pointer)?.as_str();
    Some((text("/spec/group")?, text("/spec/names/kind")?))
}
