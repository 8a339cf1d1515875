//! `windlass import argocd`: from a folder with manifests, and from a cluster with an Argo CD's objects.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::place::git;

const WINDLASS: &str = env!("CARGO_BIN_EXE_windlass");
/// Two Applications of one project, a set of which one Application is known, and one that Windlass does not deploy.
const MANIFESTS: &str = r#"{ "apiVersion": "v1", "kind": "List", "items": [
  { "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": { "name": "shop-production", "namespace": "argocd" },
    "spec": { "project": "shop",
      "source": { "repoURL": "https://github.com/company/shop", "targetRevision": "main", "path": "k8s",
        "helm": { "parameters": [{ "name": "db.password", "value": "s3cr3t" }, { "name": "replicas", "value": "2" }] } },
      "destination": { "server": "https://kubernetes.default.svc", "namespace": "production" },
      "syncPolicy": { "automated": { "prune": true }, "syncOptions": ["Replace=true"] } },
    "status": { "summary": { "images": ["ghcr.io/company/web:1"] }, "resources": [{ "kind": "Deployment", "name": "web" }] } },
  { "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": { "name": "other", "namespace": "argocd" },
    "spec": { "source": { "repoURL": "https://github.com/company/shop", "targetRevision": "main", "plugin": { "name": "own" } },
      "destination": { "server": "https://kubernetes.default.svc", "namespace": "other" } } },
  { "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
    "metadata": { "name": "shop-eu", "namespace": "argocd", "ownerReferences": [{ "kind": "ApplicationSet", "name": "shop" }] },
    "spec": { "source": { "repoURL": "https://github.com/company/shop", "targetRevision": "main", "path": "k8s" },
      "destination": { "name": "eu", "namespace": "eu" } } },
  { "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": { "name": "shop", "namespace": "argocd" },
    "spec": { "generators": [{ "list": { "elements": [{ "region": "eu" }] } }],
      "template": { "metadata": { "name": "shop-{{region}}" },
        "spec": { "source": { "repoURL": "https://github.com/company/shop", "targetRevision": "main", "path": "k8s" },
          "destination": { "name": "{{region}}", "namespace": "{{region}}" } } } } },
  { "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": { "name": "shop", "namespace": "argocd" },
    "spec": { "sourceRepos": ["*"], "destinations": [{ "server": "*", "namespace": "*" }], "orphanedResources": { "warn": true },
      "roles": [{ "name": "ci", "jwtTokens": [{ "iat": 1535390316 }] }],
      "syncWindows": [{ "kind": "deny", "schedule": "0 22 * * *", "duration": "1h", "applications": ["*"] }] } },
  { "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "argocd-cm", "namespace": "argocd" },
    "data": { "url": "https://argocd.example.com", "resource.customizations.health.shop.dev_Cart": "return nil" } }
] }"#;

fn import(root: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(WINDLASS);
    command.args(["import", "argocd", "--into", root.to_str().unwrap()]);
    command.args(arguments).envs(variables.iter().copied());
    command.output().unwrap()
}

fn succeeded(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// A repository that has the address of the manifests.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "-b", "main"]);
    let address = "git@github.com:company/shop.git";
    git(folder.path(), &["remote", "add", "origin", address]);
    folder
}

fn note<'n>(document: &'n Value, place: &str) -> &'n str {
    let notes = document["notes"].as_array().unwrap();
    let found = notes.iter().find(|it| it["place"] == place);
    found.unwrap_or_else(|| panic!("{place}: {document:#}"))["what"]
        .as_str()
        .unwrap()
}

#[test]
fn manifests_of_a_folder_become_environments_and_what_is_not_carried_over_is_named() {
    let (from, into) = (tempfile::tempdir().unwrap(), repository());
    std::fs::write(from.path().join("all.json"), MANIFESTS).unwrap();
    let from = from.path().to_str().unwrap();
    let arguments = ["--from", from, "--platform", "shop", "-o", "json"];
    let document: Value = serde_json::from_str(&succeeded(&import(into.path(), &arguments, &[]))).unwrap();
    assert_eq!(
        document["environments"],
        serde_json::json!(["shop-eu", "shop-production"])
    );
    let read = |path: &str| std::fs::read_to_string(into.path().join(path)).unwrap();
    assert_eq!(
        read("windlass.yaml"),
        "\
platform: shop
services:
  web: { image: \"ghcr.io/company/web:1\" }
edge: web
environments:
  shop-eu:
    application: { file: argocd/applicationsets.yaml, name: \"shop-eu\" }
    runtime: { kubernetes: { context: \"eu\", namespace: eu } }
    strategy: rolling
  shop-production:
    application: { file: argocd/applications.yaml, name: \"shop-production\" }
    strategy: rolling
"
    );
    for (place, what) in [
        (
            "Application shop-production: spec.source.helm.parameters db.password",
            "looks like a secret",
        ),
        (
            "Application shop-production: spec.syncPolicy.syncOptions[0]",
            "Replace=true",
        ),
        ("AppProject shop: spec.orphanedResources", "does nothing here"),
        (
            "Application other: spec.source.plugin",
            "no environment is made of it",
        ),
        ("AppProject shop: spec.roles", "break-glass"),
        ("argocd-cm: url", "not carried over"),
        ("windlass.yaml: environments.shop-eu.runtime", "`eu`"),
    ] {
        assert!(note(&document, place).contains(what), "{place}: {document:#}");
    }
    let notes = document["notes"].to_string();
    assert!(!notes.contains("not complete"), "{notes}");
    for path in [
        "applications.yaml",
        "applicationsets.yaml",
        "projects.yaml",
        "argocd-cm.yaml",
    ] {
        let text = read(&format!("argocd/{path}"));
        for secret in ["s3cr3t", "jwtTokens", "status:"] {
            assert!(!text.contains(secret), "{path}: {text}");
        }
    }

    let again = import(into.path(), &["--from", from], &[]);
    let text = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(
        !again.status.success() && text.contains("is there already") && text.contains("--force"),
        "{text}"
    );
    let text = succeeded(&import(into.path(), &["--from", from, "--force"], &[]));
    assert!(text.contains("environments: shop-eu, shop-production"), "{text}");
}

#[test]
fn a_folder_without_applications_is_said() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let output = import(into.path(), &["--from", from.path().to_str().unwrap()], &[]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && text.contains("no Application") && text.contains("hint: "),
        "{text}"
    );
    assert!(!into.path().join("windlass.yaml").exists());
}

#[cfg(feature = "kubernetes")]
mod on_a_cluster {
    use serde_json::json;
    use windlass_cluster::{Client, Cluster};

    use super::*;

    /// As little as a server needs to hold Argo CD's objects.
    fn define(client: &Client, kind: &str, plural: &str) {
        let definition = json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{plural}.argoproj.io") },
            "spec": { "group": "argoproj.io", "scope": "Namespaced",
                "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase() },
                "versions": [{ "name": "v1alpha1", "served": true, "storage": true,
                    "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } } }] } });
        let all = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        client.create(all, &definition).unwrap();
        let name = format!("{plural}.argoproj.io");
        client
            .wait(all, "the kind to be served", |it| {
                let is = |it: &Value| it["type"] == "Established" && it["status"] == "True";
                let conditions = it["status"]["conditions"].as_array();
                it["metadata"]["name"] == name && conditions.is_some_and(|all| all.iter().any(is))
            })
            .unwrap();
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "what an Argo CD has is many objects")]
    fn a_live_argo_cd_is_read_without_its_secrets() {
        let Some(cluster) = Cluster::shared() else {
            return;
        };
        let client = cluster.client();
        let (argocd, production) = (
            cluster.namespace("wl-argocd").unwrap(),
            cluster.namespace("wl-imported").unwrap(),
        );
        let variables = [("KUBECONFIG", cluster.kubeconfig().to_str().unwrap())];
        let into = repository();
        let from = ["--namespace", argocd.name(), "--platform", "shop", "-o", "json"];
        let none = import(into.path(), &from, &variables);
        let text = String::from_utf8_lossy(&none.stderr).into_owned();
        assert!(text.contains("has no Argo CD"), "{text}");

        let kinds = [
            ("Application", "applications"),
            ("ApplicationSet", "applicationsets"),
            ("AppProject", "appprojects"),
        ];
        for (kind, plural) in kinds {
            define(client, kind, plural);
        }
        for name in ["api", "web"] {
            let labels = json!({ "app": name });
            let deployment = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
                "spec": { "replicas": 0, "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels },
                    "spec": { "containers": [{ "name": "app", "image": format!("registry.example.com/{name}:7") }] } } } });
            client
                .create(&production.group("apps/v1", "deployments"), &deployment)
                .unwrap();
        }
        let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" },
            "spec": { "type": "NodePort", "ports": [{ "port": 80 }] } });
        client.create(&production.core("services"), &service).unwrap();
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "repo",
            "labels": { "argocd.argoproj.io/secret-type": "repository" } }, "stringData": { "password": "s3cr3t" } });
        client.create(&argocd.core("secrets"), &secret).unwrap();
        let manifests: Value = serde_json::from_str(MANIFESTS).unwrap();
        let resource = |group: &str, kind: &str, name: &str| json!({ "group": group, "version": "v1", "kind": kind, "name": name, "namespace": production.name() });
        for mut item in manifests["items"].as_array().unwrap().clone() {
            item["metadata"]["namespace"] = argocd.name().into();
            // Nobody owns it here: the server would want to know who.
            item["metadata"]
                .as_object_mut()
                .unwrap()
                .remove("ownerReferences");
            if item["metadata"]["name"] == "shop-production" {
                item["status"]["resources"] = json!([
                    resource("apps", "Deployment", "api"),
                    resource("apps", "Deployment", "web"),
                    resource("", "Service", "web"),
                ]);
            }
            let kind = item["kind"].as_str().unwrap();
            let collection = match kinds.iter().find(|it| it.0 == kind) {
                Some((_, plural)) => argocd.group("argoproj.io/v1alpha1", plural),
                None => argocd.core("configmaps"),
            };
            client.create(&collection, &item).unwrap();
        }
        let document: Value =
            serde_json::from_str(&succeeded(&import(into.path(), &from, &variables))).unwrap();
        assert_eq!(
            document["environments"],
            json!(["shop-eu", "shop-production"]),
            "{document:#}"
        );
        let text = std::fs::read_to_string(into.path().join("windlass.yaml")).unwrap();
        for part in [
            "  api: { image: \"registry.example.com/api:7\" }\n  web: { image: \"registry.example.com/web:7\" }\nedge: web\n",
            "application: { file: argocd/applications.yaml, name: \"shop-production\" }",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        for path in document["files"].as_array().unwrap() {
            let text = std::fs::read_to_string(into.path().join(path.as_str().unwrap())).unwrap();
            for absent in ["s3cr3t", "managedFields", "resourceVersion", "uid:"] {
                assert!(!text.contains(absent), "{path}: {text}");
            }
        }
        for (_, plural) in kinds {
            let all = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
            client.delete(&format!("{all}/{plural}.argoproj.io")).unwrap();
        }
    }
}
