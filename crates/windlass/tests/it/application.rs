//! An environment that the guide's Argo CD Application describes: on this machine, and on a real Kubernetes control plane.

use super::place::{Controller, Place, git, until};

/// As the guide has it.
const GUIDE: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: ecommerce-platform
  namespace: argocd
spec:
  project: default
  source:
    repoURL: https://github.com/company/ecommerce-platform
    targetRevision: main
    path: infrastructure/k8s
  destination:
    server: https://kubernetes.default.svc
    namespace: production
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
";
const FILE: &str = "infrastructure/argocd/application.yaml";

/// A repository with plain manifests of the chart `template`, and an Application that names them. Its remote is the one that
/// the Application names; nobody fetches it.
fn place(template: &str, application: &str, environment: &str) -> Place {
    let place = Place::new("");
    let text = place.read("windlass.yaml");
    let (platform, _) = text.split_once("environments:").unwrap();
    let platform = platform.replace("chart: chart\n", "");
    place.write(
        "windlass.yaml",
        &format!("{platform}environments:\n  staging:\n    application: {FILE}\n{environment}"),
    );
    place.write("chart/templates/web.yaml", template);
    place.write(FILE, application);
    let root = place.root();
    git(&root, &["symbolic-ref", "HEAD", "refs/heads/main"]);
    let address = "git@github.com:company/ecommerce-platform.git";
    git(&root, &["remote", "add", "origin", address]);
    place
}

/// Commits the plain manifests of the chart with this greeting; `more` is a further file of them.
fn commit(place: &Place, greeting: &str, more: &str) -> String {
    let values = format!("greeting={greeting},migration=0,patience=60,fault=,global.images.web=web:1");
    let output = place.run(&["helm", "template", "shop", "chart", "--set", &values]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    place.write(
        "infrastructure/k8s/web.yaml",
        &String::from_utf8_lossy(&output.stdout),
    );
    place.write("infrastructure/k8s/more.yaml", more);
    let root = place.root();
    git(&root, &["add", "windlass.yaml", "infrastructure"]);
    git(
        &root,
        &["commit", "-q", "--allow-empty", "-m", &format!("Say {greeting}")],
    );
    format!("sha-{}", &git(&root, &["rev-parse", "HEAD"])[..7])
}

#[track_caller]
fn promoted(controller: &Controller, release: &str) {
    let ended = controller.ended(release);
    assert_eq!(ended.outcome, "promoted", "{ended:?}");
}

#[test]
fn the_guides_application_drives_an_environment_of_this_machine() {
    let template = include_str!("../../../engine/tests/helper/web.yaml");
    let place = place(template, GUIDE, "");
    let runtime = format!("    runtime: local\n    port: {}\n    watch: 0s\n", place.port);
    let text = place.read("windlass.yaml");
    place.write("windlass.yaml", &format!("{text}{runtime}"));
    let first = commit(&place, "one", "");
    let controller = place.serve();
    promoted(&controller, &first);
    let second = commit(&place, "two", "");
    promoted(&controller, &second);
    assert_eq!(controller.staging().live.unwrap().release, second);

    // Nobody syncs by itself any more; that counts from this commit on.
    let manual = GUIDE.split_once("  syncPolicy:").unwrap().0;
    let with_option = format!("{manual}  syncPolicy:\n    syncOptions: [Replace=true]\n");
    place.write(FILE, &with_option);
    let third = commit(&place, "three", "");
    let waits = until("a person to be waited for", || {
        let rollout = controller.staging().rollout?;
        (rollout.release == third && rollout.phase == "gates").then_some(rollout)
    });
    assert_eq!(waits.release, third);
    let warning = until("a warning", || {
        let warnings = controller.view().warnings;
        warnings.into_iter().find(|it| it.contains("Replace=true"))
    });
    assert!(
        warning.contains(FILE) && warning.contains("does nothing here"),
        "{warning}"
    );
    assert_eq!(controller.staging().live.unwrap().release, second);
}

#[test]
fn what_an_application_says_wrongly_is_shown_before_anything_starts() {
    let application = GUIDE.replace("    path:", "    plugin: { name: own }\n    path:");
    let place = place("", &application, "");
    let output = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    for part in [
        "application.yaml: spec.source.plugin: Windlass does not run this",
        "windlass.yaml:",
        "hint: ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[cfg(feature = "kubernetes")]
mod on_a_cluster {
    use serde_json::{Value, json};
    use windlass_cluster::Cluster;

    use super::{FILE, GUIDE, Place, commit, place, promoted, until};

    const NAMESPACE: &str = "wl-application";
    /// One object of a track, and one that both tracks share.
    const EXTRA: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: { name: extra }
data: { a: one }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: extra }
rules: []
";
    /// Far more than what is taken out by hand is healed in.
    const LONG: std::time::Duration = std::time::Duration::from_secs(2);

    fn path(api: &str, name: &str) -> String {
        format!("/{api}/namespaces/{NAMESPACE}/{name}")
    }

    fn read(cluster: &Cluster, path: &str) -> Option<Value> {
        let found = cluster.client().get(path).ok()?;
        let is_there = found["kind"] != "Status" && found["metadata"]["deletionTimestamp"].is_null();
        is_there.then_some(found)
    }

    fn take_out(cluster: &Cluster, path: &str) {
        cluster
            .client()
            .merge(path, &json!({ "data": { "a": null } }))
            .unwrap();
    }

    fn begin() -> Option<(Place, &'static Cluster)> {
        begin_in(NAMESPACE)
    }

    fn begin_in(namespace: &str) -> Option<(Place, &'static Cluster)> {
        let cluster = Cluster::shared()?;
        let application = GUIDE.replace("namespace: production", &format!("namespace: {namespace}"));
        let template = include_str!("../helper/pair.yaml");
        Some((place(template, &application, "    watch: 0s\n"), cluster))
    }

    #[test]
    fn the_guides_application_drives_an_environment_of_a_cluster() {
        let Some((place, cluster)) = begin() else {
            return;
        };
        let first = commit(&place, "one", EXTRA);
        let controller = place.serve_with(&[("KUBECONFIG", cluster.kubeconfig().to_str().unwrap())]);
        promoted(&controller, &first);
        let own = path("api/v1", "configmaps/extra-blue");
        let shared = path("apis/rbac.authorization.k8s.io/v1", "roles/extra");
        assert!(read(cluster, &own).is_some() && read(cluster, &shared).is_some());

        take_out(cluster, &own);
        until("what was taken out by hand to be healed", || {
            (read(cluster, &own)?["data"]["a"] == "one").then_some(())
        });
        let second = commit(&place, "two", "");
        promoted(&controller, &second);
        until("what is no longer there to be pruned", || {
            read(cluster, &shared).is_none().then_some(())
        });

        let text = place.read(FILE);
        let neither = text.replace(
            "      prune: true\n      selfHeal: true\n",
            "      enabled: true\n",
        );
        assert_ne!(neither, text);
        place.write(FILE, &neither);
        let third = commit(&place, "three", EXTRA);
        promoted(&controller, &third);
        take_out(cluster, &own);
        std::thread::sleep(LONG);
        assert_eq!(
            read(cluster, &own).unwrap()["data"],
            Value::Null,
            "nobody asked for that"
        );
        let fourth = commit(&place, "four", "");
        promoted(&controller, &fourth);
        until("the track of what served before to go", || {
            read(cluster, &own).is_none().then_some(())
        });
        assert!(read(cluster, &shared).is_some(), "nobody asked for its deletion");
        let warnings = controller.view().warnings;
        assert!(warnings.is_empty(), "{warnings:?}");
    }
    /// A kind of its own, and an object of it, which nobody makes ready.
    const THING: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: things.health.windlass.test }
spec:
  group: health.windlass.test
  scope: Namespaced
  names: { kind: Thing, plural: things, singular: thing }
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
---
apiVersion: health.windlass.test/v1
kind: Thing
metadata: { name: extra }
";
    const SETTINGS: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: { name: argocd-cm, namespace: argocd }
data:
  resource.customizations.health.health.windlass.test_Thing: |
    local hs = { status = \"Progressing\", message = \"no phase yet\" }
    if obj.phase == \"Ready\" then
      hs.status = \"Healthy\"
      hs.message = \"\"
    end
    return hs
";

    #[test]
    fn a_health_script_of_argocd_cm_keeps_a_release_from_customers_until_it_is_content() {
        const SETTINGS_FILE: &str = "infrastructure/argocd/argocd-cm.yaml";
        let Some((place, cluster)) = begin_in("wl-health") else {
            return;
        };
        place.write(SETTINGS_FILE, SETTINGS);
        let first = commit(&place, "one", THING);
        let controller = place.serve_with(&[("KUBECONFIG", cluster.kubeconfig().to_str().unwrap())]);
        let says = "Thing/extra is progressing: no phase yet";
        until("the script to be asked", || {
            let tracks = controller.staging().tracks;
            tracks.iter().any(|it| it.trouble.ends_with(says)).then_some(())
        });
        assert!(controller.staging().live.is_none(), "customers do not meet it");
        let things = "/apis/health.windlass.test/v1/namespaces/wl-health/things";
        let all = cluster.client().get(things).unwrap();
        for thing in all["items"].as_array().unwrap() {
            let name = thing["metadata"]["name"].as_str().unwrap();
            let ready = json!({ "phase": "Ready" });
            cluster
                .client()
                .merge(&format!("{things}/{name}?fieldManager=thing-controller"), &ready)
                .unwrap();
        }
        promoted(&controller, &first);

        place.write(SETTINGS_FILE, &SETTINGS.replace("then", "than"));
        let second = commit(&place, "two", THING);
        let ended = controller.ended(&second);
        assert_eq!(ended.outcome, "refused", "{ended:?}");
        assert!(
            ended
                .reason
                .contains("argocd-cm.yaml: data.resource.customizations.health")
                && ended.reason.contains("health.lua:2:"),
            "{ended:?}"
        );
    }
}
