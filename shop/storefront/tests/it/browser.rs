//! A browser without JavaScript: it keeps cookies, follows redirects, and fills in forms as they are.

use std::collections::BTreeMap;

use http::{HeaderMap, Method};
use service_kit::client::{Call, Reply, Upstream};
use service_kit::{Running, Settings, start};
use storefront::Storefront;

use crate::backends::{self, Shared};
use crate::markup::{Tag, tags};

pub(crate) const SECRET: &str = "only-for-tests-0123456789";

/// A storefront whose services all are one address.
pub(crate) async fn storefront(backend: &str, version: &str) -> Running {
    let services = [
        "USER_SERVICE_URL",
        "CATALOG_SERVICE_URL",
        "CART_SERVICE_URL",
        "ORDER_SERVICE_URL",
    ];
    let fixed = [
        ("BIND", "127.0.0.1"),
        ("PORT", "0"),
        ("CSRF_SECRET", SECRET),
        ("APP_VERSION", version),
        ("SHUTDOWN_GRACE", "1s"),
    ];
    let pairs = services
        .map(|name| (name, backend.to_owned()))
        .into_iter()
        .chain(fixed.map(|(name, value)| (name, value.to_owned())));
    start::<Storefront>(Settings::of(pairs)).await.unwrap()
}

/// A page that was loaded.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Page {
    /// Fails with the page when the text is not there.
    pub(crate) fn has(&self, text: &str) -> &Self {
        assert!(
            self.html.contains(text),
            "`{text}` is not in {}:\n{}",
            self.path,
            self.html
        );
        self
    }

    /// Values of the form with this action, as a browser would send them unchanged.
    pub(crate) fn form(&self, action: &str) -> BTreeMap<String, String> {
        let all = tags(&self.html);
        let from = all
            .iter()
            .position(|tag| tag.name == "form" && tag.get("action") == action);
        let from = from.unwrap_or_else(|| panic!("no form {action} in {}", self.html));
        let inside = all[from..].iter().take_while(|tag| tag.name != "/form");
        inside
            .filter(|tag| tag.name == "input" && tag.has("name"))
            .map(|tag: &Tag| (tag.get("name").to_owned(), tag.get("value").to_owned()))
            .collect()
    }
}

/// Somebody's browser.
pub(crate) struct Browser {
    _running: Running,
    pub(crate) memory: Shared,
    pub(crate) cookies: BTreeMap<String, String>,
    at: Upstream,
}

impl Browser {
    pub(crate) async fn open() -> Self {
        let (backend, memory) = backends::start().await;
        Self::at(storefront(&backend, "1.0.0").await, memory)
    }

    pub(crate) fn at(running: Running, memory: Shared) -> Self {
        let at = running.kit().upstream_at("storefront", &running.url()).unwrap();
        Self {
            _running: running,
            memory,
            cookies: BTreeMap::new(),
            at,
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        let call = self.at.get(path);
        self.follow(path, call).await
    }

    /// Sends a form of a page, with what was typed over what was there.
    pub(crate) async fn send(&mut self, page: &Page, action: &str, typed: &[(&str, &str)]) -> Page {
        let mut fields = page.form(action);
        fields.extend(
            typed
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        self.post(action, &fields).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &BTreeMap<String, String>) -> Page {
        let body: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let call = self
            .at
            .call(Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded")
            .raw(body);
        self.follow(path, call).await
    }

    /// One request without following; with more headers.
    pub(crate) async fn once(&mut self, mut call: Call) -> Reply {
        if !self.cookies.is_empty() {
            let line: Vec<String> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            call = call.header("cookie", &line.join("; "));
        }
        let reply = call.send().await.unwrap();
        for line in reply.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        self.at.call(method, path)
    }

    async fn follow(&mut self, path: &str, call: Call) -> Page {
        let mut path = path.to_owned();
        let mut reply = self.once(call).await;
        while reply.status.is_redirection() {
            reply.headers["location"].to_str().unwrap().clone_into(&mut path);
            reply = self.once(self.at.get(&path)).await;
        }
        Page {
            path,
            status: reply.status.as_u16(),
            html: String::from_utf8(reply.body.to_vec()).unwrap(),
            headers: reply.headers,
        }
    }
}
