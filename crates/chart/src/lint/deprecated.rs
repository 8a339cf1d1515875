//! Kinds of objects that Kubernetes has deprecated, as its own source says with each of them.

use std::fmt::Write as _;

/// API, kind, the minor version of Kubernetes 1 that deprecated it, the one that removes it (0: none is named), and what
/// takes its place: an API, or an API and a kind where that is another.
type Entry = (&'static str, &'static str, u32, u32, &'static str);

const ENTRIES: &[Entry] = &[
    (
        "admissionregistration.k8s.io/v1alpha1",
        "MutatingAdmissionPolicy",
        35,
        38,
        "",
    ),
    (
        "admissionregistration.k8s.io/v1alpha1",
        "MutatingAdmissionPolicyBinding",
        35,
        38,
        "",
    ),
    (
        "admissionregistration.k8s.io/v1alpha1",
        "ValidatingAdmissionPolicy",
        29,
        32,
        "",
    ),
    (
        "admissionregistration.k8s.io/v1alpha1",
        "ValidatingAdmissionPolicyBinding",
        29,
        32,
        "",
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        "MutatingAdmissionPolicy",
        37,
        40,
        "admissionregistration.k8s.io/v1",
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        "MutatingAdmissionPolicyBinding",
        37,
        40,
        "admissionregistration.k8s.io/v1",
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        "MutatingWebhookConfiguration",
        16,
        22,
        "admissionregistration.k8s.io/v1",
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        "ValidatingAdmissionPolicy",
        31,
        34,
        "",
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        "ValidatingAdmissionPolicyBinding",
        31,
        34,
        "",
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        "ValidatingWebhookConfiguration",
        16,
        22,
        "admissionregistration.k8s.io/v1",
    ),
    ("apps/v1beta1", "ControllerRevision", 8, 16, "apps/v1"),
    ("apps/v1beta1", "Deployment", 8, 16, "apps/v1"),
    ("apps/v1beta1", "DeploymentRollback", 8, 16, "apps/v1"),
    ("apps/v1beta1", "Scale", 8, 16, "autoscaling/v1"),
    ("apps/v1beta1", "StatefulSet", 8, 16, "apps/v1"),
    ("apps/v1beta2", "ControllerRevision", 9, 16, "apps/v1"),
    ("apps/v1beta2", "DaemonSet", 9, 16, "apps/v1"),
    ("apps/v1beta2", "Deployment", 9, 16, "apps/v1"),
    ("apps/v1beta2", "ReplicaSet", 9, 16, "apps/v1"),
    ("apps/v1beta2", "Scale", 9, 16, "autoscaling/v1"),
    ("apps/v1beta2", "StatefulSet", 9, 16, "apps/v1"),
    ("authentication.k8s.io/v1alpha1", "SelfSubjectReview", 29, 32, ""),
    ("authentication.k8s.io/v1beta1", "SelfSubjectReview", 30, 33, ""),
    (
        "authentication.k8s.io/v1beta1",
        "TokenReview",
        19,
        22,
        "authentication.k8s.io/v1",
    ),
    (
        "authorization.k8s.io/v1beta1",
        "LocalSubjectAccessReview",
        19,
        22,
        "authorization.k8s.io/v1",
    ),
    (
        "authorization.k8s.io/v1beta1",
        "SelfSubjectAccessReview",
        19,
        22,
        "authorization.k8s.io/v1",
    ),
    (
        "authorization.k8s.io/v1beta1",
        "SelfSubjectRulesReview",
        19,
        22,
        "authorization.k8s.io/v1",
    ),
    (
        "authorization.k8s.io/v1beta1",
        "SubjectAccessReview",
        19,
        22,
        "authorization.k8s.io/v1",
    ),
    ("batch/v1beta1", "CronJob", 21, 25, "batch/v1"),
    ("certificates.k8s.io/v1alpha1", "ClusterTrustBundle", 34, 37, ""),
    (
        "certificates.k8s.io/v1beta1",
        "CertificateSigningRequest",
        19,
        22,
        "certificates.k8s.io/v1",
    ),
    ("certificates.k8s.io/v1beta1", "ClusterTrustBundle", 37, 40, ""),
    ("certificates.k8s.io/v1beta1", "PodCertificateRequest", 38, 41, ""),
    ("coordination.k8s.io/v1alpha2", "LeaseCandidate", 35, 38, ""),
    (
        "coordination.k8s.io/v1beta1",
        "Lease",
        19,
        22,
        "coordination.k8s.io/v1",
    ),
    ("coordination.k8s.io/v1beta1", "LeaseCandidate", 36, 39, ""),
    (
        "discovery.k8s.io/v1beta1",
        "EndpointSlice",
        21,
        25,
        "discovery.k8s.io/v1",
    ),
    (
        "discovery.k8s.io/v1beta1",
        "EndpointSliceList",
        21,
        25,
        "discovery.k8s.io/v1 EndpointSlice",
    ),
    ("events.k8s.io/v1beta1", "Event", 22, 25, ""),
    ("extensions/v1beta1", "DaemonSet", 8, 16, "apps/v1"),
    ("extensions/v1beta1", "Deployment", 8, 16, "apps/v1"),
    ("extensions/v1beta1", "DeploymentRollback", 8, 16, ""),
    ("extensions/v1beta1", "Ingress", 14, 22, "networking.k8s.io/v1"),
    (
        "extensions/v1beta1",
        "NetworkPolicy",
        9,
        16,
        "networking.k8s.io/v1",
    ),
    ("extensions/v1beta1", "ReplicaSet", 8, 16, "apps/v1"),
    ("extensions/v1beta1", "Scale", 2, 16, ""),
    (
        "flowcontrol.apiserver.k8s.io/v1beta1",
        "FlowSchema",
        23,
        26,
        "flowcontrol.apiserver.k8s.io/v1beta3",
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta1",
        "PriorityLevelConfiguration",
        23,
        26,
        "flowcontrol.apiserver.k8s.io/v1beta3",
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta2",
        "FlowSchema",
        26,
        29,
        "flowcontrol.apiserver.k8s.io/v1beta3",
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta2",
        "PriorityLevelConfiguration",
        26,
        29,
        "flowcontrol.apiserver.k8s.io/v1beta3",
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta3",
        "FlowSchema",
        29,
        32,
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta3",
        "PriorityLevelConfiguration",
        29,
        32,
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    ("networking.k8s.io/v1beta1", "IPAddress", 34, 37, ""),
    (
        "networking.k8s.io/v1beta1",
        "Ingress",
        19,
        22,
        "networking.k8s.io/v1",
    ),
    (
        "networking.k8s.io/v1beta1",
        "IngressClass",
        19,
        22,
        "networking.k8s.io/v1 IngressClassList",
    ),
    (
        "networking.k8s.io/v1beta1",
        "IngressClassList",
        19,
        22,
        "networking.k8s.io/v1",
    ),
    ("networking.k8s.io/v1beta1", "ServiceCIDR", 34, 37, ""),
    ("node.k8s.io/v1beta1", "RuntimeClass", 22, 25, ""),
    ("policy/v1beta1", "Eviction", 22, 25, ""),
    ("policy/v1beta1", "PodDisruptionBudget", 21, 25, "policy/v1"),
    (
        "rbac.authorization.k8s.io/v1beta1",
        "ClusterRole",
        17,
        22,
        "rbac.authorization.k8s.io/v1",
    ),
    (
        "rbac.authorization.k8s.io/v1beta1",
        "ClusterRoleBinding",
        17,
        22,
        "rbac.authorization.k8s.io/v1",
    ),
    (
        "rbac.authorization.k8s.io/v1beta1",
        "Role",
        17,
        22,
        "rbac.authorization.k8s.io/v1",
    ),
    (
        "rbac.authorization.k8s.io/v1beta1",
        "RoleBinding",
        17,
        22,
        "rbac.authorization.k8s.io/v1",
    ),
    ("resource.k8s.io/v1alpha3", "DeviceTaintRule", 36, 39, ""),
    (
        "resource.k8s.io/v1alpha3",
        "ResourcePoolStatusRequest",
        39,
        42,
        "",
    ),
    ("resource.k8s.io/v1beta1", "DeviceClass", 35, 38, ""),
    ("resource.k8s.io/v1beta1", "ResourceClaim", 35, 38, ""),
    ("resource.k8s.io/v1beta1", "ResourceClaimTemplate", 35, 38, ""),
    ("resource.k8s.io/v1beta1", "ResourceSlice", 35, 38, ""),
    ("resource.k8s.io/v1beta2", "DeviceClass", 36, 39, ""),
    ("resource.k8s.io/v1beta2", "DeviceTaintRule", 39, 42, ""),
    ("resource.k8s.io/v1beta2", "ResourceClaim", 36, 39, ""),
    ("resource.k8s.io/v1beta2", "ResourceClaimTemplate", 36, 39, ""),
    ("resource.k8s.io/v1beta2", "ResourceSlice", 36, 39, ""),
    (
        "scheduling.k8s.io/v1beta1",
        "PriorityClass",
        14,
        22,
        "scheduling.k8s.io/v1",
    ),
    (
        "storage.k8s.io/v1alpha1",
        "CSIStorageCapacity",
        21,
        24,
        "storage.k8s.io/v1beta1",
    ),
    (
        "storage.k8s.io/v1alpha1",
        "VolumeAttachment",
        21,
        24,
        "storage.k8s.io/v1",
    ),
    (
        "storage.k8s.io/v1alpha1",
        "VolumeAttributesClass",
        32,
        35,
        "storage.k8s.io/v1",
    ),
    ("storage.k8s.io/v1beta1", "CSIDriver", 19, 22, "storage.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", "CSINode", 17, 22, "storage.k8s.io/v1"),
    (
        "storage.k8s.io/v1beta1",
        "CSINodeList",
        17,
        22,
        "storage.k8s.io/v1 CSINode",
    ),
    (
        "storage.k8s.io/v1beta1",
        "CSIStorageCapacity",
        24,
        27,
        "storage.k8s.io/v1",
    ),
    (
        "storage.k8s.io/v1beta1",
        "StorageClass",
        19,
        22,
        "storage.k8s.io/v1",
    ),
    (
        "storage.k8s.io/v1beta1",
        "VolumeAttachment",
        19,
        22,
        "storage.k8s.io/v1",
    ),
    (
        "storage.k8s.io/v1beta1",
        "VolumeAttributesClass",
        34,
        37,
        "storage.k8s.io/v1",
    ),
    (
        "storagemigration.k8s.io/v1beta1",
        "StorageVersionMigration",
        38,
        41,
        "",
    ),
    ("v1", "ComponentStatus", 19, 0, ""),
    ("v1", "Endpoints", 33, 0, "discovery.k8s.io/v1 EndpointSlice"),
    (
        "v1",
        "EndpointsList",
        33,
        0,
        "discovery.k8s.io/v1 EndpointSliceList",
    ),
];

/// What Kubernetes 1.`minor` says of a kind, if it is deprecated there.
pub(super) fn warning(api: &str, kind: &str, minor: u32) -> Option<String> {
    let of = |name: &str| ENTRIES.iter().find(|it| it.0 == api && it.1 == name);
    // A list is what its items are.
    let (_, _, since, until, instead) = of(kind).or_else(|| of(kind.strip_suffix("List")?))?;
    if minor < *since {
        return None;
    }
    let mut text = format!("{api} {kind} is deprecated in v1.{since}+");
    if *until > 0 {
        let _ = write!(text, ", unavailable in v1.{until}+");
    }
    match *instead {
        "" => {}
        both if both.contains(' ') => {
            let _ = write!(text, "; use {both}");
        }
        api => {
            let _ = write!(text, "; use {api} {kind}");
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_deprecated_from_a_version_on() {
        assert_eq!(warning("policy/v1beta1", "PodDisruptionBudget", 20), None);
        let expected = "policy/v1beta1 PodDisruptionBudgetList is deprecated in v1.21+, unavailable in v1.25+; use policy/v1 PodDisruptionBudgetList";
        let found = warning("policy/v1beta1", "PodDisruptionBudgetList", 21);
        assert_eq!(found.as_deref(), Some(expected));
        assert_eq!(warning("apps/v1", "Deployment", 99), None);
    }
}
