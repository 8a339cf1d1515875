//! From a tree whose shape is right to the typed configuration with its defaults. It does not check what parts mean
//! together.

use serde_json::{Map, Value};

use super::application;
use super::environment::{
    Amount, Analysis, Business, CanaryStep, Deploy, Environment, Gates, Impersonate, Inconclusive, Runtime,
    Severity, Source, Step, Strategy, Values,
};
use super::error::Problem;
use super::freeze::{self, Freeze, WEEKLY_MS_MAX, Window};
use super::node::Node;
use super::{Build, Config, Service};
use crate::argo::Files;

const WATCH_MS: u64 = 30 * 60_000;
const APPROVAL_EXPIRES_MS: u64 = 24 * 3_600_000;
const STEP_TIMEOUT_MS: u64 = 15 * 60_000;
const FREEZE_MS: u64 = 24 * 3_600_000;

type Fields = Map<String, Value>;

/// Reads the whole file; `node` is the tree that `value` was made of and gives the places for messages.
pub(super) fn config(value: &Fields, node: &Node, files: &dyn Files) -> Result<Config, Problem> {
    let services = map(value, "services").map(|(name, fields)| {
        let node = node.deepest(&["services", name]);
        Ok((name.clone(), service(fields, node)?))
    });
    let chart = text(value, "chart").unwrap_or_default();
    let environments = map(value, "environments").map(|(name, fields)| {
        environment(
            name,
            fields,
            &chart,
            (node.deepest(&["environments", name]), files),
        )
    });
    Ok(Config {
        platform: text(value, "platform").unwrap_or_default(),
        registry: text(value, "registry"),
        edge: text(value, "edge").unwrap_or_default(),
        services: services.collect::<Result<_, Problem>>()?,
        environments: environments.collect::<Result<_, Problem>>()?,
        ci: steps(value, "ci"),
        notify: texts(value, "notify"),
        chart,
    })
}

fn service(value: &Fields, node: &Node) -> Result<Service, Problem> {
    let build = match (
        value.get("build").and_then(Value::as_object),
        text(value, "image"),
    ) {
        (Some(fields), None) => build(fields, node.deepest(&["build"]))?,
        (None, Some(image)) => Build::Image(image),
        (None, None) => {
            return Err(Problem::new(
                node.span,
                "a service has neither `build` nor `image`",
                "add `build: { cargo: NAME }`",
            ));
        }
        (Some(_), Some(_)) => {
            let hint = "keep `build` to build it here, `image` to take it as it is";
            return Err(Problem::new(
                node.deepest(&["image"]).span,
                "a service has both `build` and `image`",
                hint,
            ));
        }
    };
    Ok(Service {
        build,
        needs: texts(value, "needs"),
        component: text(value, "component"),
    })
}

fn build(value: &Fields, node: &Node) -> Result<Build, Problem> {
    match (text(value, "cargo"), text(value, "dockerfile")) {
        (Some(package), None) => {
            if value.contains_key("context") {
                let hint = "remove it, or build with `dockerfile`";
                return Err(Problem::new(
                    node.deepest(&["context"]).span,
                    "`context` is for a Dockerfile",
                    hint,
                ));
            }
            Ok(Build::Cargo {
                package,
                features: texts(value, "features"),
                assets: texts(value, "assets"),
            })
        }
        (None, Some(dockerfile)) => {
            for key in ["features", "assets"] {
                if value.contains_key(key) {
                    let cause = format!("`{key}` is for a build with `cargo`");
                    return Err(Problem::new(
                        node.deepest(&[key]).span,
                        cause,
                        "the Dockerfile says what goes in",
                    ));
                }
            }
            let folder = dockerfile
                .rsplit_once('/')
                .map_or(".", |(folder, _)| folder)
                .to_owned();
            Ok(Build::Dockerfile {
                context: text(value, "context").unwrap_or(folder),
                dockerfile,
            })
        }
        (None, None) => Err(Problem::new(
            node.span,
            "a build has neither `cargo` nor `dockerfile`",
            "add `cargo: NAME`",
        )),
        (Some(_), Some(_)) => {
            let hint = "one image is built in one way: remove one of them";
            Err(Problem::new(
                node.deepest(&["dockerfile"]).span,
                "a build has both `cargo` and `dockerfile`",
                hint,
            ))
        }
    }
}

fn environment(
    name: &str,
    value: &Fields,
    chart: &str,
    (node, files): (&Node, &dyn Files),
) -> Result<Environment, Problem> {
    let application = application::find(value, node, files)?;
    let default = || Values::Default(format!("{}/values.{name}.yaml", chart.trim_end_matches('/')));
    let freezes = list(value, "freeze").zip(node.deepest(&["freeze"]).items());
    Ok(Environment {
        name: name.to_owned(),
        runtime: match &application {
            Some(it) => application::runtime(it, runtime(value.get("runtime")), node)?,
            None => runtime(value.get("runtime")),
        },
        source: match &application {
            Some(it) => application::source(it, files),
            None => source(value, node)?,
        },
        port: number(value, "port").and_then(|port| u16::try_from(port).ok()),
        deploy: match &application {
            Some(it) => application::deploy(it, APPROVAL_EXPIRES_MS).stricter(&deploy(value.get("deploy"))),
            None => deploy(value.get("deploy")),
        },
        break_glass: texts(value, "break-glass"),
        strategy: strategy(value.get("strategy")),
        watch_ms: number(value, "watch").unwrap_or(WATCH_MS),
        application,
        health_scripts: texts(value, "health-scripts"),
        values: value
            .get("values")
            .map_or_else(default, |_| Values::Named(texts(value, "values"))),
        promote_from: text(value, "promote-from"),
        gates: gates(inner(value, "gates")),
        freeze: freezes
            .map(|(fields, node)| freeze(fields, node))
            .collect::<Result<_, _>>()?,
        analysis: analysis(inner(value, "analysis")),
        verify: steps(value, "verify"),
    })
}

fn runtime(value: Option<&Value>) -> Runtime {
    match value.and_then(|value| value.get("kubernetes")?.as_object()) {
        None => Runtime::Local,
        Some(cluster) => Runtime::Kubernetes {
            context: text(cluster, "context"),
            namespace: text(cluster, "namespace").unwrap_or_default(),
            impersonate: inner(cluster, "impersonate").map(|identity| Impersonate {
                user: text(identity, "user").unwrap_or_default(),
                groups: texts(identity, "groups"),
            }),
        },
    }
}

fn source(value: &Fields, node: &Node) -> Result<Source, Problem> {
    if !value.contains_key("source") {
        return Err(Problem::new(
            node.span,
            "an environment has no `source`",
            "add `source:` a map that describes a source, or `application:` an Argo CD manifest",
        ));
    }
    let node = node.deepest(&["source"]);
    let empty = Fields::new();
    let value = inner(value, "source").unwrap_or(&empty);
    match (text(value, "worktree"), text(value, "branch")) {
        (Some(path), None) if !value.contains_key("repository") => Ok(Source::Worktree(path)),
        (None, Some(branch)) => Ok(Source::Branch {
            branch,
            repository: text(value, "repository"),
        }),
        (Some(_), None) => {
            let hint = "to follow another repository, name its branch instead of a work tree";
            Err(Problem::new(
                node.deepest(&["repository"]).span,
                "a work tree has no `repository`",
                hint,
            ))
        }
        (Some(_), Some(_)) => {
            let hint = "keep `worktree` for files as they are, `branch` for commits";
            Err(Problem::new(
                node.deepest(&["branch"]).span,
                "a source has both `worktree` and `branch`",
                hint,
            ))
        }
        (None, None) => Err(Problem::new(
            node.span,
            "a source has neither `branch` nor `worktree`",
            "add `branch: main`",
        )),
    }
}

fn deploy(value: Option<&Value>) -> Deploy {
    let one = |count, expires, people| Deploy::Approvals {
        count,
        expires_ms: expires,
        people,
    };
    match value {
        Some(Value::String(word)) if word == "manual" => one(1, APPROVAL_EXPIRES_MS, Vec::new()),
        Some(Value::Object(fields)) => one(
            count(fields, "approvals", 1),
            number(fields, "expires").unwrap_or(APPROVAL_EXPIRES_MS),
            texts(fields, "people"),
        ),
        _ => Deploy::Auto,
    }
}

fn strategy(value: Option<&Value>) -> Strategy {
    match value {
        Some(Value::String(word)) if word == "recreate" => Strategy::Recreate,
        Some(Value::Object(fields)) => match (inner(fields, "rolling"), inner(fields, "canary")) {
            (Some(rolling), _) => Strategy::Rolling {
                max_surge: rolling
                    .get("max-surge")
                    .and_then(amount)
                    .unwrap_or(Amount::Count(1)),
                max_unavailable: rolling
                    .get("max-unavailable")
                    .and_then(amount)
                    .unwrap_or(Amount::Count(0)),
            },
            (None, Some(canary)) => Strategy::Canary {
                steps: canary
                    .get("steps")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(canary_step)
                    .collect(),
            },
            (None, None) => Strategy::BlueGreen,
        },
        _ => Strategy::BlueGreen,
    }
}

fn amount(value: &Value) -> Option<Amount> {
    match value.as_str() {
        Some(text) => text.strip_suffix('%')?.parse().ok().map(Amount::Percent),
        None => u32::try_from(value.as_u64()?).ok().map(Amount::Count),
    }
}

fn canary_step(value: &Value) -> Option<CanaryStep> {
    if value.as_str() == Some("approval") {
        return Some(CanaryStep::Approval);
    }
    match value.get("weight").and_then(Value::as_u64) {
        Some(weight) => u32::try_from(weight).ok().map(CanaryStep::Weight),
        None => value.get("pause").and_then(Value::as_u64).map(CanaryStep::Pause),
    }
}

fn gates(value: Option<&Fields>) -> Gates {
    let empty = Fields::new();
    let value = value.unwrap_or(&empty);
    Gates {
        checklist: texts(value, "checklist"),
        after: texts(value, "after"),
        severity: match text(value, "severity").as_deref() {
            Some("low") => Severity::Low,
            Some("medium") => Severity::Medium,
            Some("critical") => Severity::Critical,
            _ => Severity::High,
        },
        soak_ms: number(value, "soak").unwrap_or(0),
        signed: value.get("signed").and_then(Value::as_bool).unwrap_or(false),
    }
}

fn analysis(value: Option<&Fields>) -> Analysis {
    let empty = Fields::new();
    let value = value.unwrap_or(&empty);
    Analysis {
        every_ms: number(value, "every").unwrap_or(1_000).max(100),
        alpha: share(value, "alpha").unwrap_or(0.01),
        errors_max: share(value, "errors").unwrap_or(0.01),
        worse_by: share(value, "worse-by").unwrap_or(0.001),
        latency_p99_ms_max: number(value, "latency-p99"),
        requests_min: count(value, "requests", 100),
        inconclusive: match text(value, "inconclusive").as_deref() {
            Some("wait") => Inconclusive::Wait,
            Some("rollback") => Inconclusive::Rollback,
            _ => Inconclusive::Promote,
        },
        business: map(value, "business")
            .map(|(name, fields)| (name.clone(), business(fields)))
            .collect(),
    }
}

fn business(value: &Fields) -> Business {
    Business {
        service: text(value, "service").unwrap_or_default(),
        good: text(value, "good").unwrap_or_default(),
        of: text(value, "of").unwrap_or_default(),
        min: share(value, "min"),
        drop: share(value, "drop").unwrap_or(0.05),
    }
}

fn freeze(value: &Fields, node: &Node) -> Result<Freeze, Problem> {
    let wrong = |key: &str, form: &str| {
        let cause = format!("`{key}` of a freeze is no time that can be read");
        Problem::new(node.deepest(&[key]).span, cause, format!("write it as `{form}`"))
    };
    let at = |key: &str| text(value, key);
    let weekly = ["days", "from", "for", "offset"]
        .iter()
        .any(|key| value.contains_key(*key));
    let single = ["start", "end"].iter().any(|key| value.contains_key(*key));
    let hint = "give `days` and `from` for every week, or `start` and `end` for once";
    let window = match (weekly, single) {
        (true, false) => {
            let days: Vec<u8> = (0u8..)
                .zip(freeze::DAYS)
                .filter(|(_, day)| texts(value, "days").iter().any(|d| d == day))
                .map(|(index, _)| index)
                .collect();
            if days.is_empty() {
                return Err(Problem::new(
                    node.span,
                    "a weekly freeze has no `days`",
                    "for example `days: [fri, sat, sun]`",
                ));
            }
            let from = at("from").unwrap_or_else(|| "00:00".to_owned());
            let offset = at("offset").unwrap_or_else(|| "+00:00".to_owned());
            let length_ms = number(value, "for").unwrap_or(FREEZE_MS);
            if length_ms > WEEKLY_MS_MAX {
                return Err(Problem::new(
                    node.deepest(&["for"]).span,
                    "a weekly freeze lasts longer than a week",
                    "at most `7d`",
                ));
            }
            Window::Weekly {
                days,
                from_min: freeze::minute_of_day(&from).ok_or_else(|| wrong("from", "16:00"))?,
                length_ms,
                offset_min: freeze::offset_min(&offset).ok_or_else(|| wrong("offset", "+02:00"))?,
            }
        }
        (false, true) => {
            let read = |key: &str| {
                at(key)
                    .as_deref()
                    .and_then(freeze::instant_ms)
                    .ok_or_else(|| wrong(key, "2026-12-20T00:00:00Z"))
            };
            let (start_ms, end_ms) = (read("start")?, read("end")?);
            if end_ms <= start_ms {
                return Err(Problem::new(
                    node.deepest(&["end"]).span,
                    "a freeze ends before it starts",
                    "look at both times",
                ));
            }
            Window::Once { start_ms, end_ms }
        }
        (true, true) | (false, false) => {
            return Err(Problem::new(node.span, "a freeze does not say when it is", hint));
        }
    };
    Ok(Freeze {
        reason: at("reason").unwrap_or_default(),
        window,
    })
}

fn steps(value: &Fields, key: &str) -> Vec<Step> {
    let step = |fields: &Fields| Step {
        name: text(fields, "name").unwrap_or_default(),
        run: texts(fields, "run"),
        timeout_ms: number(fields, "timeout").unwrap_or(STEP_TIMEOUT_MS),
    };
    list(value, key).map(step).collect()
}

fn inner<'a>(value: &'a Fields, key: &str) -> Option<&'a Fields> {
    value.get(key)?.as_object()
}

fn map<'a>(value: &'a Fields, key: &str) -> impl Iterator<Item = (&'a String, &'a Fields)> {
    let entries = inner(value, key).into_iter().flat_map(Map::iter);
    entries.filter_map(|(name, value)| Some((name, value.as_object()?)))
}

fn list<'a>(value: &'a Fields, key: &str) -> impl Iterator<Item = &'a Fields> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
}

fn text(value: &Fields, key: &str) -> Option<String> {
    Some(value.get(key)?.as_str()?.to_owned())
}

fn texts(value: &Fields, key: &str) -> Vec<String> {
    let items = value.get(key).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| Some(item.as_str()?.to_owned())).collect()
}

fn number(value: &Fields, key: &str) -> Option<u64> {
    value.get(key)?.as_u64()
}

fn count(value: &Fields, key: &str, default: u32) -> u32 {
    number(value, key)
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or(default)
}

fn share(value: &Fields, key: &str) -> Option<f64> {
    value.get(key)?.as_f64()
}
