//! What a cluster answered when it did not do what was asked: a status with its causes, free of the client's types.

use kube::core::Status;

/// An answer that is no success, or none at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// HTTP status; `None` when there was no answer.
    pub code: Option<u16>,
    /// One word, for example `Conflict`.
    pub reason: String,
    /// In the server's own words.
    pub message: String,
    /// Field by field.
    pub causes: Vec<Cause>,
    /// The wait that the server asks for, in milliseconds.
    pub after_ms: Option<u64>,
}

/// One cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cause {
    /// One word, for example `FieldManagerConflict`.
    pub reason: String,
    /// The field, for example `.spec.selector.version`.
    pub field: String,
    /// In the server's own words.
    pub message: String,
}

/// The reason of a cause that names another manager of a field.
const OTHER_MANAGER: &str = "FieldManagerConflict";

/// What the server says, as a fault of its own, of objects that do not fit their kind when they are applied.
const UNFIT: &str = "failed to create typed patch object";

impl Answer {
    /// Whether the object is not there.
    pub(crate) fn is_absent(&self) -> bool {
        self.code == Some(404)
    }

    /// Whether somebody else manages a field that was sent.
    pub(crate) fn is_conflict(&self) -> bool {
        self.code == Some(409) && self.causes.iter().any(|cause| cause.reason == OTHER_MANAGER)
    }

    /// Whether it says something about the cluster, and nothing about what was sent: the same may succeed later.
    pub(crate) fn passes(&self) -> bool {
        match self.code {
            None => true,
            // Somebody else wrote at the same time; a manager's claim stays.
            Some(409) => !self.is_conflict(),
            Some(code) => crate::retry::may_pass(code),
        }
    }

    /// Whether the history that a watch was to begin at is gone.
    pub(crate) fn is_expired(&self) -> bool {
        self.code == Some(410)
    }

    /// Whether the namespace is missing, and not the object.
    pub(crate) fn misses_namespace(&self, namespace: &str) -> bool {
        self.is_absent()
            && self
                .message
                .starts_with(&format!("namespaces \"{namespace}\" not found"))
    }

    /// Whether the server refuses because the namespace is on its way out.
    pub(crate) fn namespace_ends(&self) -> bool {
        self.code == Some(403)
            && self
                .causes
                .iter()
                .any(|cause| cause.reason == "NamespaceTerminating")
    }

    /// The message in one line.
    pub(crate) fn line(&self) -> String {
        let text = if self.message.is_empty() {
            &self.reason
        } else {
            &self.message
        };
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What a server said, or what is in front of it: the text is a Status, or anything. `after_s` is the header's wait.
    pub(crate) fn of(code: u16, text: &str, after_s: Option<u32>) -> Self {
        let status = serde_json::from_str::<Status>(text).ok();
        // Any object is a Status to the reader, as no field is required.
        let status = status.filter(|status| status.code != 0);
        let status = status.unwrap_or_else(|| Status::failure(text.trim(), "").with_code(code));
        let mut answer = Self::from(status);
        let asked = after_s.filter(|seconds| *seconds > 0);
        answer.after_ms = answer
            .after_ms
            .or(asked.map(|seconds| u64::from(seconds) * 1_000));
        answer
    }
}

impl From<Status> for Answer {
    fn from(status: Status) -> Self {
        let wait_s = status
            .details
            .as_ref()
            .map_or(0, |details| details.retry_after_seconds);
        let causes = status.details.into_iter().flat_map(|details| details.causes);
        let causes = causes.map(|cause| Cause {
            reason: cause.reason,
            field: cause.field,
            message: cause.message,
        });
        // An object with fields that its kind does not have: no later try changes that.
        let is_unfit = status.code == 500 && status.message.starts_with(UNFIT);
        Self {
            code: Some(if is_unfit { 422 } else { status.code }),
            reason: status.reason,
            message: status.message,
            causes: causes.collect(),
            after_ms: (wait_s > 0).then(|| u64::from(wait_s) * 1_000),
        }
    }
}

impl From<kube::Error> for Answer {
    fn from(error: kube::Error) -> Self {
        if let kube::Error::Api(status) = error {
            return Self::from(*status);
        }
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            let text = cause.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            source = cause.source();
        }
        Self {
            message,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_that_is_asked_for_is_taken_from_the_status_or_else_from_the_header() {
        let status = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"TooManyRequests","message":"busy","code":429,"details":{"retryAfterSeconds":2}}"#;
        assert_eq!(Answer::of(429, status, Some(9)).after_ms, Some(2_000));
        let plain = Answer::of(429, "slow down\n", Some(1));
        assert_eq!((plain.code, plain.after_ms), (Some(429), Some(1_000)));
        assert_eq!(plain.line(), "slow down");
        assert_eq!(Answer::of(503, "", Some(0)).after_ms, None);
    }
}
