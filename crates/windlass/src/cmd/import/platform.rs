//! The services of a platform and the one where customers enter, by what the Applications brought to a cluster.

use std::collections::BTreeMap;

use serde_json::Value;

use super::manifests::{Manifests, name};

/// What windlass.yaml says of the platform.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Platform {
    /// Images by service.
    pub(super) services: BTreeMap<String, String>,
    pub(super) edge: Option<String>,
    /// Whether the edge is a guess.
    pub(super) guessed: bool,
}

impl Platform {
    pub(super) fn of(manifests: &Manifests) -> Self {
        let mut services = BTreeMap::new();
        for deployment in manifests.objects.iter().filter(|it| it["kind"] == "Deployment") {
            let image = deployment.pointer("/spec/template/spec/containers/0/image");
            if let Some(image) = image.and_then(Value::as_str) {
                services
                    .entry(name(deployment).to_owned())
                    .or_insert_with(|| image.to_owned());
            }
        }
        for application in &manifests.applications {
            for (service, image) in of_status(application) {
                services.entry(service).or_insert(image);
            }
        }
        let (edge, guessed) = edge(manifests, &services);
        Self {
            services,
            edge,
            guessed,
        }
    }
}

/// The Deployments of an Application's status, each with the image whose last part is its name.
fn of_status(application: &Value) -> Vec<(String, String)> {
    let list = |pointer: &str| {
        application
            .pointer(pointer)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let images = list("/status/summary/images");
    let images: Vec<&str> = images.iter().filter_map(Value::as_str).collect();
    let deployments = list("/status/resources");
    let deployments = deployments.iter().filter(|it| it["kind"] == "Deployment");
    let names: Vec<&str> = deployments.filter_map(|it| it["name"].as_str()).collect();
    let last = |image: &str| {
        let path = image.split('@').next().unwrap_or(image);
        let last = path.rsplit('/').next().unwrap_or(path);
        last.split(':').next().unwrap_or(last).to_owned()
    };
    names
        .iter()
        .filter_map(|name| {
            let named = images.iter().find(|image| last(image) == **name);
            let only = (names.len() == 1 && images.len() == 1)
                .then(|| images.first())
                .flatten();
            Some(((*name).to_owned(), (**named.or(only)?).to_owned()))
        })
        .collect()
}

/// Where an Ingress leads, else the Service with an address of its own, else the one that is called like a way in.
fn edge(manifests: &Manifests, services: &BTreeMap<String, String>) -> (Option<String>, bool) {
    let known = |name: &str| services.contains_key(name).then(|| name.to_owned());
    let of_kind = |kind: &'static str| manifests.objects.iter().filter(move |it| it["kind"] == kind);
    let backends = of_kind("Ingress").flat_map(|ingress| {
        let rules = ingress["spec"]["rules"].as_array().cloned().unwrap_or_default();
        let paths = rules
            .iter()
            .flat_map(|rule| rule["http"]["paths"].as_array().cloned().unwrap_or_default())
            .collect::<Vec<Value>>();
        let default = ingress["spec"]["defaultBackend"]["service"]["name"].clone();
        let named = paths
            .iter()
            .map(|path| path["backend"]["service"]["name"].clone());
        named.chain([default]).collect::<Vec<Value>>()
    });
    let open = of_kind("Service")
        .filter(|it| matches!(it["spec"]["type"].as_str(), Some("LoadBalancer" | "NodePort")));
    let sure = backends
        .filter_map(|it| known(it.as_str()?))
        .chain(open.filter_map(|it| known(name(it))))
        .next();
    if sure.is_some() {
        return (sure, false);
    }
    let like = ["gateway", "edge", "ingress", "front", "web", "storefront"];
    let guess = like
        .iter()
        .find_map(|word| services.keys().find(|it| it.contains(word)))
        .or_else(|| services.keys().next());
    (guess.cloned(), services.len() > 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(documents: &[Value], services: &[(&str, &str)], edge: &str, guessed: bool) {
        let found = Platform::of(&Manifests::of(documents));
        let services = services.iter().map(|it| (it.0.to_owned(), it.1.to_owned()));
        let expected = Platform {
            services: services.collect(),
            edge: Some(edge.to_owned()).filter(|it| !it.is_empty()),
            guessed,
        };
        assert_eq!(found, expected);
    }

    fn deployment(name: &str) -> Value {
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
            "spec": { "template": { "spec": { "containers": [{ "image": format!("shop/{name}:1") }] } } } })
    }

    fn service(name: &str, kind: &str) -> Value {
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": name }, "spec": { "type": kind } })
    }

    #[test]
    fn services_and_the_way_in_are_found() {
        let both = [("cart", "shop/cart:1"), ("shop-web", "shop/shop-web:1")];
        let all = [deployment("cart"), deployment("shop-web")];
        check(&all, &both, "shop-web", true);
        let open = [
            all.as_slice(),
            &[service("cart", "LoadBalancer"), service("shop-web", "ClusterIP")],
        ]
        .concat();
        check(&open, &both, "cart", false);
        let ingress = json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": { "name": "i" },
            "spec": { "rules": [{ "http": { "paths": [{ "backend": { "service": { "name": "shop-web" } } }] } }] } });
        check(&[open.as_slice(), &[ingress]].concat(), &both, "shop-web", false);
        check(&[], &[], "", false);
    }

    #[test]
    fn a_status_tells_them_too() {
        let application = |names: &[&str], images: &[&str]| {
            let resources: Vec<Value> = names
                .iter()
                .map(|it| json!({ "kind": "Deployment", "name": it }))
                .collect();
            json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": { "name": "a" },
                "status": { "resources": resources, "summary": { "images": images } } })
        };
        check(
            &[application(
                &["cart", "user"],
                &["ghcr.io/shop/cart:1@sha256:0", "redis:7"],
            )],
            &[("cart", "ghcr.io/shop/cart:1@sha256:0")],
            "cart",
            false,
        );
        check(
            &[application(&["web"], &["nginx:1"])],
            &[("web", "nginx:1")],
            "web",
            false,
        );
    }
}
