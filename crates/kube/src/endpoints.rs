//! Which pods a Service really leads to, from its EndpointSlices.

use serde_json::Value;

/// One EndpointSlice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slice {
    /// The Service.
    pub service: String,
    /// What it leads to.
    pub endpoints: Vec<Endpoint>,
}

/// One address of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The pod behind it.
    pub pod: String,
    /// Whether new connections go there.
    pub ready: bool,
}

impl Slice {
    /// Reduces a slice as the cluster has it. A missing `ready` means yes, as the API says.
    pub(crate) fn of(value: &Value) -> Self {
        let service = value
            .pointer("/metadata/labels")
            .and_then(|labels| labels.get("kubernetes.io/service-name")?.as_str());
        let endpoints = value
            .get("endpoints")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let endpoints = endpoints.map(|one| Endpoint {
            pod: one
                .pointer("/targetRef/name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            ready: one
                .pointer("/conditions/ready")
                .and_then(Value::as_bool)
                .unwrap_or(true),
        });
        Self {
            service: service.unwrap_or_default().to_owned(),
            endpoints: endpoints.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_pods_of_a_service_are_read() {
        let slice = Slice::of(
            &json!({ "metadata": { "name": "x", "labels": { "kubernetes.io/service-name": "cart" } },
            "endpoints": [
                { "targetRef": { "kind": "Pod", "name": "a" }, "conditions": { "ready": true } },
                { "targetRef": { "kind": "Pod", "name": "b" }, "conditions": { "ready": false } },
                { "targetRef": { "kind": "Pod", "name": "c" } },
            ] }),
        );
        let ready: Vec<(&str, bool)> = slice
            .endpoints
            .iter()
            .map(|one| (one.pod.as_str(), one.ready))
            .collect();
        assert_eq!(
            (slice.service.as_str(), ready),
            ("cart", vec![("a", true), ("b", false), ("c", true)])
        );
    }
}
