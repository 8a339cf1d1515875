//! A connection to a cluster: requests with bounded retries and as many at once as the server copes with. It knows what the
//! cluster serves, and nothing of environments.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::Stream;
use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kube::core::WatchEvent;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;
use windlass_core::access::{Access, Permission};
use windlass_core::config::Impersonate;
use windlass_core::object::Object;

use crate::answer::Answer;
use crate::catalog::Catalog;
use crate::error::KubeError;
use crate::lease::{Fence, Passed};
use crate::resource::Resource;
use crate::retry::{Failure, wait_ms};
use crate::window::Window;

/// Of one attempt; a server gives up after 60 s itself.
const ATTEMPT_MAX: Duration = Duration::from_secs(30);
/// Of a request that is sent once.
const ONCE_MAX: Duration = Duration::from_secs(5);
/// How long after it was away a server may refuse what it allows.
const SHAKEN: Duration = Duration::from_secs(30);
/// Asks for all kinds at once instead of one request per group.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const JSON: &str = "application/json";
/// Server-side apply; JSON is YAML.
pub(crate) const APPLY: &str = "application/apply-patch+yaml";

/// Which cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// A kubeconfig; `None` for `KUBECONFIG`, `~/.kube/config` or the pod's own account, in this order.
    pub kubeconfig: Option<PathBuf>,
    /// Its context; `None` for the current one.
    pub context: Option<String>,
    /// Whom the cluster is to take us for; `None` for whoever the kubeconfig says.
    pub impersonate: Option<Impersonate>,
}

/// A connection. Clones are the same connection.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
    /// What writes have to pass, where only one of several processes may write.
    fence: Option<Fence>,
}

struct Inner {
    client: Client,
    /// In every request: whom the cluster is to take us for.
    identity: HeaderMap,
    url: String,
    namespace: String,
    window: Window,
    catalog: RwLock<Arc<Catalog>>,
    counts: Counts,
    /// When it was away last.
    shaken: watch::Sender<Option<Instant>>,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}

/// Requests sent so far.
#[derive(Debug, Default)]
struct Counts {
    reads: AtomicU64,
    writes: AtomicU64,
    dry: AtomicU64,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) content: &'static str,
    pub(crate) body: Vec<u8>,
}

impl Call {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            content: JSON,
            body: Vec::new(),
        }
    }

    pub(crate) fn send(method: Method, path: String, content: &'static str, body: &Value) -> Self {
        Self {
            method,
            path,
            content,
            body: body.to_string().into_bytes(),
        }
    }

    pub(crate) fn delete(path: String, body: &Value) -> Self {
        Self::send(Method::DELETE, path, JSON, body)
    }

    /// Whether it may change something.
    fn writes(&self) -> bool {
        self.method != Method::GET && !self.path.contains("dryRun=All")
    }

    fn request(&self, accept: &str) -> Result<Request<Vec<u8>>, Answer> {
        let request = Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .header(http::header::ACCEPT, accept)
            .header(http::header::CONTENT_TYPE, self.content);
        request.body(self.body.clone()).map_err(|error| Answer {
            message: error.to_string(),
            ..Answer::default()
        })
    }
}

impl Cluster {
    /// Connects, and asks what the cluster serves.
    pub async fn connect(target: &Target) -> Result<Self, KubeError> {
        let mut config = config(target).await?;
        // Its own retries can sleep for minutes inside of a call; ours are bounded.
        config.default_retry = false;
        config.connect_timeout = Some(Duration::from_secs(5));
        let url = config.cluster_url.to_string();
        let namespace = config.default_namespace.clone();
        let unreachable = |reason: String| KubeError::Unreachable {
            url: url.clone(),
            reason,
        };
        let identity = identity(target.impersonate.as_ref())?;
        let client = Client::try_from(config).map_err(|e| unreachable(e.to_string()))?;
        let cluster = Self {
            inner: Arc::new(Inner {
                client,
                identity,
                url: url.clone(),
                namespace,
                window: Window::default(),
                catalog: RwLock::default(),
                counts: Counts::default(),
                shaken: watch::Sender::new(None),
            }),
            fence: None,
        };
        match cluster.refresh().await {
            Ok(()) => Ok(cluster),
            Err(answer) if answer.passes() => Err(unreachable(answer.line())),
            Err(answer) => Err(KubeError::refused(
                &format!("the cluster at {url}"),
                "read",
                &answer,
            )),
        }
    }

    /// The same connection, whose writes have to pass a fence.
    #[must_use]
    pub fn fenced(mut self, fence: Option<Fence>) -> Self {
        self.fence = fence;
        self
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// The namespace of the context; `default` if it names none.
    pub fn namespace(&self) -> &str {
        &self.inner.namespace
    }

    /// The version that the server says, for example `v1.34.10`.
    pub async fn version(&self) -> Result<String, KubeError> {
        let read = |answer: Answer| KubeError::refused(&"the cluster's version", "read", &answer);
        let version = self.call(&Call::get("/version")).await.map_err(read)?;
        Ok(text(&version, "/gitVersion"))
    }

    /// The server's version, and who it takes us for.
    pub async fn introduce(&self) -> Result<(String, String), KubeError> {
        let read = |answer: Answer| KubeError::refused(&"the cluster's version", "read", &answer);
        let version = self.version().await?;
        let review =
            serde_json::json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews?dryRun=All".to_owned();
        let review = self
            .call(&Call::send(Method::POST, path, JSON, &review))
            .await
            .map_err(read)?;
        Ok((version, text(&review, "/status/userInfo/username")))
    }

    /// What we are not allowed of `access`, in words. Nothing is written.
    pub async fn missing(&self, access: &Access, namespace: &str) -> Result<Vec<String>, KubeError> {
        let namespaced = access.namespaced.iter().map(|one| (one, Some(namespace)));
        let all = namespaced.chain(access.wide.iter().map(|one| (one, None)));
        let asked = all.map(|(one, place)| async move {
            let allowed = self.is_allowed(one, place).await?;
            Ok((!allowed).then(|| one.to_string()))
        });
        let answers: Result<Vec<Option<String>>, KubeError> = join_all(asked).await.into_iter().collect();
        Ok(answers?.into_iter().flatten().collect())
    }

    /// In a namespace or, without one, in the whole cluster.
    async fn is_allowed(&self, one: &Permission, namespace: Option<&str>) -> Result<bool, KubeError> {
        let (resource, part) = one.resource.split_once('/').unwrap_or((&one.resource, ""));
        let review = serde_json::json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "group": one.group, "resource": resource, "subresource": part, "verb": one.verb,
                "name": one.name.as_deref().unwrap_or_default(), "namespace": namespace.unwrap_or_default(),
            } },
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".to_owned();
        let answer = self.call(&Call::send(Method::POST, path, JSON, &review)).await;
        let answer = answer.map_err(|answer| KubeError::refused(&"our permissions", "read", &answer))?;
        Ok(answer.pointer("/status/allowed") == Some(&Value::Bool(true)))
    }

    /// Requests sent so far that changed something or could have, dry runs left aside.
    pub fn writes(&self) -> u64 {
        self.inner.counts.writes.load(Ordering::Relaxed)
    }

    /// Requests sent so far that read; watches count once.
    pub fn reads(&self) -> u64 {
        self.inner.counts.reads.load(Ordering::Relaxed)
    }

    /// What requests are sent with.
    pub(crate) fn client(&self) -> &Client {
        &self.inner.client
    }

    /// What the cluster serves.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.inner.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks again what the cluster serves.
    pub(crate) async fn refresh(&self) -> Result<(), Answer> {
        let mut documents = Vec::new();
        for path in ["/api", "/apis"] {
            documents.push(
                self.ask(&Call::get(path), &format!("{AGGREGATED},{JSON}"))
                    .await?,
            );
        }
        let catalog = Arc::new(Catalog::of(&documents));
        *self.inner.catalog.write().unwrap_or_else(PoisonError::into_inner) = catalog;
        Ok(())
    }

    /// Where an object lives; a kind that is not known may have come since.
    pub(crate) async fn resource(&self, object: &Object) -> Result<Resource, KubeError> {
        if let Some(found) = self.catalog().of_object(object) {
            return Ok(found.clone());
        }
        self.refresh()
            .await
            .map_err(|answer| KubeError::refused(&object.reference(), "applied", &answer))?;
        if let Some(found) = self.catalog().of_object(object) {
            return Ok(found.clone());
        }
        let catalog = self.catalog();
        let served: Vec<String> = catalog
            .versions(object.group(), object.kind())
            .iter()
            .map(Resource::api_version)
            .collect();
        let hint = if served.is_empty() {
            "install its CustomResourceDefinition first, or leave the object out".to_owned()
        } else {
            format!(
                "the cluster serves {}; write that as apiVersion",
                served.join(", ")
            )
        };
        Err(KubeError::Kind {
            object: object.reference().to_string(),
            kind: object.kind().to_owned(),
            version: object.api_version().to_owned(),
            hint,
        })
    }

    /// Sends a request until it is answered for good.
    pub(crate) async fn call(&self, call: &Call) -> Result<Value, Answer> {
        self.ask(call, JSON).await
    }

    async fn ask(&self, call: &Call, accept: &str) -> Result<Value, Answer> {
        let text = self.ask_text(call, accept).await?;
        serde_json::from_str(&text).map_err(|error| Answer {
            message: format!("the answer to {} {} is no JSON: {error}", call.method, call.path),
            ..Answer::default()
        })
    }

    /// As `call`, for answers that are plain text.
    pub(crate) async fn ask_text(&self, call: &Call, accept: &str) -> Result<String, Answer> {
        let mut tried = 0;
        loop {
            let place = self.inner.window.enter().await;
            let passed = self.pass(call)?;
            let within = passed
                .as_ref()
                .map_or(ATTEMPT_MAX, |(_, left)| ATTEMPT_MAX.min(*left));
            self.count(call);
            tried += 1;
            let attempt = self.attempt(self.request(call, accept)?);
            let answer = match tokio::time::timeout(within, attempt).await {
                Ok(Ok(text)) => {
                    self.inner.window.succeeded();
                    return Ok(text);
                }
                Ok(Err(answer)) => answer,
                Err(_) => Answer {
                    message: format!("no answer within {} s", within.as_secs()),
                    ..Answer::default()
                },
            };
            if matches!(answer.code, None | Some(502..=504)) {
                self.inner.shaken.send_replace(Some(Instant::now()));
            }
            let failure = match answer.code {
                None => Failure::Connection,
                Some(401 | 403) if self.is_shaken() => Failure::Answered {
                    code: 503,
                    after_ms: None,
                },
                Some(code) => Failure::Answered {
                    code,
                    after_ms: answer.after_ms,
                },
            };
            let Some(wait) = wait_ms(failure, tried, chance()) else {
                return Err(answer);
            };
            if matches!(answer.code, None | Some(429 | 503 | 504)) {
                self.inner.window.pushed_back();
            }
            drop((place, passed));
            tracing::debug!(method = %call.method, path = call.path, reason = answer.line(), wait, "trying again");
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
    }

    /// Whether the server was away a moment ago: one that has just started does not know yet who may do what.
    pub(crate) fn is_shaken(&self) -> bool {
        let since = *self.inner.shaken.borrow();
        since.is_some_and(|since| since.elapsed() < SHAKEN)
    }

    /// Sends a request once, and waits for nobody.
    pub(crate) async fn call_once(&self, call: &Call) -> Result<Value, Answer> {
        self.count(call);
        let attempt = self.attempt(self.request(call, JSON)?);
        let text = tokio::time::timeout(ONCE_MAX, attempt).await;
        let text = text.map_err(|_| Answer {
            message: format!("no answer within {} s", ONCE_MAX.as_secs()),
            ..Answer::default()
        })??;
        serde_json::from_str(&text).map_err(|error| Answer {
            message: format!("the answer to {} {} is no JSON: {error}", call.method, call.path),
            ..Answer::default()
        })
    }

    /// No write is under way when somebody else may write.
    fn pass(&self, call: &Call) -> Result<Option<(Passed, Duration)>, Answer> {
        let Some(fence) = self.fence.as_ref().filter(|_| call.writes()) else {
            return Ok(None);
        };
        fence.pass().map(Some).ok_or_else(|| Answer {
            message: "this controller no longer holds its Lease, and writes nothing".to_owned(),
            ..Answer::default()
        })
    }

    fn request(&self, call: &Call, accept: &str) -> Result<Request<Vec<u8>>, Answer> {
        let mut request = call.request(accept)?;
        // Several groups are several headers of one name.
        for (name, value) in &self.inner.identity {
            request.headers_mut().append(name, value.clone());
        }
        Ok(request)
    }

    /// Sends a request once.
    async fn attempt(&self, request: Request<Vec<u8>>) -> Result<String, Answer> {
        let sent = self.inner.client.send(request.map(Body::from)).await;
        let response = sent.map_err(Answer::from)?;
        let (code, after) = (response.status(), after_s(response.headers()));
        let body = response.into_body().collect().await;
        let body = body.map_err(Answer::from)?;
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        if code.is_client_error() || code.is_server_error() {
            return Err(Answer::of(code.as_u16(), &text, after));
        }
        Ok(text)
    }

    /// The stream of a watch. It takes no place: it would hold it for minutes.
    pub(crate) async fn watch(
        &self,
        path: &str,
    ) -> Result<impl Stream<Item = Result<WatchEvent<Value>, kube::Error>> + Send + use<>, Answer> {
        let call = Call::get(path);
        self.count(&call);
        let request = self.request(&call, JSON)?;
        let stream = self.inner.client.request_events::<Value>(request);
        let opened = tokio::time::timeout(ATTEMPT_MAX, stream).await;
        opened.map_err(|_| Answer::default())?.map_err(Answer::from)
    }

    fn count(&self, call: &Call) {
        let counts = &self.inner.counts;
        let counter = match call.method {
            Method::GET => &counts.reads,
            _ if call.writes() => &counts.writes,
            _ => &counts.dry,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// The wait that a server, or what is in front of it, asks for; one that is a date is left to our own back-off.
fn after_s(headers: &HeaderMap) -> Option<u32> {
    headers
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or("unknown").to_owned()
}

/// The headers that say whom we stand in for.
fn identity(who: Option<&Impersonate>) -> Result<HeaderMap, KubeError> {
    let mut headers = HeaderMap::new();
    let Some(who) = who else { return Ok(headers) };
    let groups = who.groups.iter().map(|group| ("impersonate-group", group));
    for (name, value) in std::iter::once(("impersonate-user", &who.user)).chain(groups) {
        let value = HeaderValue::from_str(value).map_err(|_| KubeError::Config {
            context: "the environment".to_owned(),
            reason: format!("`impersonate` names {value:?}, which cannot be sent"),
        })?;
        headers.append(name, value);
    }
    Ok(headers)
}

async fn config(target: &Target) -> Result<Config, KubeError> {
    let unknown = |reason: String| KubeError::Config {
        context: target
            .context
            .clone()
            .unwrap_or_else(|| "(the current one)".to_owned()),
        reason,
    };
    let options = KubeConfigOptions {
        context: target.context.clone(),
        ..KubeConfigOptions::default()
    };
    if let Some(path) = &target.kubeconfig {
        let file = Kubeconfig::read_from(path).map_err(|e| unknown(e.to_string()))?;
        return Config::from_custom_kubeconfig(file, &options)
            .await
            .map_err(|e| unknown(e.to_string()));
    }
    match (Config::from_kubeconfig(&options).await, &target.context) {
        (Ok(config), _) => Ok(config),
        (Err(error), Some(_)) => Err(unknown(error.to_string())),
        (Err(error), None) => Config::incluster().map_err(|_| unknown(error.to_string())),
    }
}

/// A number from 0 to 1 that differs from client to client: good enough to keep their retries apart.
fn chance() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    f64::from(now.subsec_nanos() % 1_000) / 1_000.0
}
