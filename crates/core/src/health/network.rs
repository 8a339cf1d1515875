//! The health of ways in: Services, Ingresses, aggregated APIs.

use serde_json::Value;

use super::{Health, conditions, text};
use crate::object::Object;

pub(super) fn service(object: &Object) -> Health {
    if text(object, "/spec/type") != "LoadBalancer" || has_address(object) {
        return Health::healthy();
    }
    Health::progressing("Waiting for the load balancer's address")
}

/// Controllers that never fill in an address keep an Ingress progressing, as in Argo CD.
pub(super) fn ingress(object: &Object) -> Health {
    if has_address(object) {
        return Health::healthy();
    }
    Health::progressing("Waiting for the ingress controller's address")
}

pub(super) fn api_service(object: &Object) -> Health {
    let all = conditions(object);
    let Some(available) = all.iter().find(|condition| condition.kind == "Available") else {
        return Health::progressing("Waiting to be processed");
    };
    let message = format!("{}: {}", available.reason, available.message);
    if available.is_true() {
        Health::new(super::Status::Healthy, message)
    } else {
        Health::progressing(message)
    }
}

fn has_address(object: &Object) -> bool {
    let addresses = object
        .value()
        .pointer("/status/loadBalancer/ingress")
        .and_then(Value::as_array);
    addresses.is_some_and(|addresses| !addresses.is_empty())
}
