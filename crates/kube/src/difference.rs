//! What an apply would change, in the server's own judgement: defaults and webhooks included, secrets masked.

use futures_util::future::join_all;
use serde_json::Value;
use windlass_core::object::Object;
use windlass_core::plan::{self, Change};

use crate::answer::Answer;
use crate::apply::Mode;
use crate::claimant::OURS;
use crate::cluster::Call;
use crate::decide::Decision;
use crate::error::KubeError;
use crate::intent::{Intent, Scaled};
use crate::owner::{APPLIED, MANAGED, OWNER};
use crate::place::Place;

/// What the cluster's own controller counts, a moment after a change.
const REVISION: &str = "deployment.kubernetes.io/revision";
/// Fields of the metadata that differ without anybody's wish.
const NOISE: [&str; 5] = [
    "managedFields",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "uid",
];

impl Place {
    /// The changes that an apply of these objects would make now. Nothing is written.
    pub async fn differences(&self, objects: &[Object]) -> Result<Vec<Change>, KubeError> {
        let all: Vec<&Object> = objects.iter().collect();
        let intents = self.intents(&all, &Scaled::of(objects)).await?;
        let pairs = join_all(intents.iter().map(|intent| self.difference(intent))).await;
        let (mut after, mut before) = (Vec::new(), Vec::new());
        let mut wrong = Vec::new();
        for pair in pairs {
            match pair {
                Ok(Some((new, old))) => {
                    after.push(new);
                    before.extend(old);
                }
                Ok(None) => {}
                Err(error) => wrong.push(error),
            }
        }
        KubeError::all(wrong)?;
        Ok(plan::changes(&after, &before))
    }

    /// The object as it would be, and as it is; `None` where nothing would be sent.
    async fn difference(&self, intent: &Intent) -> Result<Option<(Object, Option<Object>)>, KubeError> {
        let Decision::Send { body, .. } = self.decided(intent).0 else {
            return Ok(None);
        };
        let refused = |answer: &Answer| KubeError::refused(&intent.reference, "read", answer);
        let dry = self.patch(intent, &body, OURS, true, Mode::Dry).await;
        let dry = dry.map_err(|answer| KubeError::refused(&intent.reference, "applied", &answer))?;
        let live = match self.shared.cluster.call(&Call::get(intent.path())).await {
            Ok(live) => Some(live),
            Err(answer) if answer.is_absent() => None,
            Err(answer) => return Err(refused(&answer)),
        };
        let object = |value: Value| Object::new(plain(value)).map_err(|_| refused(&Answer::default()));
        Ok(Some((object(dry)?, live.map(object).transpose()?)))
    }
}

/// Without what a server writes, and without our marks.
fn plain(mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name, _| !NOISE.contains(&name.as_str()));
        for (map, keys) in [
            ("labels", &[MANAGED][..]),
            ("annotations", &[OWNER, APPLIED, REVISION][..]),
        ] {
            if let Some(map) = metadata.get_mut(map).and_then(Value::as_object_mut) {
                map.retain(|key, _| !keys.contains(&key.as_str()));
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_servers_fields_and_our_marks_are_no_difference() {
        let value = json!({ "kind": "Secret", "metadata": { "name": "a", "uid": "1", "resourceVersion": "2", "managedFields": [],
            "labels": { "windlass.dev/managed": "true", "app": "x" },
            "annotations": { "windlass.dev/owner": "a/b", "windlass.dev/applied": "sha256:1" } }, "status": {} });
        let expected = json!({ "kind": "Secret", "metadata": { "name": "a", "labels": { "app": "x" }, "annotations": {} } });
        assert_eq!(plain(value), expected);
    }
}
