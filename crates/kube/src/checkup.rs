//! What of a cluster keeps releases from going well and is no release's fault: an old version, a clock that differs,
//! webhooks that nobody answers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Method;
use k8s_openapi::jiff::fmt::rfc2822;
use kube::client::Body;
use serde_json::Value;

use crate::answer::Answer;
use crate::cluster::{Call, Cluster};
use crate::error::KubeError;
use crate::resource::escaped;

/// The first version that tells all kinds in one answer and manages fields as we rely on it.
const MINOR_MIN: u32 = 27;
/// Clocks that differ by less than this harm nobody; the server's is told in whole seconds.
const CLOCK_OFF_MAX: Duration = Duration::from_secs(5);
/// Of the one request whose answer bears the server's time.
const WITHIN: Duration = Duration::from_secs(10);
const ADMISSION: &str = "/apis/admissionregistration.k8s.io/v1";

/// One thing that was looked at: what it is like, or what is wrong with it, with a hint.
pub type Finding = Result<String, String>;

impl Cluster {
    /// Whether the cluster is new enough.
    pub async fn check_version(&self) -> Result<Finding, KubeError> {
        let version = self.version().await?;
        let minor = version
            .split('.')
            .nth(1)
            .and_then(|minor| minor.parse::<u32>().ok());
        Ok(match minor {
            Some(minor) if minor < MINOR_MIN => Err(format!(
                "it is {version}, and windlass needs v1.{MINOR_MIN}\nhint: update the cluster"
            )),
            Some(_) | None => Ok(version),
        })
    }

    /// How far the server's clock is from ours.
    pub async fn check_clock(&self) -> Result<Finding, KubeError> {
        let read = |answer: Answer| KubeError::refused(&"the cluster's clock", "read", &answer);
        let began = now();
        let told = tokio::time::timeout(WITHIN, self.told_time()).await;
        let told = told.unwrap_or_else(|_| Err(Answer::default())).map_err(read)?;
        Ok(clock(told, began, now()))
    }

    /// Seconds since the epoch, as the server says.
    async fn told_time(&self) -> Result<Option<u64>, Answer> {
        let request = http::Request::builder().method(Method::GET).uri("/version");
        let request = request.body(Body::empty()).map_err(|error| Answer {
            message: error.to_string(),
            ..Answer::default()
        })?;
        let answer = self.client().send(request).await.map_err(Answer::from)?;
        let told = answer.headers().get(http::header::DATE);
        Ok(told.and_then(|told| seconds(told.to_str().ok()?)))
    }

    /// Webhooks that stand before writes and lead to nobody.
    pub async fn check_webhooks(&self) -> Result<Finding, KubeError> {
        let mut wrong = Vec::new();
        let mut count = 0;
        for kind in ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"] {
            let read = |answer: Answer| KubeError::refused(&format!("the list of {kind}"), "read", &answer);
            let list = self
                .call(&Call::get(format!("{ADMISSION}/{kind}")))
                .await
                .map_err(read)?;
            for webhook in webhooks(&list) {
                count += 1;
                if !self.is_answered(&webhook).await? {
                    wrong.push(webhook);
                }
            }
        }
        Ok(judged(count, &wrong))
    }

    async fn is_answered(&self, webhook: &Webhook) -> Result<bool, KubeError> {
        let Some((namespace, service)) = &webhook.service else {
            // One that is elsewhere is not ours to ask.
            return Ok(true);
        };
        let path = format!(
            "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices?labelSelector={}",
            escaped(namespace),
            escaped(&format!("kubernetes.io/service-name={service}"))
        );
        let read =
            |answer: Answer| KubeError::refused(&format!("the addresses of {service}"), "read", &answer);
        let slices = self.call(&Call::get(path)).await.map_err(read)?;
        Ok(has_address(&slices))
    }
}

/// A webhook, and the Service that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Webhook {
    name: String,
    service: Option<(String, String)>,
    /// Whether nothing passes when it does not answer.
    fails: bool,
}

fn webhooks(list: &Value) -> Vec<Webhook> {
    let all = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let items = all(list, "items");
    let webhooks = items.iter().flat_map(|item| all(item, "webhooks"));
    let text = |value: &Value, pointer: &str| Some(value.pointer(pointer)?.as_str()?.to_owned());
    webhooks
        .map(|webhook| Webhook {
            name: text(&webhook, "/name").unwrap_or_default(),
            service: text(&webhook, "/clientConfig/service/namespace")
                .zip(text(&webhook, "/clientConfig/service/name")),
            fails: webhook["failurePolicy"] != "Ignore",
        })
        .collect()
}

fn has_address(slices: &Value) -> bool {
    let items = slices.get("items").and_then(Value::as_array);
    let mut endpoints = items
        .into_iter()
        .flatten()
        .filter_map(|slice| slice.get("endpoints")?.as_array())
        .flatten();
    // Readiness that is not said is taken for yes, as clients of slices have to.
    endpoints.any(|endpoint| endpoint.pointer("/conditions/ready") != Some(&Value::Bool(false)))
}

fn judged(count: usize, wrong: &[Webhook]) -> Finding {
    if wrong.is_empty() {
        return Ok(match count {
            0 => "no webhook stands before writes".to_owned(),
            1 => "the one webhook before writes has somebody to answer".to_owned(),
            _ => format!("all {count} webhooks before writes have somebody to answer"),
        });
    }
    let said: Vec<String> = wrong
        .iter()
        .map(|webhook| {
            let (namespace, service) = webhook.service.clone().unwrap_or_default();
            let then = if webhook.fails {
                "what it judges is refused"
            } else {
                "what it judges passes unseen"
            };
            format!(
                "{} leads to Service {service} of {namespace}, which has no ready address: {then}",
                webhook.name
            )
        })
        .collect();
    Err(format!(
        "{}\nhint: start what is behind the Service, or delete the webhook's configuration",
        said.join("; ")
    ))
}

/// The server's second against the time in which it was told.
fn clock(told: Option<u64>, began: Duration, ended: Duration) -> Finding {
    let Some(told) = told else {
        return Ok("the server does not say its time".to_owned());
    };
    let told = Duration::from_secs(told);
    let (behind, ahead) = (began.saturating_sub(told), told.saturating_sub(ended));
    let off = behind.max(ahead);
    let words = if ahead > behind { "ahead of" } else { "behind" };
    if off <= CLOCK_OFF_MAX {
        return Ok(format!("within {} s of this machine's", CLOCK_OFF_MAX.as_secs()));
    }
    Err(format!(
        "the cluster's clock is {} s {words} this machine's\nhint: set both by NTP; certificates and tokens count by them",
        off.as_secs()
    ))
}

/// The time of a Date header, in seconds since the epoch.
fn seconds(text: &str) -> Option<u64> {
    let time = rfc2822::parse(text).ok()?;
    u64::try_from(time.timestamp().as_second()).ok()
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_clock_that_differs_is_said_with_its_direction() {
        let at = Duration::from_secs;
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert!(clock(Some(1_000), at(1_000), at(1_001)).is_ok());
        assert!(clock(Some(995), at(1_000), at(1_001)).is_ok());
        let behind = clock(Some(900), at(1_000), at(1_001)).unwrap_err();
        assert!(
            behind.starts_with("the cluster's clock is 100 s behind"),
            "{behind}"
        );
        let ahead = clock(Some(1_101), at(1_000), at(1_001)).unwrap_err();
        assert!(ahead.starts_with("the cluster's clock is 100 s ahead"), "{ahead}");
    }

    #[test]
    fn a_webhook_without_a_ready_address_is_named_with_what_comes_of_it() {
        let list = json!({ "items": [{ "webhooks": [
            { "name": "a.example.com", "failurePolicy": "Fail", "clientConfig": { "service": { "namespace": "gate", "name": "keeper" } } },
            { "name": "b.example.com", "failurePolicy": "Ignore", "clientConfig": { "url": "https://example.com" } },
        ] }] });
        let found = webhooks(&list);
        assert_eq!(found[0].service, Some(("gate".to_owned(), "keeper".to_owned())));
        assert_eq!((found[1].service.clone(), found[1].fails), (None, false));
        let said = judged(2, &found[..1]).unwrap_err();
        assert!(
            said.contains("Service keeper of gate") && said.contains("is refused") && said.contains("hint: ")
        );
        assert!(judged(2, &[]).is_ok());
    }

    #[test]
    fn an_address_counts_unless_it_is_said_not_to_be_ready() {
        let slices =
            |ready: Value| json!({ "items": [{ "endpoints": [{ "conditions": { "ready": ready } }] }] });
        assert!(has_address(&slices(json!(true))));
        assert!(has_address(&slices(Value::Null)));
        assert!(!has_address(&slices(json!(false))));
        assert!(!has_address(&json!({ "items": [] })));
    }
}
