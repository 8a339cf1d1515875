//! What an Argo CD has, sorted by kind.

use serde_json::Value;

/// The manifests of Argo CD among documents, in the order of their names.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    pub(super) applications: Vec<Value>,
    pub(super) sets: Vec<Value>,
    pub(super) projects: Vec<Value>,
    /// `argocd-cm`.
    pub(super) settings: Option<Value>,
    /// What the Applications brought to a cluster, as far as it is known.
    pub(super) objects: Vec<Value>,
}

impl Manifests {
    pub(super) fn of(documents: &[Value]) -> Self {
        let mut found = Self::default();
        for document in documents {
            let group = document["apiVersion"].as_str().unwrap_or_default();
            let is_argo = group.split('/').next() == Some("argoproj.io");
            match document["kind"].as_str().unwrap_or_default() {
                "Application" if is_argo => found.applications.push(document.clone()),
                "ApplicationSet" if is_argo => found.sets.push(document.clone()),
                "AppProject" if is_argo => found.projects.push(document.clone()),
                "ConfigMap" if name(document) == "argocd-cm" => found.settings = Some(document.clone()),
                "Deployment" | "Service" | "Ingress" => found.objects.push(document.clone()),
                _ => {}
            }
        }
        for all in [&mut found.applications, &mut found.sets, &mut found.projects] {
            all.sort_by(|a, b| name(a).cmp(name(b)));
            all.dedup_by(|a, b| {
                name(a) == name(b) && a["metadata"]["namespace"] == b["metadata"]["namespace"]
            });
        }
        found
    }
}

pub(super) fn name(document: &Value) -> &str {
    document["metadata"]["name"].as_str().unwrap_or_default()
}

/// The ApplicationSet that made an Application.
pub(super) fn set_of(application: &Value) -> Option<&str> {
    let owners = application["metadata"]["ownerReferences"].as_array()?;
    let owner = owners.iter().find(|it| it["kind"] == "ApplicationSet")?;
    owner["name"].as_str()
}
