//! Input that is wrong, hostile or huge: the error that a user of Helm expects, within the limits, never a panic.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use windlass_chart::{
    Capabilities, Chart, ChartError, Limits, Profile, ReleaseInfo, Rendered, Value, archive, load_from_files,
    render, values,
};

const ABOUT: &str = "apiVersion: v2\nname: bad\nversion: 1.0.0\n";

fn files(parts: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    let about = ("Chart.yaml", ABOUT);
    let all = std::iter::once(&about).chain(parts);
    all.map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect()
}

fn loaded(parts: &[(&str, &str)], limits: &Limits) -> Result<Chart, ChartError> {
    load_from_files(files(parts), limits)
}

fn rendered(chart: &Chart) -> Result<Rendered, ChartError> {
    let release = ReleaseInfo {
        name: "release".to_owned(),
        namespace: "default".to_owned(),
        revision: 1,
        is_upgrade: false,
        service: "Helm".to_owned(),
    };
    render(
        chart,
        Value::empty_map(),
        &release,
        &Capabilities::default(),
        Profile::Helm4,
    )
}

/// The message of a chart with one template and the usual limits.
#[track_caller]
fn fails(template: &str) -> String {
    let chart = loaded(&[("templates/a.yaml", template)], &Limits::default()).unwrap();
    rendered(&chart).unwrap_err().to_string()
}

#[test]
fn a_cyclic_include_is_named() {
    let message = fails(
        "{{ define \"x\" }}{{ include \"y\" . }}{{ end }}{{ define \"y\" }}{{ include \"x\" . }}{{ end }}\n{{ include \"x\" . }}",
    );
    assert!(message.contains("bad/templates/a.yaml:2:"), "{message}");
    assert!(
        message.contains("rendering template has a nested reference name: "),
        "{message}"
    );
    assert!(message.ends_with("unable to execute template"), "{message}");
}

#[test]
fn a_template_that_calls_itself_is_stopped() {
    let message = fails("{{ define \"x\" }}{{ template \"x\" . }}{{ end }}{{ template \"x\" . }}");
    assert!(message.contains("exceeded maximum template depth"), "{message}");
}

#[test]
fn a_range_over_a_huge_number_is_stopped() {
    for template in [
        "{{ range 9223372036854775807 }}{{ end }}",
        "{{ range until 9000000000000000000 }}{{ end }}",
        "{{ seq 1 9000000000000000000 }}",
        "{{ repeat 9000000000000000000 \"x\" }}",
        "{{ randAlphaNum 9000000000000000000 }}",
        "{{ list | join (repeat 4000000000 \"x\") }}",
        "{{ range until 9 }}{{ range until 9999999 }}{{ printf \"%0999999d\" . }}{{ end }}{{ end }}",
    ] {
        let limits = Limits {
            steps_max: 1_000_000,
            output_bytes_max: 4 << 20,
            ..Limits::default()
        };
        let chart = loaded(&[("templates/a.yaml", template)], &limits).unwrap();
        let error = rendered(&chart).unwrap_err().to_string();
        assert!(
            error.starts_with("bad/templates/a.yaml:1:") && error.contains("\nhint: "),
            "{template}: {error}"
        );
    }
}

#[test]
fn values_of_a_hundred_megabytes_are_refused() {
    let text = vec![b'#'; (100 << 20) + 1];
    let error = values::read_file(&text, Profile::Helm4, &Limits::default()).unwrap_err();
    assert_eq!(error, "it has 104857601 bytes, 104857600 are allowed");
    let chart = BTreeMap::from([
        ("Chart.yaml".to_owned(), ABOUT.into()),
        ("values.yaml".to_owned(), text),
    ]);
    assert!(matches!(
        load_from_files(chart, &Limits::default()),
        Err(ChartError::Limit(_))
    ));
}

#[test]
fn yaml_nested_deeply_is_refused() {
    let mut block = String::new();
    for depth in 0..5_000 {
        let _ = writeln!(block, "{}a:", " ".repeat(depth));
    }
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        block,
    ] {
        let error = values::read_file(text.as_bytes(), Profile::Helm4, &Limits::default()).unwrap_err();
        assert!(
            error.contains("the document is nested deeper than 250"),
            "{error}"
        );
    }
}

#[test]
fn alias_bombs_are_refused() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        let _ = writeln!(text, "a{level}: &a{level} [{inner}]");
    }
    let error = values::read_file(text.as_bytes(), Profile::Helm4, &Limits::default()).unwrap_err();
    assert!(
        error.contains("yaml: document contains excessive aliasing"),
        "{error}"
    );
    let error = values::read_file(b"a: &a [*a]", Profile::Helm4, &Limits::default()).unwrap_err();
    assert!(
        error.contains("yaml: anchor 'a' value contains itself"),
        "{error}"
    );
}

#[test]
fn a_missing_dependency_is_named_with_advice() {
    let about =
        format!("{ABOUT}dependencies:\n- name: gone\n  version: 1.0.0\n  repository: https://example.com\n");
    let chart = loaded(&[("Chart.yaml", &about)], &Limits::default()).unwrap();
    let message = rendered(&chart).unwrap_err().to_string();
    let expected = "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' \
                    to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: gone";
    assert_eq!(message, expected);
}

#[test]
fn values_that_do_not_fit_the_schema_are_named_by_place() {
    let schema =
        r#"{"type":"object","properties":{"port":{"type":"integer","minimum":1}},"required":["host"]}"#;
    let chart = loaded(
        &[("values.schema.json", schema), ("values.yaml", "port: no\n")],
        &Limits::default(),
    );
    let message = rendered(&chart.unwrap()).unwrap_err().to_string();
    let expected = "values don't meet the specifications of the schema(s) in the following chart(s):\nbad:\n\
                    - at '': missing property 'host'\n- at '/port': got boolean, want integer\n";
    assert_eq!(message, expected);
}

#[test]
fn a_schema_that_is_no_json_is_an_error() {
    let chart = loaded(&[("values.schema.json", "{")], &Limits::default()).unwrap();
    let message = rendered(&chart).unwrap_err().to_string();
    assert!(message.ends_with("\nbad:\nunexpected EOF"), "{message}");
}

#[test]
fn text_that_is_no_utf8_is_refused_where_yaml_is_read() {
    let mut chart = files(&[]);
    chart.insert("values.yaml".to_owned(), b"a: \xFF\xFE\n".to_vec());
    let message = load_from_files(chart, &Limits::default())
        .unwrap_err()
        .to_string();
    assert!(message.contains("cannot load values.yaml"), "{message}");
    assert!(message.contains("invalid leading UTF-8 octet"), "{message}");
    // Templates and files are bytes in Go, and pass.
    let mut chart = files(&[("values.yaml", "a: 1\n")]);
    chart.insert("templates/NOTES.txt".to_owned(), b"\xFF{{ .Values.a }}".to_vec());
    let notes = rendered(&load_from_files(chart, &Limits::default()).unwrap())
        .unwrap()
        .notes;
    assert_eq!(notes, "\u{FFFD}1");
}

#[test]
fn errors_name_file_and_line() {
    for (template, expected) in [
        ("a: 1\nb: {{ .Values.x.y }}", "bad/templates/a.yaml:2:13"),
        (
            "a: 1\n{{ if }}",
            "parse error at (bad/templates/a.yaml:2): missing value for if",
        ),
        (
            "{{ nope }}",
            "parse error at (bad/templates/a.yaml:1): function \"nope\" not defined",
        ),
        (
            "{{ fail \"no\" }}",
            "execution error at (bad/templates/a.yaml:1:3): no",
        ),
        (
            "a: b: c",
            "YAML parse error on bad/templates/a.yaml: error converting YAML to JSON: yaml: mapping values are not allowed in this context",
        ),
        (
            "{{ include \"none\" . }}",
            "no template \"none\" associated with template \"gotpl\"",
        ),
        ("{{ index (list 1) 5 }}", "index out of range: 5"),
        ("{{ tpl \"{{\" . }}", "cannot parse template \"{{\""),
    ] {
        let message = fails(template);
        assert!(message.contains(expected), "{template}: {message}");
    }
}

#[test]
fn a_chart_without_its_parts_is_refused() {
    let only = BTreeMap::from([("values.yaml".to_owned(), b"a: 1".to_vec())]);
    let error = load_from_files(only, &Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "Chart.yaml file is missing");
    let error = loaded(&[("Chart.yaml", "apiVersion: v2\nname: a\n")], &Limits::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "validation: chart.metadata.version is required"
    );
}

#[test]
fn archives_are_held_to_the_limits() {
    let mut parts = files(&[]);
    parts.insert("templates/big.yaml".to_owned(), vec![b'a'; 1 << 20]);
    let packed = archive::pack("bad", &parts).unwrap();
    assert!(packed.len() < 10_000, "it packs well: {}", packed.len());
    let limits = Limits {
        input_bytes_max: 1 << 19,
        ..Limits::default()
    };
    assert!(matches!(
        archive::files(&packed, &limits),
        Err(ChartError::Limit(_))
    ));
    for cut in [0, 1, 10, packed.len() / 2] {
        assert!(
            archive::files(&packed[..cut], &Limits::default()).is_err(),
            "{cut}"
        );
    }
}

#[test]
fn charts_within_charts_end_somewhere() {
    let mut packed = archive::pack("bad", &files(&[])).unwrap();
    for _ in 0..40 {
        let mut outer = files(&[]);
        outer.insert("charts/inner.tgz".to_owned(), packed);
        packed = archive::pack("bad", &outer).unwrap();
    }
    let parts = archive::files(&packed, &Limits::default()).unwrap();
    assert!(matches!(
        load_from_files(parts, &Limits::default()),
        Err(ChartError::Limit(_))
    ));
}

/// An empty collection as a key: the library has handed it out by the time that it sees the colon, and stops there.
#[test]
fn a_collection_that_turns_out_to_be_a_key_is_read_as_the_library_reads_it() {
    for text in ["{}: x", "{}: dng: aa", "[]: x"] {
        let values = values::read_file(text.as_bytes(), Profile::Helm4, &Limits::default());
        assert_eq!(
            values.map(|it| it.len()).ok(),
            (!text.starts_with('[')).then_some(0),
            "{text}"
        );
    }
}
