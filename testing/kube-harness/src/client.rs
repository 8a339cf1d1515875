//! A client of the API server that is as small as the set-up of a test needs: objects in and out as JSON, and waiting.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;
use ureq::http::{Method, Request};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use crate::Error;

/// How long a test waits for anything. Only reached when something is wrong, so it allows for a very busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// Speaks to one API server as its administrator.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    server: String,
}

/// An answer that was not an error of the connection.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body, or null when it is not JSON.
    pub body: Value,
}

impl Client {
    /// A client with the certificates in a cluster's folder.
    pub(crate) fn new(server: &str, identities: &Path) -> Result<Self, Error> {
        let read = |name: &str| {
            let path = identities.join(name);
            std::fs::read(&path).map_err(Error::io(format!("cannot read {}", path.display())))
        };
        let broken = |cause: ureq::Error| Error::Io {
            what: "the cluster's certificates cannot be read".to_owned(),
            source: std::io::Error::other(cause),
        };
        let root = Certificate::from_pem(&read("ca.crt")?).map_err(broken)?;
        let own = Certificate::from_pem(&read("admin.crt")?).map_err(broken)?;
        let key = PrivateKey::from_pem(&read("admin.key")?).map_err(broken)?;
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&[root]))
            .client_cert(Some(ClientCert::new_with_certs(&[own], key)))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .https_only(true)
            .proxy(None)
            .build();
        Ok(Self {
            agent: config.new_agent(),
            server: server.to_owned(),
        })
    }

    /// What it speaks with, and the address of the API server.
    pub(crate) fn parts(&self) -> (Agent, String) {
        (self.agent.clone(), self.server.clone())
    }

    /// Reads an object or a list.
    pub fn get(&self, path: &str) -> Result<Value, Error> {
        self.expect(&Method::GET, path, None)
    }

    /// Creates an object in a collection, such as `/api/v1/namespaces`.
    pub fn create(&self, collection: &str, object: &Value) -> Result<Value, Error> {
        self.expect(&Method::POST, collection, Some(("application/json", object)))
    }

    /// Changes the named fields of an object (a JSON merge patch).
    pub fn merge(&self, path: &str, patch: &Value) -> Result<Value, Error> {
        self.expect(
            &Method::PATCH,
            path,
            Some(("application/merge-patch+json", patch)),
        )
    }

    /// Deletes an object and, in the background, what belongs to it.
    pub fn delete(&self, path: &str) -> Result<Value, Error> {
        self.expect(&Method::DELETE, path, None)
    }

    /// Sends a request and gives back whatever is answered.
    pub fn send(&self, method: &Method, path: &str, body: Option<(&str, &Value)>) -> Result<Reply, Error> {
        let failed = |cause: &dyn std::fmt::Display| Error::Request {
            method: method.to_string(),
            path: path.to_owned(),
            cause: cause.to_string(),
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server));
        let answer = match body {
            Some((kind, value)) => {
                let request = request.header("content-type", kind).body(value.to_string());
                self.agent.run(request.map_err(|cause| failed(&cause))?)
            }
            None => self.agent.run(request.body(()).map_err(|cause| failed(&cause))?),
        };
        let mut answer = answer.map_err(|cause| failed(&cause))?;
        let status = answer.status().as_u16();
        let text = answer
            .body_mut()
            .read_to_string()
            .map_err(|cause| failed(&cause))?;
        Ok(Reply {
            status,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
        })
    }

    fn expect(&self, method: &Method, path: &str, body: Option<(&str, &Value)>) -> Result<Value, Error> {
        let reply = self.send(method, path, body)?;
        if (200..300).contains(&reply.status) {
            return Ok(reply.body);
        }
        Err(Error::Refused {
            method: method.to_string(),
            path: path.to_owned(),
            status: reply.status,
            message: reply.body["message"].as_str().unwrap_or("no message").to_owned(),
        })
    }

    /// Waits, by a watch, until an object of a collection is as wanted, and returns it. Say in `what` what is waited for.
    pub fn wait(
        &self,
        collection: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value, Error> {
        let until = Instant::now() + PATIENCE;
        let mut last = Value::Null;
        while Instant::now() < until {
            let list = self.get(collection)?;
            let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            if let Some(found) = items.iter().find(|item| wanted(item)) {
                return Ok(found.clone());
            }
            last = items.last().cloned().unwrap_or(last);
            let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default();
            if let Some(found) = self.watch(collection, version, &mut last, &wanted)? {
                return Ok(found);
            }
        }
        Err(Error::Late {
            what: what.to_owned(),
            seconds: PATIENCE.as_secs(),
            last: last.to_string(),
        })
    }

    /// Reads changes until one is as wanted or the API server ends the watch, which it does after some seconds.
    fn watch(
        &self,
        collection: &str,
        version: &str,
        last: &mut Value,
        wanted: &impl Fn(&Value) -> bool,
    ) -> Result<Option<Value>, Error> {
        let url = format!(
            "{}{collection}?watch=1&resourceVersion={version}&timeoutSeconds=20",
            self.server
        );
        let failed = |cause: &dyn std::fmt::Display| Error::Request {
            method: "GET".to_owned(),
            path: collection.to_owned(),
            cause: cause.to_string(),
        };
        let answer = self.agent.get(&url).call().map_err(|cause| failed(&cause))?;
        for line in BufReader::new(answer.into_body().into_reader()).lines() {
            let line = line.map_err(|cause| failed(&cause))?;
            let event: Value = serde_json::from_str(&line).map_err(|cause| failed(&cause))?;
            if event["type"] == "ERROR" {
                return Ok(None);
            }
            *last = event["object"].clone();
            if event["type"] != "DELETED" && wanted(last) {
                return Ok(Some(last.clone()));
            }
        }
        Ok(None)
    }
}
