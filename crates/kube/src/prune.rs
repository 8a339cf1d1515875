//! What an environment has and should no longer have, and whether deleting so much can be meant.

use std::collections::{BTreeMap, BTreeSet};

use windlass_core::machine::event::Color;
use windlass_core::reference::Reference;

use crate::error::KubeError;
use crate::known::Known;

/// So many objects are always deleted without a question.
const FEW: usize = 10;
/// Above that, at most this share of an environment.
const PERCENT_MAX: usize = 30;
/// Names in a refusal.
const SHOWN: usize = 5;
/// Kinds that take data or other objects with them: never deleted because a chart lost them.
const PRECIOUS: [(&str, &str); 4] = [
    ("", "Namespace"),
    ("", "PersistentVolumeClaim"),
    ("", "PersistentVolume"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
];

/// An object to delete: it, and nothing that took its name since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaving {
    /// Which.
    pub reference: Reference,
    /// Its identity.
    pub uid: String,
    /// It goes before those of a lower wave.
    pub wave: i32,
}

/// Objects of `owner` in `known`, of no track or of `track`, that are not in `keep`, in the order in which they go. The
/// other track is nobody's business here: it goes as a whole.
pub(crate) fn pruned(
    known: &BTreeMap<Reference, Known>,
    owner: &str,
    track: Color,
    keep: &BTreeSet<Reference>,
) -> Result<Vec<Leaving>, KubeError> {
    let own = known.iter().filter(|(_, one)| {
        one.owner.as_deref() == Some(owner) && one.color.is_none_or(|color| color == track)
    });
    let of = own.clone().count();
    let gone = own.filter(|(reference, one)| !keep.contains(reference) && !one.keep && !one.deleting);
    let gone = gone.filter(|(reference, _)| !is_precious(reference));
    let leaving = leaving(gone);
    if leaving.len() > FEW && leaving.len() * 100 > of * PERCENT_MAX {
        let names: Vec<String> = leaving
            .iter()
            .take(SHOWN)
            .map(|one| one.reference.short())
            .collect();
        return Err(KubeError::Guard {
            count: leaving.len(),
            of,
            names: names.join(", "),
        });
    }
    Ok(leaving)
}

/// Objects in the order in which they go: the reverse of that in which they came.
pub(crate) fn leaving<'a>(all: impl Iterator<Item = (&'a Reference, &'a Known)>) -> Vec<Leaving> {
    let mut leaving: Vec<Leaving> = all
        .map(|(reference, known)| Leaving {
            reference: reference.clone(),
            uid: known.uid.clone(),
            wave: known.wave,
        })
        .collect();
    leaving.sort_by(|a, b| (b.wave, &b.reference).cmp(&(a.wave, &a.reference)));
    leaving
}

fn is_precious(reference: &Reference) -> bool {
    PRECIOUS
        .iter()
        .any(|(group, kind)| reference.group == *group && reference.kind == *kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use windlass_core::object::Object;

    use super::*;
    use crate::known::Texts;

    fn objects(kind: &str, count: usize, owner: &str, annotation: (&str, &str)) -> Vec<(Reference, Known)> {
        (0..count)
            .map(|n| {
                let object = Object::new(json!({ "apiVersion": "v1", "kind": kind, "metadata": {
                    "name": format!("{}{n}", kind.to_lowercase()), "uid": format!("u{n}"), "namespace": "prod",
                    "labels": { "version": "blue" },
                    "annotations": { "windlass.dev/owner": owner, annotation.0: annotation.1 } } }))
                .unwrap();
                (object.reference(), Known::of(&object, None, &mut Texts::default()))
            })
            .collect()
    }

    fn kinds(found: &[Leaving]) -> Vec<&str> {
        found.iter().map(|one| one.reference.kind.as_str()).collect()
    }

    #[test]
    fn only_what_is_ours_not_of_the_other_track_and_expendable_goes_the_last_first() {
        let known: BTreeMap<_, _> = [
            objects("ConfigMap", 1, "shop/prod", ("x", "")),
            objects("Service", 1, "shop/prod", ("x", "")),
            objects("Endpoints", 1, "shop/staging", ("x", "")),
            objects("Secret", 1, "shop/prod", ("helm.sh/resource-policy", "keep")),
            objects("PersistentVolumeClaim", 1, "shop/prod", ("x", "")),
            objects("ServiceAccount", 1, "shop/prod", ("windlass.dev/name", "a")),
        ]
        .concat()
        .into_iter()
        .collect();
        let found = pruned(&known, "shop/prod", Color::Green, &BTreeSet::new()).unwrap();
        assert_eq!(kinds(&found), ["Service", "ConfigMap"]);
        assert_eq!(
            pruned(&known, "shop/prod", Color::Blue, &BTreeSet::new())
                .unwrap()
                .len(),
            3
        );
        let keep = BTreeSet::from([found[0].reference.clone()]);
        assert_eq!(
            kinds(&pruned(&known, "shop/prod", Color::Green, &keep).unwrap()),
            ["ConfigMap"]
        );
    }

    #[test]
    fn more_than_a_part_is_refused() {
        let known: BTreeMap<_, _> = objects("ConfigMap", 40, "shop/prod", ("x", ""))
            .into_iter()
            .collect();
        let keep = |count: usize| known.keys().take(count).cloned().collect::<BTreeSet<_>>();
        assert_eq!(
            pruned(&known, "shop/prod", Color::Green, &keep(28))
                .unwrap()
                .len(),
            12
        );
        let error = pruned(&known, "shop/prod", Color::Green, &keep(27)).unwrap_err();
        assert!(
            matches!(
                error,
                KubeError::Guard {
                    count: 13,
                    of: 40,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().contains("hint:"));
    }
}
