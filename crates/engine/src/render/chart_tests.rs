//! The platform's own chart, rendered for each environment with the images of a release.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use windlass_core::config::{Config, Environment};
use windlass_core::machine::event::Color;
use windlass_core::machine::release::Release;
use windlass_core::object::{EnvValue, Object};

use super::{Rendered, Sources, on_track, plan, render};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn config() -> Config {
    let text = std::fs::read_to_string(root().join("windlass.yaml")).unwrap();
    Config::parse("windlass.yaml", &text).unwrap()
}

fn release(config: &Config) -> Release {
    let image = |service: &String| (service.clone(), format!("sha256:{}", "a".repeat(64)));
    Release {
        id: "sha-abc1234".to_owned(),
        commit: "abc1234".repeat(6),
        subject: "Add carts".to_owned(),
        version: "0.1.0+abc1234".to_owned(),
        images: config.services.keys().map(image).collect(),
        built_at_ms: 0,
    }
}

fn rendered(config: &Config, environment: &Environment) -> Rendered {
    let sources = Sources::of_folder(&root(), config, environment).unwrap();
    render(sources, config, environment, &release(config)).unwrap()
}

#[test]
fn every_service_has_all_its_objects_with_the_images_and_version_of_the_release() {
    let config = config();
    for environment in &config.environments {
        let rendered = rendered(&config, environment);
        for service in config.services.keys() {
            for kind in [
                "Deployment",
                "Service",
                "ConfigMap",
                "Secret",
                "HorizontalPodAutoscaler",
                "PodDisruptionBudget",
                "NetworkPolicy",
                "ServiceAccount",
            ] {
                let found = rendered
                    .objects
                    .iter()
                    .any(|object| object.kind() == kind && object.name() == service);
                assert!(found, "{}: {kind} {service}", environment.name);
            }
        }
        for workload in rendered.objects.iter().filter_map(Object::workload) {
            for container in workload.containers() {
                assert!(
                    container.image().ends_with(&"a".repeat(64)),
                    "{}",
                    container.image()
                );
                let version = container
                    .env()
                    .into_iter()
                    .find(|env| env.name == "APP_VERSION")
                    .unwrap();
                assert_eq!(
                    version.value,
                    EnvValue::Literal("0.1.0+abc1234"),
                    "{}",
                    workload.name()
                );
            }
        }
        let again = self::rendered(&config, environment);
        assert_eq!(rendered, again, "the same input gives the same objects");
    }
}

#[test]
fn nothing_is_wrong_with_our_own_chart() {
    let config = config();
    for environment in &config.environments {
        let plan = plan(environment, &rendered(&config, environment), &[], 0);
        assert!(
            plan.findings.is_empty(),
            "{}: {:#?}",
            environment.name,
            plan.findings
        );
        assert!(plan.changes.len() > 50, "{:?}", plan.changes);
    }
}

#[test]
fn on_one_machine_no_service_is_called_by_name() {
    let config = config();
    let production = config.environment("production").unwrap();
    let objects = rendered(&config, production).all();
    for color in [Color::Blue, Color::Green] {
        let track = on_track(&objects, color, &config.edge);
        assert_eq!(track.edge, format!("{}-{}", config.edge, color.name()));
        let address =
            |index: usize| SocketAddr::from(([127, 0, 0, 1], 20_000 + u16::try_from(index).unwrap()));
        let addresses: BTreeMap<_, _> = track
            .ports
            .iter()
            .enumerate()
            .map(|(index, port)| ((port.service.clone(), port.number), address(index)))
            .collect();
        let mut urls = 0;
        for object in track
            .localised(&addresses)
            .iter()
            .filter(|object| object.is("", "ConfigMap"))
        {
            for (key, value) in object.value()["data"].as_object().unwrap() {
                if let Some(rest) = value.as_str().unwrap().strip_prefix("http://") {
                    assert!(rest.starts_with("127.0.0.1:2"), "{} {key}: {rest}", object.name());
                    urls += 1;
                }
            }
        }
        assert!(urls > 20, "{urls}");
        assert!(!super::Track::jobs(&track.objects).is_empty());
    }
}
