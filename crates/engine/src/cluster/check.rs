//! Judges a release before anything is planned: by what a cluster cannot do, and by what its server says.

use windlass_core::config::{Build, Config, Strategy};
use windlass_core::health::Scripts;
use windlass_core::object::Object;

use super::Lane;
use super::parts::Parts;
use super::wait::patiently;
use crate::act::Carry;
use crate::world::World;

/// What a cluster cannot do is said before anything is planned; then the server judges what would be sent. `own` is the
/// configuration of the release.
pub(crate) async fn check(
    world: &World,
    lane: &Lane,
    carry: &Carry,
    own: &Config,
    (all, scripts): (&[Object], &Scripts),
) -> Result<(), String> {
    possible(own, &carry.environment)?;
    lane.cluster.check_scripts(scripts)?;
    let parts = Parts::of(all, carry.track, &world.options.config.edge);
    let mut sent = parts.lasting();
    sent.extend(parts.jobs);
    let wanted = (carry.environment.as_str(), carry.turn);
    let sent = &sent;
    let judged = patiently(world, wanted, "plan for", || async move {
        lane.cluster.open().await?;
        lane.cluster.check(sent.clone()).await
    });
    judged.await.map_err(String::from)
}

fn possible(own: &Config, environment: &str) -> Result<(), String> {
    let strategy = own.environment(environment).map(|one| &one.strategy);
    if let Some(Strategy::Canary { .. }) = strategy {
        return Err(format!(
            "{environment} has the strategy canary, which a Service's selector cannot do\nhint: use `strategy: blue-green` on a cluster"
        ));
    }
    let mut services = own.services.iter();
    let built = services.find(|(_, service)| !matches!(service.build, Build::Image(_)));
    match (&own.registry, built) {
        (None, Some((service, _))) => Err(format!(
            "the image of {service} is on this machine only, where no cluster can pull it\nhint: name a `registry` in windlass.yaml; every release is pushed there"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(build: &str, more: &str, strategy: &str) -> Config {
        let text = format!(
            "platform: shop\nservices:\n  web: {{ {build} }}\nchart: chart\nedge: web\n{more}environments:\n  staging:\n    runtime: {{ kubernetes: {{ namespace: shop }} }}\n    source: {{ branch: main }}\n    strategy: {strategy}\n"
        );
        Config::parse("windlass.yaml", &text).unwrap()
    }

    #[test]
    fn what_no_cluster_can_do_is_said_with_a_hint() {
        let built = "build: { cargo: web }";
        let registry = "registry: ghcr.io/company\n";
        let canary = "{ canary: { steps: [{ weight: 10 }] } }";
        let cases = [
            (config(built, "", "blue-green"), Some("the image of web")),
            (config(built, registry, "blue-green"), None),
            (config("image: web", "", "blue-green"), None),
            (config("image: web", "", canary), Some("strategy canary")),
        ];
        for (config, expected) in cases {
            let said = possible(&config, "staging").err();
            let fits = match (expected, &said) {
                (Some(words), Some(text)) => text.contains(words) && text.contains("hint: "),
                (expected, said) => expected.is_none() && said.is_none(),
            };
            assert!(fits, "{expected:?}: {said:?}");
        }
    }
}
