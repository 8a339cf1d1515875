//! Several controllers with one Lease on a real control plane: one acts, and when it is gone or cut off, another goes on where
//! it was.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use windlass_cluster::{Cluster, Relay};

use super::customers::get;
use super::fault::{is_clean, promoted, put_bystander, when};
use super::place::{Place, until};
use super::port::free_port;
use super::staging::{Staging, pair};

/// For how long after a change nobody may take the Lease from its holder.
const DURATION: Duration = Duration::from_secs(15);

/// Starts one of several controllers; its ports for the API and for probes.
fn start(place: &Place, name: &str, kubeconfig: &str, namespace: &str) -> (Child, u16) {
    let (listen, probe) = (free_port(), free_port());
    let arguments = [
        format!("--listen=127.0.0.1:{listen}"),
        format!("--probe=127.0.0.1:{probe}"),
        format!("--lease={namespace}/windlass"),
    ];
    let arguments = arguments.each_ref().map(String::as_str);
    let process = place.stand_by(
        name,
        &arguments,
        &[("KUBECONFIG", kubeconfig), ("POD_NAME", name)],
    );
    until(&format!("{name} to be ready"), || {
        (get(probe, "/readyz") == "200 ok").then_some(())
    });
    (process, listen)
}

fn signal(number: u32, name: &str) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), number.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

fn acts(place: &Place, name: &str) -> bool {
    place.log(name).contains("is the controller now")
}

fn namespace(cluster: &Cluster, name: &str) {
    let object = serde_json::json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    cluster.client().create("/api/v1/namespaces", &object).unwrap();
}

#[test]
fn when_the_one_that_acts_is_killed_another_goes_on_and_one_that_ends_is_followed_at_once() {
    let Some(cluster) = Cluster::shared() else { return };
    let name = "wl-lease-kill";
    namespace(cluster, name);
    let kubeconfig = cluster.kubeconfig().to_str().unwrap();
    let place = pair(name, "0s");
    let (one, _) = start(&place, "one", kubeconfig, name);
    let controller = place.controller(one, "one");
    let (two, way) = start(&place, "two", kubeconfig, name);
    let mut staging = Staging::of((place, controller), cluster, name);
    let first = staging.place.commit("one", "");
    promoted(&staging, &first);
    put_bystander(&staging);
    assert!(!acts(&staging.place, "two"));
    let answer = get(way, "/api/v1/health");
    assert!(
        answer.contains("this server is not shop"),
        "who acts answers for who stands by: {answer}"
    );

    let second = staging.place.commit("two", "");
    when(&staging, &second, &["migrate", "start", "ready", "verify"], || {});
    staging.controller.end();
    let killed = Instant::now();
    staging.controller = staging.place.controller(two, "two");
    let after = killed.elapsed();
    assert!(after < DURATION + Duration::from_secs(10), "{after:?}");
    promoted(&staging, &second);
    is_clean(&staging, "green");

    let (three, _) = start(&staging.place, "three", kubeconfig, name);
    signal(staging.controller.pid(), "TERM");
    let told = Instant::now();
    assert!(staging.controller.wait(), "{}", staging.place.log("two"));
    staging.controller = staging.place.controller(three, "three");
    assert!(
        told.elapsed() < DURATION,
        "nobody has to wait for it: {:?}",
        told.elapsed()
    );
    let third = staging.place.commit("three", "");
    promoted(&staging, &third);
    is_clean(&staging, "blue");
}

#[test]
fn one_that_is_cut_off_stops_before_another_acts_and_one_that_stood_still_writes_nothing_when_it_wakes() {
    let Some(cluster) = Cluster::shared() else { return };
    let name = "wl-lease-cut";
    namespace(cluster, name);
    let folder = tempfile::tempdir().unwrap();
    let relays = [(); 2].map(|()| Relay::start(cluster, free_port(), folder.path()).unwrap());
    let [way, other] = relays
        .each_ref()
        .map(|relay| relay.kubeconfig().to_str().unwrap());
    let place = pair(name, "0s");
    let (one, _) = start(&place, "one", way, name);
    let controller = place.controller(one, "one");
    let (two, _) = start(&place, "two", other, name);
    let mut staging = Staging::of((place, controller), cluster, name);
    let first = staging.place.commit("one", "");
    promoted(&staging, &first);
    put_bystander(&staging);

    // Cut off.
    let second = staging.place.commit("two", "");
    when(
        &staging,
        &second,
        &["migrate", "start", "ready", "verify"],
        || relays[0].shut(),
    );
    assert!(!staging.controller.wait(), "it says that it lost the Lease");
    assert!(
        !acts(&staging.place, "two"),
        "it ended before anybody could take the Lease"
    );
    assert!(
        staging
            .place
            .log("one")
            .contains("Lease wl-lease-cut/windlass cannot be held")
    );
    staging.controller = staging.place.controller(two, "two");
    promoted(&staging, &second);
    is_clean(&staging, "green");

    // Standing still.
    let kubeconfig = cluster.kubeconfig().to_str().unwrap();
    let (three, _) = start(&staging.place, "three", kubeconfig, name);
    let third = staging.place.commit("three", "");
    when(&staging, &third, &["migrate", "start", "ready", "verify"], || {});
    signal(staging.controller.pid(), "STOP");
    until("the third to have the Lease", || {
        acts(&staging.place, "three").then_some(())
    });
    let before = relays[1].changes();
    signal(staging.controller.pid(), "CONT");
    assert!(!staging.controller.wait(), "{}", staging.place.log("two"));
    assert_eq!(
        relays[1].changes(),
        before,
        "nothing is written by who no longer acts"
    );
    staging.controller = staging.place.controller(three, "three");
    promoted(&staging, &third);
    is_clean(&staging, "blue");
}
