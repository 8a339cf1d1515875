//! A release's objects: read from its manifest, marked as its own, compared. It asks nobody.

use serde_json::Value;
use windlass_chart::Rendered;
use windlass_core::object::Object;

/// The manifest as records keep it: every document under the template that wrote it.
pub(super) fn text(rendered: &Rendered, secrets: Secrets) -> String {
    let all = rendered.manifests.iter().map(|it| {
        let is_secret = || windlass_chart::yaml::parse(&it.text).is_ok_and(|all| all.iter().any(is_secret));
        if secrets == Secrets::Hidden && is_secret() {
            let path = &it.path;
            return format!("---\n# Source: {path}\n# HIDDEN: The Secret output has been suppressed\n");
        }
        document(&it.path, &it.text)
    });
    all.collect()
}

/// Whether a manifest shows its Secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrets {
    Shown,
    Hidden,
}

fn is_secret(document: &windlass_chart::Value) -> bool {
    let document = document.to_json();
    document["kind"] == "Secret" && document["apiVersion"] == "v1"
}

/// One document under its template.
pub(super) fn document(path: &str, text: &str) -> String {
    format!("---\n# Source: {path}\n{text}\n")
}

/// The objects of a manifest, in its order. The items of lists count as objects of their own.
pub(super) fn objects(manifest: &str) -> Result<Vec<Object>, String> {
    let documents = windlass_chart::yaml::parse(manifest).map_err(|it| it.to_string())?;
    let mut all = Vec::new();
    let mut wrong = Vec::new();
    for document in documents {
        let value = document.to_json();
        if value.is_null() {
            continue;
        }
        let is_list = value["kind"].as_str().is_some_and(|it| it.ends_with("List"));
        let items = match value.get("items") {
            Some(Value::Array(items)) if is_list => items.clone(),
            _ => vec![value],
        };
        for item in items {
            match Object::new(item) {
                Ok(object) => all.push(object),
                Err(error) => wrong.push(error.to_string()),
            }
        }
    }
    if wrong.is_empty() {
        Ok(all)
    } else {
        Err(wrong.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use windlass_chart::Manifest;

    use super::*;

    fn rendered() -> Rendered {
        let one = |path: &str, text: &str| Manifest {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        Rendered {
            manifests: vec![
                one(
                    "shop/templates/s.yaml",
                    "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n",
                ),
                one(
                    "shop/templates/l.yaml",
                    "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: a}}\n- {apiVersion: v1, kind: Service, metadata: {name: b}}\n",
                ),
            ],
            ..Rendered::default()
        }
    }

    #[test]
    fn a_manifest_is_read_object_by_object() {
        let text = text(&rendered(), Secrets::Shown);
        let objects = objects(&text).unwrap();
        let names: Vec<&str> = objects.iter().map(Object::name).collect();
        assert_eq!(names, ["s", "a", "b"]);
    }

    #[test]
    fn secrets_can_be_hidden() {
        let text = text(&rendered(), Secrets::Hidden);
        assert!(
            text.starts_with("---\n# Source: shop/templates/s.yaml\n# HIDDEN"),
            "{text}"
        );
        assert!(!text.contains("kind: Secret"));
    }

    #[test]
    fn all_that_are_no_objects_are_named() {
        let error = objects("kind: A\n---\napiVersion: v1\nkind: B\nmetadata: {}\n").unwrap_err();
        assert!(
            error.contains("A has no `apiVersion`") && error.contains("B has no `metadata.name`"),
            "{error}"
        );
    }
}
