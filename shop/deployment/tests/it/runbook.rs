//! The runbook: the guide's three lists, item by item, and commands that exist.

use crate::text;

/// The guide's "Deployment Checklist", in its order and its words.
const LISTS: [(&str, &[&str]); 3] = [
    (
        "## Before a deployment",
        &[
            "All tests passing",
            "Security scans clean",
            "Performance tests completed",
            "Database migrations ready",
            "Rollback plan prepared",
            "Monitoring alerts configured",
        ],
    ),
    (
        "## During a deployment",
        &[
            "Health checks passing",
            "Metrics within normal ranges",
            "Error rates stable",
            "Database connectivity verified",
            "Load balancer health checks passing",
        ],
    ),
    (
        "## After a deployment",
        &[
            "Business metrics validation",
            "User acceptance testing",
            "Performance benchmark comparison",
            "Security posture assessment",
            "Documentation updated",
            "Team notification sent",
        ],
    ),
];

#[test]
fn each_item_of_the_guides_lists_is_answered_once_and_in_order() {
    let runbook = text("shop/runbook/README.md");
    for (title, items) in LISTS {
        let section = runbook.split(&format!("{title}\n")).nth(1).unwrap();
        let rows = section
            .split("\n## ")
            .next()
            .unwrap()
            .lines()
            .filter(|line| line.starts_with("| "))
            .skip(1)
            .map(|line| {
                let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
                (cells.next().unwrap(), cells.next().unwrap_or_default())
            });
        let rows: Vec<_> = rows.collect();
        let found: Vec<_> = rows.iter().map(|(item, _)| *item).collect();
        assert_eq!(found, items, "{title}");
        for (item, how) in rows {
            assert!(how.len() > 10, "{item}: how it is known");
        }
    }
}

/// Words of commands in backquotes that begin like this, in a document.
fn commands(document: &str, start: &str) -> Vec<String> {
    let quoted = document.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|text| text.strip_prefix(start))
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_command_exists() {
    let runbook = text("shop/runbook/README.md");
    let known = text("docs/commands.md");
    let called = commands(&runbook, "./windlass ");
    assert!(called.len() > 8, "{called:?}");
    for call in called {
        let verb = call.split(' ').next().unwrap();
        // `guard` and `ledger` have verbs of their own.
        let words = if ["guard", "ledger", "image"].contains(&verb) {
            2
        } else {
            1
        };
        let words: Vec<_> = call.split(' ').take(words).collect();
        let form = format!("`windlass {}", words.join(" "));
        assert!(known.contains(&form), "docs/commands.md does not know `{call}`");
        for option in call.split(' ').filter(|word| word.starts_with("--")) {
            assert!(known.contains(option), "docs/commands.md does not know {option}");
        }
    }
    let items = text("crates/core/src/machine/checklist.rs");
    for call in commands(&runbook, "./windlass attest ") {
        let item = call.split(' ').nth(1).unwrap();
        assert!(
            items.contains(&format!("\"{item}\"")),
            "no item of the checklist is {item}"
        );
    }
}
