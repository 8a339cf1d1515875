//! Gates: what a plan must pass before anything is changed. Each is a file, each answers from the state alone, and the same
//! answers that decide are shown. A rollback meets none of them.

mod approval;
mod checklist;
mod findings;
mod freeze;
mod hold;
mod promotion;
mod source;
mod window;

use super::release::Plan;
use super::state::{Lane, Rollout, State};
use crate::view::GateView;

/// What a gate may look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) state: &'a State,
    pub(super) lane: &'a Lane,
    pub(super) rollout: &'a Rollout,
    pub(super) plan: &'a Plan,
    pub(super) now_ms: i64,
}

/// A gate's answer with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) verdict: Verdict,
    /// Why, in a sentence.
    pub(super) reason: String,
    pub(super) evidence: Vec<String>,
}

/// Whether a plan may be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Yes.
    Allow,
    /// No, as things are.
    Deny {
        /// What would change the answer.
        remedy: String,
        /// Whether nothing can change it for this release and plan.
        lasting: bool,
    },
    /// Not yet.
    Defer {
        /// What would change the answer.
        remedy: String,
        /// When the answer changes by itself, if it does.
        until_ms: Option<i64>,
        /// Whether only a person can change it.
        person: bool,
    },
}

/// A gate: its name, how it answers, and whether an emergency goes past it.
struct Gate {
    name: &'static str,
    ask: fn(&Facts<'_>) -> Answer,
    breakable: bool,
}

/// In the order in which they are shown.
static GATES: [Gate; 8] = [
    Gate {
        name: "source",
        ask: source::ask,
        breakable: false,
    },
    Gate {
        name: "hold",
        ask: hold::ask,
        breakable: false,
    },
    Gate {
        name: "findings",
        ask: findings::ask,
        breakable: false,
    },
    Gate {
        name: "promotion",
        ask: promotion::ask,
        breakable: true,
    },
    Gate {
        name: "checklist",
        ask: checklist::ask,
        breakable: true,
    },
    Gate {
        name: "freeze",
        ask: freeze::ask,
        breakable: true,
    },
    Gate {
        name: "window",
        ask: window::ask,
        breakable: true,
    },
    Gate {
        name: "approval",
        ask: approval::ask,
        breakable: true,
    },
];

impl Answer {
    pub(super) fn allow(reason: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Allow,
            reason: reason.into(),
            evidence: Vec::new(),
        }
    }

    pub(super) fn deny(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Deny {
                remedy: remedy.into(),
                lasting: false,
            },
            reason: reason.into(),
            evidence: Vec::new(),
        }
    }

    /// A denial that nothing can change for this release.
    pub(super) fn refuse(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Deny {
                remedy: remedy.into(),
                lasting: true,
            },
            reason: reason.into(),
            evidence: Vec::new(),
        }
    }

    /// Not before a time.
    pub(super) fn until(at_ms: i64, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Defer {
                remedy: remedy.into(),
                until_ms: Some(at_ms),
                person: false,
            },
            reason: reason.into(),
            evidence: Vec::new(),
        }
    }

    /// Not before a person acts.
    pub(super) fn person(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Defer {
                remedy: remedy.into(),
                until_ms: None,
                person: true,
            },
            reason: reason.into(),
            evidence: Vec::new(),
        }
    }

    /// Not before something else happened by itself.
    pub(super) fn later(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Defer {
                remedy: remedy.into(),
                until_ms: None,
                person: false,
            },
            reason: reason.into(),
            evidence: Vec::new(),
        }
    }

    pub(super) fn with(mut self, evidence: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(evidence);
        self
    }
}

/// All gates' answers about the plan of the lane's rollout, by name; `None` while there is no plan.
pub(super) fn answers(state: &State, lane: &Lane, now_ms: i64) -> Option<Vec<(&'static str, Answer)>> {
    let rollout = lane.rollout.as_ref()?;
    let facts = Facts {
        state,
        lane,
        rollout,
        plan: rollout.plan.as_ref()?,
        now_ms,
    };
    let emergency = approval::emergency(&facts);
    let answer = |gate: &Gate| {
        let answer = (gate.ask)(&facts);
        let broken = emergency.filter(|_| gate.breakable && answer.verdict != Verdict::Allow);
        let answer = broken.map_or(answer.clone(), |person| {
            Answer::allow(format!("passed in an emergency by {}", person.actor))
                .with([format!("it said: {}", answer.reason), person.comment.clone()])
        });
        (gate.name, answer)
    };
    Some(GATES.iter().map(answer).collect())
}

/// An answer as people see it.
pub(super) fn shown(name: &str, answer: &Answer) -> GateView {
    let (word, remedy, until_ms) = match &answer.verdict {
        Verdict::Allow => ("allow", String::new(), None),
        Verdict::Deny { remedy, .. } => ("deny", remedy.clone(), None),
        Verdict::Defer { remedy, until_ms, .. } => ("defer", remedy.clone(), *until_ms),
    };
    GateView {
        name: name.to_owned(),
        answer: word.to_owned(),
        reason: answer.reason.clone(),
        remedy,
        until_ms,
        evidence: answer.evidence.clone(),
    }
}
