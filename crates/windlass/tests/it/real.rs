//! An environment on a cluster whose node runs pods: the images are ours, the kubelet asks for readiness, and customers come
//! through kube-proxy. Left out where the machine cannot have such a node.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use windlass_cluster::{Cluster, Image};
use windlass_oci::Layout;

use super::place::{Controller, Place, until};

const CHART: &str = include_str!("../helper/stay.yaml");
const NAMESPACE: &str = "wl-real";
/// How long customers may stay with a bad release once it is told to go. Two seconds on a quiet machine.
const LEAVES_WITHIN: Duration = Duration::from_secs(10);
/// Of one request.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// From one customer to the next.
const PAUSE: Duration = Duration::from_millis(10);

#[test]
fn on_a_real_node_releases_run_are_switched_without_a_loss_and_a_rollback_takes_everybody_off_the_bad_one() {
    let Some(cluster) = Cluster::real() else { return };
    let place = Place::new(&format!(
        "    runtime: {{ kubernetes: {{ context: windlass-test, namespace: {NAMESPACE} }} }}\n    strategy: blue-green\n    watch: 10m\n"
    ));
    place.write("chart/templates/web.yaml", CHART);
    load(&place, cluster);
    let controller = place.serve_with(&[("KUBECONFIG", cluster.kubeconfig().to_str().unwrap())]);
    let first = place.commit("one", "");
    watched(&controller, &first);
    let edge = edge(cluster);
    assert_eq!(greeting(&mut connect(edge)).unwrap(), "one");
    let promote = ["promote", "staging", "--as", "Ada", "-m", "the test"];
    assert!(place.run(&promote).status.success());
    assert_eq!(controller.ended(&first).outcome, "promoted");

    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let ends = Ends(&over);
        let customers = scope.spawn(|| {
            let mut answers = Vec::new();
            while !over.load(Ordering::Relaxed) {
                answers.push(greeting(&mut connect(edge)));
                std::thread::sleep(PAUSE);
            }
            answers
        });
        let mut kept = connect(edge);
        let second = place.commit("two", "");
        watched(&controller, &second);
        assert_eq!(
            greeting(&mut kept).unwrap(),
            "one",
            "a promotion is polite to who keeps a connection"
        );
        drop(kept);
        // Addresses are in the cluster's slices before every node's kube-proxy has them.
        let mut kept = until("customers to meet the second", || {
            let mut kept = connect(edge);
            (greeting(&mut kept).unwrap() == "two").then_some(kept)
        });

        let began = Instant::now();
        let rollback = ["rollback", "staging", "--as", "Ada", "-m", "the test"];
        assert!(place.run(&rollback).status.success());
        while greeting(&mut kept).is_ok_and(|said| said == "two") {
            assert!(
                began.elapsed() < LEAVES_WITHIN,
                "a customer who keeps a connection is still served by the bad release"
            );
            std::thread::sleep(PAUSE);
        }
        assert_eq!(greeting(&mut connect(edge)).unwrap(), "one");
        drop(ends);
        let answers = customers.join().unwrap();
        let lost: Vec<_> = answers
            .iter()
            .filter_map(|answer| answer.as_ref().err())
            .collect();
        assert!(
            lost.is_empty(),
            "{} of {} requests lost: {lost:?}",
            lost.len(),
            answers.len()
        );
        assert!(
            answers
                .iter()
                .any(|answer| answer.as_ref().is_ok_and(|said| said == "two"))
        );
        assert_eq!(controller.ended(&second).outcome, "rolled-back");
    });
}

/// Sends customers home, when the test fails too: a scope waits for its threads.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Brings the image of the configuration from Windlass's layout to the node.
fn load(place: &Place, cluster: &Cluster) {
    let text = place.read("windlass.yaml");
    let (_, digest) = text.split_once("\"web@").unwrap();
    let (digest, _) = digest.split_once('"').unwrap();
    let layout = Layout::open(&place.images()).unwrap();
    let image = Image {
        name: "web".to_owned(),
        digest: digest.to_owned(),
    };
    cluster.load(layout.path(), &[image]).unwrap();
}

fn watched(controller: &Controller, release: &str) {
    until(&format!("{release} to be watched"), || {
        let shown = controller.staging();
        let ended = shown.history.iter().find(|ended| ended.release == release);
        assert!(ended.is_none(), "{ended:?}");
        let rollout = shown.rollout?;
        (rollout.release == release && rollout.phase == "watch").then_some(())
    });
}

/// Where customers come in: reached from here as from inside.
fn edge(cluster: &Cluster) -> SocketAddr {
    let service = cluster
        .client()
        .get(&format!("/api/v1/namespaces/{NAMESPACE}/services/web"))
        .unwrap();
    let address = service["spec"]["clusterIP"].as_str().unwrap();
    SocketAddr::new(address.parse().unwrap(), 80)
}

fn connect(edge: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&edge, ANSWERS_WITHIN)?;
    stream.set_read_timeout(Some(ANSWERS_WITHIN))?;
    Ok(stream)
}

/// What a connection is answered; the error says how a request was lost.
fn greeting(stream: &mut std::io::Result<TcpStream>) -> Result<String, String> {
    let stream = stream
        .as_mut()
        .map_err(|error| format!("no connection: {error}"))?;
    write!(stream, "GET / HTTP/1.1\r\nhost: web\r\n\r\n").map_err(|error| format!("not sent: {error}"))?;
    let mut answer = String::new();
    loop {
        let mut part = [0; 1024];
        match stream.read(&mut part) {
            Ok(0) => return Err(format!("closed after {answer:?}")),
            Ok(count) => answer.push_str(&String::from_utf8_lossy(&part[..count])),
            Err(error) => return Err(format!("no answer: {error}")),
        }
        if let Some(body) = complete(&answer) {
            return if answer.starts_with("HTTP/1.1 200") {
                Ok(body.to_owned())
            } else {
                Err(answer)
            };
        }
    }
}

/// The body, once all of it is there.
fn complete(answer: &str) -> Option<&str> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let (_, length) = head.split_once("Content-Length: ")?;
    let length: usize = length.lines().next()?.parse().ok()?;
    (body.len() == length).then_some(body)
}
