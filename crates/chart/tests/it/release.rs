//! Release records: what is written is read again, and what Helm writes is understood.

use std::collections::BTreeMap;

use serde_json::json;
use windlass_chart::release::{HookRecord, Record, Status, of_secret, secret};
use windlass_chart::{Hook, Limits, Profile, load_from_files};

fn record() -> Record {
    let files = BTreeMap::from([
        (
            "Chart.yaml".to_owned(),
            b"apiVersion: v2\nname: shop\nversion: 1.2.3\n".to_vec(),
        ),
        ("values.yaml".to_owned(), b"replicas: 2\n".to_vec()),
        ("templates/a.yaml".to_owned(), b"kind: ConfigMap".to_vec()),
    ]);
    let chart = load_from_files(files, &Limits::default()).unwrap();
    let hook = Hook {
        name: "migrate".to_owned(),
        kind: "Job".to_owned(),
        path: "shop/templates/migrate.yaml".to_owned(),
        text: "kind: Job\n".to_owned(),
        events: vec!["pre-upgrade".to_owned()],
        weight: -5,
        delete_policies: vec!["hook-succeeded".to_owned()],
    };
    Record {
        name: "shop".to_owned(),
        namespace: "production".to_owned(),
        revision: 3,
        status: Status::Deployed,
        description: "Upgrade complete".to_owned(),
        first_deployed: "2026-01-02T15:04:05Z".to_owned(),
        last_deployed: "2026-02-03T15:04:05.5+01:00".to_owned(),
        notes: "Hello".to_owned(),
        config: BTreeMap::from([("replicas".to_owned(), json!(3))]),
        manifest: "---\n# Source: shop/templates/a.yaml\nkind: ConfigMap\n".to_owned(),
        hooks: vec![HookRecord {
            hook: Some(hook),
            phase: "Succeeded".to_owned(),
            started_at: "2026-02-03T15:04:01Z".to_owned(),
            completed_at: "2026-02-03T15:04:03Z".to_owned(),
            output_log_policies: vec!["hook-failed".to_owned()],
        }],
        chart: chart.to_record(Profile::Helm4),
        apply_method: "ssa".to_owned(),
        labels: BTreeMap::from([("team".to_owned(), "checkout".to_owned())]),
        ..Record::default()
    }
}

#[test]
fn what_is_written_is_read_again() {
    let record = record();
    let written = secret(&record, 1_770_000_000);
    assert_eq!(written["metadata"]["name"], "sh.helm.release.v1.shop.v3");
    assert_eq!(written["type"], "helm.sh/release.v1");
    let labels = &written["metadata"]["labels"];
    let expected = json!({
        "team": "checkout", "createdAt": "1770000000", "name": "shop", "owner": "helm", "status": "deployed", "version": "3",
    });
    assert_eq!(*labels, expected);
    assert_eq!(of_secret(&written).unwrap(), record);
}

/// What helm 3 writes: times that are empty texts, and nothing of how objects were applied. The data is base64 of base64
/// of JSON, as before version 3 compressed it.
#[test]
fn records_of_helm_3_are_read() {
    let release = "ZXlKdVlXMWxJam9pWVNJc0ltbHVabThpT25zaVptbHljM1JmWkdWd2JHOTVaV1FpT2lJeU1ESTJMVEF4TFRBeVZERTFPakEwT2pBMVdpSXNJbVJsYkdWMFpXUWlPaUlpTENKemRHRjBkWE1pT2lKemRYQmxjbk5sWkdWa0luMHNJblpsY25OcGIyNGlPakVzSW01aGJXVnpjR0ZqWlNJNkltNGlmUT09";
    let record = of_secret(&json!({"metadata": {"name": "x"}, "data": {"release": release}})).unwrap();
    assert_eq!(
        (record.name.as_str(), record.namespace.as_str(), record.revision),
        ("a", "n", 1)
    );
    assert_eq!(record.status, Status::Superseded);
    assert_eq!(record.first_deployed, "2026-01-02T15:04:05Z");
    assert_eq!((record.deleted.as_str(), record.apply_method.as_str()), ("", ""));
}

#[test]
fn what_is_no_record_is_refused_by_name() {
    for (data, why) in [
        (json!({}), "it has no data `release`"),
        (json!({"release": "!"}), "its data is no base64"),
        (json!({"release": "IQ=="}), "the record is no base64"),
        (json!({"release": "YldFPQ=="}), "expected value"),
    ] {
        let error = of_secret(&json!({"metadata": {"name": "broken"}, "data": data}))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("the release record broken cannot be read: "),
            "{error}"
        );
        assert!(error.contains(why) && error.contains("hint:"), "{error}");
    }
}
