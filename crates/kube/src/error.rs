//! What goes wrong with a cluster, each with the thing, the cause and a hint.

use crate::answer::Answer;

/// Errors shown of one set of objects; more are counted.
const SHOWN_MAX: usize = 20;

/// Something could not be done on a cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KubeError {
    /// No way to a cluster.
    #[error(
        "the cluster of context {context} is not known: {reason}\nhint: `kubectl config get-contexts` lists the contexts; KUBECONFIG names another file"
    )]
    Config {
        /// The context, or what stands for it.
        context: String,
        /// Why.
        reason: String,
    },
    /// The cluster does not answer.
    #[error(
        "the cluster at {url} does not answer: {reason}\nhint: `kubectl cluster-info` tries the same way"
    )]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        reason: String,
    },
    /// The cluster has no such kind.
    #[error("{object} cannot be applied: the cluster serves no {kind} of {version}\nhint: {hint}")]
    Kind {
        /// Which object.
        object: String,
        /// Its kind.
        kind: String,
        /// Its version.
        version: String,
        /// What to do.
        hint: String,
    },
    /// The object is for another namespace.
    #[error(
        "{object} is not for namespace {namespace}\nhint: leave `metadata.namespace` out, or give that namespace an environment of its own"
    )]
    Namespace {
        /// Which object.
        object: String,
        /// The namespace of the environment.
        namespace: String,
    },
    /// The object is another environment's.
    #[error(
        "{object} belongs to {owner}\nhint: give the environment a namespace of its own, or remove the annotation windlass.dev/owner to hand it over"
    )]
    NotOurs {
        /// Which object.
        object: String,
        /// Whose it is.
        owner: String,
    },
    /// The cluster refuses.
    #[error("{object} cannot be {verb}: {reason}\nhint: {hint}")]
    Refused {
        /// Which object.
        object: String,
        /// `applied`, `deleted`, `read`.
        verb: &'static str,
        /// In the server's words.
        reason: String,
        /// What to do.
        hint: &'static str,
        /// Whether that says something about the cluster, and nothing about the object.
        passes: bool,
    },
    /// More would be deleted than anybody can have meant.
    #[error(
        "{count} of {of} objects are no longer in the chart and would be deleted: {names}\nhint: if that is meant, delete them with kubectl; if not, the chart or its values lost something"
    )]
    Guard {
        /// So many.
        count: usize,
        /// Of so many.
        of: usize,
        /// The first of them.
        names: String,
    },
    /// Several of these.
    #[error("{}", listed(.0))]
    Many(Vec<KubeError>),
}

impl KubeError {
    /// One error, or several in one.
    pub(crate) fn all(mut errors: Vec<Self>) -> Result<(), Self> {
        match errors.len() {
            0 => Ok(()),
            1 => Err(errors.remove(0)),
            _ => Err(Self::Many(errors)),
        }
    }

    /// What a refusal means for one object.
    pub(crate) fn refused(object: &impl ToString, verb: &'static str, answer: &Answer) -> Self {
        Self::Refused {
            object: object.to_string(),
            verb,
            reason: answer.line(),
            hint: hint(answer),
            passes: answer.passes(),
        }
    }

    /// Whether the same may succeed later, without anybody changing what was asked for.
    pub fn passes(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { passes, .. } => *passes,
            Self::Config { .. }
            | Self::Kind { .. }
            | Self::Namespace { .. }
            | Self::NotOurs { .. }
            | Self::Guard { .. } => false,
            Self::Many(errors) => errors.iter().all(Self::passes),
        }
    }
}

pub(crate) fn hint(answer: &Answer) -> &'static str {
    let says = |words: &str| answer.message.contains(words);
    match answer.code {
        None => "the connection to the cluster failed; it is tried again with the next step",
        Some(401) => "the credentials of the context are not accepted; they may have expired",
        Some(403) if answer.namespace_ends() => "the namespace is being deleted; wait until it is gone",
        Some(403) if says("exceeded quota") => "raise the ResourceQuota of the namespace, or ask for less",
        Some(403) if says("violates PodSecurity") => {
            "the namespace enforces a Pod Security level that the pods do not meet"
        }
        Some(403) if says("cannot impersonate") => {
            "`windlass rbac ENVIRONMENT` prints what lets us stand in for whom `impersonate` names"
        }
        Some(403) => {
            "the user of the context needs this right; `kubectl auth can-i --list` shows what it has"
        }
        Some(404) => "it, or the namespace it is in, is not there",
        Some(409) => "somebody else changes it at the same time",
        Some(422) if says("field is immutable") || says("may not change") || says("are forbidden") => {
            "this field cannot be changed in place; give the object another name, or delete it first"
        }
        Some(400 | 422) => "the manifest does not fit the kind; the message names the field",
        Some(413) => "the object is too large; a ConfigMap holds at most 1 MiB",
        Some(429) => "the cluster is too busy",
        Some(500) if says("failed calling webhook") => {
            "an admission webhook does not answer; its service may be down"
        }
        Some(_) => "the API server's log says more",
    }
}

fn listed(errors: &[KubeError]) -> String {
    let mut lines: Vec<String> = errors.iter().take(SHOWN_MAX).map(ToString::to_string).collect();
    if errors.len() > SHOWN_MAX {
        lines.push(format!("... and {} more", errors.len() - SHOWN_MAX));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_a_hint_that_fits() {
        let cases = [
            (403, "pods \"a\" is forbidden: exceeded quota: q", "ResourceQuota"),
            (403, "User \"eve\" cannot patch resource", "can-i"),
            (
                422,
                "spec.selector: Invalid value: field is immutable",
                "in place",
            ),
            (400, "unknown field \"spec.replica\"", "names the field"),
            (500, "failed calling webhook \"x\": timeout", "webhook"),
        ];
        for (code, message, hint) in cases {
            let answer = Answer {
                code: Some(code),
                message: message.to_owned(),
                ..Answer::default()
            };
            let text = KubeError::refused(&"Pod a", "applied", &answer).to_string();
            assert!(text.contains(hint) && text.contains("hint:"), "{text}");
        }
    }

    #[test]
    fn what_says_nothing_about_the_object_may_pass() {
        let refused = |code: Option<u16>, message: &str| {
            let answer = Answer {
                code,
                message: message.to_owned(),
                ..Answer::default()
            };
            KubeError::refused(&"Pod a", "applied", &answer)
        };
        let passing = [
            refused(None, "connection refused"),
            refused(
                Some(500),
                "failed calling webhook \"x\": context deadline exceeded",
            ),
            refused(Some(429), "too many requests"),
            refused(Some(409), "the object has been modified"),
        ];
        assert!(passing.iter().all(KubeError::passes));
        let lasting = [
            refused(Some(403), "admission webhook \"x\" denied the request: no"),
            refused(Some(422), "spec.selector: Invalid value: field is immutable"),
        ];
        assert!(!lasting.iter().any(KubeError::passes));
        let mixed = [passing[0].clone(), lasting[0].clone()];
        assert!(
            !KubeError::Many(mixed.to_vec()).passes(),
            "one that stays wrong is enough"
        );
    }

    #[test]
    fn several_errors_are_all_named() {
        let one = |n: usize| KubeError::NotOurs {
            object: format!("Service s{n}"),
            owner: "a/b".to_owned(),
        };
        assert_eq!(KubeError::all(Vec::new()), Ok(()));
        assert_eq!(KubeError::all(vec![one(1)]), Err(one(1)));
        let text = KubeError::all((0..25).map(one).collect())
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("Service s19") && text.ends_with("... and 5 more"),
            "{text}"
        );
    }
}
