//! The environments that are on clusters, where the program has the driver for them.

#[cfg(feature = "kubernetes")]
mod driver;

use anyhow::{Result, bail};
use windlass_core::access::Access;
use windlass_core::config::{Config, Environment, Runtime};
use windlass_engine::cluster::Clusters;

/// Fits the environments of a configuration that are on clusters to the engine. Nothing is connected yet.
type Driver = fn(&Config) -> Clusters;

#[cfg(feature = "kubernetes")]
const DRIVER: Option<Driver> = Some(driver::all);
#[cfg(not(feature = "kubernetes"))]
const DRIVER: Option<Driver> = None;

/// The environments that are on clusters. Fails where there are some and this program cannot reach any.
pub(crate) fn all(config: &Config) -> Result<Clusters> {
    with(config, DRIVER)
}

/// What the cluster of a context says of itself: version, address, and who it takes us for.
#[cfg(feature = "kubernetes")]
pub(crate) async fn greeting(context: Option<&str>) -> Result<String> {
    driver::greeting(context).await.map_err(anyhow::Error::msg)
}

/// There is no way to any.
#[cfg(not(feature = "kubernetes"))]
#[expect(clippy::unused_async, reason = "it is what it is with a driver")]
pub(crate) async fn greeting(_: Option<&str>) -> Result<String> {
    bail!("this windlass was built without the driver for Kubernetes\nhint: {BUILD}")
}

/// What of `access` the cluster of a context does not allow us, in words.
#[cfg(feature = "kubernetes")]
pub(crate) async fn missing(context: Option<&str>, namespace: &str, access: &Access) -> Result<Vec<String>> {
    let missing = driver::missing(context, namespace, access).await;
    missing.map_err(anyhow::Error::msg)
}

/// There is no way to any.
#[cfg(not(feature = "kubernetes"))]
#[expect(clippy::unused_async, reason = "it is what it is with a driver")]
pub(crate) async fn missing(_: Option<&str>, _: &str, _: &Access) -> Result<Vec<String>> {
    bail!("this windlass was built without the driver for Kubernetes\nhint: {BUILD}")
}

/// How to come to a program with the driver.
pub(crate) const BUILD: &str = "in a checkout, `WINDLASS_FEATURES=kubernetes ./windlass` builds it in; so does `cargo build --release --package windlass`";

fn with(config: &Config, driver: Option<Driver>) -> Result<Clusters> {
    let on_cluster = |one: &&Environment| matches!(one.runtime, Runtime::Kubernetes { .. });
    match (driver, config.environments.iter().find(on_cluster)) {
        (Some(driver), Some(_)) => Ok(driver(config)),
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
        let error = with(&config("{ kubernetes: { namespace: shop } }"), None).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("environment staging is on Kubernetes"), "{text}");
        assert!(
            text.contains("hint: ") && text.contains("WINDLASS_FEATURES"),
            "{text}"
        );
        assert!(with(&config("local"), None).is_ok());
    }
}
