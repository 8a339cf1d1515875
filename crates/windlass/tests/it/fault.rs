//! Rollouts on a real control plane that fails in the middle of them: each ends as it would have, nothing is applied twice,
//! and nothing goes that should stay.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use windlass_cluster::{Cluster, Component, Fault, Relay, Signal, Verdict, Webhook};

use super::access::as_account;
use super::place::until;
use super::port::free_port;
use super::staging::Staging;

/// How long the database stands still.
const STILL: Duration = Duration::from_secs(10);

/// Puts in what belongs to somebody else and looks as if it did not.
pub(crate) fn put_bystander(staging: &Staging<'_>) {
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": "bystander", "labels": { "windlass.dev/managed": "true", "version": "blue" },
            "annotations": { "windlass.dev/owner": "shop/production" },
        },
    });
    let path = staging.path("api/v1/configmaps");
    staging.cluster.client().create(&path, &object).unwrap();
}

/// All that a namespace must have and nothing more, everything made once: a Deployment that is applied twice with another
/// outcome has a second generation, a Job that runs twice has a second pod.
pub(crate) fn is_clean(staging: &Staging<'_>, track: &str) {
    staging.only(track);
    let client = staging.cluster.client();
    let items = |path: &str| -> Vec<Value> {
        let list = client.get(&staging.path(path)).unwrap();
        list["items"].as_array().unwrap().clone()
    };
    for deployment in items("apis/apps/v1/deployments") {
        assert_eq!(deployment["metadata"]["generation"], 1, "{deployment}");
    }
    assert_eq!(
        items("apis/apps/v1/replicasets").len(),
        2,
        "one for each Deployment"
    );
    let jobs = items("api/v1/pods")
        .iter()
        .filter(|pod| pod["metadata"]["labels"]["app"] == "web-migrate")
        .count();
    assert_eq!(jobs, 1, "the migration ran once");
    let expected = ["api", "web"].map(|name| format!("{name}-{track}"));
    for path in ["apis/policy/v1/poddisruptionbudgets", "api/v1/configmaps"] {
        let names = staging.names(path);
        let ours: Vec<&String> = names.iter().filter(|name| name.ends_with(track)).collect();
        assert_eq!(ours, expected.iter().collect::<Vec<_>>(), "{path}: {names:?}");
        let other = if track == "blue" { "green" } else { "blue" };
        assert!(
            !names.iter().any(|name| name.ends_with(other)),
            "{path}: {names:?}"
        );
    }
    assert!(
        staging
            .names("api/v1/configmaps")
            .contains(&"bystander".to_owned()),
        "what is somebody else's stays"
    );
    assert_eq!(staging.leads_to(), track);
}

/// The way to a cluster as an account that may do everything.
fn account(cluster: &Cluster, folder: &Path) -> PathBuf {
    let client = cluster.client();
    let (namespace, name) = ("default", "deployer");
    let object = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name } });
    client
        .create(
            &format!("/api/v1/namespaces/{namespace}/serviceaccounts"),
            &object,
        )
        .unwrap();
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": { "name": name },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" },
        "subjects": [{ "kind": "ServiceAccount", "name": name, "namespace": namespace }],
    });
    client
        .create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", &binding)
        .unwrap();
    as_account(folder, cluster, (namespace, name))
}

/// Does something once a rollout has come so far.
pub(crate) fn when(staging: &Staging<'_>, release: &str, phases: &[&str], act: impl FnOnce()) {
    until(&format!("{release} to come to {phases:?}"), || {
        let rollout = staging.controller.staging().rollout?;
        (rollout.release == release && phases.contains(&rollout.phase.as_str())).then_some(())
    });
    act();
}

pub(crate) fn promoted(staging: &Staging<'_>, release: &str) {
    let ended = staging.controller.ended(release);
    assert_eq!(ended.outcome, "promoted", "{ended:?}");
}

#[test]
fn the_api_server_may_die_and_its_database_stand_still_in_the_middle_of_a_rollout() {
    let Some(cluster) = Cluster::for_test() else {
        return;
    };
    // By an account: what it may do is known to the API server only some time after its start.
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = account(&cluster, folder.path());
    let staging = Staging::through(&cluster, &kubeconfig, "wl-fault-server", "0s");
    let first = staging.place.commit("one", "");
    promoted(&staging, &first);
    put_bystander(&staging);

    let second = staging.place.commit("two", "");
    when(&staging, &second, &["start", "ready", "verify"], || {
        cluster.signal(Component::ApiServer, Signal::SIGKILL).unwrap();
    });
    promoted(&staging, &second);
    is_clean(&staging, "green");

    let third = staging.place.commit("three", "");
    when(&staging, &third, &["migrate", "start", "ready"], || {
        cluster.signal(Component::Etcd, Signal::SIGSTOP).unwrap();
        sleep(STILL);
        cluster.signal(Component::Etcd, Signal::SIGCONT).unwrap();
    });
    promoted(&staging, &third);
    is_clean(&staging, "blue");

    let fourth = staging.place.commit("four", "");
    when(&staging, &fourth, &["switch", "clean"], || {
        cluster.signal(Component::ApiServer, Signal::SIGKILL).unwrap();
    });
    promoted(&staging, &fourth);
    is_clean(&staging, "green");
}

#[test]
fn watches_may_be_cut_requests_turned_away_and_answers_lost_in_the_middle_of_a_rollout() {
    let Some(cluster) = Cluster::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(cluster, free_port(), folder.path()).unwrap();
    let staging = Staging::through(cluster, relay.kubeconfig(), "wl-fault-way", "0s");
    relay.fail(&[Fault::Unanswered, Fault::Busy(1), Fault::Dropped]);
    let first = staging.place.commit("one", "");
    promoted(&staging, &first);
    assert_eq!(relay.left(), 0);
    put_bystander(&staging);

    let second = staging.place.commit("two", "");
    let pattern = [Fault::Unanswered, Fault::Dropped, Fault::Busy(0)];
    relay.fail(&pattern.repeat(5));
    until("all faults to have come up", || {
        relay.cut();
        sleep(Duration::from_millis(150));
        (relay.left() == 0).then_some(())
    });
    promoted(&staging, &second);
    is_clean(&staging, "green");

    relay.mute();
    let third = staging.place.commit("three", "");
    promoted(&staging, &third);
    is_clean(&staging, "blue");
}

#[test]
fn a_track_that_somebody_led_customers_to_is_not_taken_though_no_watch_told_of_it() {
    let Some(cluster) = Cluster::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(cluster, free_port(), folder.path()).unwrap();
    let staging = Staging::through(cluster, relay.kubeconfig(), "wl-fault-deaf", "10m");
    let promote = ["promote", "staging", "--as", "Ada", "-m", "the test"];
    let first = staging.place.commit("one", "");
    staging.watched(&first);
    assert!(staging.place.run(&promote).status.success());
    promoted(&staging, &first);
    let second = staging.place.commit("two", "");
    staging.watched(&second);

    relay.mute();
    staging.patch("blue");
    assert!(staging.place.run(&promote).status.success());
    until("the controller to see where customers are", || {
        let shown = staging.controller.view();
        let warned = shown.warnings.iter().any(|text| text.contains("led customers"));
        let waits = shown.environments[0]
            .rollout
            .as_ref()?
            .waiting
            .as_ref()?
            .what
            .clone();
        (warned || waits.contains("leads customers to the blue track")).then_some(())
    });
    assert_eq!(staging.leads_to(), "blue");
    let blue = ["api-blue", "web-blue"].map(str::to_owned);
    let there = staging.names("apis/apps/v1/deployments");
    assert!(blue.iter().all(|name| there.contains(name)), "{there:?}");
}

#[test]
fn a_webhook_that_says_nothing_is_waited_for_and_one_that_refuses_keeps_the_release_out() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = "wl-fault-hook";
    let staging = Staging::on(cluster, namespace, "0s");
    let first = staging.place.commit("one", "");
    promoted(&staging, &first);
    put_bystander(&staging);

    // Silent for the first requests that would make the new track, then as if nothing had been.
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let webhook = Webhook::start(cluster, namespace, free_port(), move |request| {
        let real = request["dryRun"] != true && request["kind"]["kind"] == "Deployment";
        if real && request["operation"] == "CREATE" && count.fetch_add(1, Ordering::SeqCst) < 4 {
            Verdict::Silence
        } else {
            Verdict::Allow
        }
    })
    .unwrap();
    let second = staging.place.commit("two", "");
    promoted(&staging, &second);
    assert!(asked.load(Ordering::SeqCst) > 4, "it was in the way");
    drop(webhook);
    is_clean(&staging, "green");

    // It refuses what is really made, and lets pass what is only tried.
    let webhook = Webhook::start(cluster, namespace, free_port(), |request| {
        let web = request["kind"]["kind"] == "Deployment" && request["name"] == "web-blue";
        if web && request["dryRun"] != true {
            Verdict::Deny("not on a Friday".to_owned())
        } else {
            Verdict::Allow
        }
    })
    .unwrap();
    let began = Instant::now();
    let third = staging.place.commit("three", "");
    let ended = staging.controller.ended(&third);
    assert_eq!(ended.outcome, "refused", "{ended:?}");
    assert!(
        ended.reason.contains("web-blue") && ended.reason.contains("not on a Friday"),
        "{ended:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(30), "it is not waited for");
    drop(webhook);
    is_clean(&staging, "green");

    // It is there only for the switch.
    let webhook = Webhook::start(cluster, namespace, free_port(), |request| {
        let edge = request["kind"]["kind"] == "Service" && request["name"] == "web";
        if edge && request["dryRun"] != true {
            Verdict::Deny("nobody switches".to_owned())
        } else {
            Verdict::Allow
        }
    })
    .unwrap();
    let fourth = staging.place.commit("four", "");
    until("the switch to be refused", || {
        let rollout = staging.controller.staging().rollout?;
        let waits = rollout.release == fourth && rollout.waiting?.what.contains("nobody switches");
        waits.then_some(())
    });
    assert_eq!(staging.leads_to(), "green", "customers stay where they are");
    drop(webhook);
    promoted(&staging, &fourth);
    is_clean(&staging, "blue");
}

#[test]
fn a_controller_may_be_killed_in_every_phase_of_a_rollout_on_a_cluster() {
    let Some(cluster) = Cluster::shared() else { return };
    let mut staging = Staging::on(cluster, "wl-fault-leader", "0s");
    let first = staging.place.commit("one", "");
    promoted(&staging, &first);
    put_bystander(&staging);
    let (mut track, mut caught) = ("green", 0);
    for phase in ["prepare", "migrate", "start", "ready", "switch", "clean"] {
        let release = staging.place.commit(phase, "");
        caught += until(&format!("{release} to come to {phase}"), || {
            let shown = staging.controller.staging();
            let over = shown.history.iter().any(|ended| ended.release == release);
            let at = shown
                .rollout
                .is_some_and(|one| one.release == release && one.phase == phase);
            // A phase may be over before anybody looks; the kill then comes after the end.
            (over || at).then_some(u32::from(at))
        });
        staging.kill();
        promoted(&staging, &release);
        is_clean(&staging, track);
        track = if track == "green" { "blue" } else { "green" };
    }
    assert!(caught >= 3, "killed in {caught} phases");
}
