//! The health of what runs to its end.

use serde_json::Value;

use super::{Condition, Health, Status, conditions};
use crate::object::Object;

pub(super) fn job(object: &Object) -> Health {
    let all = conditions(object);
    let find = |kind: &str| {
        all.iter()
            .find(|condition: &&Condition<'_>| condition.kind == kind)
    };
    if let Some(failed) = find("Failed") {
        return Health::degraded(failed.message);
    }
    if let Some(suspended) = find("Suspended").filter(|condition| condition.is_true()) {
        return Health::new(Status::Suspended, suspended.message);
    }
    find("Complete").map_or_else(
        || Health::progressing(""),
        |complete| Health::new(Status::Healthy, complete.message),
    )
}

/// A schedule has nothing to wait for.
pub(super) fn cron_job(object: &Object) -> Health {
    if object.value().pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        return Health::new(Status::Suspended, "CronJob is Suspended");
    }
    Health::healthy()
}
