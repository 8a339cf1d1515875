//! `windlass helm diff`: how two renders differ, by object and field. Values of secrets are never shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use windlass_chart::Rendered;

use super::flags::{COMMON, Flag, Flags, SOURCE, Takes, VALUES};
use super::template::{self, RENDER};
use super::{Stop, print};

/// Values of the second render, where they are not those of the first.
const OWN: &[Flag] = &[
    ("to-values", None, Takes::Many),
    ("to-set", None, Takes::Many),
    ("name", None, Takes::Text),
];

type Objects = BTreeMap<String, Value>;

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let flags = Flags::read(words, &[COMMON, VALUES, SOURCE, RENDER, OWN])?;
    let (from, to) = match flags.arguments.as_slice() {
        [chart] => (chart, chart),
        [from, to] => (from, to),
        _ => return Err(Stop::Usage("\"helm diff\" requires a chart, or two".to_owned())),
    };
    let profile = super::profile(&flags)?;
    let name = flags.one("name").unwrap_or("release-name");
    // The same seed on both sides, or every generated password would be a difference.
    let seeded = |chart: &str, more: &[String]| {
        let mut words: Vec<String> = words_without_own(words);
        words.extend(more.iter().cloned());
        if !flags.is_given("seed") {
            words.extend(["--seed".to_owned(), name.to_owned()]);
        }
        let flags = Flags::read(&words, &[COMMON, VALUES, SOURCE, RENDER])?;
        template::rendered(&flags, name, chart, profile)
    };
    let mut more = Vec::new();
    for (own, flag) in [("to-values", "--values"), ("to-set", "--set")] {
        for value in flags.many(own) {
            more.extend([flag.to_owned(), value.clone()]);
        }
    }
    let old = objects(&seeded(from, &[])?)?;
    let new = objects(&seeded(to, &more)?)?;
    print(compare(&old, &new).as_bytes());
    Ok(())
}

fn words_without_own(words: &[String]) -> Vec<String> {
    let own = |word: &str| OWN.iter().any(|it| word == format!("--{}", it.0));
    let mut kept = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if own(word) {
            words.next();
        } else if !OWN.iter().any(|it| word.starts_with(&format!("--{}=", it.0))) {
            kept.push(word.clone());
        }
    }
    kept
}

/// Every object by `namespace/kind/name`.
fn objects(rendered: &Rendered) -> Result<Objects, Stop> {
    let texts = rendered
        .manifests
        .iter()
        .map(|it| &it.text)
        .chain(rendered.hooks.iter().map(|it| &it.text));
    let mut all = Objects::new();
    for text in texts {
        for document in windlass_chart::yaml::parse(text).map_err(|it| it.to_string())? {
            let object = document.to_json();
            if object.is_object() {
                let part = |path: &str| {
                    object
                        .pointer(path)
                        .and_then(Value::as_str)
                        .unwrap_or("-")
                        .to_owned()
                };
                let key = format!(
                    "{}/{}/{}",
                    part("/metadata/namespace"),
                    part("/kind"),
                    part("/metadata/name")
                );
                all.insert(key, object);
            }
        }
    }
    Ok(all)
}

fn compare(old: &Objects, new: &Objects) -> String {
    let mut out = String::new();
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let (mut added, mut removed, mut changed) = (0, 0, 0);
    for key in keys {
        match (old.get(key), new.get(key)) {
            (None, Some(_)) => {
                added += 1;
                let _ = writeln!(out, "+ {key}");
            }
            (Some(_), None) => {
                removed += 1;
                let _ = writeln!(out, "- {key}");
            }
            (Some(a), Some(b)) if a != b => {
                changed += 1;
                let _ = writeln!(out, "~ {key}");
                let secret = a.get("kind").and_then(Value::as_str) == Some("Secret");
                fields(a, b, "", secret, &mut out);
            }
            _ => {}
        }
    }
    let _ = writeln!(out, "{added} added, {removed} removed, {changed} changed");
    out
}

fn fields(a: &Value, b: &Value, path: &str, secret: bool, out: &mut String) {
    if a == b {
        return;
    }
    if let (Value::Object(old), Value::Object(new)) = (a, b) {
        let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            let (a, b) = (
                old.get(key).unwrap_or(&Value::Null),
                new.get(key).unwrap_or(&Value::Null),
            );
            fields(a, b, &format!("{path}.{key}"), secret, out);
        }
        return;
    }
    if let (Value::Array(old), Value::Array(new)) = (a, b)
        && old.len() == new.len()
    {
        for (at, (a, b)) in old.iter().zip(new).enumerate() {
            fields(a, b, &format!("{path}[{at}]"), secret, out);
        }
        return;
    }
    let masked = secret && (path.starts_with(".data") || path.starts_with(".stringData"));
    let shown = |it: &Value| {
        if it.is_null() {
            "(none)".to_owned()
        } else if masked {
            "(secret)".to_owned()
        } else {
            it.to_string()
        }
    };
    let _ = writeln!(out, "    {path}: {} -> {}", shown(a), shown(b));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_named_and_secrets_masked() {
        let old = Objects::from([
            (
                "-/Deployment/a".to_owned(),
                json!({"kind": "Deployment", "spec": {"replicas": 1, "c": [{"image": "x:1"}]}}),
            ),
            (
                "-/Secret/s".to_owned(),
                json!({"kind": "Secret", "data": {"password": "b2xk"}}),
            ),
            ("-/Service/gone".to_owned(), json!({"kind": "Service"})),
        ]);
        let new = Objects::from([
            (
                "-/Deployment/a".to_owned(),
                json!({"kind": "Deployment", "spec": {"replicas": 2, "c": [{"image": "x:2"}]}}),
            ),
            (
                "-/Secret/s".to_owned(),
                json!({"kind": "Secret", "data": {"password": "bmV3"}}),
            ),
            ("-/Service/new".to_owned(), json!({"kind": "Service"})),
        ]);
        let text = compare(&old, &new);
        let expected = "\
~ -/Deployment/a
    .spec.c[0].image: \"x:1\" -> \"x:2\"
    .spec.replicas: 1 -> 2
~ -/Secret/s
    .data.password: (secret) -> (secret)
- -/Service/gone
+ -/Service/new
1 added, 1 removed, 2 changed
";
        assert_eq!(text, expected);
    }
}
