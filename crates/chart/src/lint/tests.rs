//! Small charts, with what both Helms say of them.

use super::*;

fn check(profile: Profile, files: &[(&str, &str)], expected: &[&str]) {
    let files = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect();
    let findings = lint(&Subject {
        files: &files,
        folder: "/chart",
        values: &Value::empty_map(),
        namespace: "default",
        capabilities: &Capabilities::with_kube_version("1.33.0").unwrap(),
        options: &Options::of_profile(profile),
    });
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(lines, expected);
}

const GOOD: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\nicon: https://a.b/c.png\n";

#[test]
fn a_good_chart_has_no_findings() {
    let service = "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n";
    let files = [
        ("Chart.yaml", GOOD),
        ("values.yaml", ""),
        ("templates/a.yaml", service),
    ];
    check(Profile::Helm3, &files, &[]);
    check(Profile::Helm4, &files, &[]);
}

#[test]
fn findings_are_helms() {
    let about = "apiVersion: v3\nname: c\nversion: 1\nextra: 1\nsources: [x]\ndependencies: [{name: d, version: 1.0.0}]\n";
    let object = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\n";
    let files = [
        ("Chart.yaml", about),
        ("templates/a.yaml", object),
        ("templates/b.md", ""),
    ];
    let strict = "[WARNING] Chart.yaml: failed to strictly parse chart metadata file\n\terror unmarshaling JSON: while decoding JSON: json: unknown field \"extra\"";
    check(
        Profile::Helm4,
        &files,
        &[
            strict,
            "[ERROR] Chart.yaml: apiVersion 'v3' is not valid. The value must be either \"v1\" or \"v2\"",
            "[ERROR] Chart.yaml: version should be of type string but it's of type float64",
            "[ERROR] Chart.yaml: invalid source URL 'x'",
            "[INFO] Chart.yaml: icon is recommended",
            "[ERROR] Chart.yaml: dependencies are not valid in the Chart file with apiVersion 'v3'. They are valid in apiVersion 'v2'",
            "[WARNING] Chart.yaml: version '1' is not a valid SemVerV2",
            "[INFO] values.yaml: file does not exist",
            "[WARNING] templates/a.yaml: policy/v1beta1 PodDisruptionBudget is deprecated in v1.21+, unavailable in v1.25+; use policy/v1 PodDisruptionBudget",
            "[ERROR] templates/b.md: file extension '.md' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt",
            "[WARNING] /chart: chart directory is missing these dependencies: d",
        ],
    );
}

#[test]
fn names_follow_the_kind() {
    let of = |kind: &str, name: &str| {
        let object = format!("kind: {kind}\nmetadata: {{name: \"{name}\"}}\n");
        let files = [
            ("Chart.yaml", GOOD),
            ("values.yaml", ""),
            ("templates/a.yaml", &object),
        ];
        let files: Vec<(&str, &str)> = files.to_vec();
        let files = files
            .into_iter()
            .map(|it| (it.0.to_owned(), it.1.as_bytes().to_vec()))
            .collect();
        lint(&Subject {
            files: &files,
            folder: "/chart",
            values: &Value::empty_map(),
            namespace: "default",
            capabilities: &Capabilities::default(),
            options: &Options::of_profile(Profile::Helm4),
        })
        .len()
    };
    for (kind, name, findings) in [
        ("Service", "a-1", 0),
        ("Service", "1-a", 1),
        ("ConfigMap", "1.a", 0),
        ("Namespace", "1.a", 1),
        ("Role", "a:b", 0),
        ("Role", "a/b", 1),
    ] {
        assert_eq!(of(kind, name), findings, "{kind} {name}");
    }
}
