//! The shop's images, built from this checkout by Windlass and brought to a real node.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use windlass_cluster::{Image, Report};

/// Where the chart looks for images unless it is told otherwise.
const REGISTRY: &str = "ghcr.io/company";
const CHART: &str = "charts/ecommerce-platform/Chart.yaml";

/// The shop's services and the digests of their images, in the layout of [`layout`].
pub(crate) struct Built {
    pub(crate) images: Vec<(String, String)>,
}

/// Builds the images of the files as they are; what did not change is found again.
pub(crate) fn build() -> Result<Built, String> {
    let output = windlass(&["image", "build", "-o", "json"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("./windlass cannot be run: {error}"))?;
    if !output.status.success() {
        return Err("the shop's images cannot be built".to_owned());
    }
    let release: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("`windlass image build` answers no JSON: {error}"))?;
    let images = release["images"].as_object().into_iter().flatten();
    let images: Vec<(String, String)> = images
        .filter_map(|(service, digest)| Some((service.clone(), digest.as_str()?.to_owned())))
        .collect();
    if images.is_empty() {
        return Err("`windlass image build` names no images".to_owned());
    }
    Ok(Built { images })
}

/// Brings them to the node under the names that the chart has for them, and says so.
pub(crate) fn load(report: &Report) -> Result<String, String> {
    let node = report
        .node
        .as_ref()
        .ok_or("the nodes of this cluster only pretend")?;
    let built = build()?;
    let tag = format!("v{}", app_version()?);
    let images: Vec<Image> = built
        .images
        .iter()
        .map(|(service, digest)| Image {
            name: format!("{REGISTRY}/{service}:{tag}"),
            digest: digest.clone(),
        })
        .collect();
    windlass_cluster::load(node, &layout(), &images).map_err(|error| error.to_string())?;
    Ok(format!(
        "{} images are on the node: {REGISTRY}/<service>:{tag}\n\
         ./windlass helm install shop charts/ecommerce-platform -f charts/ecommerce-platform/values.development.yaml",
        images.len()
    ))
}

/// `./windlass`, with the driver for clusters.
pub(crate) fn windlass(arguments: &[&str]) -> Command {
    let mut command = Command::new(root().join("windlass"));
    command
        .args(arguments)
        .current_dir(root())
        .env("WINDLASS_FEATURES", "kubernetes");
    command
}

/// A program that `./windlass` has built, beside this one.
pub(crate) fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let target = own.parent().and_then(Path::parent).map(Path::to_owned);
    target.unwrap_or_default().join("release").join(name)
}

/// Where Windlass keeps images.
pub(crate) fn layout() -> PathBuf {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("windlass/images")
}

/// This checkout.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

fn app_version() -> Result<String, String> {
    let text = std::fs::read_to_string(root().join(CHART)).map_err(|error| format!("{CHART}: {error}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("appVersion:"));
    let version = line.ok_or_else(|| format!("{CHART} has no appVersion"))?;
    Ok(version.trim().trim_matches('"').to_owned())
}
