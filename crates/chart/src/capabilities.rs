//! What a chart is told about the cluster: version and API versions.

mod built_in;

use std::rc::Rc;

use crate::Profile;
use crate::any::{Any, CapabilitiesObject, Elem, HelmVersion, KubeVersion, List, Object, Str};

/// The cluster as templates see it in `.Capabilities`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Kubernetes' version, as `v1.36.0`.
    pub kube_version: String,
    /// API versions beside those that are built into Kubernetes, as `monitoring.coreos.com/v1`.
    pub api_versions: Vec<String>,
    /// `api_versions` are all that a cluster serves: none of Kubernetes' own are added.
    pub complete: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            kube_version: "v1.36.0".to_owned(),
            api_versions: Vec::new(),
            complete: false,
        }
    }
}

impl Capabilities {
    /// As Helm reads `--kube-version`: `1.33`, `v1.33.4`, `v1.33.4-gke.1`.
    pub fn with_kube_version(version: &str) -> Result<Self, String> {
        parse(version)?;
        let kube_version = if version.starts_with('v') {
            version.to_owned()
        } else {
            format!("v{version}")
        };
        Ok(Self {
            kube_version,
            ..Self::default()
        })
    }

    /// The version without suffix, by which a chart's `kubeVersion` is judged.
    pub(crate) fn normalised(&self) -> String {
        match parse(&self.kube_version) {
            Ok((major, minor, patch)) => format!("v{major}.{minor}.{patch}"),
            Err(_) => self.kube_version.clone(),
        }
    }

    /// The minor version of Kubernetes 1.
    pub(crate) fn minor(&self) -> u32 {
        let minor = parse(&self.kube_version).unwrap_or_default().1;
        u32::try_from(minor).unwrap_or(u32::MAX)
    }

    pub(crate) fn object(&self, profile: Profile) -> Any {
        let normalised = self.normalised();
        let (major, minor, _) = parse(&self.kube_version).unwrap_or_default();
        let version = if profile == Profile::Helm3 {
            normalised.clone()
        } else {
            self.kube_version.clone()
        };
        let kube = KubeVersion {
            version: version.into(),
            normalised: normalised.into(),
            major: major.to_string().into(),
            minor: minor.to_string().into(),
            profile,
        };
        let helm = HelmVersion {
            version: match profile {
                Profile::Helm3 => "v3.21",
                Profile::Helm4 => "v4.2",
            }
            .into(),
            profile,
        };
        let built_in = if self.complete { &[] } else { built_in::VERSIONS };
        let versions = built_in.iter().map(|it| Str::from(*it));
        let versions = versions.chain(self.api_versions.iter().map(|it| it.as_str().into()));
        Any::object(Object::Capabilities(CapabilitiesObject {
            kube: Rc::new(Object::KubeVersion(kube)),
            versions: List::typed(Elem::Versions, versions.map(Any::Str).collect()),
            helm: Rc::new(Object::HelmVersion(helm)),
        }))
    }
}

/// Kubernetes' `ParseGeneric`: at least two numbers; what follows the third part does not count.
fn parse(version: &str) -> Result<(u64, u64, u64), String> {
    let invalid = || format!("could not parse \"{version}\" as version");
    let text = version.strip_prefix('v').unwrap_or(version);
    let end = text
        .find(|it: char| !it.is_ascii_digit() && it != '.')
        .unwrap_or(text.len());
    let mut parts = text[..end].trim_end_matches('.').split('.');
    let mut part = || parts.next().map(|it| it.parse::<u64>().map_err(|_| invalid()));
    let major = part().ok_or_else(invalid)??;
    let minor = part().ok_or_else(|| format!("illegal version string \"{version}\""))??;
    let patch = part().transpose()?.unwrap_or(0);
    Ok((major, minor, patch))
}
