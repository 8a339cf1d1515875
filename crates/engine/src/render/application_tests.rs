//! Environments that an Argo CD Application describes, rendered from a checkout.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use windlass_core::config::Config;
use windlass_core::machine::release::Release;
use windlass_core::object::Object;

use super::{RenderError, Sources, render};
use crate::checkout::Checkout;

const PLATFORM: &str = "platform: shop\nservices:\n  web: { image: web }\nedge: web\nenvironments:\n  production: { application: argocd/app.yaml }\n";
const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A checkout with an Application of this source.
fn checkout(source: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "argocd/app.yaml",
        &format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{ name: web-production }}\nspec:\n  project: default\n  source: {{ repoURL: 'https://git/shop', targetRevision: main, {source} }}\n  destination: {{ server: 'https://kubernetes.default.svc', namespace: production }}\n  syncPolicy: {{ automated: {{}} }}\n"
        ),
    );
    for (path, text) in files {
        write(path, text);
    }
    folder
}

fn rendered(root: &Path, text: &str) -> Result<Vec<Object>, RenderError> {
    let config = Config::parse_with("windlass.yaml", text, &Checkout::Folder(root)).unwrap();
    let production = config.environment("production").unwrap();
    let release = Release {
        id: "sha-1".to_owned(),
        commit: "1".to_owned(),
        subject: String::new(),
        version: "sha-1".to_owned(),
        images: BTreeMap::from([("web".to_owned(), DIGEST.to_owned())]),
        built_at_ms: 0,
    };
    let sources = Sources::of_folder(root, &config, production)?;
    Ok(render(sources, &config, production, &release)?.all())
}

fn names(objects: &[Object]) -> Vec<String> {
    objects
        .iter()
        .map(|it| format!("{}/{}", it.kind(), it.name()))
        .collect()
}

fn config_map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name} }}\n")
}

#[test]
fn a_chart_gets_values_of_files_of_the_manifest_and_of_parameters_in_argo_cds_order() {
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }} }\ndata:\n{{- range $key, $value := omit .Values \"global\" }}\n  {{ $key }}: {{ $value | toString | quote }}\n{{- end }}\n";
    let source = "path: chart, helm: { releaseName: shop, valueFiles: [values.prod.yaml, /env/all.yaml, none.yaml], ignoreMissingValueFiles: true, values: \"c: manifest\", parameters: [{ name: d, value: 'one,two' }, { name: e, value: '5', forceString: true }], fileParameters: [{ name: f, path: ../env/text }] }";
    let folder = checkout(
        source,
        &[
            ("chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
            ("chart/values.yaml", "a: chart\nb: chart\nc: chart\nd: chart\n"),
            ("chart/values.prod.yaml", "b: file\nc: file\n"),
            ("chart/templates/a.yaml", template),
            (
                "chart/crds/a.yaml",
                "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: gadgets.example.com }\n",
            ),
            ("env/all.yaml", "b: root\n"),
            ("env/text", "text of a file"),
        ],
    );
    let objects = rendered(folder.path(), PLATFORM).unwrap();
    assert_eq!(
        names(&objects),
        ["CustomResourceDefinition/gadgets.example.com", "ConfigMap/shop"]
    );
    let data = &objects[1].value()["data"];
    let expected = serde_json::json!({ "a": "chart", "b": "root", "c": "manifest", "d": "one,two", "e": "5", "f": "text of a file" });
    assert_eq!(*data, expected);
    assert_eq!(objects[1].namespace(), Some("production"));
}

#[test]
fn plain_manifests_are_those_of_the_folder_and_of_folders_within_where_that_is_asked_for() {
    let files = [
        ("k8s/a.yaml", config_map("a")),
        (
            "k8s/b.json",
            "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"b\"}}".to_owned(),
        ),
        ("k8s/deep/c.yml", config_map("c")),
        ("k8s/README.md", "words".to_owned()),
    ];
    let files = files.each_ref().map(|it| (it.0, it.1.as_str()));
    for (directory, expected) in [
        ("", &["ConfigMap/a", "ConfigMap/b"][..]),
        (
            ", directory: { recurse: true }",
            &["ConfigMap/a", "ConfigMap/b", "ConfigMap/c"],
        ),
        (
            ", directory: { recurse: true, exclude: '{b*,deep/*}' }",
            &["ConfigMap/a"],
        ),
        (", directory: { include: '*.json' }", &["ConfigMap/b"]),
    ] {
        let folder = checkout(&format!("path: k8s{directory}"), &files);
        let objects = rendered(folder.path(), PLATFORM).unwrap();
        assert_eq!(names(&objects), expected, "{directory}");
    }
}

#[test]
fn a_kustomization_is_found_by_its_file_and_images_of_the_release_win() {
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { template: { spec: { containers: [{ name: web, image: 'ghcr.io/company/web:1' }, { name: log, image: log }] } } }\n";
    let folder = checkout(
        "path: k8s, kustomize: { images: ['log=quay.io/log:2'] }",
        &[
            (
                "k8s/kustomization.yaml",
                "resources: [web.yaml]\nnamespace: production\n",
            ),
            ("k8s/web.yaml", deployment),
            (
                "k8s/unused.yaml",
                "apiVersion: v1\nkind: Secret\nmetadata: { name: unused }\n",
            ),
        ],
    );
    let objects = rendered(folder.path(), PLATFORM).unwrap();
    assert_eq!(names(&objects), ["Deployment/web"]);
    assert_eq!(objects[0].namespace(), Some("production"));
    let pointer = |at: &str| {
        objects[0]
            .value()
            .pointer(&format!("/spec/template/spec/containers/{at}/image"))
    };
    assert_eq!(pointer("0").unwrap(), &serde_json::json!(format!("web@{DIGEST}")));
    assert_eq!(pointer("1").unwrap(), "quay.io/log:2");
}

#[test]
fn what_cannot_be_rendered_names_the_application_the_thing_and_a_hint() {
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: { name: all }\n";
    let project = "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: { name: default }\nspec: { sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }] }\n";
    let chart = ("chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");
    for (source, files, expected) in [
        ("path: nothing", vec![], "the folder `nothing` has no manifests"),
        (
            "path: k8s, kustomize: { images: [a] }",
            vec![("k8s/a.yaml", role)],
            "neither a Chart.yaml nor a kustomization",
        ),
        (
            "path: chart, helm: { valueFiles: [none.yaml] }",
            vec![chart],
            "there is no values file chart/none.yaml",
        ),
        ("path: chart", vec![chart], "it has no objects at all"),
        (
            "path: chart, helm: { valueFiles: ['https://a/b.yaml'] }",
            vec![chart],
            "is elsewhere",
        ),
        (
            "path: k8s",
            vec![("k8s/kustomization.yaml", "patches: [{ path: a }]\n")],
            "`patches` is not understood",
        ),
        (
            "path: k8s",
            vec![("k8s/a.yaml", role), ("argocd/project.yaml", project)],
            "the AppProject default does not allow rbac.authorization.k8s.io/ClusterRole all",
        ),
    ] {
        let folder = checkout(source, &files);
        let error = rendered(folder.path(), PLATFORM).unwrap_err().to_string();
        assert!(
            error.starts_with("argocd/app.yaml: ") && error.contains(expected) && error.contains("hint: "),
            "{source}: {error}"
        );
    }
}

#[test]
fn the_repositorys_own_applications_are_understood_as_they_are() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (file, count) in [
        ("application.yaml", 80..90),
        ("application-staging.yaml", 60..110),
    ] {
        let text = std::fs::read_to_string(root.join("windlass.yaml")).unwrap();
        let (services, _) = text.split_once("environments:").unwrap();
        let text = format!(
            "{services}environments:\n  production: {{ application: infrastructure/argocd/{file} }}\n"
        );
        let objects = rendered(&root, &text).unwrap();
        assert!(count.contains(&objects.len()), "{file}: {}", objects.len());
        assert!(
            objects
                .iter()
                .any(|it| it.is("apps", "Deployment") && it.name() == "api-gateway")
        );
        let config = Config::parse_with("windlass.yaml", &text, &Checkout::Folder(&root)).unwrap();
        let application = config
            .environment("production")
            .unwrap()
            .application
            .as_ref()
            .unwrap();
        assert_eq!(application.warnings, Vec::<String>::new(), "{file}");
    }
}

#[test]
fn an_application_of_a_set_is_rendered_by_its_go_template_from_the_same_checkout() {
    let set = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: { name: all }\nspec:\n  goTemplate: true\n  goTemplateOptions: [missingkey=error]\n  generators: [{ list: { elements: [{ name: web, stage: Production }] } }]\n  template:\n    metadata: { name: '{{ .name }}-{{ .stage | lower }}' }\n    spec:\n      project: default\n      source: { repoURL: 'https://git/shop', targetRevision: main, path: 'k8s/{{ .name }}' }\n      destination: { server: 'https://kubernetes.default.svc', namespace: '{{ .stage | lower }}' }\n      syncPolicy: { automated: {} }\n";
    let web = config_map("a");
    let folder = checkout(
        "path: none",
        &[("argocd/set.yaml", set), ("k8s/web/a.yaml", &web)],
    );
    let text = PLATFORM.replace(
        "application: argocd/app.yaml",
        "application: { file: argocd/set.yaml, name: web-production }",
    );
    assert_eq!(names(&rendered(folder.path(), &text).unwrap()), ["ConfigMap/a"]);
}
