//! References: the written form and its way back.

use super::*;

#[test]
fn the_written_form_reads_back() {
    for (text, group, kind, namespace, name) in [
        (
            "apps/Deployment shop/cart",
            "apps",
            "Deployment",
            Some("shop"),
            "cart",
        ),
        ("Service cart", "", "Service", None, "cart"),
        ("Service shop/cart", "", "Service", Some("shop"), "cart"),
        (
            "rbac.authorization.k8s.io/ClusterRole system:node",
            "rbac.authorization.k8s.io",
            "ClusterRole",
            None,
            "system:node",
        ),
    ] {
        let reference = Reference::new(group, kind, namespace, name);
        assert_eq!(reference.to_string(), text);
        assert_eq!(text.parse::<Reference>().unwrap(), reference);
        let json = serde_json::to_string(&reference).unwrap();
        assert_eq!(serde_json::from_str::<Reference>(&json).unwrap(), reference);
    }
}

#[test]
fn what_names_no_object_is_refused() {
    for text in [
        "",
        "Service",
        "Service ",
        " cart",
        "/Service cart",
        "apps/ cart",
        "a/b/c d",
        "Service a/b/c",
        "Service /c",
        "S a b",
    ] {
        assert!(text.parse::<Reference>().is_err(), "{text:?}");
    }
}
