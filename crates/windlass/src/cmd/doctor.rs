//! `windlass doctor`: finds out what is missing on this machine, and says how to get it.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;
use windlass_core::config::{Config, Environment};

use super::{Outcome, Shared, next, rbac, serve, wait_for};
use crate::client::Client;
use crate::place::Place;
use crate::say::Tone;
use crate::wire;
use crate::wire::cluster::Reach;

/// Permissions that are named when they are missing.
const MISSING_SHOWN: usize = 5;

/// What is missing.
#[derive(Debug, Args)]
pub(super) struct Doctor {}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    what: String,
    good: bool,
    detail: String,
    hint: String,
}

impl Doctor {
    #[expect(clippy::unused_self, reason = "every verb is run the same way")]
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let say = shared.say();
        let place = shared.place()?;
        let mut checks = vec![
            program("git", "--version", "install git"),
            program(
                "cargo",
                "--version",
                "install the Rust toolchain from https://rustup.rs",
            ),
            program("cc", "--version", "install a C compiler: gcc or clang"),
        ];
        let running = Client::running(&place.contact());
        match serve::configuration(&place) {
            Ok(config) => {
                checks.push(check(
                    "windlass.yaml",
                    true,
                    format!("{} environments", config.environments.len()),
                    "",
                ));
                if running.is_none() {
                    checks.extend(ports(&config));
                }
                checks.extend(clusters(&place, &config));
            }
            Err(error) => checks.push(check("windlass.yaml", false, format!("{error:#}"), "correct it")),
        }
        checks.push(state(&place));
        let controller = running.as_ref().map_or("does not run".to_owned(), |client| {
            client.contact().address.to_string()
        });
        checks.push(check("controller", true, controller, ""));
        say.document(&checks);
        for one in &checks {
            let sign = if one.good {
                say.tone(Tone::Good, "✔ fine   ")
            } else {
                say.tone(Tone::Bad, "✖ missing")
            };
            say.line(format!("{sign} {:<18} {}", one.what, one.detail));
            if !one.good {
                say.line(format!("            → {}", one.hint));
            }
        }
        match running.and_then(|client| client.view().ok()) {
            Some(view) => say.next(next::of(&view)),
            None => say.next("windlass up"),
        }
        Ok(if checks.iter().all(|check| check.good) {
            Outcome::Done
        } else {
            Outcome::Failed
        })
    }
}

fn check(what: impl Into<String>, good: bool, detail: impl Into<String>, hint: &str) -> Check {
    Check {
        what: what.into(),
        good,
        detail: detail.into(),
        hint: hint.to_owned(),
    }
}

fn program(name: &str, argument: &str, hint: &str) -> Check {
    let output = Command::new(name).arg(argument).stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            check(name, true, text.lines().next().unwrap_or_default(), "")
        }
        Ok(output) => check(name, false, format!("ends with {}", output.status), hint),
        Err(error) => check(name, false, error.to_string(), hint),
    }
}

fn ports(config: &Config) -> Vec<Check> {
    let wanted = config
        .environments
        .iter()
        .filter_map(|environment| Some((environment.port?, &environment.name)));
    wanted
        .map(
            |(port, name)| match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
                Ok(_) => check(format!("port {port}"), true, format!("free for {name}"), ""),
                Err(error) => check(
                    format!("port {port}"),
                    false,
                    format!("for {name}: {error}"),
                    "stop what listens there, or give the environment another `port`",
                ),
            },
        )
        .collect()
}

/// Reaches each cluster, and asks it for all that a release of these files needs before the first write needs it. What is
/// asked of the cluster itself is asked once.
fn clusters(place: &Place, config: &Config) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut examined: Vec<Option<&str>> = Vec::new();
    for environment in &config.environments {
        let Some((reach, namespace)) = Reach::of(&environment.runtime) else {
            continue;
        };
        let greeting = wait_for(wire::cluster::greeting(&reach));
        let reached = greeting.is_ok();
        let greeting = greeting.map(|greeting| format!("namespace {namespace} of {greeting}"));
        checks.push(told(format!("cluster {}", environment.name), greeting));
        if reached && !examined.contains(&reach.context) {
            examined.push(reach.context);
            let found = wait_for(wire::cluster::examined(&reach)).unwrap_or_default();
            checks.extend(
                found
                    .into_iter()
                    .map(|(what, found)| told(what.to_owned(), found)),
            );
        }
        if reached {
            let allowed = allowed(place, config, environment, (&reach, namespace));
            checks.push(told(format!("access {}", environment.name), allowed));
        }
    }
    checks
}

fn allowed(
    place: &Place,
    config: &Config,
    environment: &Environment,
    (reach, namespace): (&Reach<'_>, &str),
) -> Result<String> {
    let access = rbac::needed(place, config, environment, namespace)?;
    let missing = wait_for(wire::cluster::missing(reach, namespace, &access))?;
    let all = access.namespaced.len() + access.wide.len();
    if missing.is_empty() {
        return Ok(format!("all {all} permissions that these files need"));
    }
    let shown: Vec<&str> = missing.iter().take(MISSING_SHOWN).map(String::as_str).collect();
    let more = match missing.len().saturating_sub(shown.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    bail!(
        "not allowed: {}{more}\nhint: whoever may can allow it: windlass rbac {} | kubectl apply -f -",
        shown.join(", "),
        environment.name
    )
}

/// An error's text has its hint behind it.
fn told(what: String, found: Result<String>) -> Check {
    match found {
        Ok(detail) => check(what, true, detail, ""),
        Err(error) => {
            let text = format!("{error:#}");
            let (detail, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
            check(what, false, detail, hint)
        }
    }
}

fn state(place: &Place) -> Check {
    let shown = place.state.display().to_string();
    let probe = place.state.join(".writable");
    match std::fs::create_dir_all(&place.state).and_then(|()| std::fs::write(&probe, b"")) {
        Ok(()) => {
            let _ = std::fs::remove_file(&probe);
            check("state folder", true, shown, "")
        }
        Err(error) => check(
            "state folder",
            false,
            format!("{shown}: {error}"),
            "`--state` names another folder",
        ),
    }
}
