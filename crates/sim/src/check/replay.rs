//! All events in their order, and a snapshot, give the state back that the controller had.

use windlass_core::machine::State;

use super::Failure;

pub(crate) fn check(state: &State, replayed: &State) -> Result<(), Failure> {
    let wrong = |what: &str| Failure {
        checker: "the ledger gives the state back",
        what: what.to_owned(),
    };
    if replayed != state {
        return Err(wrong("replaying all events gives another state"));
    }
    let text = serde_json::to_string(state).unwrap_or_default();
    let read: Result<State, _> = serde_json::from_str(&text);
    if read.ok().as_ref() != Some(state) {
        return Err(wrong("a snapshot reads back as another state"));
    }
    Ok(())
}
