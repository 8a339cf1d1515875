//! A tag can be given to other bytes tomorrow; a digest cannot.

use windlass_core::config::Severity;

use super::{Rule, Scene};

pub(super) const RULE: Rule = Rule {
    name: "image-digest",
    severity: Severity::Medium,
    remedy: "name the image by its digest: `name@sha256:...`",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    for (place, _, container) in scene.containers() {
        let image = container.image();
        // What is not even a tag is another rule's.
        let tag = image
            .rsplit('/')
            .next()
            .and_then(|last| last.split_once(':'))
            .map(|(_, tag)| tag);
        if !image.contains('@') && tag.is_some_and(|tag| tag != "latest") {
            say(format!(
                "{place}: the image {image} is named by a tag, which can move"
            ));
        }
    }
}
