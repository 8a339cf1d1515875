//! Verdicts on the objects of an environment: what is wrong with them, what to do about it, and whether it keeps a
//! release out. It does not know who asks, and changes nothing.

pub mod pod_security;
pub mod rule;

use windlass_core::config::{Environment, Severity};
use windlass_core::machine::release::Finding;
use windlass_core::object::Object;

pub use rule::{RULES, Rule};

/// Name of the environment whose customers pay: it is asked for more than the others.
const PRODUCTION: &str = "production";
/// Findings in one verdict; more are summed up in a last line.
const FINDINGS_MAX: usize = 200;

/// What objects are judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Whether customers pay here.
    pub production: bool,
    /// Findings from this severity on keep the release out.
    pub blocks_from: Severity,
}

impl Policy {
    /// The policy of an environment as its configuration says.
    pub fn of(environment: &Environment) -> Self {
        Self {
            production: environment.name == PRODUCTION,
            blocks_from: environment.gates.severity,
        }
    }
}

/// Judges the objects of one environment by all rules, the worst findings first.
pub fn judge(objects: &[Object], policy: Policy) -> Vec<Finding> {
    let scene = rule::Scene {
        objects,
        production: policy.production,
    };
    let mut found: Vec<(Severity, Finding)> = Vec::new();
    for rule in RULES {
        (rule.check)(&scene, &mut |message| {
            let finding = Finding {
                rule: rule.name.to_owned(),
                message,
                remedy: rule.remedy.to_owned(),
                blocks: rule.severity >= policy.blocks_from,
            };
            found.push((rule.severity, finding));
        });
    }
    found.sort_by(|(a, one), (b, other)| {
        b.cmp(a)
            .then_with(|| (&one.rule, &one.message).cmp(&(&other.rule, &other.message)))
    });
    let left_out = found.len().saturating_sub(FINDINGS_MAX);
    let mut findings: Vec<Finding> = found
        .into_iter()
        .map(|(_, finding)| finding)
        .take(FINDINGS_MAX)
        .collect();
    if left_out > 0 {
        findings.push(Finding {
            rule: "more".to_owned(),
            message: format!("{left_out} less severe findings are not listed"),
            remedy: "fix these first".to_owned(),
            blocks: false,
        });
    }
    findings
}
