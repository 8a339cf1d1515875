//! Fields that a manager set by other ways than server-side apply, turned into fields of its server-side apply: what a
//! release owns stays its own, and goes when it is left out. It asks nobody.

use serde_json::{Map, Value, json};

/// The JSON patch that does so, or `None` where nothing is to be done. A change of the object since it was read makes the
/// patch fail.
pub(crate) fn patch(object: &Value, manager: &str) -> Option<Value> {
    let entries = object.pointer("/metadata/managedFields")?.as_array()?;
    let is_former = |entry: &&Value| is_by(entry, manager, "Update");
    let formers: Vec<&Value> = entries.iter().filter(is_former).collect();
    let first = *formers.first()?;
    let applied = entries.iter().find(|entry| is_by(entry, manager, "Apply"));
    let mut fields = Map::new();
    for entry in formers.iter().copied().chain(applied) {
        if let Some(Value::Object(more)) = entry.get("fieldsV1") {
            unite(&mut fields, more);
        }
    }
    let mut united = applied.unwrap_or(first).clone();
    united["operation"] = "Apply".into();
    united["fieldsV1"] = fields.into();
    let others = entries
        .iter()
        .filter(|entry| !is_by(entry, manager, "Update") && !is_by(entry, manager, "Apply"));
    let all: Vec<Value> = others.cloned().chain([united]).collect();
    let version = object.pointer("/metadata/resourceVersion")?;
    Some(json!([
        { "op": "replace", "path": "/metadata/managedFields", "value": all },
        { "op": "replace", "path": "/metadata/resourceVersion", "value": version },
    ]))
}

/// Fields of subresources (a status, a scale) have their own entries, which stay.
fn is_by(entry: &Value, manager: &str, operation: &str) -> bool {
    entry["manager"] == manager
        && entry["operation"] == operation
        && entry.get("subresource").is_none_or(|it| it.as_str() == Some(""))
}

fn unite(fields: &mut Map<String, Value>, more: &Map<String, Value>) {
    for (key, value) in more {
        match (fields.get_mut(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => unite(old, new),
            (Some(_), _) => {}
            (None, value) => {
                fields.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
        json!({ "manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields })
    }

    #[test]
    fn fields_of_a_managers_updates_are_united_with_those_it_applied_and_others_stay() {
        let mut scale = entry("helm", "Update", &json!({ "f:spec": { "f:replicas": {} } }));
        scale["subresource"] = "scale".into();
        let object = json!({ "metadata": { "resourceVersion": "7", "managedFields": [
            entry("helm", "Update", &json!({ "f:data": { "f:a": {}, "f:b": {} } })),
            entry("kubectl-edit", "Update", &json!({ "f:data": { "f:c": {} } })),
            scale.clone(),
            entry("helm", "Apply", &json!({ "f:data": { "f:b": {}, "f:d": {} } })),
        ] } });
        let patch = patch(&object, "helm").unwrap();
        let all = patch[0]["value"].as_array().unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!(all[0]["manager"], "kubectl-edit");
        assert_eq!(all[1], scale);
        assert_eq!(
            all[2],
            entry(
                "helm",
                "Apply",
                &json!({ "f:data": { "f:a": {}, "f:b": {}, "f:d": {} } })
            )
        );
        assert_eq!(patch[1]["value"], "7");
    }

    #[test]
    fn nothing_is_done_where_a_manager_only_applied() {
        let object = json!({ "metadata": { "resourceVersion": "7", "managedFields": [
            entry("helm", "Apply", &json!({})), entry("other", "Update", &json!({})),
        ] } });
        assert_eq!(patch(&object, "helm"), None);
        assert_eq!(patch(&json!({ "metadata": {} }), "helm"), None);
    }
}
