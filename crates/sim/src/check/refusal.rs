//! Who is refused something is told why, and what to do instead.

use windlass_core::machine::Refusal;

use super::Failure;

pub(crate) fn check(refusal: &Refusal) -> Result<(), Failure> {
    if refusal.detail.is_empty() || refusal.hint.is_empty() {
        return Err(Failure {
            checker: "every refusal says why and what to do",
            what: format!("{refusal:?}"),
        });
    }
    Ok(())
}
