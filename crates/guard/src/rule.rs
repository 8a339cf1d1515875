//! The rules, one file each, and what they are given to look at.

mod image_latest;

use windlass_core::config::Severity;
use windlass_core::object::{Container, Object, Pod};

/// One rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name, as findings and exceptions name it.
    pub name: &'static str,
    /// How bad it is when it is broken.
    pub severity: Severity,
    /// What to do about it.
    pub remedy: &'static str,
    /// Says what breaks it, one sentence each.
    pub check: fn(&Scene<'_>, &mut dyn FnMut(String)),
}

/// All rules, in the order of their names.
pub const RULES: &[Rule] = &[image_latest::RULE];

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// All objects of the environment.
    pub objects: &'a [Object],
    /// Whether customers pay here.
    pub production: bool,
}

impl<'a> Scene<'a> {
    /// Every pod that the objects run.
    pub(crate) fn pods(&self) -> impl Iterator<Item = (&'a Object, Pod<'a>)> {
        self.objects
            .iter()
            .filter_map(|object| Some((object, object.workload()?.pod()?)))
    }

    /// Every container, initial ones included, with a name for sentences: `Deployment/cart, container cart`.
    pub(crate) fn containers(&self) -> impl Iterator<Item = (String, Pod<'a>, Container<'a>)> {
        self.pods().flat_map(|(object, pod)| {
            let all = pod.init_containers().into_iter().chain(pod.containers());
            all.map(move |container| {
                let place = format!("{}, container {}", object.reference().short(), container.name());
                (place, pod, container)
            })
        })
    }
}
