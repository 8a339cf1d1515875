//! The standard's own pods (Kubernetes 1.37), each judged as its file says, by the check that the file is named after.

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::Value;
    use windlass_guard::pod_security::{Level, violations};

    #[derive(Deserialize)]
    struct Fixtures {
        pods: Vec<Fixture>,
    }

    #[derive(Deserialize)]
    struct Fixture {
        level: String,
        file: String,
        fails: Option<String>,
        pod: Value,
    }

    #[test]
    fn every_pod_is_judged_as_the_standard_does() {
        let fixtures: Fixtures = serde_json::from_str(include_str!("data/pod_security_v1_37.json")).unwrap();
        assert_eq!(fixtures.pods.len(), 148);
        for fixture in &fixtures.pods {
            let level = if fixture.level == "baseline" {
                Level::Baseline
            } else {
                Level::Restricted
            };
            let found = violations(&fixture.pod, level);
            let place = format!("{} {}", fixture.level, fixture.file);
            let Some(check) = &fixture.fails else {
                assert!(found.is_empty(), "{place}: {found:?}");
                continue;
            };
            assert!(!found.is_empty(), "{place}");
            // A stricter check may stand for the one that the file is named after.
            let mut all = found;
            all.extend(violations(&fixture.pod, Level::Baseline));
            assert!(
                all.iter().any(|it| it.check.to_lowercase() == *check),
                "{place}: {all:?}"
            );
        }
    }
}
