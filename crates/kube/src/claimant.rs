//! Who may keep a field that we want too. The names are those under which programs write to a cluster.

/// The name under which we write.
pub(crate) const OURS: &str = "windlass";
/// The name under which a new workload gets its number of replicas, when an autoscaler looks after it from then on.
pub(crate) const SCALE: &str = "windlass-scale";

/// What another manager is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A person with `kubectl`, a browser or a script: somebody decided this.
    Person,
    /// The cluster's own controllers: autoscaling, certificates, status.
    Cluster,
    /// A tool that delivers as we do.
    Deliverer,
    /// Anything else.
    Other,
}

/// Names of tools that deliver. `kubectl-client-side-apply` is what `kubectl apply` leaves, `kubectl` what its server-side
/// variant leaves.
const DELIVERERS: [&str; 8] = [
    "helm",
    "argocd-controller",
    "argocd-application-controller",
    "kustomize-controller",
    "helm-controller",
    "kubectl-client-side-apply",
    "before-first-apply",
    "kluctl",
];
/// Names of the cluster's controllers.
const CLUSTER: [&str; 6] = [
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-apiserver",
    "cloud-controller-manager",
    "cluster-autoscaler",
];

/// What a manager is, by its name and whether it writes by server-side apply.
pub(crate) fn kind(name: &str, applies: bool) -> Kind {
    if DELIVERERS.contains(&name) || (name == "kubectl" && applies) {
        Kind::Deliverer
    } else if CLUSTER.contains(&name) {
        Kind::Cluster
    } else if name.starts_with("kubectl") || name.starts_with("Mozilla") || name == "k9s" || name == "Lens" {
        Kind::Person
    } else {
        Kind::Other
    }
}

/// Whether the manager is one of our own names.
pub(crate) fn is_ours(name: &str) -> bool {
    name == OURS || name == SCALE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_tools_and_the_cluster_are_told_apart() {
        let cases = [
            ("kubectl-patch", false, Kind::Person),
            ("kubectl-edit", false, Kind::Person),
            ("kubectl", false, Kind::Person),
            ("kubectl", true, Kind::Deliverer),
            ("Mozilla", false, Kind::Person),
            ("helm", false, Kind::Deliverer),
            ("kubectl-client-side-apply", false, Kind::Deliverer),
            ("kube-controller-manager", false, Kind::Cluster),
            ("cert-manager-cainjector", false, Kind::Other),
        ];
        for (name, applies, expected) in cases {
            assert_eq!(kind(name, applies), expected, "{name}");
        }
    }
}
