//! An environment on a real control plane, whose nodes pretend, and the controller that releases to it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use windlass_cluster::Cluster;

use super::place::{Controller, Place, until};

const PAIR: &str = include_str!("../helper/pair.yaml");
const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../charts/ecommerce-platform");
/// What the shop's chart deploys.
pub(crate) const SHOP: [&str; 7] = [
    "api-gateway",
    "cart-service",
    "catalog-service",
    "order-service",
    "psp-sim",
    "storefront",
    "user-service",
];

/// An environment in a namespace of its own, which the program makes.
pub(crate) struct Staging<'c> {
    // First, so that nothing goes on while the rest ends.
    pub(crate) controller: Controller,
    pub(crate) place: Place,
    pub(crate) cluster: &'c Cluster,
    kubeconfig: PathBuf,
    namespace: &'static str,
    edge: &'static str,
}

impl Staging<'static> {
    /// `None` where the test cluster is not built; that is said.
    pub(crate) fn begin(namespace: &'static str, watch: &str) -> Option<Self> {
        let cluster = Cluster::shared()?;
        Some(Self::on(cluster, namespace, watch))
    }

    /// With the shop's own chart. All of its images are the same one, which no pretended node runs.
    pub(crate) fn shop(namespace: &'static str) -> Option<Self> {
        let cluster = Cluster::shared()?;
        let place = Place::new(&on_cluster(namespace, "10m"));
        let text = place.read("windlass.yaml");
        let (_, image) = text.split_once("\"web@").unwrap();
        let (image, _) = image.split_once('"').unwrap();
        let (_, environments) = text.split_once("environments:").unwrap();
        let services: Vec<String> = SHOP
            .iter()
            .map(|name| format!("  {name}: {{ image: \"{name}@{image}\" }}"))
            .collect();
        let services = services.join("\n");
        place.write(
            "windlass.yaml",
            &format!(
                "platform: ecommerce\nservices:\n{services}\nchart: chart\nedge: api-gateway\nenvironments:{environments}"
            ),
        );
        std::fs::remove_dir_all(place.root().join("chart")).unwrap();
        copy(Path::new(CHART), &place.root().join("chart"));
        let kubeconfig = cluster.kubeconfig();
        Some(Self::served(
            place,
            cluster,
            kubeconfig,
            (namespace, "api-gateway"),
        ))
    }
}

impl<'c> Staging<'c> {
    /// On this cluster.
    pub(crate) fn on(cluster: &'c Cluster, namespace: &'static str, watch: &str) -> Self {
        Self::through(cluster, cluster.kubeconfig(), namespace, watch)
    }

    /// By another way to it.
    pub(crate) fn through(
        cluster: &'c Cluster,
        kubeconfig: &Path,
        namespace: &'static str,
        watch: &str,
    ) -> Self {
        let place = pair(namespace, watch);
        Self::served(place, cluster, kubeconfig, (namespace, "web"))
    }

    fn served(
        place: Place,
        cluster: &'c Cluster,
        kubeconfig: &Path,
        (namespace, edge): (&'static str, &'static str),
    ) -> Self {
        let controller = place.serve_with(&[("KUBECONFIG", kubeconfig.to_str().unwrap())]);
        Self {
            controller,
            place,
            cluster,
            kubeconfig: kubeconfig.to_owned(),
            namespace,
            edge,
        }
    }

    /// With a controller that runs already.
    pub(crate) fn of(
        (place, controller): (Place, Controller),
        cluster: &'c Cluster,
        namespace: &'static str,
    ) -> Self {
        Self {
            controller,
            place,
            cluster,
            kubeconfig: cluster.kubeconfig().to_owned(),
            namespace,
            edge: "web",
        }
    }

    /// Kills the controller, and starts another one.
    pub(crate) fn kill(&mut self) {
        self.controller.end();
        let kubeconfig = self.kubeconfig.to_str().unwrap();
        self.controller = self.place.serve_with(&[("KUBECONFIG", kubeconfig)]);
    }

    /// The names of what the namespace has of a kind, sorted.
    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        let list = self.cluster.client().get(&self.path(path)).unwrap();
        let items = list["items"].as_array().unwrap();
        let gone = |item: &&Value| item["metadata"]["deletionTimestamp"].is_null();
        let names = items.iter().filter(gone).map(|item| &item["metadata"]["name"]);
        let mut names: Vec<String> = names.map(|name| name.as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        let (api, kind) = rest.rsplit_once('/').unwrap();
        format!("/{api}/namespaces/{}/{kind}", self.namespace)
    }

    /// The path of the Service where customers enter.
    fn edge_path(&self) -> String {
        format!("/api/v1/namespaces/{}/services/{}", self.namespace, self.edge)
    }

    /// The track that the selector of the edge names.
    pub(crate) fn leads_to(&self) -> String {
        let edge = self.cluster.client().get(&self.edge_path()).unwrap();
        let version = edge["spec"]["selector"]["version"].as_str();
        version.unwrap_or("nowhere").to_owned()
    }

    /// What `kubectl patch service web` sends.
    pub(crate) fn patch(&self, track: &str) {
        let path = format!("{}?fieldManager=kubectl-patch", self.edge_path());
        let patch = json!({ "spec": { "selector": { "version": track } } });
        self.cluster.client().merge(&path, &patch).unwrap();
    }

    pub(crate) fn watched(&self, release: &str) {
        until(&format!("{release} to be watched"), || {
            let rollout = self.controller.staging().rollout?;
            (rollout.release == release && rollout.phase == "watch").then_some(())
        });
    }

    pub(crate) fn outcome(&self, release: &str) -> (String, String) {
        let ended = self.controller.ended(release);
        (ended.outcome, ended.decided_by)
    }

    /// Waits until one track has all and the other nothing.
    pub(crate) fn only(&self, track: &str) {
        let expected = ["api", "web"].map(|name| format!("{name}-{track}"));
        until(&format!("the other track than {track} to go"), || {
            (self.names("apis/apps/v1/deployments") == expected).then_some(())
        });
    }
}

/// A platform of two services, of which `web` is the edge.
pub(crate) fn pair(namespace: &str, watch: &str) -> Place {
    let place = Place::new(&on_cluster(namespace, watch));
    place.write("chart/templates/web.yaml", PAIR);
    place
}

fn on_cluster(namespace: &str, watch: &str) -> String {
    format!(
        "    runtime: {{ kubernetes: {{ context: windlass-test, namespace: {namespace} }} }}\n    strategy: blue-green\n    watch: {watch}\n"
    )
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, to).unwrap();
        }
    }
}
