//! The health of claims to storage.

use super::{Health, Status, text};
use crate::object::Object;

pub(super) fn claim(object: &Object) -> Health {
    match text(object, "/status/phase") {
        "Bound" => Health::healthy(),
        "Pending" => Health::progressing("Waiting for a volume"),
        "Lost" => Health::degraded("The volume is gone"),
        _ => Health::new(Status::Unknown, "It has no phase"),
    }
}
