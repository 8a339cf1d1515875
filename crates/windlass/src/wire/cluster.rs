//! The environments that are on clusters, where the program has the driver for them.

#[cfg(feature = "kubernetes")]
mod argocd;
#[cfg(feature = "kubernetes")]
mod driver;

use anyhow::{Result, bail};
use windlass_core::access::Access;
use windlass_core::config::{Config, Environment, Impersonate, Runtime};
use windlass_core::object::Object;
use windlass_engine::cluster::Clusters;

/// Fits the environments of a configuration that are on clusters to the engine. Nothing is connected yet.
type Driver = fn(&Config, Option<&Seat>) -> Clusters;

#[cfg(feature = "kubernetes")]
const DRIVER: Option<Driver> = Some(driver::all);
#[cfg(not(feature = "kubernetes"))]
const DRIVER: Option<Driver> = None;

#[cfg(feature = "kubernetes")]
pub(crate) use driver::Seat;

/// The place of the one of several controllers that acts; without a driver there is none.
#[cfg(not(feature = "kubernetes"))]
pub(crate) enum Seat {}

#[cfg(not(feature = "kubernetes"))]
#[expect(clippy::unused_async, reason = "it is what it is with a driver")]
impl Seat {
    pub(crate) async fn acquire(&self, _: impl FnMut(Result<&str, String>)) {
        match *self {}
    }

    pub(crate) async fn hold(&self) -> String {
        match *self {}
    }

    pub(crate) async fn give_back(&self) {
        match *self {}
    }
}

/// The environments that are on clusters. Fails where there are some and this program cannot reach any. Where there is a
/// seat, nothing is written there by whoever does not have it.
pub(crate) fn all(config: &Config, seat: Option<&Seat>) -> Result<Clusters> {
    with(config, seat, DRIVER)
}

/// A place that one of several controllers has: the Lease of this name on the current cluster.
#[cfg(feature = "kubernetes")]
pub(crate) async fn seat(lease: &str, identity: &str) -> Result<Seat> {
    driver::Seat::at(lease, identity)
        .await
        .map_err(anyhow::Error::msg)
}

/// There is no way to any.
#[cfg(not(feature = "kubernetes"))]
#[expect(clippy::unused_async, reason = "it is what it is with a driver")]
pub(crate) async fn seat(_: &str, _: &str) -> Result<Seat> {
    bail!("--lease: this windlass was built without the driver for Kubernetes\nhint: {BUILD}")
}

/// Which cluster, and whom it is to take us for.
#[derive(Debug, Clone, Copy, Default)]
#[cfg_attr(
    not(feature = "kubernetes"),
    expect(dead_code, reason = "there is no way to any")
)]
pub(crate) struct Reach<'a> {
    /// A context of the kubeconfig; `None` for its current one.
    pub(crate) context: Option<&'a str>,
    /// `None` for whoever the kubeconfig says.
    pub(crate) impersonate: Option<&'a Impersonate>,
}

impl<'a> Reach<'a> {
    /// How an environment's cluster is reached, and its namespace there; `None` for one of this machine.
    pub(crate) fn of(runtime: &'a Runtime) -> Option<(Self, &'a str)> {
        let Runtime::Kubernetes {
            context,
            namespace,
            impersonate,
        } = runtime
        else {
            return None;
        };
        let reach = Self {
            context: context.as_deref(),
            impersonate: impersonate.as_ref(),
        };
        Some((reach, namespace))
    }
}

/// What the cluster of a context says of itself: version, address, and who it takes us for.
#[cfg(feature = "kubernetes")]
pub(crate) async fn greeting(reach: &Reach<'_>) -> Result<String> {
    driver::greeting(reach).await.map_err(anyhow::Error::msg)
}

/// There is no way to any.
#[cfg(not(feature = "kubernetes"))]
#[expect(clippy::unused_async, reason = "it is what it is with a driver")]
pub(crate) async fn greeting(_: &Reach<'_>) -> Result<String> {
    bail!("this windlass was built without the driver for Kubernetes\nhint: {BUILD}")
}

/// What the cluster of a context is like by itself: each thing that was looked at, and what is wrong with it.
#[cfg(feature = "kubernetes")]
pub(crate) async fn examined(reach: &Reach<'_>) -> Result<Vec<(&'static str, Result<String>)>> {
    let examined = driver::examined(reach).await.map_err(anyhow::Error::msg)?;
    let found = examined
        .into_iter()
        .map(|(what, found)| (what, found.map_err(anyhow::Error::msg)));
    Ok(found.collect())
}

/// There is no way to any.
#[cfg(not(feature = "kubernetes"))]
#[expect(clippy::unused_async, reason = "it is what it is with a driver")]
pub(crate) async fn examined(_: &Reach<'_>) -> Result<Vec<(&'static str, Result<String>)>> {
    bail!("this windlass was built without the driver for Kubernetes\nhint: {BUILD}")
}

/// What of `access` the cluster of a context does not allow us, in words.
#[cfg(feature = "kubernetes")]
pub(crate) async fn missing(reach: &Reach<'_>, namespace: &str, access: &Access) -> Result<Vec<String>> {
    let missing = driver::missing(reach, namespace, access).await;
    missing.map_err(anyhow::Error::msg)
}

/// There is no way to any.
#[cfg(not(feature = "kubernetes"))]
#[expect(clippy::unused_async, reason = "it is what it is with a driver")]
pub(crate) async fn missing(_: &Reach<'_>, _: &str, _: &Access) -> Result<Vec<String>> {
    bail!("this windlass was built without the driver for Kubernetes\nhint: {BUILD}")
}

/// Makes a cluster have these objects, whoever decided otherwise; their names.
#[cfg(feature = "kubernetes")]
pub(crate) async fn apply(reach: &Reach<'_>, namespace: &str, objects: Vec<Object>) -> Result<Vec<String>> {
    let applied = driver::apply(reach, namespace, &objects).await;
    applied.map_err(anyhow::Error::msg)
}

/// There is no way to any.
#[cfg(not(feature = "kubernetes"))]
#[expect(clippy::unused_async, reason = "it is what it is with a driver")]
pub(crate) async fn apply(_: &Reach<'_>, _: &str, _: Vec<Object>) -> Result<Vec<String>> {
    bail!("this windlass was built without the driver for Kubernetes\nhint: {BUILD}")
}

/// The manifests of an Argo CD on the cluster of a context, and the workloads and ways in that its Applications brought there.
#[cfg(feature = "kubernetes")]
pub(crate) async fn argocd(context: Option<&str>, namespace: &str) -> Result<Vec<serde_json::Value>> {
    argocd::read(context, namespace).await.map_err(anyhow::Error::msg)
}

/// There is no way to any.
#[cfg(not(feature = "kubernetes"))]
#[expect(clippy::unused_async, reason = "it is what it is with a driver")]
pub(crate) async fn argocd(_: Option<&str>, _: &str) -> Result<Vec<serde_json::Value>> {
    bail!(
        "this windlass was built without the driver for Kubernetes\nhint: {BUILD}; `--from` reads manifests of a folder"
    )
}

/// How to come to a program with the driver.
pub(crate) const BUILD: &str = "in a checkout, `WINDLASS_FEATURES=kubernetes ./windlass` builds it in; so does `cargo build --release --package windlass`";

fn with(config: &Config, seat: Option<&Seat>, driver: Option<Driver>) -> Result<Clusters> {
    let on_cluster = |one: &&Environment| matches!(one.runtime, Runtime::Kubernetes { .. });
    match (driver, config.environments.iter().find(on_cluster)) {
        (Some(driver), Some(_)) => Ok(driver(config, seat)),
        (_, None) => Ok(Clusters::default()),
        (None, Some(environment)) => bail!(
            "environment {} is on Kubernetes, and this windlass was built without the driver for it\nhint: {BUILD}",
            environment.name
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::with;
    use windlass_core::config::Config;

    fn config(runtime: &str) -> Config {
        let text = format!(
            "platform: shop\nservices:\n  web: {{ image: web }}\nchart: chart\nedge: web\nenvironments:\n  staging: {{ runtime: {runtime}, source: {{ branch: main }}, port: 3000 }}\n"
        );
        Config::parse("windlass.yaml", &text).unwrap()
    }

    #[test]
    fn an_environment_on_kubernetes_is_refused_by_name_where_the_driver_is_missing() {
        let error = with(&config("{ kubernetes: { namespace: shop } }"), None, None).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("environment staging is on Kubernetes"), "{text}");
        assert!(
            text.contains("hint: ") && text.contains("WINDLASS_FEATURES"),
            "{text}"
        );
        assert!(with(&config("local"), None, None).is_ok());
    }
}
