//! Clusters whose processes are killed.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use windlass_cluster::{Cluster, Component};

use crate::objects::deployment;

#[test]
fn components_that_are_killed_come_back_and_keep_what_was_stored() {
    let Some(cluster) = Cluster::for_test() else {
        return;
    };
    let namespace = cluster.namespace("back").unwrap();
    let deployments = namespace.group("apps/v1", "deployments");
    cluster
        .client()
        .create(&deployments, &deployment("web", 2, &json!({})))
        .unwrap();
    let available = |count: u32| move |found: &Value| found["status"]["availableReplicas"] == count;
    cluster
        .client()
        .wait(&deployments, "two available pods", available(2))
        .unwrap();

    let killed = [
        Component::Etcd,
        Component::ApiServer,
        Component::Controllers,
        Component::Nodes,
    ];
    let before: Vec<u32> = killed.iter().map(|one| cluster.process(*one).unwrap()).collect();
    for component in killed {
        cluster.signal(component, Signal::SIGKILL).unwrap();
    }
    until("the API server is ready", || {
        cluster.client().get("/readyz").is_ok() && before.iter().all(|number| !runs(*number))
    });
    let path = format!("{deployments}/web");
    until("the Deployment takes a change", || {
        cluster
            .client()
            .merge(&path, &json!({"spec": {"replicas": 5}}))
            .is_ok()
    });
    cluster
        .client()
        .wait(&deployments, "five available pods", available(5))
        .unwrap();
}

#[test]
fn nothing_outlives_a_cluster_that_is_killed() {
    let Some(cluster) = Cluster::for_test() else {
        return;
    };
    let processes = cluster.report().processes.clone();
    assert_eq!(processes.len(), 6);
    assert!(processes.values().all(|number| runs(*number)));
    let own = i32::try_from(processes["cluster"]).unwrap();
    kill(Pid::from_raw(own), Signal::SIGKILL).unwrap();
    until("all processes have ended", || {
        !processes.values().any(|number| runs(*number))
    });
}

#[test]
fn nothing_outlives_a_cluster_that_is_dropped() {
    let Some(cluster) = Cluster::for_test() else {
        return;
    };
    let report = cluster.report().clone();
    drop(cluster);
    assert!(!report.processes.values().any(|number| runs(*number)));
    assert!(!Path::new(&report.dir).exists());
}

/// Whether a process exists and is more than an entry that nobody has collected.
fn runs(number: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

/// Processes end and start when the kernel gets to it; nothing can be waited on but their being there.
fn until(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(
            begun.elapsed() < Duration::from_mins(2),
            "{what} within two minutes"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
