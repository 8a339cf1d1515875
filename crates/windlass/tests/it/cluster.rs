//! An environment on a real Kubernetes control plane, whose nodes pretend, released and rolled back by the program itself.

use super::place::{Place, git, until};
use super::staging::{SHOP, Staging};

fn promoted(outcome: &(String, String)) -> bool {
    outcome.0 == "promoted"
}

#[test]
fn on_a_real_cluster_good_releases_are_switched_bad_ones_refused_and_a_rollback_leads_back() {
    let Some(staging) = Staging::begin("wl-releases", "0s") else {
        return;
    };
    let first = staging.place.commit("one", "");
    assert!(
        promoted(&staging.outcome(&first)),
        "{:?}",
        staging.outcome(&first)
    );
    assert_eq!(staging.leads_to(), "blue");
    assert_eq!(staging.names("apis/batch/v1/jobs"), ["web-migrate"]);
    assert_eq!(staging.names("api/v1/services"), ["api-blue", "web", "web-blue"]);

    let second = staging.place.commit("two", "");
    assert!(
        promoted(&staging.outcome(&second)),
        "{:?}",
        staging.outcome(&second)
    );
    assert_eq!(staging.leads_to(), "green");
    staging.only("green");
    assert_eq!(
        staging.names("api/v1/services"),
        ["api-green", "web", "web-green"]
    );

    let third = staging.place.commit("three", "unready");
    let ended = staging.controller.ended(&third);
    assert_eq!(ended.outcome, "refused", "{ended:?}");
    assert!(ended.reason.contains("not ready"), "{ended:?}");
    assert_eq!(staging.leads_to(), "green", "customers never met it");
    staging.only("green");

    let output = staging
        .place
        .run(&["rollback", "staging", "--as", "Ada", "-m", "the test", "--wait"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(staging.leads_to(), "blue");
    staging.only("blue");
    let live = staging.controller.staging().live.unwrap();
    assert_eq!(live.release, first);
    let greeting = staging
        .cluster
        .client()
        .get(&staging.path("api/v1/configmaps"))
        .unwrap();
    assert!(
        greeting.to_string().contains("\"GREETING\":\"one\""),
        "{greeting}"
    );
}

#[test]
fn a_persons_switch_on_a_real_cluster_is_a_rollback_by_that_person_and_is_not_undone() {
    let Some(staging) = Staging::begin("wl-person", "10m") else {
        return;
    };
    let first = staging.place.commit("one", "");
    staging.watched(&first);
    let promote = ["promote", "staging", "--as", "Ada", "-m", "the test"];
    assert!(staging.place.run(&promote).status.success());
    assert!(promoted(&staging.outcome(&first)));
    let second = staging.place.commit("two", "");
    staging.watched(&second);
    assert_eq!(staging.leads_to(), "green");
    let warm = ["api-blue", "api-green", "web-blue", "web-green"];
    assert_eq!(staging.names("apis/apps/v1/deployments"), warm);

    staging.patch("blue");
    let expected = ("rolled-back".to_owned(), "kubectl-patch".to_owned());
    assert_eq!(staging.outcome(&second), expected);
    staging.only("blue");
    assert_eq!(staging.leads_to(), "blue");
    let shown = staging.controller.staging();
    let held: Vec<&str> = shown.holds.iter().map(|hold| hold.release.as_str()).collect();
    assert_eq!(held, [second.as_str()]);
    assert_eq!(shown.live.unwrap().release, first);
}

#[test]
fn the_shops_chart_is_released_switched_healed_and_rolled_back_on_a_real_cluster() {
    let Some(shop) = Staging::shop("wl-shop") else {
        return;
    };
    let of = |tracks: &[&str]| -> Vec<String> {
        let all = SHOP
            .iter()
            .flat_map(|name| tracks.iter().map(move |track| format!("{name}-{track}")));
        all.collect()
    };
    let settings = shop.place.read("chart/values.staging.yaml");
    let commit = |level: &str| {
        shop.place.write(
            "chart/values.staging.yaml",
            &format!("{settings}logLevel: {level}\n"),
        );
        let root = shop.place.root();
        git(&root, &["add", "chart", "windlass.yaml"]);
        git(&root, &["commit", "-q", "-m", level]);
        format!("sha-{}", &git(&root, &["rev-parse", "HEAD"])[..7])
    };
    let first = commit("info");
    shop.watched(&first);
    assert_eq!(shop.names("apis/apps/v1/deployments"), of(&["blue"]));
    let promote = ["promote", "staging", "--as", "Ada", "-m", "the test"];
    assert!(shop.place.run(&promote).status.success());
    assert!(promoted(&shop.outcome(&first)));

    let second = commit("debug");
    shop.watched(&second);
    assert_eq!(shop.leads_to(), "green");
    let both = of(&["blue", "green"]);
    assert_eq!(shop.names("apis/apps/v1/deployments"), both);
    let deleted = format!("{}/cart-service-blue", shop.path("apis/apps/v1/deployments"));
    shop.cluster.client().delete(&deleted).unwrap();
    until("what was deleted to come back", || {
        (shop.names("apis/apps/v1/deployments") == both).then_some(())
    });

    let rollback = ["rollback", "staging", "--as", "Ada", "-m", "the test", "--wait"];
    assert!(shop.place.run(&rollback).status.success());
    assert_eq!(
        shop.outcome(&second),
        ("rolled-back".to_owned(), "Ada".to_owned())
    );
    assert_eq!(shop.leads_to(), "blue");
    until("the bad track to go", || {
        (shop.names("apis/apps/v1/deployments") == of(&["blue"])).then_some(())
    });
    assert_eq!(shop.controller.staging().live.unwrap().release, first);
}

#[test]
fn a_cluster_that_is_not_known_is_said_with_its_context() {
    let place = Place::new(
        "    runtime: { kubernetes: { context: nowhere, namespace: shop } }\n    strategy: blue-green\n    watch: 0s\n",
    );
    let folder = place.state();
    let controller = place.serve_with(&[("KUBECONFIG", folder.to_str().unwrap())]);
    let warning = until("a warning", || {
        let warnings = controller.view().warnings;
        warnings.into_iter().find(|warning| warning.contains("nowhere"))
    });
    assert!(
        warning.starts_with("staging: the cluster of context nowhere is not known")
            && warning.contains("hint: "),
        "{warning}"
    );
}
