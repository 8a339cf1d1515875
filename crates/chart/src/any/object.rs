//! Go values that are neither data nor collections: the cluster's capabilities, versions, times, certificates.

use std::rc::Rc;

use super::{Any, List, Map, Str};
use crate::go::time::Time;
use crate::profile::Profile;
use crate::version::Version;

/// What `.Capabilities.HelmVersion.GoVersion` says: the Go that Helm's current releases are built with.
const GO_VERSION: &str = "go1.26.8";

/// A Go struct that templates can see.
#[derive(Debug)]
pub(crate) enum Object {
    Capabilities(CapabilitiesObject),
    KubeVersion(KubeVersion),
    HelmVersion(HelmVersion),
    /// `*semver.Version`
    Semver(Version),
    /// `time.Time`
    Time(Time),
    /// `complex128`: only templates write such numbers.
    Complex(f64, f64),
    /// A generated certificate: certificate and key as PEM.
    Certificate {
        cert: Str,
        key: Str,
    },
    /// A struct with exported fields, in order: helm 3's chart metadata.
    Struct {
        name: &'static str,
        fields: Vec<Field>,
    },
}

/// One field of a struct.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// Name in JSON, empty where it is the field's.
    pub(crate) json: &'static str,
    /// Left out of JSON when it is empty.
    pub(crate) omit_empty: bool,
    pub(crate) value: Any,
}

#[derive(Debug)]
pub(crate) struct CapabilitiesObject {
    pub(crate) kube: Rc<Object>,
    pub(crate) versions: List,
    pub(crate) helm: Rc<Object>,
}

#[derive(Debug)]
pub(crate) struct KubeVersion {
    pub(crate) version: Str,
    pub(crate) normalised: Str,
    pub(crate) major: Str,
    pub(crate) minor: Str,
    pub(crate) profile: Profile,
}

#[derive(Debug)]
pub(crate) struct HelmVersion {
    pub(crate) version: Str,
    pub(crate) profile: Profile,
}

impl Object {
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::Semver(a), Self::Semver(b)) => a.original == b.original,
            _ => std::ptr::eq(self, other),
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Capabilities(_) | Self::Semver(_) => "ptr",
            Self::Complex(..) => "complex128",
            _ => "struct",
        }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Capabilities(it) => match kube(&it.kube).map(|it| it.profile) {
                Some(Profile::Helm3) => "*chartutil.Capabilities",
                _ => "*common.Capabilities",
            },
            Self::KubeVersion(it) => match it.profile {
                Profile::Helm3 => "chartutil.KubeVersion",
                Profile::Helm4 => "common.KubeVersion",
            },
            Self::HelmVersion(_) => "version.BuildInfo",
            Self::Semver(_) => "*semver.Version",
            Self::Time(_) => "time.Time",
            Self::Complex(..) => "complex128",
            Self::Certificate { .. } => "sprig.certificate",
            Self::Struct { name, .. } => name,
        }
    }

    /// A struct's fields with their names in Go and in JSON, for printing and writing.
    pub(crate) fn fields(&self) -> Vec<(&'static str, Any)> {
        match self {
            Self::Capabilities(it) => vec![
                ("KubeVersion", Any::Object(it.kube.clone())),
                ("APIVersions", Any::List(it.versions.clone())),
                ("HelmVersion", Any::Object(it.helm.clone())),
            ],
            Self::KubeVersion(it) => vec![
                ("Version", Any::Str(it.version.clone())),
                ("Major", Any::Str(it.major.clone())),
                ("Minor", Any::Str(it.minor.clone())),
            ],
            Self::HelmVersion(it) => {
                let mut fields = vec![
                    ("Version", Any::Str(it.version.clone())),
                    ("GitCommit", Any::str("")),
                    ("GitTreeState", Any::str("")),
                    ("GoVersion", Any::str(GO_VERSION)),
                ];
                if it.profile == Profile::Helm4 {
                    fields.push(("KubeClientVersion", Any::str("v1.36")));
                }
                fields
            }
            Self::Certificate { cert, key } => {
                vec![("Cert", Any::Str(cert.clone())), ("Key", Any::Str(key.clone()))]
            }
            Self::Struct { fields, .. } => fields.iter().map(|it| (it.name, it.value.clone())).collect(),
            Self::Semver(_) | Self::Time(_) | Self::Complex(..) => Vec::new(),
        }
    }

    /// A field by name.
    pub(crate) fn field(&self, name: &[u8]) -> Option<Any> {
        if let Self::Struct { fields, .. } = self {
            return fields
                .iter()
                .find(|it| it.name.as_bytes() == name)
                .map(|it| it.value.clone());
        }
        self.fields()
            .into_iter()
            .find(|it| it.0.as_bytes() == name)
            .map(|it| it.1)
    }

    /// How many of the first fields are those of an embedded struct: helm 3's chart has its metadata in one.
    pub(crate) fn embedded_fields(&self) -> usize {
        match self {
            Self::Struct { fields, .. } if fields.last().is_some_and(|it| it.name == "IsRoot") => {
                fields.len() - 1
            }
            _ => 0,
        }
    }

    /// The fields as `%v` prints them, the private ones included.
    pub(crate) fn printed_fields(&self) -> Vec<(&'static str, Any)> {
        let mut fields = self.fields();
        if let Self::KubeVersion(it) = self
            && it.profile == Profile::Helm4
        {
            fields.insert(1, ("normalizedVersion", Any::Str(it.normalised.clone())));
        }
        fields
    }

    /// What `String()` or `Error()` give, where values of the type have one.
    pub(crate) fn stringer(&self) -> Option<Str> {
        match self {
            Self::Semver(it) => Some(it.to_string().into()),
            Self::Time(it) => Some(it.to_string().into()),
            _ => None,
        }
    }

    /// The object as JSON has it: a map by JSON names.
    pub(crate) fn to_json_map(&self) -> Any {
        match self {
            Self::Semver(it) => Any::str(it.to_string()),
            Self::Time(it) => Any::str(it.rfc3339_nano()),
            _ => {
                let fields = self.json_fields().into_iter();
                Any::Map(Map::new(fields.map(|it| (it.0.into(), it.1)).collect()))
            }
        }
    }

    /// A struct's fields by their names in JSON, in the order in which they are written.
    pub(crate) fn json_fields(&self) -> Vec<(&'static str, Any)> {
        match self {
            Self::Struct { fields, .. } => fields
                .iter()
                .filter(|it| !it.omit_empty || it.value.truth())
                .map(|it| {
                    let name = if it.json.is_empty() { it.name } else { it.json };
                    (name, it.value.clone())
                })
                .collect(),
            Self::HelmVersion(it) => {
                let mut fields = vec![
                    ("version", Any::Str(it.version.clone())),
                    ("go_version", Any::str(GO_VERSION)),
                ];
                if it.profile == Profile::Helm4 {
                    fields.push(("kube_client_version", Any::str("v1.36")));
                }
                fields
            }
            _ => self.fields(),
        }
    }
}

fn kube(object: &Object) -> Option<&KubeVersion> {
    match object {
        Object::KubeVersion(it) => Some(it),
        _ => None,
    }
}

impl Any {
    /// The name of the type as `%T` prints it.
    pub(crate) fn type_name(&self, profile: Profile) -> String {
        use super::{Elem, Flavour};
        match self {
            Self::Nil => "<nil>".to_owned(),
            Self::Bytes(_) => "[]uint8".to_owned(),
            Self::List(it) => match it.elem() {
                Elem::Any => "[]interface {}".to_owned(),
                Elem::Str => "[]string".to_owned(),
                Elem::Int => "[]int".to_owned(),
                Elem::List => "[][]interface {}".to_owned(),
                Elem::Versions => values_package(profile).to_owned() + ".VersionSet",
                Elem::Named(name) => format!("[]{name}"),
            },
            Self::Map(it) => match it.flavour() {
                Flavour::Any => "map[string]interface {}".to_owned(),
                Flavour::Str => "map[string]string".to_owned(),
                Flavour::Files => "engine.files".to_owned(),
                Flavour::Values => values_package(profile).to_owned() + ".Values",
            },
            Self::Object(it) => it.type_name().to_owned(),
            _ => self.kind().to_owned(),
        }
    }
}

fn values_package(profile: Profile) -> &'static str {
    match profile {
        Profile::Helm3 => "chartutil",
        Profile::Helm4 => "common",
    }
}
