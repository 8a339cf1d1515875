//! Reads a live Argo CD. Secrets are not asked for.

use serde_json::Value;
use windlass_kube::Cluster;

use super::Reach;
use super::driver::target;

const GROUP: &str = "argoproj.io/v1alpha1";
/// What is read of what an Application brought to the cluster: what services consist of, and the ways to them.
const KINDS: [(&str, &str); 3] = [
    ("apps/v1", "Deployment"),
    ("v1", "Service"),
    ("networking.k8s.io/v1", "Ingress"),
];

pub(super) async fn read(context: Option<&str>, namespace: &str) -> Result<Vec<Value>, String> {
    let target = target(&Reach {
        context,
        impersonate: None,
    });
    let cluster = Cluster::connect(&target).await.map_err(|it| it.to_string())?;
    let mut all = Vec::new();
    for kind in ["Application", "ApplicationSet", "AppProject"] {
        let found = of(&cluster, GROUP, kind, namespace, "").await?;
        if found.is_none() && kind == "Application" {
            return Err(format!(
                "{} has no Argo CD: it does not serve {GROUP} {kind}\nhint: --context names another cluster, --from a folder with manifests",
                cluster.url()
            ));
        }
        all.extend(found.unwrap_or_default());
    }
    let settings = of(&cluster, "v1", "ConfigMap", namespace, "argocd-cm").await?;
    all.extend(settings.unwrap_or_default());
    let brought: Vec<Value> = all
        .iter()
        .filter_map(|it| it.pointer("/status/resources")?.as_array().cloned())
        .flatten()
        .collect();
    for one in &brought {
        let text = |key: &str| one[key].as_str().unwrap_or_default();
        let Some((api, kind)) = KINDS.iter().find(|it| it.1 == text("kind")) else {
            continue;
        };
        // It may be on another cluster.
        let found = of(&cluster, api, kind, text("namespace"), text("name")).await;
        all.extend(found.ok().flatten().unwrap_or_default());
    }
    Ok(all)
}

/// The objects of a kind, or one of them by name; `None` where the cluster does not serve the kind.
async fn of(
    cluster: &Cluster,
    api: &str,
    kind: &str,
    namespace: &str,
    name: &str,
) -> Result<Option<Vec<Value>>, String> {
    let found = cluster.look_up(api, kind, namespace, name).await;
    let found = found.map_err(|it| format!("{kind} cannot be read in {namespace}: {it}"))?;
    let Some(mut found) = found else {
        return Ok(None);
    };
    let mut items = match found.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => vec![found],
    };
    items.retain(|it| !it.is_null());
    for item in &mut items {
        item["apiVersion"] = api.into();
        item["kind"] = kind.into();
    }
    Ok(Some(items))
}
