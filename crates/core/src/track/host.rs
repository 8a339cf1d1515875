//! Names of Services inside of free text: `user-service:3001`, `http://user-service/`, `postgres://u:p@db.shop.svc:5432`.
//!
//! Only whole names are found: `my-user-service` and `user-service-x` are others. A bare `user-service` without a port
//! and without `//` may be anything, so it is left alone.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::object::Object;

/// What may follow the namespace in the name of a Service.
const DOMAINS: [&str; 3] = ["", ".svc", ".svc.cluster.local"];

/// The Services whose names are looked for.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    services: BTreeMap<String, Known>,
}

#[derive(Debug, Default)]
struct Known {
    namespace: Option<String>,
    ports: BTreeSet<u16>,
}

/// A name that was found in a text.
#[derive(Debug)]
pub(super) struct Named<'t> {
    /// The Service.
    pub(super) name: &'t str,
    /// `.namespace.svc` and the like; may be empty.
    domain: &'t str,
    /// The port behind it, if there is one.
    pub(super) port: Option<u16>,
    /// Whether the port is one of the Service's.
    pub(super) known_port: bool,
    /// Whether it must be a host: it stands behind `//`.
    pub(super) certain: bool,
    /// The scheme before `//`; may be empty.
    pub(super) scheme: &'t str,
}

impl Named<'_> {
    /// The same place with another Service's name.
    pub(super) fn with_name(&self, names: &BTreeMap<String, String>) -> Option<String> {
        let new = names.get(self.name)?;
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{new}{}{port}", self.domain))
    }
}

impl Hosts {
    /// The Services of a set that are among `names`.
    pub(super) fn of(objects: &[Object], names: &BTreeMap<String, String>) -> Self {
        let services = objects
            .iter()
            .filter(|object| names.contains_key(object.name()))
            .filter_map(|object| {
                let service = object.service()?;
                let known = Known {
                    namespace: object.namespace().map(str::to_owned),
                    ports: service.ports().iter().map(|port| port.port).collect(),
                };
                Some((object.name().to_owned(), known))
            })
            .collect();
        Self { services }
    }

    /// Names and ports without a set of objects; their namespaces come from the set they are looked for in.
    pub(super) fn listed<'a>(
        known: impl Iterator<Item = (&'a str, u16)>,
        namespaces: &BTreeMap<&str, &str>,
    ) -> Self {
        let mut services: BTreeMap<String, Known> = BTreeMap::new();
        for (name, port) in known {
            let entry = services.entry(name.to_owned()).or_default();
            entry.ports.insert(port);
            entry.namespace = namespaces.get(name).map(|namespace| (*namespace).to_owned());
        }
        Self { services }
    }

    /// Adds the Services that a text names.
    pub(super) fn mentioned(&self, text: &str, found: &mut BTreeSet<String>) {
        self.rewrite(text, |host| {
            if host.certain || host.known_port {
                found.insert(host.name.to_owned());
            }
            None
        });
    }

    /// Replaces what `with` answers for; `None` when nothing changed.
    pub(super) fn rewrite(
        &self,
        text: &str,
        mut with: impl FnMut(&Named<'_>) -> Option<String>,
    ) -> Option<String> {
        let mut out: Option<String> = None;
        let mut copied = 0;
        let mut at = 0;
        while let Some(start) = next_word(text, at) {
            let end = word_end(text, start);
            at = end;
            let Some((host, stop)) = self.named(text, start, end) else {
                continue;
            };
            let Some(new) = with(&host) else { continue };
            let out = out.get_or_insert_with(String::new);
            out.push_str(&text[copied..start]);
            out.push_str(&new);
            copied = stop;
            at = stop;
        }
        let mut out = out?;
        out.push_str(&text[copied..]);
        Some(out)
    }

    /// The Service that the word at `start..end` names, and where its host reference ends.
    fn named<'t>(&self, text: &'t str, start: usize, end: usize) -> Option<(Named<'t>, usize)> {
        let word = &text[start..end];
        let name = word.split('.').next()?;
        let known = self.services.get(name)?;
        let domain = &word[name.len()..];
        if !domain.is_empty() && !known.is_domain(domain) {
            return None;
        }
        let scheme = scheme_before(&text[..start]);
        if scheme.is_none() && !starts_alone(&text[..start]) {
            return None;
        }
        let (port, stop) = port_after(text, end);
        let host = Named {
            name,
            domain,
            port,
            known_port: port.is_some_and(|port| known.ports.contains(&port)),
            certain: scheme.is_some(),
            scheme: scheme.unwrap_or_default(),
        };
        Some((host, stop))
    }
}

impl Known {
    fn is_domain(&self, domain: &str) -> bool {
        let Some(rest) = self
            .namespace
            .as_deref()
            .and_then(|namespace| domain.strip_prefix('.')?.strip_prefix(namespace))
        else {
            return false;
        };
        DOMAINS.contains(&rest)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') || !byte.is_ascii()
}

fn next_word(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes().get(from..)?;
    Some(from + bytes.iter().position(|byte| is_word(*byte))?)
}

fn word_end(text: &str, start: usize) -> usize {
    let rest = &text.as_bytes()[start..];
    start + rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len())
}

/// The scheme when the text so far makes what follows the host of a URL: `http://` or `postgres://user:password@`.
fn scheme_before(before: &str) -> Option<&str> {
    let authority = if let Some(user) = before.strip_suffix('@') {
        let slashes = user.rfind("//")?;
        let user = &user[slashes + 2..];
        if user.contains(|c: char| c.is_whitespace() || "/\"'<>".contains(c)) {
            return None;
        }
        &before[..slashes]
    } else {
        before.strip_suffix("//")?
    };
    let Some(head) = authority.strip_suffix(':') else {
        return Some("");
    };
    let start = head
        .rfind(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c))
        .map_or(0, |at| at + head[at..].chars().next().map_or(1, char::len_utf8));
    Some(&head[start..])
}

/// Whether what follows starts a word that is no part of a path, an image or another name.
fn starts_alone(before: &str) -> bool {
    before
        .bytes()
        .next_back()
        .is_none_or(|byte| !matches!(byte, b'/' | b':' | b'@' | b'%' | b'\\' | b'~'))
}

/// The port behind a host, and where it ends.
fn port_after(text: &str, end: usize) -> (Option<u16>, usize) {
    let Some(rest) = text[end..].strip_prefix(':') else {
        return (None, end);
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let ends = rest.as_bytes().get(digits).is_none_or(|byte| !is_word(*byte));
    match rest[..digits].parse::<u16>() {
        Ok(port) if ends && port > 0 => (Some(port), end + 1 + digits),
        _ => (None, end),
    }
}

/// Visits each text of an object that may name a host: variables, arguments, and the data of ConfigMaps and Secrets.
pub(super) fn texts(object: &Object, visit: &mut dyn FnMut(&str)) {
    let mut value = object.value().clone();
    let see = std::cell::RefCell::new(visit);
    rewrite_texts(object, &mut value, &|text| {
        (see.borrow_mut())(text);
        None
    });
}

/// Replaces each text of an object that may name a host; `value` is the copy that is changed.
pub(super) fn rewrite_texts(object: &Object, value: &mut Value, with: &dyn Fn(&str) -> Option<String>) {
    if object.is("", "ConfigMap") {
        each(value, "data", with);
    }
    if object.is("", "Secret") {
        each(value, "stringData", with);
        each(value, "data", &|packed| {
            let bytes = STANDARD
                .decode(packed.split_ascii_whitespace().collect::<String>())
                .ok()?;
            let text = String::from_utf8(bytes).ok()?;
            with(&text).map(|new| STANDARD.encode(new))
        });
    }
    let Some(workload) = object.workload() else { return };
    let Some(spec) = value.pointer_mut(&format!("{}/spec", workload.kind().pod_pointer())) else {
        return;
    };
    for group in ["containers", "initContainers"] {
        let containers = spec.get_mut(group).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            for words in ["command", "args"] {
                each(container, words, with);
            }
            let variables = container.get_mut("env").and_then(Value::as_array_mut);
            for variable in variables.into_iter().flatten() {
                each(variable, "value", with);
            }
        }
    }
}

/// The text of a field, or every text of its map or list, not deeper.
fn each(parent: &mut Value, field: &str, with: &dyn Fn(&str) -> Option<String>) {
    match parent.get_mut(field) {
        Some(Value::Object(map)) => map.values_mut().for_each(|value| one(value, with)),
        Some(Value::Array(list)) => list.iter_mut().for_each(|value| one(value, with)),
        Some(value) => one(value, with),
        None => {}
    }
}

fn one(value: &mut Value, with: &dyn Fn(&str) -> Option<String>) {
    if let Value::String(text) = value
        && let Some(new) = with(text)
    {
        *text = new;
    }
}
