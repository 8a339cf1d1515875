//! One registry over HTTP: requests with the right token, few tries more, errors in words.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use ureq::http::{Method, Request, Response};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, SendBody};

use super::auth::Challenge;
use super::{Credentials, ImageName};
use crate::layout::DOCUMENT_BYTES_MAX;
use crate::{OciError, Status};

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);
/// Until an answer begins.
const ANSWER: Duration = Duration::from_mins(1);
/// One whole request: a large layer over a slow line.
const REQUEST: Duration = Duration::from_hours(1);
/// Tries of a request that may be repeated.
const TRIES: u32 = 3;
/// Before the second try; doubled after each.
const WAIT: Duration = Duration::from_millis(300);
/// Bytes of an error's text that are shown.
const ERROR_BYTES_MAX: u64 = 2_000;
/// Certificate authorities of this machine.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// Docker's own registry answers under another name than it is known by.
const DOCKER_HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// A registry's client.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    registry: String,
    base: String,
    credentials: Credentials,
    /// The header that lets us in, by what it is for.
    entries: Mutex<BTreeMap<String, String>>,
}

/// A request that can be sent more than once.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    /// Path after the registry, or a whole URL.
    pub(super) to: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Content<'a>,
    /// The repository and whether it is written to.
    pub(super) scope: Scope<'a>,
}

/// What is done with which repository.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) repository: &'a str,
    pub(super) write: bool,
}

/// What is sent along.
pub(super) enum Content<'a> {
    Nothing,
    Bytes(&'a [u8]),
    File { path: &'a std::path::Path, size: u64 },
}

impl Scope<'_> {
    fn text(self) -> String {
        let actions = if self.write { "pull,push" } else { "pull" };
        format!("repository:{}:{actions}", self.repository)
    }
}

impl Client {
    pub(super) fn new(registry: &str, credentials: Credentials) -> Self {
        let host = if registry == DOCKER_HUB.0 {
            DOCKER_HUB.1
        } else {
            registry
        };
        let scheme = if ImageName::is_loopback(registry) {
            "http"
        } else {
            "https"
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_global(Some(REQUEST))
            .tls_config(TlsConfig::builder().root_certs(roots()).build())
            .user_agent("windlass")
            .build();
        Self {
            agent: config.into(),
            registry: registry.to_owned(),
            base: format!("{scheme}://{host}"),
            credentials,
            entries: Mutex::default(),
        }
    }

    /// Sends a request, with a token if the registry wants one. Answers below 500 are answers.
    pub(super) fn ask(&self, ask: &Ask<'_>) -> Result<Response<Body>, OciError> {
        let mut wait = WAIT;
        for _ in 1..TRIES {
            match self.ask_once(ask) {
                Ok(answer) if answer.status().is_server_error() || answer.status() == 429 => {}
                Err(OciError::Registry { .. }) => {}
                other => return other,
            }
            std::thread::sleep(wait);
            wait *= 2;
        }
        self.ask_once(ask)
    }

    fn ask_once(&self, ask: &Ask<'_>) -> Result<Response<Body>, OciError> {
        let scope = ask.scope.text();
        let answer = self.send(ask, self.entry(&scope))?;
        if answer.status() != 401 {
            return Ok(answer);
        }
        let header = answer
            .headers()
            .get("www-authenticate")
            .and_then(|header| header.to_str().ok());
        let entry = match header.and_then(Challenge::parse) {
            Some(Challenge::Basic) => self.credentials.basic(),
            Some(Challenge::Bearer {
                realm,
                service,
                scope: wanted,
            }) => {
                let wanted = wanted.unwrap_or_else(|| scope.clone());
                Some(self.token(&realm, service.as_deref(), &wanted)?)
            }
            None => None,
        };
        let Some(entry) = entry else {
            return Err(self.refused("it wants a login"));
        };
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(scope, entry.clone());
        let answer = self.send(ask, Some(entry))?;
        if answer.status() == 401 || answer.status() == 403 {
            return Err(self.refused(&format!("it answers {}", answer.status())));
        }
        Ok(answer)
    }

    fn entry(&self, scope: &str) -> Option<String> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(scope).cloned()
    }

    fn send(&self, ask: &Ask<'_>, entry: Option<String>) -> Result<Response<Body>, OciError> {
        let whole = ask.to.starts_with("http://") || ask.to.starts_with("https://");
        let url = if whole {
            ask.to.clone()
        } else {
            format!("{}{}", self.base, ask.to)
        };
        let mut request = Request::builder().method(ask.method.clone()).uri(&url);
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        // An upload may be sent to another host; the token is for the registry alone.
        let own = url
            .strip_prefix(&self.base)
            .is_some_and(|rest| rest.starts_with('/'));
        if let Some(entry) = entry.filter(|_| own) {
            request = request.header("authorization", entry);
        }
        let failed = |e: &dyn std::fmt::Display| self.failed(&url, &e.to_string());
        let sent = match ask.body {
            Content::Nothing => self.agent.run(request.body(()).map_err(|e| failed(&e))?),
            Content::Bytes(bytes) => self.agent.run(request.body(bytes).map_err(|e| failed(&e))?),
            Content::File { path, size } => {
                let mut file = std::fs::File::open(path).map_err(OciError::file("read", path))?;
                let request = request.header("content-length", size);
                let body = SendBody::from_reader(&mut file);
                self.agent.run(request.body(body).map_err(|e| failed(&e))?)
            }
        };
        sent.map_err(|e| failed(&e))
    }

    /// A token for a scope from the registry's token service.
    fn token(&self, realm: &str, service: Option<&str>, scope: &str) -> Result<String, OciError> {
        #[derive(Deserialize)]
        struct Answer {
            token: Option<String>,
            access_token: Option<String>,
        }
        // A password never goes over plain HTTP, except within this machine.
        if !realm.starts_with("https://") && !ImageName::is_loopback(&self.registry) {
            return Err(self.refused(&format!("its token service {realm} is not reached over https")));
        }
        let failed = |e: ureq::Error| self.failed(realm, &e.to_string());
        let mut answer = if let Credentials::Identity(identity) = &self.credentials {
            let form = [
                ("grant_type", "refresh_token"),
                ("service", service.unwrap_or_default()),
                ("scope", scope),
                ("client_id", "windlass"),
                ("refresh_token", identity),
            ];
            self.agent.post(realm).send_form(form).map_err(failed)?
        } else {
            let mut request = self.agent.get(realm).query("scope", scope);
            if let Some(service) = service {
                request = request.query("service", service);
            }
            if let Some(basic) = self.credentials.basic() {
                request = request.header("authorization", basic);
            }
            request.call().map_err(failed)?
        };
        if !answer.status().is_success() {
            return Err(self.refused(&format!("its token service answers {}", answer.status())));
        }
        let bytes = self.document(&mut answer, realm)?;
        let answer: Answer =
            serde_json::from_slice(&bytes).map_err(|e| self.failed(realm, &e.to_string()))?;
        answer
            .token
            .or(answer.access_token)
            .map(|token| format!("Bearer {token}"))
            .ok_or_else(|| self.refused("its token service gives no token"))
    }

    /// The whole body of an answer, which must be small.
    pub(super) fn document(&self, answer: &mut Response<Body>, what: &str) -> Result<Vec<u8>, OciError> {
        let mut bytes = Vec::new();
        let mut reader = answer.body_mut().as_reader().take(DOCUMENT_BYTES_MAX + 1);
        reader
            .read_to_end(&mut bytes)
            .map_err(|e| self.failed(what, &e.to_string()))?;
        if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
            return Err(self.failed(what, &format!("more than {DOCUMENT_BYTES_MAX} bytes")));
        }
        Ok(bytes)
    }

    /// An answer that was not hoped for, in the registry's words.
    pub(super) fn unexpected(&self, mut answer: Response<Body>, what: &str) -> OciError {
        let mut text = String::new();
        let status = answer.status();
        let _ = answer
            .body_mut()
            .as_reader()
            .take(ERROR_BYTES_MAX)
            .read_to_string(&mut text);
        let text = text.trim();
        OciError::Registry {
            registry: self.registry.clone(),
            what: what.to_owned(),
            reason: format!("{status} {text}").trim().to_owned(),
            status: Some(Status {
                code: status.as_u16(),
                name: status.canonical_reason().unwrap_or_default(),
            }),
        }
    }

    pub(super) fn failed(&self, what: &str, reason: &str) -> OciError {
        OciError::Registry {
            registry: self.registry.clone(),
            what: what.to_owned(),
            reason: reason.to_owned(),
            status: None,
        }
    }

    fn refused(&self, reason: &str) -> OciError {
        OciError::Login {
            registry: self.registry.clone(),
            reason: reason.to_owned(),
        }
    }
}

/// The authorities that this machine trusts, a company's own among them; those of the web where it names none.
fn roots() -> RootCerts {
    let path = std::env::var_os("SSL_CERT_FILE").unwrap_or_else(|| AUTHORITIES.into());
    let bytes = std::fs::read(path).unwrap_or_default();
    let found: Vec<_> = parse_pem(&bytes)
        .filter_map(Result::ok)
        .filter_map(|item| {
            if let PemItem::Certificate(certificate) = item {
                Some(certificate)
            } else {
                None
            }
        })
        .collect();
    if found.is_empty() {
        RootCerts::WebPki
    } else {
        RootCerts::new_with_certs(&found)
    }
}
