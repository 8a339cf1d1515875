//! A CycloneDX 1.5 bill of materials of a service. It does not find out what a service is made of.

use serde_json::{Value, json};

/// The media type of the document and the kind of artifact it is attached as.
pub const SBOM_TYPE: &str = "application/vnd.cyclonedx+json";

/// One package that is linked into a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Component {
    /// Its name on its registry.
    pub name: String,
    /// Its version.
    pub version: String,
    /// An SPDX expression, if it states one.
    pub license: Option<String>,
    /// SHA-256 of the package as the registry has it, hexadecimal.
    pub checksum: Option<String>,
}

/// The bill of a service and its packages, sorted: equal input gives equal bytes, so it has neither time nor serial number.
pub fn cyclonedx(service: &str, version: &str, components: &[Component]) -> Vec<u8> {
    let mut sorted: Vec<&Component> = components.iter().collect();
    sorted.sort();
    sorted.dedup();
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": service, "version": version, "bom-ref": service}},
        "components": sorted.into_iter().map(entry).collect::<Vec<_>>(),
    });
    document.to_string().into_bytes()
}

fn entry(component: &Component) -> Value {
    let address = format!("pkg:cargo/{}@{}", component.name, component.version);
    let mut entry = json!({
        "type": "library",
        "bom-ref": address,
        "name": component.name,
        "version": component.version,
        "purl": address,
    });
    if let Some(license) = &component.license {
        entry["licenses"] = json!([{"expression": license}]);
    }
    if let Some(checksum) = &component.checksum {
        entry["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
    }
    entry
}
