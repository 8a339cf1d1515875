//! A secret in a manifest is in Git, in the plan and in every copy of both. The value itself is never shown.

use windlass_core::config::Severity;
use windlass_core::object::EnvValue;

use super::{Rule, Scene};

/// Last words of names that hold secrets.
const SECRET_WORDS: [&str; 8] = [
    "PASSWORD",
    "PASSWD",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "API_KEY",
    "PRIVATE_KEY",
    "ACCESS_KEY",
];
/// What a private key starts with.
const PRIVATE_KEY: &str = "PRIVATE KEY-----";

pub(super) const RULE: Rule = Rule {
    name: "plain-secret",
    severity: Severity::High,
    remedy: "put the value into a Secret (or an ExternalSecret) and refer to it with `secretKeyRef` or `secretRef`",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    for (place, _, container) in scene.containers() {
        for variable in container.env() {
            if let EnvValue::Literal(value) = variable.value
                && is_secret(variable.name, value)
            {
                say(format!(
                    "{place}: the variable {} holds a secret in plain text",
                    variable.name
                ));
            }
        }
    }
    for config in scene.objects.iter().filter(|object| object.is("", "ConfigMap")) {
        let data = config
            .value()
            .pointer("/data")
            .and_then(serde_json::Value::as_object);
        for (key, value) in data.into_iter().flatten() {
            if value.as_str().is_some_and(|value| is_secret(key, value)) {
                say(format!(
                    "ConfigMap/{}: {key} holds a secret in plain text",
                    config.name()
                ));
            }
        }
    }
}

fn is_secret(name: &str, value: &str) -> bool {
    // `$(NAME)` takes the value of another variable.
    if value.is_empty() || value.starts_with("$(") {
        return false;
    }
    let name = name.to_uppercase().replace(['-', '.'], "_");
    let named = SECRET_WORDS
        .iter()
        .any(|word| name == *word || name.ends_with(&format!("_{word}")));
    // `.../password` and the like say where a secret is, not what it is.
    let is_path = value.starts_with('/') && !value.contains(' ');
    (named && !is_path) || value.contains(PRIVATE_KEY) || has_password(value)
}

/// Whether a URL carries a password: `scheme://user:password@host`.
fn has_password(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let Some((user, _)) = authority.rsplit_once('@') else {
        return false;
    };
    user.split_once(':')
        .is_some_and(|(_, password)| !password.is_empty() && !password.starts_with("$("))
}
