//! Single objects of any kind, read and written by name, for who works without watches: Helm's verbs. It decides nothing.

use std::sync::Arc;

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use windlass_core::object::Object;

use crate::answer::Answer;
use crate::cluster::{APPLY, Call, Cluster};
use crate::error::{KubeError, hint};
use crate::former;
use crate::resource::{Resource, escaped};

const JSON: &str = "application/json";
const JSON_PATCH: &str = "application/json-patch+json";
/// Objects of one page of a list.
const PAGE: usize = 250;

/// The cluster refused, or did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}\nhint: {hint}")]
pub struct Refusal {
    /// HTTP status; `None` when there was no answer.
    pub code: Option<u16>,
    /// In the server's words.
    pub reason: String,
    /// What to do.
    pub hint: &'static str,
}

impl From<Answer> for Refusal {
    fn from(answer: Answer) -> Self {
        Self {
            code: answer.code,
            reason: answer.line(),
            hint: hint(&answer),
        }
    }
}

/// Where one object is in the cluster's API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// Empty for kinds without namespaces.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    path: String,
}

/// How an object is applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applying {
    /// Fields that others manage are taken from them.
    pub force: bool,
    /// Fields that the kind does not have are errors.
    pub strict: bool,
    /// The server only says what would come of it.
    pub dry: bool,
}

/// What becomes of the objects that belong to one that is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cascade {
    /// They go later.
    Background,
    /// They go first.
    Foreground,
    /// They stay.
    Orphan,
}

impl Cluster {
    /// What the cluster serves, as charts ask for it: `apps/v1` and `apps/v1/Deployment`, sorted.
    pub fn served(&self) -> Vec<String> {
        let catalog = self.catalog();
        let mut all: Vec<String> = catalog
            .all()
            .flat_map(|one| [one.api_version(), format!("{}/{}", one.api_version(), one.kind)])
            .collect();
        all.sort();
        all.dedup();
        all
    }

    /// Asks again what the cluster serves.
    pub async fn look_again(&self) -> Result<(), Refusal> {
        Ok(self.refresh().await?)
    }

    /// Where an object is; without a namespace of its own in this one, if its kind has namespaces.
    pub async fn locate(&self, object: &Object, namespace: &str) -> Result<Address, KubeError> {
        let resource = self.resource(object).await?;
        let namespace = object.namespace().unwrap_or(namespace);
        Ok(address(&resource, namespace, object.name()))
    }

    /// One object of a kind that the cluster serves, or null; with all of its kind if no name is given. `None` for kinds
    /// that the cluster does not serve.
    pub async fn look_up(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, Refusal> {
        let catalog = self.catalog();
        let group = api_version.split_once('/').map_or("", |it| it.0);
        let mut found = catalog.versions(group, kind).iter();
        let Some(resource) = found.find(|it| it.api_version() == api_version) else {
            return Ok(None);
        };
        let path = if !name.is_empty() {
            resource.item(namespace, name)
        } else if namespace.is_empty() {
            resource.everywhere()
        } else {
            resource.collection(namespace)
        };
        self.read_path(&path).await
    }

    /// An object as it is; `None` if it is not there.
    pub async fn read(&self, address: &Address) -> Result<Option<Value>, Refusal> {
        self.read_path(&address.path).await
    }

    async fn read_path(&self, path: &str) -> Result<Option<Value>, Refusal> {
        match self.call(&Call::get(path)).await {
            Ok(value) => Ok(Some(value)),
            Err(answer) if answer.is_absent() => Ok(None),
            Err(answer) => Err(answer.into()),
        }
    }

    /// Several objects, in the order of their addresses.
    pub async fn read_all(&self, addresses: &[Address]) -> Result<Vec<Option<Value>>, Refusal> {
        let all = join_all(addresses.iter().map(|it| self.read(it))).await;
        all.into_iter().collect()
    }

    /// The Secrets of a namespace, or of all for `None`, that bear these labels (`name=shop,owner=helm`).
    pub async fn secrets(&self, namespace: Option<&str>, labels: &str) -> Result<Vec<Value>, Refusal> {
        let path = namespace.map_or_else(
            || "/api/v1/secrets".to_owned(),
            |it| format!("/api/v1/namespaces/{}/secrets", escaped(it)),
        );
        let mut all = Vec::new();
        let mut next = String::new();
        loop {
            let query = format!("labelSelector={}&limit={PAGE}", escaped(labels));
            let mut page = self
                .call(&Call::get(format!("{path}?{query}&continue={}", escaped(&next))))
                .await?;
            if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
                all.extend(items);
            }
            let more = page.pointer("/metadata/continue").and_then(Value::as_str);
            match more.filter(|it| !it.is_empty()) {
                Some(more) => more.clone_into(&mut next),
                None => return Ok(all),
            }
        }
    }

    /// Makes a Secret. False if one of its name is there.
    pub async fn create_secret(&self, secret: &Value) -> Result<bool, Refusal> {
        let (namespace, name) = names(secret);
        let all = format!("/api/v1/namespaces/{}/secrets", escaped(namespace));
        match self
            .call(&Call::send(Method::POST, all.clone(), JSON, secret))
            .await
        {
            Ok(_) => Ok(true),
            Err(answer) if answer.code == Some(409) => {
                // The connection may have been lost after the first try of ours had arrived.
                let there = self.read_path(&format!("{all}/{}", escaped(name))).await?;
                Ok(there.is_some_and(|it| it.get("data") == secret.get("data")))
            }
            Err(answer) => Err(answer.into()),
        }
    }

    /// Makes a Secret be as given.
    pub async fn replace_secret(&self, secret: &Value) -> Result<(), Refusal> {
        let (namespace, name) = names(secret);
        let path = format!(
            "/api/v1/namespaces/{}/secrets/{}",
            escaped(namespace),
            escaped(name)
        );
        self.call(&Call::send(Method::PUT, path, JSON, secret)).await?;
        Ok(())
    }

    /// Deletes a Secret, if it is there.
    pub async fn delete_secret(&self, namespace: &str, name: &str) -> Result<(), Refusal> {
        let path = format!(
            "/api/v1/namespaces/{}/secrets/{}",
            escaped(namespace),
            escaped(name)
        );
        self.delete_path(path, Cascade::Background).await
    }

    /// Applies an object as `manager`, and returns what came of it.
    pub async fn apply_as(
        &self,
        manager: &str,
        address: &Address,
        body: &Value,
        how: Applying,
    ) -> Result<Value, Refusal> {
        let (force, dry) = (how.force, if how.dry { "&dryRun=All" } else { "" });
        let validation = if how.strict { "Strict" } else { "Ignore" };
        let path = format!(
            "{}?fieldManager={}&fieldValidation={validation}&force={force}{dry}",
            address.path,
            escaped(manager)
        );
        Ok(self.call(&Call::send(Method::PATCH, path, APPLY, body)).await?)
    }

    /// Applies several objects at once; the answers are in their order.
    pub async fn apply_all(
        &self,
        manager: &str,
        objects: &[(Address, Arc<Value>)],
        how: Applying,
    ) -> Vec<Result<Value, Refusal>> {
        let all = objects.iter();
        join_all(all.map(|(address, body)| self.apply_as(manager, address, body, how))).await
    }

    /// Makes the fields that `manager` set by other ways than server-side apply fields of its server-side apply, so that
    /// they go when it leaves them out. `there` is the object as it was read.
    pub async fn claim(&self, manager: &str, address: &Address, there: &Value) -> Result<(), Refusal> {
        let mut there = there.clone();
        while let Some(patch) = former::patch(&there, manager) {
            let call = Call::send(Method::PATCH, address.path.clone(), JSON_PATCH, &patch);
            match self.call(&call).await {
                Ok(_) => return Ok(()),
                // Somebody changed it since it was read.
                Err(answer) if answer.code == Some(409) => match self.read(address).await? {
                    Some(now) => there = now,
                    None => return Ok(()),
                },
                Err(answer) => return Err(answer.into()),
            }
        }
        Ok(())
    }

    /// Puts an object in place of the one that is there.
    pub async fn replace(&self, manager: &str, address: &Address, body: &Value) -> Result<Value, Refusal> {
        let path = format!("{}?fieldManager={}", address.path, escaped(manager));
        Ok(self.call(&Call::send(Method::PUT, path, JSON, body)).await?)
    }

    /// Deletes an object, if it is there.
    pub async fn delete_object(&self, address: &Address, cascade: Cascade) -> Result<(), Refusal> {
        self.delete_path(address.path.clone(), cascade).await
    }

    async fn delete_path(&self, path: String, cascade: Cascade) -> Result<(), Refusal> {
        let policy = match cascade {
            Cascade::Background => "Background",
            Cascade::Foreground => "Foreground",
            Cascade::Orphan => "Orphan",
        };
        let body = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy });
        match self.call(&Call::delete(path, &body)).await {
            Ok(_) => Ok(()),
            Err(answer) if answer.is_absent() => Ok(()),
            Err(answer) => Err(answer.into()),
        }
    }

    /// Makes a namespace, unless it is there.
    pub async fn create_namespace(&self, manager: &str, name: &str) -> Result<(), Refusal> {
        let body = json!({ "apiVersion": "v1", "kind": "Namespace",
            "metadata": { "name": name, "labels": { "name": name } } });
        let path = format!("/api/v1/namespaces?fieldManager={}", escaped(manager));
        match self.call(&Call::send(Method::POST, path, JSON, &body)).await {
            Ok(_) => Ok(()),
            Err(answer) if answer.code == Some(409) => Ok(()),
            Err(answer) => Err(answer.into()),
        }
    }

    /// What the first pods of a Job wrote, pod by pod; of a pod itself for `pod`.
    pub async fn written(
        &self,
        namespace: &str,
        job: &str,
        pod: &str,
    ) -> Result<Vec<(String, String)>, Refusal> {
        let all = format!("/api/v1/namespaces/{}/pods", escaped(namespace));
        let names: Vec<String> = if pod.is_empty() {
            let query = format!("{all}?labelSelector={}", escaped(&format!("job-name={job}")));
            let list = self.call(&Call::get(query)).await?;
            let items = list.get("items").and_then(Value::as_array);
            let names = items.into_iter().flatten().map(|it| names(it).1.to_owned());
            names.collect()
        } else {
            vec![pod.to_owned()]
        };
        let mut logs = Vec::new();
        for name in names {
            let call = Call::get(format!("{all}/{}/log?limitBytes=1048576", escaped(&name)));
            let text = self.ask_text(&call, "*/*").await?;
            logs.push((name, text));
        }
        Ok(logs)
    }
}

fn address(resource: &Resource, namespace: &str, name: &str) -> Address {
    Address {
        api_version: resource.api_version(),
        kind: resource.kind.clone(),
        namespace: if resource.namespaced {
            namespace.to_owned()
        } else {
            String::new()
        },
        name: name.to_owned(),
        path: resource.item(namespace, name),
    }
}

/// Namespace and name of an object.
fn names(object: &Value) -> (&str, &str) {
    let text = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    (text("/metadata/namespace"), text("/metadata/name"))
}
