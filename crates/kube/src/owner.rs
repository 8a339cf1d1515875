//! Whose an object is: marks that we write on everything we make, and read back from a cluster.

use serde_json::{Value, json};
use windlass_core::machine::event::Color;
use windlass_core::object::Object;
use windlass_core::track;

/// Label of every object that we made; watches are narrowed to it.
pub(crate) const MANAGED: &str = "windlass.dev/managed";
/// Annotation: platform and environment, `ecommerce/production`.
pub(crate) const OWNER: &str = "windlass.dev/owner";
/// Annotation: digest of what was applied.
pub(crate) const APPLIED: &str = "windlass.dev/applied";

/// An environment of a platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// The platform.
    pub platform: String,
    /// The environment.
    pub environment: String,
}

impl Owner {
    /// As it is written on objects.
    pub fn mark(&self) -> String {
        format!("{}/{}", self.platform, self.environment)
    }

    /// Writes the marks on an object.
    pub(crate) fn sign(&self, value: &mut Value, digest: &str) {
        let metadata = &mut value["metadata"];
        metadata["labels"][MANAGED] = json!("true");
        metadata["annotations"][OWNER] = json!(self.mark());
        metadata["annotations"][APPLIED] = json!(digest);
    }
}

/// The track that an object belongs to, by its marks.
pub(crate) fn color(object: &Object) -> Option<Color> {
    object.annotation(track::NAME)?;
    color_of(object.label(track::LABEL)?)
}

/// A track by its word.
pub(crate) fn color_of(word: &str) -> Option<Color> {
    [Color::Blue, Color::Green]
        .into_iter()
        .find(|color| color.name() == word)
}
