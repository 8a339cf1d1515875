//! Whose an object is: the marks that Helm puts on what a release owns, and what it says of those that lack them.

use serde_json::{Map, Value};

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const HELM: &str = "Helm";
const RELEASE_NAME: &str = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";
const POLICY: &str = "helm.sh/resource-policy";

/// Marks an object as a release's.
pub(super) fn mark(object: &mut Value, name: &str, namespace: &str) {
    put(object, "labels", MANAGED_BY, HELM);
    put(object, "annotations", RELEASE_NAME, name);
    put(object, "annotations", RELEASE_NAMESPACE, namespace);
}

fn put(object: &mut Value, of: &str, key: &str, value: &str) {
    let metadata = &mut object["metadata"];
    if !metadata[of].is_object() {
        metadata[of] = Map::new().into();
    }
    metadata[of][key] = value.into();
}

/// Why an object of the cluster is not this release's, in Helm's words.
pub(super) fn objection(object: &Value, name: &str, namespace: &str) -> Option<String> {
    let wanted = [
        ("label", "labels", MANAGED_BY, HELM),
        ("annotation", "annotations", RELEASE_NAME, name),
        ("annotation", "annotations", RELEASE_NAMESPACE, namespace),
    ];
    let wrong = wanted.into_iter().filter_map(|(what, of, key, value)| {
        let found = object.get("metadata")?.get(of).and_then(|it| it.get(key));
        let why = match found.and_then(Value::as_str) {
            Some(found) if found == value => return None,
            Some(found) => format!("key \"{key}\" must equal \"{value}\": current value is \"{found}\""),
            None => format!("missing key \"{key}\": must be set to \"{value}\""),
        };
        Some(format!("{what} validation error: {why}"))
    });
    let wrong: Vec<String> = wrong.collect();
    (!wrong.is_empty()).then(|| format!("invalid ownership metadata; {}", wrong.join("; ")))
}

/// Whether an object stays though its release no longer has it.
pub(super) fn is_kept(object: &Value) -> bool {
    let policy = object
        .get("metadata")
        .and_then(|it| it.get("annotations")?.get(POLICY)?.as_str());
    policy.is_some_and(|it| it.trim().eq_ignore_ascii_case("keep"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_marked_is_the_releases_and_nobody_elses() {
        let mut object =
            json!({ "metadata": { "name": "a", "annotations": null, "labels": { "app": "a" } } });
        mark(&mut object, "shop", "production");
        assert_eq!(objection(&object, "shop", "production"), None);
        assert_eq!(object["metadata"]["labels"]["app"], "a");
        let text = objection(&object, "other", "production").unwrap();
        assert_eq!(
            text,
            "invalid ownership metadata; annotation validation error: key \"meta.helm.sh/release-name\" must equal \"other\": current value is \"shop\""
        );
    }

    #[test]
    fn every_missing_mark_is_named() {
        let text = objection(&json!({ "metadata": {} }), "shop", "production").unwrap();
        assert_eq!(
            text,
            "invalid ownership metadata; label validation error: missing key \"app.kubernetes.io/managed-by\": must be set to \"Helm\"; annotation validation error: missing key \"meta.helm.sh/release-name\": must be set to \"shop\"; annotation validation error: missing key \"meta.helm.sh/release-namespace\": must be set to \"production\""
        );
    }

    #[test]
    fn the_policy_to_keep_is_read_as_helm_reads_it() {
        let with = |policy: &str| json!({ "metadata": { "annotations": { POLICY: policy } } });
        assert!(is_kept(&with("keep")) && is_kept(&with(" Keep ")));
        assert!(!is_kept(&with("delete")) && !is_kept(&json!({ "metadata": {} })));
    }
}
