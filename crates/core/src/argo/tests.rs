//! What is read of an Application, and what is refused by name.

#![expect(clippy::too_many_lines, reason = "tables of cases")]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::config::{Config, Deploy, Runtime, Source};

/// Files by path; documents are JSON, one after the other.
pub(crate) struct InMemory(pub(crate) BTreeMap<String, String>);

impl InMemory {
    pub(crate) fn new(files: &[(&str, &[Value])]) -> Self {
        let text = |documents: &[Value]| -> String {
            documents
                .iter()
                .map(Value::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        };
        Self(files.iter().map(|it| (it.0.to_owned(), text(it.1))).collect())
    }
}

impl Files for InMemory {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        Ok(self.0.get(path).cloned())
    }

    fn below(&self, folder: &str) -> Result<Vec<String>, String> {
        let below = |path: &&String| folder.is_empty() || path.starts_with(&format!("{folder}/"));
        Ok(self.0.keys().filter(below).cloned().collect())
    }

    fn documents(&self, text: &str) -> Result<Vec<Value>, String> {
        let all = serde_json::Deserializer::from_str(text).into_iter();
        all.collect::<Result<_, _>>().map_err(|it| it.to_string())
    }

    /// Enough of Go's templates for tests of what is put into them: `{{ .a.b }}`.
    fn template(&self, text: &str, values: &Value) -> Result<String, String> {
        let mut parts = text.split("{{");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once("}}").ok_or("it does not end")?;
            let found = name.trim().trim_start_matches('.').split('.');
            let found = found.fold(values, |value, name| &value[name]);
            out.push_str(found.as_str().unwrap_or("<no value>"));
            out.push_str(rest);
        }
        Ok(out)
    }

    fn is_own(&self, address: &str) -> bool {
        address == "https://github.com/company/ecommerce-platform"
    }
}

/// The guide's manifest.
fn guide() -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": { "name": "ecommerce-platform", "namespace": "argocd" },
        "spec": {
            "project": "default",
            "source": {
                "repoURL": "https://github.com/company/ecommerce-platform",
                "targetRevision": "main", "path": "infrastructure/k8s",
            },
            "destination": { "server": IN_CLUSTER, "namespace": "production" },
            "syncPolicy": { "automated": { "prune": true, "selfHeal": true } },
        },
    })
}

/// The guide's with another value at a pointer; null takes it out.
fn changed(pointer: &str, value: Value) -> Value {
    let mut document = guide();
    let (above, key) = pointer.rsplit_once('/').unwrap();
    let map = document
        .pointer_mut(above)
        .and_then(Value::as_object_mut)
        .unwrap();
    if value.is_null() {
        map.remove(key);
    } else {
        map.insert(key.to_owned(), value);
    }
    document
}

fn read(document: Value) -> Result<Application, Wrong> {
    find(
        "argocd/app.yaml",
        None,
        &InMemory::new(&[("argocd/app.yaml", &[document])]),
    )
}

fn configured(document: Value, environment: &str) -> Result<Config, String> {
    let text = format!(
        "platform: shop\nservices:\n  web: {{ image: web }}\nedge: web\nenvironments:\n  production: {{ application: argocd/app.yaml{environment} }}\n"
    );
    let files = InMemory::new(&[("argocd/app.yaml", &[document])]);
    Config::parse_with("windlass.yaml", &text, &files).map_err(|it| it.to_string())
}

#[test]
fn the_guides_application_says_what_an_environment_follows_and_where_it_is() {
    let config = configured(guide(), "").unwrap();
    let production = config.environment("production").unwrap();
    assert_eq!(
        production.source,
        Source::Branch {
            branch: "main".to_owned(),
            repository: None
        },
        "its repository is the configuration's own"
    );
    assert_eq!(
        production.runtime,
        Runtime::Kubernetes {
            context: None,
            namespace: "production".to_owned(),
            impersonate: None,
        }
    );
    assert_eq!(production.deploy, Deploy::Auto);
    assert!(production.prunes() && production.heals());
    let application = production.application.as_ref().unwrap();
    assert_eq!(application.first().path.as_deref(), Some("infrastructure/k8s"));
    assert_eq!(application.warnings, Vec::<String>::new());
    let again: crate::config::Environment =
        serde_json::from_value(serde_json::to_value(production).unwrap()).unwrap();
    assert_eq!(&again, production, "it is stored with a release");
}

#[test]
fn what_the_environment_says_beside_it_may_be_stricter_and_not_otherwise() {
    let manual = changed("/spec/syncPolicy", Value::Null);
    let production = |config: Config| config.environment("production").unwrap().clone();
    let one = production(configured(manual, "").unwrap());
    assert!(
        matches!(one.deploy, Deploy::Approvals { count: 1, .. }),
        "a person syncs by hand"
    );
    assert!(!one.prunes() && !one.heals());
    let two = production(configured(guide(), ", deploy: { approvals: 2 }").unwrap());
    assert!(matches!(two.deploy, Deploy::Approvals { count: 2, .. }));
    let local = production(configured(guide(), ", runtime: local, port: 3200").unwrap());
    assert_eq!(local.runtime, Runtime::Local);
    let elsewhere = changed("/spec/source/repoURL", json!("https://git.example.com/shop"));
    let elsewhere = production(configured(elsewhere, "").unwrap());
    let Source::Branch { repository, .. } = elsewhere.source else {
        panic!()
    };
    assert_eq!(repository.as_deref(), Some("https://git.example.com/shop"));
    for (environment, expected) in [
        (", source: { branch: main }", "both `application` and `source`"),
        (", values: [a.yaml]", "both `application` and `values`"),
        (
            ", runtime: { kubernetes: { namespace: other } }",
            "the namespace is `other` here and `production` in argocd/app.yaml",
        ),
    ] {
        let error = configured(guide(), environment).unwrap_err();
        assert!(error.contains(expected) && error.contains("hint: "), "{error}");
    }
    let named = changed(
        "/spec/destination",
        json!({ "name": "eu", "namespace": "production" }),
    );
    let error = configured(named.clone(), "").unwrap_err();
    assert!(
        error.contains("nothing says how `eu` is reached") && error.contains("context: NAME"),
        "{error}"
    );
    let reached = configured(
        named,
        ", runtime: { kubernetes: { context: eks, namespace: production } }",
    );
    let Runtime::Kubernetes { context, .. } = production(reached.unwrap()).runtime else {
        panic!()
    };
    assert_eq!(context.as_deref(), Some("eks"));
    let error = Config::parse(
        "windlass.yaml",
        "platform: shop\nservices:\n  web: { image: web }\nedge: web\nenvironments:\n  production: { port: 1 }\n",
    );
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("an environment has no `source`")
    );
}

#[test]
fn what_would_change_the_objects_and_is_not_understood_is_refused_by_name() {
    let source = |more: Value| {
        let mut source = guide()["spec"]["source"].clone();
        source
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        changed("/spec/source", source)
    };
    for (document, place, cause) in [
        (
            source(json!({ "chart": "redis" })),
            "spec.source.chart",
            "not fetched",
        ),
        (
            source(json!({ "plugin": { "name": "x" } })),
            "spec.source.plugin",
            "does not run",
        ),
        (
            source(json!({ "kustomize": { "namePrefix": "a-" } })),
            "spec.source.kustomize.namePrefix",
            "does not know",
        ),
        (
            source(json!({ "directory": { "jsonnet": { "libs": ["a"] } } })),
            "spec.source.directory.jsonnet",
            "does not know",
        ),
        (
            source(json!({ "helm": { "kubeVersion": "1.30" } })),
            "spec.source.helm.kubeVersion",
            "does not know",
        ),
        (
            source(json!({ "path": "../other" })),
            "spec.source.path",
            "leads out",
        ),
        (
            source(json!({ "targetRevision": "HEAD" })),
            "spec.source.targetRevision",
            "no branch",
        ),
        (
            source(json!({ "targetRevision": "1.*" })),
            "spec.source.targetRevision",
            "`1.*` is no branch",
        ),
        (changed("/spec/source", Value::Null), "spec.source", "not there"),
        (
            changed("/spec/destination/namespace", json!(["a"])),
            "spec.destination.namespace",
            "no text",
        ),
        (
            changed("/spec/destination/name", json!("both")),
            "spec.destination",
            "either `server` or `name`",
        ),
        (
            changed("/spec/project", json!("shop")),
            "spec.project",
            "no AppProject `shop`",
        ),
        (
            changed("/spec/syncPolicy/automated/prune", json!("yes")),
            "spec.syncPolicy.automated.prune",
            "no `true` or `false`",
        ),
        (
            changed("/kind", json!("Deployment")),
            "argocd/app.yaml",
            "no Application",
        ),
    ] {
        let error = read(document).unwrap_err();
        assert!(
            error.place.ends_with(place) && error.cause.contains(cause),
            "{place} {cause}: {error}"
        );
        assert!(!error.hint.is_empty());
    }
}

#[test]
fn what_does_nothing_here_is_a_warning() {
    let options = json!(["CreateNamespace=true", "Replace=true", "Validate=false"]);
    let mut document = changed("/spec/syncPolicy/syncOptions", options);
    document["spec"]["ignoreDifferences"] = json!([
        { "group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"], "jqPathExpressions": [".a"] } ]);
    document["spec"]["sourceHydrator"] = json!({ "a": 1 });
    document["spec"]["revisionHistoryLimit"] = json!(3);
    let application = read(document).unwrap();
    let expected = [
        "argocd/app.yaml: spec.sourceHydrator does nothing here",
        "argocd/app.yaml: spec.syncPolicy.syncOptions[1]: `Replace=true` does nothing here",
        "argocd/app.yaml: spec.syncPolicy.syncOptions[2]: `Validate=false` does nothing here",
        "argocd/app.yaml: spec.ignoreDifferences[0].jqPathExpressions does nothing here: use jsonPointers",
    ];
    assert_eq!(application.warnings, expected);
    assert_eq!(application.ignored[0].pointers, ["/spec/replicas"]);
}

#[test]
fn automated_sync_is_on_where_it_is_said_and_prune_and_heal_are_words_of_their_own() {
    let sync = |automated: Value, options: Value| {
        let document = changed(
            "/spec/syncPolicy",
            json!({ "automated": automated, "syncOptions": options }),
        );
        let sync = read(document).unwrap().sync;
        (sync.automated, sync.prune, sync.self_heal)
    };
    let none = || json!([]);
    assert_eq!(
        sync(json!({}), none()),
        (true, false, false),
        "an empty map says so too"
    );
    assert_eq!(sync(json!({ "prune": true }), none()), (true, true, false));
    assert_eq!(
        sync(json!({ "selfHeal": true, "enabled": true }), none()),
        (true, false, true)
    );
    assert_eq!(
        sync(json!({ "prune": true, "enabled": false }), none()),
        (false, false, false)
    );
    assert_eq!(
        sync(json!({ "prune": true }), json!(["Prune=false"])),
        (true, false, false)
    );
    assert_eq!(sync(Value::Null, none()), (false, false, false));
}

#[test]
fn several_sources_are_of_one_repository_and_branch() {
    let sources = |second: Value| {
        let first = json!({ "repoURL": "https://github.com/company/ecommerce-platform", "targetRevision": "main",
            "path": "charts/shop", "helm": { "valueFiles": ["$values/env/production.yaml"] } });
        let mut document = changed("/spec/sources", json!([first, second]));
        document["spec"].as_object_mut().unwrap().remove("source");
        read(document)
    };
    let values = json!({ "repoURL": "https://github.com/company/ecommerce-platform", "targetRevision": "main", "ref": "values" });
    let application = sources(values.clone()).unwrap();
    assert_eq!(application.sources[1].path, None);
    assert_eq!(application.sources[1].reference.as_deref(), Some("values"));
    let mut other = values;
    other["targetRevision"] = json!("develop");
    let error = sources(other).unwrap_err();
    assert!(
        error.cause.contains("at develop") && error.place.ends_with("spec.sources[1]"),
        "{error}"
    );
}

#[test]
fn the_project_beside_the_application_is_held_to() {
    let document = changed("/spec/project", json!("shop"));
    let project = |sources: &str, namespace: &str| {
        json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": { "name": "shop" },
            "spec": { "sourceRepos": [sources], "destinations": [{ "server": "*", "namespace": namespace }],
                "syncWindows": [
                    { "kind": "deny", "schedule": "0 22 * * *", "duration": "1h", "applications": ["ecommerce-*"] },
                    { "kind": "deny", "schedule": "0 23 * * *", "duration": "1h", "applications": ["other"] },
                ], "signatureKeys": [{ "keyID": "4AEE18F83AFDEB23" }] } })
    };
    let with = |project: Value| {
        let files = InMemory::new(&[
            ("argocd/app.yaml", std::slice::from_ref(&document)),
            ("argocd/deep/other.yaml", &[json!({})]),
            ("argocd/project.yaml", &[json!({ "kind": "ConfigMap" }), project]),
        ]);
        find("argocd/app.yaml", None, &files)
    };
    let found = with(project("*", "production")).unwrap();
    assert_eq!(
        found.warnings,
        ["argocd/project.yaml: spec.signatureKeys does nothing here"]
    );
    assert!(found.project.is_some());
    let windows: Vec<String> = found.windows.iter().map(ToString::to_string).collect();
    assert_eq!(windows, ["a sync window denies `0 22 * * * for 1h`"]);
    let error = with(project("https://github.com/other/*", "production")).unwrap_err();
    assert!(
        error
            .cause
            .contains("AppProject shop does not allow https://github.com/company"),
        "{error}"
    );
    let error = with(project("*", "staging")).unwrap_err();
    assert!(error.place.ends_with("spec.destination"), "{error}");
}

#[test]
fn one_of_several_applications_is_named() {
    let mut other = guide();
    other["metadata"]["name"] = json!("other");
    let files = InMemory::new(&[("apps.yaml", &[guide(), other])]);
    let error = find("apps.yaml", None, &files).unwrap_err();
    assert!(error.hint.contains("`ecommerce-platform`, `other`"), "{error}");
    assert_eq!(find("apps.yaml", Some("other"), &files).unwrap().name, "other");
    let error = find("apps.yaml", Some("nothing"), &files).unwrap_err();
    assert!(error.cause.contains("no Application `nothing`"), "{error}");
    let error = find("none.yaml", None, &files).unwrap_err();
    assert!(error.to_string().contains("there is no such file"), "{error}");
}
