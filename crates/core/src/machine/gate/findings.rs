//! Gate: nothing that blocks was found in the objects and images.

use super::{Answer, Facts};

pub(super) fn ask(facts: &Facts<'_>) -> Answer {
    let findings = &facts.plan.findings;
    let evidence: Vec<String> = findings
        .iter()
        .map(|finding| format!("{}: {}", finding.rule, finding.message))
        .collect();
    let blocking: Vec<_> = findings.iter().filter(|finding| finding.blocks).collect();
    let answer = match blocking.first() {
        None => Answer::allow(match findings.len() {
            0 => "nothing was found".to_owned(),
            some => format!("{some} findings, none of which blocks"),
        }),
        Some(first) => Answer::refuse(
            format!(
                "{} of {} findings block; the first: {}: {}",
                blocking.len(),
                findings.len(),
                first.rule,
                first.message
            ),
            first.remedy.clone(),
        ),
    };
    answer.with(evidence)
}
