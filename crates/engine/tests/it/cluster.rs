//! An environment on a cluster, which a small stand-in plays: what is applied runs at once, and a person may interfere.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use windlass_core::health::Scripts;
use windlass_core::machine::event::Color;
use windlass_core::object::Object;
use windlass_engine::cluster::{Cluster, Clusters, Later, Seen, SeenTrack, Trouble, Way};
use windlass_engine::local::{JobOutcome, LogLine, WorkloadState};

use super::place::{Place, Running, until};

const RUNTIME: &str = "{ kubernetes: { context: test, namespace: shop } }";
const UNWATCHED: &str = "    strategy: blue-green\n    watch: 0s\n";
const WATCHED: &str = "    strategy: blue-green\n    watch: 60s\n";

#[test]
fn releases_are_switched_on_a_cluster_and_bad_ones_never_meet_customers() {
    let (place, cluster) = on_cluster(UNWATCHED);
    let first = place.commit("one", "");
    let controller = place.controller_on(cluster.wired());
    assert_eq!(controller.ended(&first).outcome, "promoted");
    assert_eq!(cluster.edge(), Some(Color::Blue));
    assert_eq!(cluster.jobs(), ["web-migrate"]);

    let second = place.commit("two", "");
    assert_eq!(controller.ended(&second).outcome, "promoted");
    assert_eq!(cluster.edge(), Some(Color::Green));
    assert!(!cluster.has("Deployment/web-blue"), "the old track is cleaned up");
    assert!(cluster.has("Deployment/web-green") && cluster.has("ServiceAccount/web"));

    let bad = place.commit("three", "never-ready");
    let ended = controller.ended(&bad);
    assert_eq!(ended.outcome, "refused", "{ended:?}");
    assert!(ended.reason.contains("CrashLoopBackOff"), "{ended:?}");
    assert_eq!(cluster.edge(), Some(Color::Green));
    until("the bad track to go", || {
        (!cluster.has("Deployment/web-blue")).then_some(())
    });
}

#[test]
fn a_persons_switch_of_the_selector_is_a_rollback_by_that_person_and_stays() {
    let (place, cluster) = on_cluster(WATCHED);
    let (controller, second) = two_releases(&place, &cluster);
    cluster.patch(Color::Blue, "kubectl-patch");
    let ended = controller.ended(&second);
    assert_eq!(
        (ended.outcome.as_str(), ended.decided_by.as_str()),
        ("rolled-back", "kubectl-patch"),
        "{ended:?}"
    );
    assert_eq!(cluster.edge(), Some(Color::Blue));
    assert_eq!(
        cluster.ended(),
        ["web-green"],
        "no customer stays on the bad side with an open connection"
    );
    let held: Vec<String> = controller
        .staging()
        .holds
        .into_iter()
        .map(|hold| hold.release)
        .collect();
    assert_eq!(held, [second]);
    until("the bad track to go", || {
        (!cluster.has("Deployment/web-green")).then_some(())
    });
}

#[test]
fn a_rollback_leads_customers_back_and_ends_connections_to_the_bad_side() {
    let (place, cluster) = on_cluster(WATCHED);
    let (controller, second) = two_releases(&place, &cluster);
    ask_back(&controller);
    let ended = controller.ended(&second);
    assert_eq!(
        (ended.outcome.as_str(), ended.decided_by.as_str()),
        ("rolled-back", "ada"),
        "{ended:?}"
    );
    assert_eq!(cluster.edge(), Some(Color::Blue));
    assert_eq!(cluster.ended(), ["web-green"]);
}

#[test]
fn what_somebody_deletes_comes_back_and_what_somebody_decided_is_shown() {
    let (place, cluster) = on_cluster(UNWATCHED);
    let first = place.commit("one", "");
    let controller = place.controller_on(cluster.wired());
    controller.ended(&first);
    cluster.delete("Deployment/web-blue");
    until("the deployment to come back", || {
        cluster.has("Deployment/web-blue").then_some(())
    });
    cluster.lose_selector();
    until("the selector to come back", || {
        (cluster.edge() == Some(Color::Blue)).then_some(())
    });
    cluster.patch(Color::Green, "kubectl-edit");
    until("a warning", || {
        let warnings = controller.view().warnings.join("\n");
        warnings
            .contains("kubectl-edit led customers to the green track")
            .then_some(())
    });
    assert_eq!(cluster.edge(), Some(Color::Green));
}

#[test]
fn a_cluster_that_does_not_answer_is_waited_for_and_a_rollout_that_waits_can_be_given_up() {
    let (place, cluster) = on_cluster(UNWATCHED);
    let first = place.commit("one", "");
    cluster.silence("check");
    let controller = place.controller_on(cluster.wired());
    let waits = |words: &str| {
        until(words, || {
            let warnings = controller.view().warnings.join("\n");
            warnings.contains(words).then_some(())
        });
    };
    waits("plan for staging waits: nobody answers");
    cluster.silence("apply");
    waits("migrate staging waits: nobody answers");
    cluster.silence("");
    assert_eq!(controller.ended(&first).outcome, "promoted");
    assert_eq!(controller.view().warnings, Vec::<String>::new());

    cluster.silence("apply");
    let second = place.commit("two", "");
    waits("migrate staging waits: nobody answers");
    ask(&controller, windlass_core::machine::event::Wish::Abort);
    assert_eq!(controller.ended(&second).outcome, "aborted");
    assert_eq!(cluster.edge(), Some(Color::Blue));
}

#[test]
fn health_scripts_come_with_the_release() {
    let (place, cluster) = on_cluster(&format!("{UNWATCHED}    health-scripts: [health]\n"));
    let script = |text: &str| place.write("health/shop.dev/Thing/health.lua", text);
    script("return nil -- one");
    let first = place.commit("one", "");
    let controller = place.controller_on(cluster.wired());
    assert_eq!(controller.ended(&first).outcome, "promoted");
    assert_eq!(cluster.script().as_deref(), Some("return nil -- one"));
    script("return nil -- two");
    let second = place.commit("two", "");
    assert_eq!(controller.ended(&second).outcome, "promoted");
    assert_eq!(cluster.script().as_deref(), Some("return nil -- two"));
    script("no script");
    let bad = place.commit("three", "");
    let ended = controller.ended(&bad);
    assert_eq!(ended.outcome, "refused", "{ended:?}");
    assert!(ended.reason.contains("Thing/health.lua"), "{ended:?}");
    assert_eq!(cluster.script().as_deref(), Some("return nil -- two"));
}

#[test]
fn what_is_sent_is_tried_again_as_the_application_says() {
    let (place, cluster) = on_cluster(UNWATCHED);
    let address = "https://git.example.com/company/shop.git";
    super::place::git(&place.root(), &["remote", "add", "origin", address]);
    let text = place.read("windlass.yaml");
    let source = text.lines().find(|line| line.trim().starts_with("source:"));
    let named = text.replace(source.unwrap(), "    application: argocd/app.yaml");
    place.write("windlass.yaml", &named);
    let application = format!(
        "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{ name: shop }}
spec:
  source: {{ repoURL: \"{address}\", targetRevision: develop, path: chart }}
  destination: {{ server: https://kubernetes.default.svc, namespace: shop }}
  syncPolicy: {{ automated: {{}}, retry: {{ limit: 2, backoff: {{ duration: 100ms, factor: 1 }} }} }}
"
    );
    place.write("argocd/app.yaml", &application);
    cluster.refuse(2);
    let first = place.commit("one", "");
    let controller = place.controller_on(cluster.wired());
    let ended = controller.ended(&first);
    assert_eq!(ended.outcome, "promoted", "{ended:?}");

    cluster.refuse(u32::MAX);
    let second = place.commit("two", "");
    let ended = controller.ended(&second);
    assert_eq!(ended.outcome, "refused", "{ended:?}");
    assert!(
        ended.reason.contains("the server is busy (tried 3 times)"),
        "{ended:?}"
    );
}

fn on_cluster(more: &str) -> (Place, Arc<StandIn>) {
    (Place::on(RUNTIME, more), Arc::new(StandIn::default()))
}

/// The first serves, the second is being watched.
fn two_releases(place: &Place, cluster: &Arc<StandIn>) -> (Running, String) {
    let first = place.commit("one", "");
    let controller = place.controller_on(cluster.wired());
    until("the first release to be watched", || watched(&controller, &first));
    let promote = windlass_core::machine::event::Wish::Promote { release: None };
    ask(&controller, promote);
    controller.ended(&first);
    let second = place.commit("two", "");
    until("the second release to be watched", || {
        watched(&controller, &second)
    });
    assert_eq!(cluster.edge(), Some(Color::Green));
    (controller, second)
}

fn watched(controller: &Running, release: &str) -> Option<()> {
    let rollout = controller.staging().rollout?;
    (rollout.release == release && rollout.phase == "watch").then_some(())
}

fn ask_back(controller: &Running) {
    ask(
        controller,
        windlass_core::machine::event::Wish::Rollback { to: None },
    );
}

fn ask(controller: &Running, wish: windlass_core::machine::event::Wish) {
    let ask = windlass_core::machine::Ask {
        environment: "staging".to_owned(),
        actor: "ada".to_owned(),
        comment: "the test".to_owned(),
        wish,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(controller.handle.ask(ask)).unwrap();
}

/// Plays a cluster.
#[derive(Default)]
struct StandIn {
    state: Mutex<State>,
    ticks: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Object>,
    /// Who changed the selector of the edge.
    changed_by: Option<String>,
    jobs: Vec<String>,
    ended: Vec<String>,
    /// The request that it does not answer.
    silent_to: &'static str,
    scripts: Scripts,
    /// How many times more nothing is taken.
    refusals: u32,
}

impl StandIn {
    fn wired(self: &Arc<Self>) -> Clusters {
        let mut clusters = Clusters::default();
        clusters.add("staging", Arc::new(Wired(Arc::clone(self))));
        clusters
    }

    fn change<T>(&self, how: impl FnOnce(&mut State) -> T) -> T {
        let changed = how(&mut self.state.lock().unwrap());
        self.ticks.send_modify(|count| *count += 1);
        changed
    }

    fn has(&self, name: &str) -> bool {
        self.state.lock().unwrap().objects.contains_key(name)
    }

    fn edge(&self) -> Option<Color> {
        leads_to(self.state.lock().unwrap().objects.get("Service/web")?)
    }

    fn jobs(&self) -> Vec<String> {
        self.state.lock().unwrap().jobs.clone()
    }

    fn ended(&self) -> Vec<String> {
        self.state.lock().unwrap().ended.clone()
    }

    fn silence(&self, request: &'static str) {
        self.change(|state| state.silent_to = request);
    }

    fn answers(&self, request: &str) -> Result<(), Trouble> {
        if self.state.lock().unwrap().silent_to != request {
            return Ok(());
        }
        Err(Trouble {
            reason: "nobody answers".to_owned(),
            passes: true,
        })
    }

    /// What judges a Thing.
    fn script(&self) -> Option<String> {
        let state = self.state.lock().unwrap();
        Some(state.scripts.find("shop.dev", "Thing")?.text.clone())
    }

    fn refuse(&self, times: u32) {
        self.change(|state| state.refusals = times);
    }

    fn delete(&self, name: &str) {
        self.change(|state| state.objects.remove(name));
    }

    fn patch(&self, color: Color, person: &str) {
        self.change(|state| {
            let edge = state.objects.get("Service/web").unwrap();
            let patched = edge
                .edited(|value| value["spec"]["selector"]["version"] = color.name().into())
                .unwrap();
            state.objects.insert("Service/web".to_owned(), patched);
            state.changed_by = Some(person.to_owned());
        });
    }

    fn lose_selector(&self) {
        self.change(|state| {
            let edge = state.objects.get("Service/web").unwrap();
            let lost = edge.edited(|value| {
                value["spec"]["selector"]
                    .as_object_mut()
                    .unwrap()
                    .remove("version");
            });
            state.objects.insert("Service/web".to_owned(), lost.unwrap());
        });
    }
}

/// The stand-in as the engine holds it.
struct Wired(Arc<StandIn>);

impl Cluster for Wired {
    fn open(&self) -> Later<'_, Result<(), Trouble>> {
        Box::pin(async { Ok(()) })
    }

    fn check(&self, _: Vec<Object>) -> Later<'_, Result<(), Trouble>> {
        Box::pin(async { self.0.answers("check") })
    }

    fn check_scripts(&self, scripts: &Scripts) -> Result<(), String> {
        let bad = scripts.all().find(|it| !it.text.starts_with("return "));
        bad.map_or(Ok(()), |it| Err(format!("{}: it is no Lua", it.place)))
    }

    fn judge(&self, scripts: Scripts) -> Later<'_, Result<(), Trouble>> {
        self.0.change(|state| state.scripts = scripts);
        Box::pin(async { Ok(()) })
    }

    fn apply(&self, objects: Vec<Object>) -> Later<'_, Result<Vec<String>, Trouble>> {
        if let Err(trouble) = self.0.answers("apply") {
            return Box::pin(async { Err(trouble) });
        }
        let refused = self.0.change(|state| {
            let refused = state.refusals > 0;
            state.refusals = state.refusals.saturating_sub(1);
            refused
        });
        if refused {
            return Box::pin(async {
                Err(Trouble {
                    reason: "the server is busy".to_owned(),
                    passes: false,
                })
            });
        }
        let differs = |state: &State, object: &Object| state.objects.get(&key(object)) != Some(object);
        let mut left = Vec::new();
        for object in objects {
            let (new, decided) = {
                let state = self.0.state.lock().unwrap();
                let edge = key(&object) == "Service/web";
                (
                    differs(&state, &object),
                    state.changed_by.clone().filter(|_| edge),
                )
            };
            match decided {
                Some(person) => left.push(format!(
                    "Service/web: {person} decided about .spec.selector.version"
                )),
                None if new => {
                    self.0.change(|state| state.objects.insert(key(&object), object));
                }
                None => {}
            }
        }
        Box::pin(async { Ok(left) })
    }

    fn take(&self, objects: Vec<Object>) -> Later<'_, Result<(), Trouble>> {
        self.0.change(|state| {
            state.changed_by = None;
            state
                .objects
                .extend(objects.into_iter().map(|object| (key(&object), object)));
        });
        Box::pin(async { Ok(()) })
    }

    fn run_job(&self, job: Object) -> Later<'_, Result<JobOutcome, Trouble>> {
        self.0.change(|state| {
            state.jobs.push(job.name().to_owned());
            state.jobs.dedup();
        });
        let outcome = JobOutcome {
            succeeded: true,
            tries: 1,
            message: String::new(),
            log: Vec::new(),
        };
        Box::pin(async { Ok(outcome) })
    }

    fn remove_track(&self, color: Color, _: Duration) -> Later<'_, Result<(), Trouble>> {
        let own = |object: &Object| {
            windlass_core::track::is_coloured(object) && object.label("version") == Some(color.name())
        };
        self.0
            .change(|state| state.objects.retain(|_, object| !own(object)));
        Box::pin(async { Ok(()) })
    }

    fn look_again(&self, _: String) -> Later<'_, Result<(), Trouble>> {
        Box::pin(async { Ok(()) })
    }

    fn prune(&self, _: Color, _: Vec<Object>) -> Later<'_, Result<Vec<String>, Trouble>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn end_connections(&self, service: String) -> Later<'_, Result<(), Trouble>> {
        self.0.change(|state| state.ended.push(service));
        Box::pin(async { Ok(()) })
    }

    fn listen_again(&self) {}

    fn look(&self) -> Seen {
        let state = self.0.state.lock().unwrap();
        let mut seen = Seen::default();
        for color in [Color::Blue, Color::Green] {
            let own = state
                .objects
                .values()
                .filter(|object| object.is("apps", "Deployment"));
            let own: Vec<&Object> = own
                .filter(|object| object.label("version") == Some(color.name()))
                .collect();
            let bad = own
                .iter()
                .any(|object| object.value().to_string().contains("never-ready"));
            let track = SeenTrack {
                judged: Vec::new(),
                workloads: own.iter().map(|object| workload(object, bad)).collect(),
                hopeless: bad.then(|| "container web: CrashLoopBackOff".to_owned()),
            };
            seen.tracks.insert(color, track);
        }
        for service in state.objects.values().filter(|object| object.is("", "Service")) {
            let leads_to = leads_to(service);
            let ready = leads_to.filter(|color| seen.tracks[color].workloads.iter().any(|one| one.ready > 0));
            let way = Way {
                address: None,
                leads_to,
                changed_by: state.changed_by.clone().filter(|_| service.name() == "web"),
                ready: ready.map(|color| (Some(color), 2)).into_iter().collect(),
            };
            seen.ways.insert(service.name().to_owned(), way);
        }
        seen
    }

    fn logs(&self, _: String, _: usize) -> Later<'_, Vec<LogLine>> {
        Box::pin(async { Vec::new() })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.ticks.subscribe()
    }
}

fn key(object: &Object) -> String {
    object.reference().short()
}

fn leads_to(service: &Object) -> Option<Color> {
    let word = service.value().pointer("/spec/selector/version")?.as_str()?;
    [Color::Blue, Color::Green]
        .into_iter()
        .find(|color| color.name() == word)
}

fn workload(object: &Object, bad: bool) -> WorkloadState {
    WorkloadState {
        name: object.name().to_owned(),
        ready: if bad { 0 } else { 2 },
        desired: 2,
        restarts: 0,
        message: if bad {
            "container web: CrashLoopBackOff".to_owned()
        } else {
            String::new()
        },
        instances: Vec::new(),
    }
}
