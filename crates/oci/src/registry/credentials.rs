//! Who we are to a registry: what `docker login` stored. Secrets are never printed.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// What Docker calls its own registry in the file.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";
/// The user name that stands for an identity token in a helper's answer.
const TOKEN_USER: &str = "<token>";

/// How we prove who we are.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Credentials {
    /// Not at all: what everybody may do.
    #[default]
    Anonymous,
    /// By name and password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// By a token that is exchanged for others.
    Identity(String),
}

impl Credentials {
    /// What is stored for a registry in `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`, or by its helpers.
    pub fn stored(registry: &str) -> Self {
        let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
        let folder = folder.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker")));
        let text = folder.and_then(|folder| std::fs::read_to_string(folder.join("config.json")).ok());
        text.map_or(Self::Anonymous, |text| Self::of_file(&text, registry))
    }

    fn of_file(text: &str, registry: &str) -> Self {
        let file: File = serde_json::from_str(text).unwrap_or_default();
        let keys = keys(registry);
        let helper = keys
            .iter()
            .find_map(|key| file.helpers.get(key))
            .or(file.store.as_ref());
        let of_helper = || {
            let helper = helper?;
            keys.iter().find_map(|key| ask(helper, key))
        };
        let of_entry = || keys.iter().find_map(|key| file.auths.get(key)?.credentials());
        of_helper().or_else(of_entry).unwrap_or_default()
    }

    /// The value of a header for name and password.
    pub(super) fn basic(&self) -> Option<String> {
        match self {
            Self::Basic { user, password } => {
                Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
            }
            Self::Anonymous | Self::Identity(_) => None,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Basic { .. } => "Basic(***)",
            Self::Identity(_) => "Identity(***)",
        })
    }
}

#[derive(Deserialize, Default)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    auth: Option<String>,
    #[serde(rename = "identitytoken")]
    identity: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

impl Entry {
    fn credentials(&self) -> Option<Credentials> {
        if let Some(token) = self.identity.as_ref().filter(|token| !token.is_empty()) {
            return Some(Credentials::Identity(token.clone()));
        }
        let packed = || {
            let bytes = STANDARD.decode(self.auth.as_ref()?).ok()?;
            let text = String::from_utf8(bytes).ok()?;
            let (user, password) = text.split_once(':')?;
            Some((user.to_owned(), password.trim_end_matches('\0').to_owned()))
        };
        let plain = || Some((self.username.clone()?, self.password.clone()?));
        let (user, password) = packed().or_else(plain)?;
        Some(Credentials::Basic { user, password })
    }
}

/// How a registry may be called in the file.
fn keys(registry: &str) -> Vec<String> {
    let mut keys = vec![
        registry.to_owned(),
        format!("https://{registry}"),
        format!("https://{registry}/v2/"),
        format!("https://{registry}/v1/"),
    ];
    if registry == "docker.io" {
        keys.insert(0, DOCKER_HUB.to_owned());
    }
    keys
}

/// Asks `docker-credential-<helper>`, as Docker does: the registry on its input, JSON on its output.
fn ask(helper: &str, registry: &str) -> Option<Credentials> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        username: String,
        secret: String,
    }
    if !helper
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    {
        return None;
    }
    let mut child = Command::new(format!("docker-credential-{helper}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(registry.as_bytes()).ok()?;
    let output = child
        .wait_with_output()
        .ok()
        .filter(|output| output.status.success())?;
    let answer: Answer = serde_json::from_slice(&output.stdout).ok()?;
    Some(if answer.username == TOKEN_USER {
        Credentials::Identity(answer.secret)
    } else {
        Credentials::Basic {
            user: answer.username,
            password: answer.secret,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::Credentials;

    #[test]
    fn what_docker_login_stored_is_found() {
        let file = r#"{"auths": {
            "ghcr.io": {"auth": "YWRhOmh1c2g6eA=="},
            "https://index.docker.io/v1/": {"username": "bo", "password": "p"},
            "https://token.example": {"identitytoken": "t", "auth": "YTpi"},
            "broken.example": {"auth": "%%%"}
        }, "credHelpers": {"helped.example": "../evil"}}"#;
        let basic = |user: &str, password: &str| Credentials::Basic {
            user: user.to_owned(),
            password: password.to_owned(),
        };
        let cases = [
            ("ghcr.io", basic("ada", "hush:x")),
            ("docker.io", basic("bo", "p")),
            ("token.example", Credentials::Identity("t".to_owned())),
            ("broken.example", Credentials::Anonymous),
            ("helped.example", Credentials::Anonymous),
            ("unknown.example", Credentials::Anonymous),
        ];
        for (registry, expected) in cases {
            let found = Credentials::of_file(file, registry);
            assert_eq!(found, expected, "{registry}");
            assert!(!format!("{found:?}").contains("hush"));
        }
        assert_eq!(Credentials::of_file("no json", "ghcr.io"), Credentials::Anonymous);
    }
}
