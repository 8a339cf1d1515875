//! Argo CD's Applications are the guide's, and lead to folders that exist.

use crate::{root, yaml};

#[test]
fn the_application_is_the_guides() {
    let application = yaml("infrastructure/argocd/application.yaml").remove(0);
    let spec = &application["spec"];
    assert_eq!(application["metadata"]["name"], "ecommerce-platform");
    assert_eq!(
        (&spec["source"]["targetRevision"], &spec["source"]["path"]),
        (&"main".into(), &"infrastructure/k8s".into())
    );
    assert_eq!(spec["destination"]["namespace"], "production");
    assert_eq!(
        spec["syncPolicy"]["automated"],
        serde_json::json!({"prune": true, "selfHeal": true})
    );
    let staging = yaml("infrastructure/argocd/application-staging.yaml").remove(0);
    let source = &staging["spec"]["source"];
    let chart = root().join(source["path"].as_str().unwrap());
    for file in source["helm"]["valueFiles"].as_array().unwrap() {
        assert!(chart.join(file.as_str().unwrap()).is_file(), "{file}");
    }
    assert_eq!(source["targetRevision"], "develop");
}
