//! Chart.yaml.

use std::cmp::Ordering;

use super::{Run, Severity};
use crate::any::{Any, Map};
use crate::functions::url;
use crate::metadata::Metadata;
use crate::schema::Format;
use crate::version::Version;
use crate::{Limits, Profile, yaml};

const FILE: &str = "Chart.yaml";

/// What Chart.yaml may say; anything else is a slip.
const KEYS: [&str; 18] = [
    "name",
    "home",
    "sources",
    "version",
    "description",
    "keywords",
    "maintainers",
    "icon",
    "apiVersion",
    "condition",
    "tags",
    "appVersion",
    "deprecated",
    "annotations",
    "kubeVersion",
    "dependencies",
    "type",
    "namespace",
];

pub(super) fn lint(run: &mut Run<'_>) {
    let text = run.subject.files.get(FILE).map(Vec::as_slice).unwrap_or_default();
    let unreadable = |why: String| format!("unable to parse YAML\n\t{why}");
    let document = match yaml::read(text, &Limits::default()) {
        Ok(document) => document,
        Err(error) => {
            let why = unreadable(format!("error converting YAML to JSON: {error}"));
            return run.add(Severity::Error, FILE, why);
        }
    };
    let mut about = Metadata::default();
    if let Err(why) = about.read(&document) {
        return run.add(Severity::Error, FILE, unreadable(why));
    }
    let map = match &document {
        Any::Map(map) => map.clone(),
        _ => Map::empty(),
    };
    let helm4 = run.subject.options.profile == Profile::Helm4;
    if helm4
        && let Some(key) = map
            .keys()
            .into_iter()
            .find(|it| !KEYS.iter().any(|known| it.eq_ignore_ascii_case(known.as_bytes())))
    {
        let key = crate::go::quote::quoted(&key);
        let why = format!("error unmarshaling JSON: while decoding JSON: json: unknown field {key}");
        let why = format!("failed to strictly parse chart metadata file\n\t{why}");
        run.add(Severity::Warning, FILE, why);
    }
    for problem in [
        name(&about),
        api_version(&about),
        is_text(&map, "version"),
        version(&about),
        is_text(&map, "appVersion"),
        maintainers(&about),
        sources(&about),
    ]
    .into_iter()
    .flatten()
    {
        run.add(Severity::Error, FILE, problem);
    }
    if about.icon.is_empty() {
        run.add(Severity::Info, FILE, "icon is recommended");
    } else if !is_request_url(&about.icon) {
        run.add(
            Severity::Error,
            FILE,
            format!("invalid icon URL '{}'", about.icon),
        );
    }
    for problem in [kind(&about), dependencies(&about)].into_iter().flatten() {
        run.add(Severity::Error, FILE, problem);
    }
    if helm4 && !Version::is_strict(&about.version) {
        let text = format!("version '{}' is not a valid SemVerV2", about.version);
        run.add(Severity::Warning, FILE, text);
    }
}

fn name(about: &Metadata) -> Option<String> {
    let name = &about.name;
    if name.is_empty() {
        return Some("name is required".to_owned());
    }
    let odd = name.contains('/') || name == "." || name == "..";
    (odd && name != "/").then(|| {
        format!(
            "chart name {} is invalid",
            crate::go::quote::quoted(name.as_bytes())
        )
    })
}

fn api_version(about: &Metadata) -> Option<String> {
    match about.api_version.as_str() {
        "" => Some("apiVersion is required. The value must be either \"v1\" or \"v2\"".to_owned()),
        "v1" | "v2" => None,
        other => Some(format!(
            "apiVersion '{other}' is not valid. The value must be either \"v1\" or \"v2\""
        )),
    }
}

fn is_text(map: &Map, key: &str) -> Option<String> {
    let value = map.get(key.as_bytes())?;
    let kind = value.type_name(Profile::Helm4);
    (kind != "string").then(|| format!("{key} should be of type string but it's of type {kind}"))
}

fn version(about: &Metadata) -> Option<String> {
    let text = &about.version;
    if text.is_empty() {
        return Some("version is required".to_owned());
    }
    let Ok(version) = Version::new(text) else {
        return Some(format!("version '{text}' is not a valid SemVer"));
    };
    let least = Version::new("0.0.0-0").ok()?;
    (version.compare(&least) != Ordering::Greater)
        .then(|| format!("version {text} is less than or equal to 0.0.0-0"))
}

fn maintainers(about: &Metadata) -> Option<String> {
    about.maintainers.iter().find_map(|it| {
        if it.name.is_empty() {
            return Some("each maintainer requires a name".to_owned());
        }
        if !it.email.is_empty() && !is_email(&it.email) {
            return Some(format!(
                "invalid email '{}' for maintainer '{}'",
                it.email, it.name
            ));
        }
        if !it.url.is_empty() && !is_url(&it.url) {
            return Some(format!("invalid url '{}' for maintainer '{}'", it.url, it.name));
        }
        None
    })
}

fn sources(about: &Metadata) -> Option<String> {
    let bad = about.sources.iter().find(|it| !is_request_url(it))?;
    Some(format!("invalid source URL '{bad}'"))
}

fn kind(about: &Metadata) -> Option<String> {
    let api = &about.api_version;
    (!about.kind.is_empty() && api != "v2")
        .then(|| format!("chart type is not valid in apiVersion '{api}'. It is valid in apiVersion 'v2'"))
}

fn dependencies(about: &Metadata) -> Option<String> {
    let api = &about.api_version;
    (!about.dependencies.is_empty() && api != "v2").then(|| {
        format!("dependencies are not valid in the Chart file with apiVersion '{api}'. They are valid in apiVersion 'v2'")
    })
}

/// An address with a scheme, or a path from the root with one.
fn is_request_url(text: &str) -> bool {
    url::parse(text.as_bytes()).is_ok_and(|it| !it.scheme.is_empty() && it.opaque.is_empty())
}

/// An address of a host that has a dot in its name, or is this machine; its scheme may be left out.
fn is_url(text: &str) -> bool {
    let whole = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let Ok(url) = url::parse(whole.as_bytes()) else {
        return false;
    };
    let host = String::from_utf8_lossy(&url.hostname()).into_owned();
    let scheme = matches!(
        url.scheme.as_slice(),
        b"http" | b"https" | b"ftp" | b"tcp" | b"udp" | b"ws" | b"wss" | b"irc"
    );
    scheme && !text.contains(' ') && (host == "localhost" || host.contains('.') || host.contains(':'))
}

fn is_email(text: &str) -> bool {
    let format = Format::of_name("email");
    let domain = text.rsplit_once('@').map_or("", |it| it.1);
    format.is_some_and(|it| it.problem(&Any::str(text)).is_none()) && domain.contains('.')
}
