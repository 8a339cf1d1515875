//! A Service whose selector fits no pod answers nobody.

use windlass_core::config::Severity;

use super::dangling::selected;
use super::{Rule, Scene};

pub(super) const RULE: Rule = Rule {
    name: "service-selector",
    severity: Severity::High,
    remedy: "let the selector be labels that the pods have, or remove the Service",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    for service in scene.objects.iter().filter(|object| object.is("", "Service")) {
        // Without a selector its addresses are somebody else's business.
        let selector = service
            .value()
            .pointer("/spec/selector")
            .filter(|it| it.as_object().is_some_and(|it| !it.is_empty()));
        if let Some(selector) = selector.filter(|selector| !selected(scene, selector)) {
            say(format!(
                "Service/{} selects {selector}, and no pod has these labels",
                service.name()
            ));
        }
    }
}
