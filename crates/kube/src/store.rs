//! What is known of an environment's namespace, kept up to date by watches.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;
use windlass_core::health::Health;
use windlass_core::object::Object;
use windlass_core::reference::Reference;

use crate::endpoints::Slice;
use crate::known::{Known, Texts};
use crate::pod::Pod;

/// What a watch is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// Objects that we made.
    Managed,
    /// All pods of the namespace.
    Pods,
    /// All EndpointSlices of the namespace.
    Slices,
}

/// All that is known.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) objects: BTreeMap<Reference, Known>,
    pub(crate) pods: BTreeMap<String, Pod>,
    pub(crate) slices: BTreeMap<String, Slice>,
    texts: Texts,
}

/// What the script of its kind says of an object: `None` where no script is for it.
pub type Judge = Arc<dyn Fn(&Object) -> Option<Verdict> + Send + Sync>;

/// What a script says: no health is an answer too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict(pub Option<Health>);

/// Facts, and a tick with each change of them.
#[derive(Clone)]
pub(crate) struct Store {
    facts: Arc<Mutex<Facts>>,
    judge: Arc<Mutex<Option<Judge>>>,
    changes: watch::Sender<u64>,
    /// Ticks when watches are to begin anew.
    stirred: watch::Sender<u64>,
    /// Watches that broke off and have not come back: what they told is as it was then.
    broken: Arc<AtomicUsize>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            facts: Arc::default(),
            judge: Arc::default(),
            changes: watch::Sender::new(0),
            stirred: watch::Sender::new(0),
            broken: Arc::default(),
        }
    }
}

impl Store {
    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Judges what comes from now on.
    pub(crate) fn judge_by(&self, judge: Option<Judge>) {
        *self.judge.lock().unwrap_or_else(PoisonError::into_inner) = judge;
    }

    /// Takes an object as the cluster has it now.
    pub(crate) fn put(&self, purpose: Purpose, value: Value) {
        let told = self.told(purpose, value);
        if told.is_some_and(|told| self.facts().put(told)) {
            self.tick();
        }
    }

    /// What a watch tells, read and judged; no lock of the facts is held meanwhile.
    fn told(&self, purpose: Purpose, value: Value) -> Option<Told> {
        Some(match purpose {
            Purpose::Managed => {
                let object = Object::new(value).ok()?;
                let judged = self.judged(&object);
                Told::Object(Box::new(object), judged)
            }
            Purpose::Pods => Told::Pod(Pod::of(&value)),
            Purpose::Slices => Told::Slice(name(&value), Slice::of(&value)),
        })
    }

    fn judged(&self, object: &Object) -> Option<Verdict> {
        let judge = self.judge.lock().unwrap_or_else(PoisonError::into_inner).clone();
        judge?(object)
    }

    /// The object is gone.
    pub(crate) fn remove(&self, purpose: Purpose, value: Value) {
        self.facts().remove(purpose, value);
        self.tick();
    }

    /// A complete list of a kind, as it was at `version`: what is not in it is gone, unless it was written since.
    pub(crate) fn replace(
        &self,
        purpose: Purpose,
        (group, kind): (&str, &str),
        values: Vec<Value>,
        version: &str,
    ) {
        let listed = version.parse::<u64>().ok();
        let is_newer = |known: &Known| {
            number(known)
                .zip(listed)
                .is_some_and(|(held, listed)| held > listed)
        };
        let told: Vec<Told> = values
            .into_iter()
            .filter_map(|it| self.told(purpose, it))
            .collect();
        let mut facts = self.facts();
        match purpose {
            Purpose::Managed => facts
                .objects
                .retain(|one, known| one.group != group || one.kind != kind || is_newer(known)),
            Purpose::Pods => facts.pods.clear(),
            Purpose::Slices => facts.slices.clear(),
        }
        for one in told {
            facts.put(one);
        }
        facts.texts.tidy();
        drop(facts);
        self.tick();
    }

    /// An answer to a write is newer than what watches told; it is taken at once.
    pub(crate) fn learn(&self, value: Value) -> Option<Known> {
        let object = Object::new(value).ok()?;
        let judged = self.judged(&object);
        let mut facts = self.facts();
        let known = Known::of(&object, judged, &mut facts.texts);
        facts.objects.insert(object.reference(), known.clone());
        drop(facts);
        self.tick();
        Some(known)
    }

    pub(crate) fn known(&self, reference: &Reference) -> Option<Known> {
        self.facts().objects.get(reference).cloned()
    }

    /// Forgets an object that the cluster says is gone.
    pub(crate) fn forget(&self, reference: &Reference) {
        self.facts().objects.remove(reference);
        self.tick();
    }

    /// Whether a watch does not tell what happens.
    pub(crate) fn is_deaf(&self) -> bool {
        self.broken.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn watch_broke(&self) {
        self.broken.fetch_add(1, Ordering::Relaxed);
        self.tick();
    }

    pub(crate) fn watch_came_back(&self) {
        self.broken.fetch_sub(1, Ordering::Relaxed);
        self.tick();
    }

    /// Has watches begin anew from where they are.
    pub(crate) fn stir(&self) {
        self.stirred.send_modify(|count| *count += 1);
    }

    /// Ticks when they are to.
    pub(crate) fn stirred(&self) -> watch::Receiver<u64> {
        self.stirred.subscribe()
    }

    fn tick(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

/// What a watch tells.
enum Told {
    /// With what a script said of it.
    Object(Box<Object>, Option<Verdict>),
    Pod(Pod),
    /// With its name.
    Slice(String, Slice),
}

impl Facts {
    /// Says whether anything is new.
    fn put(&mut self, told: Told) -> bool {
        match told {
            Told::Object(object, judged) => {
                let known = Known::of(&object, judged, &mut self.texts);
                let reference = object.reference();
                if self
                    .objects
                    .get(&reference)
                    .is_some_and(|held| is_newer(held, &known))
                {
                    return false;
                }
                self.objects.insert(reference, known.clone()) != Some(known)
            }
            Told::Pod(pod) => self.pods.insert(pod.name.clone(), pod.clone()) != Some(pod),
            Told::Slice(name, slice) => self.slices.insert(name, slice.clone()) != Some(slice),
        }
    }

    fn remove(&mut self, purpose: Purpose, value: Value) {
        match purpose {
            Purpose::Managed => {
                let Ok(object) = Object::new(value) else { return };
                let reference = object.reference();
                let gone = object.value().pointer("/metadata/uid").and_then(Value::as_str);
                // Made anew already, as the answer to our own write said.
                if self
                    .objects
                    .get(&reference)
                    .is_some_and(|held| Some(held.uid.as_str()) == gone)
                {
                    self.objects.remove(&reference);
                }
            }
            Purpose::Pods => {
                self.pods.remove(&name(&value));
            }
            Purpose::Slices => {
                self.slices.remove(&name(&value));
            }
        }
    }
}

/// Whether a watch tells of an older state than the one that a write was answered with.
fn is_newer(held: &Known, told: &Known) -> bool {
    held.uid == told.uid
        && number(held)
            .zip(number(told))
            .is_some_and(|(held, told)| held > told)
}

/// Versions of one cluster are numbers that grow with every write.
fn number(known: &Known) -> Option<u64> {
    known.resource_version.parse().ok()
}

fn name(value: &Value) -> String {
    value
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(uid: &str, version: u64) -> Value {
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "a", "uid": uid, "resourceVersion": version.to_string() } })
    }

    fn held(store: &Store) -> Option<String> {
        let reference = Reference::new("", "Service", None, "a");
        store.known(&reference).map(|known| known.resource_version)
    }

    #[test]
    fn a_late_watch_does_not_undo_what_a_write_said() {
        let store = Store::default();
        store.learn(service("u", 7));
        store.put(Purpose::Managed, service("u", 6));
        assert_eq!(held(&store).as_deref(), Some("7"));
        store.put(Purpose::Managed, service("u", 8));
        assert_eq!(held(&store).as_deref(), Some("8"));
        store.remove(Purpose::Managed, service("older", 5));
        assert_eq!(held(&store).as_deref(), Some("8"));
        store.remove(Purpose::Managed, service("u", 9));
        assert_eq!(held(&store), None);
    }

    #[test]
    fn a_script_judges_what_comes_after_it() {
        let store = Store::default();
        let health = |store: &Store| {
            let reference = Reference::new("", "Service", None, "a");
            let known = store.known(&reference).unwrap();
            (known.judged, known.health.map(|it| it.message))
        };
        store.put(Purpose::Managed, service("u", 1));
        assert_eq!(health(&store), (false, Some(String::new())));
        let say = |object: &Object| {
            let found = Health::new(windlass_core::health::Status::Degraded, object.name());
            (object.kind() == "Service").then_some(Verdict(Some(found)))
        };
        store.judge_by(Some(Arc::new(say)));
        store.put(Purpose::Managed, service("u", 2));
        assert_eq!(health(&store), (true, Some("a".to_owned())));
        store.learn(service("u", 3));
        assert_eq!(health(&store), (true, Some("a".to_owned())));
        store.judge_by(None);
        store.replace(Purpose::Managed, ("", "Service"), vec![service("u", 4)], "4");
        assert_eq!(health(&store), (false, Some(String::new())));
    }

    #[test]
    fn a_list_replaces_its_kind_and_only_that() {
        let store = Store::default();
        store.put(Purpose::Managed, service("u", 1));
        let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a", "uid": "c" } });
        store.replace(Purpose::Managed, ("", "ConfigMap"), vec![map], "5");
        assert_eq!(store.facts().objects.len(), 2);
        store.replace(Purpose::Managed, ("", "Service"), Vec::new(), "5");
        assert_eq!(store.facts().objects.len(), 1);
    }

    #[test]
    fn a_list_does_not_undo_what_was_written_while_it_was_under_way() {
        let store = Store::default();
        store.learn(service("u", 7));
        store.replace(Purpose::Managed, ("", "Service"), Vec::new(), "6");
        assert_eq!(held(&store).as_deref(), Some("7"), "it was made after the list");
        store.replace(Purpose::Managed, ("", "Service"), vec![service("u", 5)], "6");
        assert_eq!(
            held(&store).as_deref(),
            Some("7"),
            "it was changed after the list"
        );
        store.replace(Purpose::Managed, ("", "Service"), Vec::new(), "8");
        assert_eq!(held(&store), None, "it is gone");
    }

    #[test]
    fn a_change_ticks_and_a_repetition_does_not() {
        let store = Store::default();
        let changes = store.changes();
        store.put(Purpose::Managed, service("u", 1));
        let seen = *changes.borrow();
        store.put(Purpose::Managed, service("u", 1));
        assert_eq!(*changes.borrow(), seen);
    }
}
