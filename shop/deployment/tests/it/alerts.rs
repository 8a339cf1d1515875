//! Alert rules: about metrics that exist, with a page of the runbook, and right by their own tool where it is installed.

use crate::{run, text, yaml};

const PATH: &str = "infrastructure/prometheus/alerts.yaml";
const TRIED: &str = "infrastructure/prometheus/alerts.test.yaml";

fn metrics_of(expression: &str) -> Vec<&str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("shop_")).collect()
}

#[test]
fn alerts_are_about_metrics_that_exist_and_lead_to_a_page() {
    let readme = text("shop/README.md");
    let runbook = text("shop/runbook/README.md").to_lowercase();
    let tried = text(TRIED);
    let groups = yaml(PATH).remove(0);
    let rules = groups["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap());
    let mut count = 0;
    for rule in rules {
        count += 1;
        let name = rule["alert"].as_str().unwrap();
        for metric in metrics_of(rule["expr"].as_str().unwrap()) {
            let metric = metric.trim_end_matches("_bucket");
            assert!(
                readme.contains(&format!("`{metric}")),
                "{name} asks for {metric}, which README does not know"
            );
        }
        let page = rule["annotations"]["runbook_url"].as_str().unwrap();
        let title = page.split_once('#').unwrap().1.replace('-', " ");
        assert!(
            runbook.contains(&format!("\n### {title}\n")),
            "{name} leads to {page}, which is not there"
        );
        assert!(
            runbook.contains(&name.to_lowercase()),
            "the runbook does not name {name}"
        );
        assert!(
            tried.contains(&format!("alertname: {name}\n")),
            "{TRIED} does not let {name} fire"
        );
        assert!(
            matches!(rule["labels"]["severity"].as_str(), Some("page" | "ticket")),
            "{name}"
        );
    }
    assert!(count >= 8);
}

#[test]
fn promtool_finds_the_rules_right_and_firing_when_they_should() {
    for arguments in [["check", "rules", PATH], ["test", "rules", TRIED]] {
        let Some((fine, said)) = run("promtool", "prometheus", &arguments) else {
            return;
        };
        assert!(fine, "{said}");
    }
}
