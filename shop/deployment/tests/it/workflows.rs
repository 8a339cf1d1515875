//! Workflows only call what works on every machine, and hold as few rights as they can.

use crate::{files, yaml};

#[test]
fn workflows_call_windlass_and_nothing_else() {
    for path in files(".github/workflows", ".yml") {
        let workflow = yaml(&path).remove(0);
        assert_eq!(
            workflow["permissions"],
            serde_json::json!({"contents": "read"}),
            "{path}"
        );
        assert!(
            workflow["concurrency"]["group"].is_string(),
            "{path}: two runs could meet"
        );
        for (name, job) in workflow["jobs"].as_object().unwrap() {
            assert!(
                job["timeout-minutes"].is_u64(),
                "{path}: {name} may run for hours"
            );
            for step in job["steps"].as_array().unwrap() {
                let Some(run) = step["run"].as_str() else {
                    let action = step["uses"].as_str().unwrap();
                    assert!(action.starts_with("actions/"), "{path}: {action}");
                    continue;
                };
                for line in run.lines() {
                    assert!(
                        line.starts_with("./windlass ") || line == "./check",
                        "{path}: {line}"
                    );
                    assert!(
                        !line.contains("${{"),
                        "{path}: a value of the run would become part of the script: {line}"
                    );
                }
            }
        }
    }
}

#[test]
fn staging_follows_develop_and_production_waits_for_a_person() {
    let on = |path: &str| yaml(path).remove(0);
    let staging = on(".github/workflows/staging.yml");
    assert_eq!(staging["on"]["push"]["branches"][0], "develop");
    let production = on(".github/workflows/production.yml");
    assert_eq!(production["on"]["push"]["branches"][0], "main");
    assert_eq!(production["jobs"]["deploy"]["environment"]["name"], "production");
    assert_eq!(production["jobs"]["deploy"]["needs"], "plan");
}
