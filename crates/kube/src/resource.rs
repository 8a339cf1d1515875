//! Where objects of a kind live in a cluster's API: names in, paths out. It asks nobody.

/// A kind of object as the cluster serves it in one version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Resource {
    /// The API group; empty for the core group.
    pub group: String,
    /// Its version, for example `v1`.
    pub version: String,
    /// The kind, for example `Deployment`.
    pub kind: String,
    /// Its name in paths, for example `deployments`.
    pub plural: String,
    /// Whether its objects are in a namespace.
    pub namespaced: bool,
    /// Whether it can be listed and watched.
    pub watched: bool,
}

impl Resource {
    /// `apps/v1`, or `v1` for the core group.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The path of all objects, of one namespace where the kind has namespaces.
    pub(crate) fn collection(&self, namespace: &str) -> String {
        let root = if self.group.is_empty() { "/api" } else { "/apis" };
        let version = self.api_version();
        if self.namespaced {
            format!(
                "{root}/{version}/namespaces/{}/{}",
                escaped(namespace),
                self.plural
            )
        } else {
            format!("{root}/{version}/{}", self.plural)
        }
    }

    /// The path of all objects of all namespaces.
    pub(crate) fn everywhere(&self) -> String {
        let root = if self.group.is_empty() { "/api" } else { "/apis" };
        format!("{root}/{}/{}", self.api_version(), self.plural)
    }

    /// The path of one object.
    pub(crate) fn item(&self, namespace: &str, name: &str) -> String {
        format!("{}/{}", self.collection(namespace), escaped(name))
    }
}

/// Text as one part of a path or as a value of a query: everything but letters, digits and `-._~` by its bytes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(group: &str, plural: &str, namespaced: bool) -> Resource {
        Resource {
            group: group.to_owned(),
            version: "v1".to_owned(),
            kind: String::new(),
            plural: plural.to_owned(),
            namespaced,
            watched: true,
        }
    }

    #[test]
    fn paths_follow_group_and_scope() {
        let cases = [
            (
                resource("", "services", true),
                "/api/v1/namespaces/shop/services/cart",
            ),
            (
                resource("apps", "deployments", true),
                "/apis/apps/v1/namespaces/shop/deployments/cart",
            ),
            (resource("", "namespaces", false), "/api/v1/namespaces/cart"),
        ];
        for (resource, path) in cases {
            assert_eq!(resource.item("shop", "cart"), path);
        }
    }

    #[test]
    fn a_name_never_leaves_its_place_in_a_path() {
        let roles = resource("rbac.authorization.k8s.io", "roles", true);
        assert_eq!(
            roles.item("shop", "../system:admin?x"),
            "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles/..%2Fsystem%3Aadmin%3Fx"
        );
    }
}
