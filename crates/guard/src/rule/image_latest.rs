//! An image named `latest`, or without tag and digest, is another one tomorrow.

use windlass_core::config::Severity;

use super::{Rule, Scene};

pub(super) const RULE: Rule = Rule {
    name: "image-latest",
    severity: Severity::High,
    remedy: "name the image by its digest: `name@sha256:...`",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    for (place, _, container) in scene.containers() {
        let image = container.image();
        if image.contains('@') {
            continue;
        }
        let last = image.rsplit('/').next().unwrap_or(image);
        match last.split_once(':') {
            None => say(format!("{place}: the image {image} has neither tag nor digest")),
            Some((_, "latest")) => say(format!("{place}: the image {image} moves with every build")),
            Some(_) => {}
        }
    }
}
