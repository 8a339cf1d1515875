//! What clouds and nodes do for objects other than pods, and what the harness tells of requests.

use serde_json::json;
use windlass_cluster::Cluster;

#[test]
fn a_claim_is_bound_and_a_balancer_has_an_address() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("cloud").unwrap();
    let claims = namespace.core("persistentvolumeclaims");
    let claim = json!({"metadata": {"name": "data"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
    }});
    cluster.client().create(&claims, &claim).unwrap();
    cluster
        .client()
        .wait(&claims, "a bound claim", |claim| {
            claim["status"]["phase"] == "Bound"
        })
        .unwrap();

    let services = namespace.core("services");
    let service =
        json!({"metadata": {"name": "edge"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}});
    cluster.client().create(&services, &service).unwrap();
    let has_address =
        |service: &serde_json::Value| service["status"]["loadBalancer"]["ingress"][0]["ip"].is_string();
    cluster
        .client()
        .wait(&services, "an address", has_address)
        .unwrap();
}

#[test]
fn every_request_is_told_of() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("audit").unwrap();
    let maps = namespace.core("configmaps");
    cluster
        .client()
        .create(&maps, &json!({"metadata": {"name": "one"}}))
        .unwrap();
    cluster.client().get(&format!("{maps}/one")).unwrap();
    let requests = cluster.requests().unwrap();
    let of_map: Vec<_> = requests
        .iter()
        .filter(|request| request.path.starts_with(&maps))
        .collect();
    let verbs: Vec<&str> = of_map.iter().map(|request| request.verb.as_str()).collect();
    assert_eq!(verbs, ["create", "get"]);
    assert_eq!(of_map.iter().filter(|request| request.writes()).count(), 1);
    assert_eq!(of_map[0].status, 201);
}

#[test]
fn the_server_is_of_the_version_that_we_say() {
    let Some(cluster) = Cluster::shared() else { return };
    let version = cluster.client().get("/version").unwrap();
    assert_eq!(version["gitVersion"], "v1.34.10");
}
