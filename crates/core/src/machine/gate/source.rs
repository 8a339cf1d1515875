//! Gate: what the environment follows contains the release's commit.

use super::{Answer, Facts};

pub(super) fn ask(facts: &Facts<'_>) -> Answer {
    let branch = facts.lane.branch();
    let name = if branch.is_empty() {
        "the working tree"
    } else {
        branch
    };
    let Some(known) = facts.state.releases.get(&facts.rollout.release) else {
        return Answer::refuse(
            format!("{} is not known any more", facts.rollout.release),
            "push a new commit",
        );
    };
    let Some(head) = facts.state.heads.get(branch) else {
        return Answer::person(
            format!("{name} has not been seen"),
            format!("push to {name}; it is read by itself"),
        );
    };
    let evidence = [format!("{name} is at {}: {}", head.commit, head.subject)];
    if head.contains.contains(&known.release.commit) {
        Answer::allow(format!("{name} contains {}", known.release.commit)).with(evidence)
    } else {
        Answer::deny(
            format!("{name} does not contain {}", known.release.commit),
            format!("merge the commit into {name}"),
        )
        .with(evidence)
    }
}
