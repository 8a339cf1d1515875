//! Which Applications an ApplicationSet stands for.

use serde_json::{Value, json};

use crate::argo::tests::InMemory;
use crate::argo::{IN_CLUSTER, Wrong, find};

const REPOSITORY: &str = "https://github.com/company/ecommerce-platform";

/// Names and paths of the Applications of a set with these generators; `more` are fields of its spec.
fn expand(
    generators: &Value,
    more: &Value,
    (name, path): (&str, &str),
) -> Result<Vec<(String, String)>, Wrong> {
    let mut spec = json!({
        "generators": generators,
        "template": {
            "metadata": { "name": name },
            "spec": {
                "project": "default",
                "source": { "repoURL": REPOSITORY, "targetRevision": "main", "path": path },
                "destination": { "server": IN_CLUSTER, "namespace": "shop" },
            },
        },
    });
    spec.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let set = json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
        "metadata": { "name": "set", "namespace": "argocd" }, "spec": spec });
    let secret = json!({ "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "eu", "labels": { "argocd.argoproj.io/secret-type": "cluster", "stage": "production" } },
        "stringData": { "name": "EU_West", "server": "https://eu.example.com" } });
    let files = InMemory::new(&[
        ("argocd/set.yaml", &[set]),
        ("argocd/clusters.yaml", &[secret, json!({ "kind": "ConfigMap" })]),
        ("apps/cart/Chart.yaml", &[json!({})]),
        ("apps/cart/templates/a.yaml", &[json!({})]),
        ("apps/web_2/Chart.yaml", &[json!({})]),
        ("apps/old/Chart.yaml", &[json!({})]),
        ("apps/.hidden/Chart.yaml", &[json!({})]),
        (
            "env/eu/config.json",
            &[json!({ "stage": "production", "cluster": { "name": "eu" }, "replicas": 3 })],
        ),
        (
            "env/us/config.json",
            &[json!([{ "stage": "staging" , "cluster": { "name": "us" } }])],
        ),
    ]);
    let found = find::manifests("argocd/set.yaml", &files)?.1;
    let text = |it: &Value, pointer: &str| it.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    Ok(found
        .iter()
        .map(|it| (text(it, "/metadata/name"), text(it, "/spec/source/path")))
        .collect())
}

#[track_caller]
fn check(generators: &Value, go: bool, template: (&str, &str), expected: &[(&str, &str)]) {
    let found = expand(generators, &json!({ "goTemplate": go }), template).unwrap();
    let found: Vec<(&str, &str)> = found.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_list_gives_its_elements_and_a_selector_picks_among_them() {
    let elements =
        json!([{ "name": "a", "values": { "path": "one" } }, { "name": "b", "values": { "path": "two" } }]);
    let list = json!([{ "list": { "elements": elements } }]);
    check(
        &list,
        false,
        ("shop-{{name}}", "{{ values.path }}"),
        &[("shop-a", "one"), ("shop-b", "two")],
    );
    check(
        &list,
        true,
        ("shop-{{ .name }}", "{{ .values.path }}"),
        &[("shop-a", "one"), ("shop-b", "two")],
    );
    let picked =
        json!([{ "list": { "elements": elements }, "selector": { "matchLabels": { "name": "b" } } }]);
    check(
        &picked,
        false,
        ("{{name}}", "{{unknown}}"),
        &[("b", "{{unknown}}")],
    );
}

#[test]
fn clusters_are_the_own_one_and_those_of_secrets() {
    let all = json!([{ "clusters": { "values": { "path": "clusters/{{name}}" } } }]);
    let expected = [
        ("in-cluster", "clusters/in-cluster"),
        ("eu-west", "clusters/EU_West"),
    ];
    check(&all, false, ("{{nameNormalized}}", "{{values.path}}"), &expected);
    let some = json!([{ "clusters": { "selector": { "matchExpressions": [{ "key": "stage", "operator": "In", "values": ["production"] }] } } }]);
    check(
        &some,
        false,
        ("{{nameNormalized}}", "{{metadata.labels.stage}}"),
        &[("eu-west", "production")],
    );
    check(
        &some,
        true,
        ("{{ .nameNormalized }}", "{{ .metadata.labels.stage }}"),
        &[("eu-west", "production")],
    );
}

#[test]
fn folders_and_files_of_the_repository_are_picked_by_patterns() {
    let folders = json!([{ "git": { "repoURL": REPOSITORY, "revision": "main",
        "directories": [{ "path": "apps/*" }, { "path": "apps/old", "exclude": true }] } }]);
    let expected = [("cart", "apps/cart"), ("web-2", "apps/web_2")];
    check(
        &folders,
        false,
        ("{{path.basenameNormalized}}", "{{path}}"),
        &expected,
    );
    check(
        &folders,
        false,
        ("{{path[1]}}", "{{path[0]}}"),
        &[("cart", "apps"), ("web_2", "apps")],
    );
    check(
        &folders,
        true,
        ("{{ .path.basenameNormalized }}", "{{ .path.path }}"),
        &expected,
    );
    let files = json!([{ "git": { "repoURL": REPOSITORY, "files": [{ "path": "**/config.json" }] } }]);
    let expected = [
        ("eu-production", "env/eu/config.json"),
        ("us-staging", "env/us/config.json"),
    ];
    check(
        &files,
        false,
        ("{{cluster.name}}-{{stage}}", "{{path}}/{{path.filename}}"),
        &expected,
    );
    check(
        &files,
        true,
        (
            "{{ .cluster.name }}-{{ .stage }}",
            "{{ .path.path }}/{{ .path.filename }}",
        ),
        &expected,
    );
}

#[test]
fn a_matrix_pairs_two_generators_and_the_second_may_name_the_first() {
    let files = json!({ "git": { "repoURL": REPOSITORY, "files": [{ "path": "env/*/config.json" }] } });
    let list = json!({ "list": { "elements": [{ "app": "cart", "in": "{{cluster.name}}" }, { "app": "web", "in": "x" }] } });
    let matrix = json!([{ "matrix": { "generators": [files, list] } }]);
    let expected = [
        ("eu-cart", "eu"),
        ("eu-web", "x"),
        ("us-cart", "us"),
        ("us-web", "x"),
    ];
    check(&matrix, false, ("{{cluster.name}}-{{app}}", "{{in}}"), &expected);
    let named = |name: &str| json!({ "list": { "elements": [{ "name": name }] } });
    let both = json!([{ "matrix": { "generators": [named("a"), named("b")] } }]);
    check(&both, true, ("{{ .name }}", "p"), &[("a", "p")]);
    let error = expand(&both, &json!({}), ("{{name}}", "p")).unwrap_err();
    assert!(
        error.cause.contains("both generators have a parameter `name`"),
        "{error}"
    );
}

#[test]
fn what_is_wrong_with_a_set_is_named() {
    let list = |elements: Value| json!([{ "list": { "elements": elements } }]);
    let none = json!({});
    let go = json!({ "goTemplate": true, "goTemplateOptions": ["missingkey=error"] });
    for (generators, more, name, place, cause) in [
        (
            json!([{ "pullRequest": { "github": {} } }]),
            &none,
            "a",
            "spec.generators[0].pullRequest",
            "does not know",
        ),
        (
            json!([{}]),
            &none,
            "a",
            "spec.generators[0]",
            "none of the generators",
        ),
        (
            list(json!([{ "a": "1" }, { "a": "2" }])),
            &none,
            "same",
            "spec.template.metadata.name",
            "two Applications are called `same`",
        ),
        (
            list(json!([{ "a": "1" }])),
            &go,
            "{{ .b }}",
            "spec.template.metadata.name",
            "names a parameter that is not there",
        ),
        (
            json!([{ "git": { "repoURL": "https://elsewhere/a", "directories": [] } }]),
            &none,
            "a",
            "git.repoURL",
            "another repository",
        ),
        (
            json!([{ "matrix": { "generators": [{ "clusters": {} }] } }]),
            &none,
            "a",
            "matrix.generators",
            "these are 1",
        ),
        (
            list(json!([])),
            &json!({ "templatePatch": "a" }),
            "a",
            "spec.templatePatch",
            "does not know",
        ),
        (
            json!([{ "clusters": {}, "selector": { "matchExpressions": [{ "key": "a", "operator": "Near" }] } }]),
            &none,
            "a",
            "operator",
            "`Near` is no operator",
        ),
    ] {
        let error = expand(&generators, more, (name, "p")).unwrap_err();
        assert!(
            error.place.ends_with(place) && error.cause.contains(cause),
            "{place} {cause}: {error}"
        );
    }
}

#[test]
fn an_environment_is_one_of_the_applications_of_a_set() {
    let set = json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": { "name": "set" },
        "spec": { "generators": [{ "list": { "elements": [{ "stage": "staging" }, { "stage": "production" }] } }],
            "template": { "metadata": { "name": "shop-{{stage}}" }, "spec": { "project": "",
                "source": { "repoURL": REPOSITORY, "targetRevision": "main", "path": "k8s/{{stage}}" },
                "destination": { "server": IN_CLUSTER, "namespace": "{{stage}}" } } } } });
    let files = InMemory::new(&[("set.yaml", &[set])]);
    let found = crate::argo::find("set.yaml", Some("shop-production"), &files).unwrap();
    assert_eq!(found.first().path.as_deref(), Some("k8s/production"));
    assert_eq!(found.destination.namespace, "production");
    let error = crate::argo::find("set.yaml", None, &files).unwrap_err();
    assert!(
        error.hint.contains("`shop-staging`, `shop-production`"),
        "{error}"
    );
}
