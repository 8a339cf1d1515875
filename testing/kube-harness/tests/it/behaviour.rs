//! What pods do, by their annotations.

use serde_json::{Value, json};
use windlass_cluster::{Cluster, Namespace};

use crate::objects::{deployment, job};

struct Set<'a> {
    cluster: &'a Cluster,
    namespace: Namespace,
}

impl Set<'_> {
    fn new(prefix: &str) -> Option<Self> {
        let cluster = Cluster::shared()?;
        let namespace = cluster.namespace(prefix).expect("a namespace");
        Some(Self { cluster, namespace })
    }

    fn deploy(&self, replicas: u32, annotations: &Value) {
        let collection = self.namespace.group("apps/v1", "deployments");
        self.cluster
            .client()
            .create(&collection, &deployment("web", replicas, annotations))
            .expect("a Deployment");
    }

    fn job(&self, annotations: &Value) {
        let collection = self.namespace.group("batch/v1", "jobs");
        self.cluster
            .client()
            .create(&collection, &job("work", annotations))
            .expect("a Job");
    }

    fn wait(&self, collection: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.cluster
            .client()
            .wait(collection, what, wanted)
            .expect("what was waited for")
    }

    fn pod(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait(&self.namespace.core("pods"), what, wanted)
    }
}

fn waits_for(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"]
}

fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    object["status"]["conditions"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["type"] == kind))
        .map_or(&Value::Null, |one| &one["status"])
}

#[test]
fn pods_become_ready_unless_asked_otherwise() {
    let Some(set) = Set::new("ready") else { return };
    set.deploy(3, &json!({}));
    let deployments = set.namespace.group("apps/v1", "deployments");
    set.wait(&deployments, "three available pods", |found| {
        found["status"]["availableReplicas"] == 3
    });
    let pods = set.cluster.client().get(&set.namespace.core("pods")).unwrap();
    let mut addresses: Vec<&str> = pods["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pod| pod["status"]["podIP"].as_str().unwrap())
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), 3, "each pod has an address of its own");
}

#[test]
fn a_pod_takes_as_long_as_it_is_asked_to() {
    let Some(set) = Set::new("slow") else { return };
    set.deploy(1, &json!({"windlass.test/delay": "1500ms"}));
    let seen = set.pod("a pod that runs and is not ready", |pod| {
        pod["status"]["phase"] == "Running"
    });
    assert_eq!(condition(&seen, "Ready"), "False");
    set.pod("a ready pod", |pod| condition(pod, "Ready") == "True");
}

#[test]
fn a_crashing_pod_is_started_again_and_again_and_never_ready() {
    let Some(set) = Set::new("crash") else { return };
    set.deploy(1, &json!({"windlass.test/pod": "crash"}));
    let seen = set.pod("two restarts", |pod| {
        waits_for(pod) == "CrashLoopBackOff" && pod["status"]["containerStatuses"][0]["restartCount"] == 2
    });
    assert_eq!(
        seen["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"],
        1
    );
    assert_eq!(condition(&seen, "Ready"), "False");
}

#[test]
fn pods_fail_as_they_are_asked_to() {
    let Some(set) = Set::new("fail") else { return };
    for (asked, reason) in [
        ("image-pull", "ImagePullBackOff"),
        ("config-error", "CreateContainerConfigError"),
        ("pending", "ContainerCreating"),
        ("a-word-nobody-knows", "CreateContainerConfigError"),
    ] {
        let collection = set.namespace.group("apps/v1", "deployments");
        let object = deployment(asked, 1, &json!({"windlass.test/pod": asked}));
        set.cluster.client().create(&collection, &object).unwrap();
        let seen = set.pod(asked, |pod| {
            pod["metadata"]["labels"]["app"] == asked && !waits_for(pod).is_null()
        });
        assert_eq!(waits_for(&seen), reason, "{asked}");
    }
}

#[test]
fn a_healthy_pod_turns_bad_when_it_is_asked_to() {
    let Some(set) = Set::new("turn") else { return };
    set.deploy(1, &json!({}));
    let pod = set.pod("a ready pod", |pod| condition(pod, "Ready") == "True");
    let path = format!(
        "{}/{}",
        set.namespace.core("pods"),
        pod["metadata"]["name"].as_str().unwrap()
    );
    let patch = json!({"metadata": {"annotations": {"windlass.test/pod": "unready"}}});
    set.cluster.client().merge(&path, &patch).unwrap();
    set.pod("an unready pod", |pod| condition(pod, "Ready") == "False");
}

#[test]
fn a_job_succeeds_or_fails() {
    let Some(set) = Set::new("job") else { return };
    set.job(&json!({}));
    let jobs = set.namespace.group("batch/v1", "jobs");
    set.wait(&jobs, "a complete Job", |job| {
        condition(job, "Complete") == "True"
    });

    let Some(set) = Set::new("job") else { return };
    set.job(&json!({"windlass.test/pod": "fail"}));
    let jobs = set.namespace.group("batch/v1", "jobs");
    set.wait(&jobs, "a failed Job", |job| condition(job, "Failed") == "True");
}
