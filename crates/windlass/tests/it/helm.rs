//! `windlass helm` on a real Kubernetes control plane, by itself and in turns with the real Helm 3 and 4.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use windlass_cluster::{Cluster, Namespace};

const WINDLASS: &str = env!("CARGO_BIN_EXE_windlass");
const CHART: &str = include_str!("../helper/release.yaml");
const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../charts/ecommerce-platform");
const DEFINITION: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: gadgets.helm.windlass.test }
spec:
  group: helm.windlass.test
  scope: Namespaced
  names: { kind: Gadget, plural: gadgets, singular: gadget, listKind: GadgetList }
  versions:
  - { name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } } }
";
/// Rendered only where the cluster serves the kind, and with what the cluster holds.
const GADGET: &str = "\
{{- if .Capabilities.APIVersions.Has \"helm.windlass.test/v1/Gadget\" }}
apiVersion: helm.windlass.test/v1
kind: Gadget
metadata: { name: one }
spec: { account: {{ (lookup \"v1\" \"ServiceAccount\" .Release.Namespace \"default\").metadata.name | quote }} }
{{- end }}
";

/// A chart in a folder, and a namespace to bring it to.
struct Stage {
    folder: tempfile::TempDir,
    cluster: &'static Cluster,
    namespace: Namespace,
}

/// A Helm: ours, or a real one.
#[derive(Debug, Clone)]
struct Helm {
    program: PathBuf,
    first: Vec<&'static str>,
}

impl Helm {
    fn ours() -> Self {
        Self {
            program: PathBuf::from(WINDLASS),
            first: vec!["helm"],
        }
    }

    /// The real Helm of a version, or none where it is not built; that is said. Where `CI=true` that is a failure.
    #[expect(clippy::print_stderr, reason = "a test that is left out says so")]
    fn real(version: &str) -> Option<Self> {
        let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let base = base.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"));
        let major = version
            .split('.')
            .next()
            .unwrap()
            .to_uppercase()
            .replace('V', "HELM");
        let named = std::env::var_os(format!("WINDLASS_{major}")).map(PathBuf::from);
        let program = named.unwrap_or_else(|| base.join(format!("windlass/helm-{version}/helm")));
        if program.is_file() {
            return Some(Self {
                program,
                first: Vec::new(),
            });
        }
        let left_out = format!(
            "left out: releases in turns with helm {version} ({} is not there)",
            program.display()
        );
        let ci = std::env::var("CI").is_ok_and(|it| it == "true");
        assert!(!ci, "{left_out}");
        eprintln!("{left_out}");
        None
    }
}

impl Stage {
    fn new(name: &str) -> Option<Self> {
        let cluster = Cluster::shared()?;
        let stage = Self {
            folder: tempfile::tempdir().unwrap(),
            cluster,
            namespace: cluster.namespace(name).unwrap(),
        };
        stage.write(
            "Chart.yaml",
            "apiVersion: v2\nname: web\nversion: 1.2.3\nappVersion: \"4\"\n",
        );
        stage.write(
            "values.yaml",
            "greeting: one\nextra: false\npods: ready\npatience: 600\nbreaks: nothing\ntidy: false\n",
        );
        stage.write("templates/release.yaml", CHART);
        stage.write("templates/NOTES.txt", "It greets with {{ .Values.greeting }}.\n");
        Some(stage)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join("chart").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn output(&self, helm: &Helm, words: &str) -> Output {
        let folder = self.folder.path();
        Command::new(&helm.program)
            .args(&helm.first)
            .args(words.split_whitespace())
            .args(["--namespace", self.namespace.name()])
            .current_dir(folder)
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .env("HELM_CACHE_HOME", folder.join("cache"))
            .env("HELM_CONFIG_HOME", folder.join("config"))
            .env("HELM_DATA_HOME", folder.join("data"))
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// What a command prints; it must succeed.
    #[track_caller]
    fn done(&self, helm: &Helm, words: &str) -> String {
        let output = self.output(helm, words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{} {words}: {text}{errors}",
            helm.program.display()
        );
        text
    }

    /// What a command complains of; it must fail.
    #[track_caller]
    fn refused(&self, words: &str) -> String {
        let output = self.output(&Helm::ours(), words);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{words}: {errors}");
        errors
    }

    #[track_caller]
    fn json(&self, helm: &Helm, words: &str) -> Value {
        let text = self.done(helm, &format!("{words} -o json"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{words}: {error}: {text}"))
    }

    /// Revision, status and description of each revision, as a Helm tells them.
    #[track_caller]
    fn history(&self, helm: &Helm) -> Vec<(u64, String, String)> {
        let all = self.json(helm, "history web");
        let all = all.as_array().unwrap().iter().map(|it| {
            let text = |name: &str| it[name].as_str().unwrap().to_owned();
            (
                it["revision"].as_u64().unwrap(),
                text("status"),
                text("description"),
            )
        });
        all.collect()
    }

    fn statuses(&self, helm: &Helm) -> Vec<String> {
        self.history(helm).into_iter().map(|it| it.1).collect()
    }

    /// An object of the core group; null if it is not there or about to go.
    fn core(&self, collection: &str, name: &str) -> Value {
        self.read(&format!("{}/{name}", self.namespace.core(collection)))
    }

    fn read(&self, path: &str) -> Value {
        let found = self.cluster.client().get(path).unwrap_or_default();
        if found["metadata"]["deletionTimestamp"].is_null() {
            found
        } else {
            Value::Null
        }
    }

    fn greeting(&self) -> Value {
        self.core("configmaps", "web-greeting")["data"].clone()
    }

    fn job(&self, event: &str) -> Value {
        self.read(&format!(
            "{}/web-{event}",
            self.namespace.group("batch/v1", "jobs")
        ))
    }
}

#[test]
fn the_guides_helm_commands_work_as_written() {
    let Some(stage) = Stage::new("production") else {
        return;
    };
    let ours = Helm::ours();
    let charts = stage.folder.path().join("charts");
    std::fs::create_dir_all(&charts).unwrap();
    std::os::unix::fs::symlink(SHOP, charts.join("ecommerce-platform")).unwrap();
    let chart = "ecommerce-platform ./charts/ecommerce-platform --namespace production --values values.production.yaml";
    let text = stage.done(&ours, &format!("install {chart}"));
    assert!(text.contains("STATUS: deployed\nREVISION: 1\n"), "{text}");
    let path = format!("{}/api-gateway", stage.namespace.group("apps/v1", "deployments"));
    let first = stage.read(&path);
    assert_eq!(
        first["metadata"]["labels"]["app.kubernetes.io/managed-by"],
        "Helm"
    );
    assert_eq!(
        first["metadata"]["annotations"]["meta.helm.sh/release-name"],
        "ecommerce-platform"
    );
    let scaled = stage.read(&format!(
        "{}/api-gateway",
        stage
            .namespace
            .group("autoscaling/v2", "horizontalpodautoscalers")
    ));
    assert_ne!(
        scaled,
        Value::Null,
        "production's values count, which are beside the chart's own"
    );

    let text = stage.done(&ours, &format!("upgrade {chart} --set logLevel=debug"));
    assert!(
        text.starts_with("Release \"ecommerce-platform\" has been upgraded. Happy Helming!\n"),
        "{text}"
    );
    let values = stage.json(&ours, "get values ecommerce-platform");
    assert_eq!(values["logLevel"], "debug");
    let text = stage.done(&ours, "rollback ecommerce-platform 1 --namespace production");
    assert_eq!(text, "Rollback was a success! Happy Helming!\n");
    let list = stage.json(&ours, "list");
    assert_eq!(
        (
            &list[0]["revision"],
            &list[0]["status"],
            list.as_array().unwrap().len()
        ),
        (&json!("3"), &json!("deployed"), 1)
    );
    assert_eq!(
        stage.json(&ours, "get values ecommerce-platform")["logLevel"],
        Value::Null
    );
    let text = stage.done(&ours, "uninstall ecommerce-platform");
    assert!(
        text.starts_with("These resources were kept due to the resource policy:\n[PersistentVolumeClaim] ")
            && text.ends_with("\n\nrelease \"ecommerce-platform\" uninstalled\n"),
        "{text}"
    );
    assert_eq!(stage.read(&path), Value::Null);
    assert_eq!(stage.json(&ours, "list"), json!([]));
}

#[test]
fn what_falls_out_of_a_release_goes_what_is_to_be_kept_stays_and_hooks_run() {
    let Some(stage) = Stage::new("helm-life") else {
        return;
    };
    let ours = Helm::ours();
    let text = stage.done(
        &ours,
        "install web ./chart --set extra=true --wait --description first",
    );
    assert!(
        text.ends_with("DESCRIPTION: first\nNOTES:\nIt greets with one.\n"),
        "{text}"
    );
    assert_eq!(stage.greeting(), json!({ "greeting": "one", "extra": "yes" }));
    let ready = stage.read(&format!(
        "{}/web",
        stage.namespace.group("apps/v1", "deployments")
    ));
    assert_eq!(ready["status"]["readyReplicas"], 1, "{ready}");
    let (before, after) = (stage.job("pre-install"), stage.job("post-install"));
    let at = |job: &Value| job["metadata"]["creationTimestamp"].as_str().unwrap().to_owned();
    assert!(at(&before) <= at(&after));
    assert_eq!(stage.job("pre-upgrade"), Value::Null);

    stage.done(&ours, "upgrade web ./chart --set greeting=two,tidy=true");
    assert_eq!(
        stage.greeting(),
        json!({ "greeting": "two" }),
        "a field that is left out goes"
    );
    assert_eq!(stage.core("configmaps", "web-extra"), Value::Null);
    assert_ne!(stage.core("configmaps", "web-kept"), Value::Null);
    assert_eq!(stage.job("pre-upgrade"), Value::Null, "its policy removes it");
    let expected = [(1, "superseded", "first"), (2, "deployed", "Upgrade complete")];
    let expected = expected.map(|it| (it.0, it.1.to_owned(), it.2.to_owned()));
    assert_eq!(stage.history(&ours), expected);

    let text = stage.done(&ours, "test web");
    assert!(
        text.contains("TEST SUITE:     web-test\n") && text.contains("Phase:          Succeeded\n"),
        "{text}"
    );
    stage.done(&ours, "rollback web");
    assert_eq!(stage.greeting(), json!({ "greeting": "one", "extra": "yes" }));
    let text = stage.done(&ours, "uninstall web --keep-history --wait");
    assert!(
        text.starts_with("These resources were kept due to the resource policy:\n[ConfigMap] web-kept\n"),
        "{text}"
    );
    assert_eq!(stage.statuses(&ours), ["superseded", "superseded", "uninstalled"]);
    assert_eq!(stage.greeting(), Value::Null);
    assert_ne!(stage.job("post-delete"), Value::Null);
    let refused = stage.refused("install web ./chart");
    assert!(
        refused.contains("cannot reuse a name that is still in use"),
        "{refused}"
    );
    stage.done(&ours, "upgrade --install web ./chart --take-ownership");
    assert_eq!(stage.statuses(&ours).last().unwrap(), "deployed");
}

#[test]
fn values_are_kept_merged_or_reset_as_asked_for() {
    let Some(stage) = Stage::new("helm-values") else {
        return;
    };
    let ours = Helm::ours();
    let values = || stage.json(&ours, "get values web");
    stage.done(&ours, "upgrade -i web ./chart --set greeting=two --no-hooks");
    stage.done(&ours, "upgrade web ./chart --no-hooks");
    assert_eq!(
        values(),
        json!({ "greeting": "two" }),
        "without any they are kept"
    );
    stage.done(&ours, "upgrade web ./chart --no-hooks --set tidy=true");
    assert_eq!(values(), json!({ "tidy": true }), "with some they are not");
    stage.write(
        "values.yaml",
        "greeting: three\nextra: false\npods: ready\npatience: 600\nbreaks: nothing\n",
    );
    stage.done(
        &ours,
        "upgrade web ./chart --no-hooks --reuse-values --set patience=700",
    );
    assert_eq!(values(), json!({ "patience": 700, "tidy": true }));
    assert_eq!(stage.greeting()["greeting"], "one", "the old chart's own count");
    stage.done(&ours, "upgrade web ./chart --no-hooks --reset-then-reuse-values");
    assert_eq!(stage.greeting()["greeting"], "three", "the new chart's own count");
    assert_eq!(values(), json!({ "patience": 700, "tidy": true }));
    stage.done(
        &ours,
        "upgrade web ./chart --no-hooks --reset-values --history-max 3",
    );
    assert_eq!(values(), Value::Null);
    let kept: Vec<u64> = stage.history(&ours).into_iter().map(|it| it.0).collect();
    assert_eq!(kept, [4, 5, 6]);
    let dry = stage.done(&ours, "upgrade web ./chart --dry-run=server --set greeting=dry");
    assert!(
        dry.contains("greeting: \"dry\"") && dry.contains("Dry run complete"),
        "{dry}"
    );
    assert_eq!(stage.greeting()["greeting"], "three");
}

#[test]
fn what_fails_is_written_down_and_undone_where_that_is_asked_for() {
    let Some(stage) = Stage::new("helm-fails") else {
        return;
    };
    let ours = Helm::ours();
    let refused = stage.refused("install web ./chart --set breaks=pre-install");
    assert!(
        refused.starts_with("Error: INSTALLATION FAILED: failed pre-install: "),
        "{refused}"
    );
    assert_eq!(stage.statuses(&ours), ["failed"]);
    assert_eq!(stage.greeting(), Value::Null, "nothing was applied");
    stage.done(&ours, "upgrade --install web ./chart");
    let refused =
        stage.refused("upgrade web ./chart --set greeting=two,pods=crash,patience=2 --atomic --timeout 60s");
    assert!(
        refused.contains("UPGRADE FAILED: release web failed, and has been rolled back"),
        "{refused}"
    );
    assert_eq!(stage.greeting()["greeting"], "one");
    let end: Vec<String> = stage.statuses(&ours).into_iter().skip(1).collect();
    assert_eq!(end, ["superseded", "failed", "deployed"]);

    stage.write("templates/wrong.yaml", "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {prots: []}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: b}, dta: {}}\n");
    let refused = stage.refused("upgrade web ./chart");
    assert!(
        refused.contains("prots") && refused.contains("dta"),
        "all are named: {refused}"
    );
    assert_eq!(stage.statuses(&ours).len(), 4, "nothing was written");
    let refused = stage.refused("rollback web 9");
    assert!(
        refused.starts_with("Error: release has no 9 version\nhint: "),
        "{refused}"
    );
    for (words, said) in [
        ("status nothing", "Error: release: not found\n"),
        (
            "uninstall nothing",
            "Error: uninstall: Release not loaded: nothing: release: not found\n",
        ),
        (
            "upgrade nothing ./chart",
            "Error: UPGRADE FAILED: \"nothing\" has no deployed releases\n",
        ),
    ] {
        assert_eq!(stage.refused(words), said);
    }
}

#[test]
fn what_is_somebody_elses_is_not_taken_and_two_do_not_work_on_one_release() {
    let Some(stage) = Stage::new("helm-owner") else {
        return;
    };
    let ours = Helm::ours();
    let client = stage.cluster.client();
    let theirs = json!({ "metadata": { "name": "web-greeting" }, "data": { "greeting": "theirs" } });
    client
        .create(&stage.namespace.core("configmaps"), &theirs)
        .unwrap();
    let refused = stage.refused("install web ./chart");
    let name = stage.namespace.name();
    assert!(
        refused.contains(&format!("unable to continue with install: ConfigMap \"web-greeting\" in namespace \"{name}\" exists and cannot be imported into the current release: invalid ownership metadata; label validation error: missing key \"app.kubernetes.io/managed-by\": must be set to \"Helm\"")),
        "{refused}"
    );
    assert_eq!(stage.greeting()["greeting"], "theirs");
    assert_eq!(stage.json(&ours, "list"), json!([]));
    stage.done(&ours, "install web ./chart --take-ownership --no-hooks");
    assert_eq!(stage.greeting()["greeting"], "one");

    let patch = json!({ "data": { "greeting": "edited" } });
    let path = format!(
        "{}/web-greeting?fieldManager=kubectl-edit",
        stage.namespace.core("configmaps")
    );
    client.merge(&path, &patch).unwrap();
    let refused = stage.refused("upgrade web ./chart --no-hooks --set greeting=two");
    assert!(
        refused.contains("conflict occurred while applying object") && refused.contains("kubectl-edit"),
        "{refused}"
    );
    assert_eq!(stage.greeting()["greeting"], "edited");
    stage.done(
        &ours,
        "upgrade web ./chart --no-hooks --set greeting=two --force-conflicts",
    );
    assert_eq!(stage.greeting()["greeting"], "two");

    let secrets = stage.namespace.core("secrets");
    let list = client.get(&secrets).unwrap();
    let last = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["metadata"]["labels"]["status"] == "deployed");
    let pending = pending(last.unwrap());
    client.create(&secrets, &pending).unwrap();
    let refused = stage.refused("upgrade web ./chart");
    assert!(
        refused.starts_with(
            "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress\nhint: "
        ),
        "{refused}"
    );
    stage.done(&ours, "rollback web 3 --no-hooks");
    assert_eq!(stage.statuses(&ours).last().unwrap(), "deployed");
}

/// The next revision of a record, begun by somebody who then went away.
fn pending(last: &Value) -> Value {
    let mut record = windlass_chart::release::of_secret(last).unwrap();
    record.revision += 1;
    record.status = windlass_chart::release::Status::PendingUpgrade;
    windlass_chart::release::secret(&record, 1_770_000_000)
}

#[test]
fn definitions_come_first_and_templates_see_what_the_cluster_serves_and_holds() {
    let Some(stage) = Stage::new("helm-kinds") else {
        return;
    };
    stage.write("crds/gadgets.yaml", DEFINITION);
    stage.write("templates/gadget.yaml", GADGET);
    stage.done(&Helm::ours(), "install web ./chart --no-hooks");
    let path = format!(
        "{}/one",
        stage.namespace.group("helm.windlass.test/v1", "gadgets")
    );
    assert_eq!(stage.read(&path)["spec"]["account"], "default");
}

#[test]
fn a_release_is_worked_on_in_turns_with_helm_3() {
    in_turns("v3.21.4", "helm-three");
}

#[test]
fn a_release_is_worked_on_in_turns_with_helm_4() {
    in_turns("v4.2.4", "helm-four");
}

fn in_turns(version: &str, name: &str) {
    let (Some(real), Some(stage)) = (Helm::real(version), Stage::new(name)) else {
        return;
    };
    let ours = Helm::ours();
    let kept = format!("{}/web-kept", stage.namespace.core("configmaps"));
    for (first, second) in [(&real, &ours), (&ours, &real)] {
        stage.done(first, "install web ./chart --set extra=true");
        stage.done(second, "upgrade web ./chart --set greeting=two");
        assert_eq!(
            stage.greeting(),
            json!({ "greeting": "two" }),
            "a field of the other goes"
        );
        assert_eq!(
            stage.core("configmaps", "web-extra"),
            Value::Null,
            "an object of the other goes"
        );
        assert_eq!(stage.statuses(first), ["superseded", "deployed"]);
        assert_eq!(stage.statuses(second), ["superseded", "deployed"]);
        if version.starts_with("v3") {
            // Helm 3 cannot go back to a revision with an object that is there and that the last one does not have, be it
            // alone or in turns.
            stage.cluster.client().delete(&kept).unwrap();
        }
        stage.done(first, "rollback web 1");
        assert_eq!(stage.greeting(), json!({ "greeting": "one", "extra": "yes" }));
        stage.done(second, "rollback web 2");
        assert_eq!(stage.greeting(), json!({ "greeting": "two" }));
        assert_eq!(stage.history(first), stage.history(second));
        for words in [
            "get values web",
            "get manifest web",
            "get hooks web",
            "get notes web",
            "list -q",
            "get values web --all",
        ] {
            assert_eq!(stage.done(first, words), stage.done(second, words), "{words}");
        }
        assert_eq!(stage.json(first, "list"), stage.json(second, "list"));
        if version.starts_with("v4") {
            for words in ["get metadata web", "history web", "list", "get all web"] {
                assert_eq!(stage.done(first, words), stage.done(second, words), "{words}");
            }
        }
        stage.done(second, "uninstall web");
        assert_eq!(stage.json(first, "list"), json!([]));
        assert_eq!(stage.greeting(), Value::Null);
        stage.cluster.client().delete(&kept).unwrap();
    }
}
