//! A world in which nothing breaks any more comes to rest: all is decided, or somebody is named who has to.

use windlass_core::view::View;

use super::Failure;

pub(crate) fn check(view: &View) -> Result<(), Failure> {
    let restless = view.environments.iter().filter(|one| !one.settled);
    let restless: Vec<String> = restless
        .map(|one| format!("{}: {}", one.name, one.summary))
        .collect();
    if restless.is_empty() {
        return Ok(());
    }
    Err(Failure {
        checker: "every world comes to rest",
        what: restless.join("; "),
    })
}
