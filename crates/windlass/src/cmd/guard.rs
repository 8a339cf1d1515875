//! `windlass guard`: judges what the files of this folder would deploy, before anything is pushed.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;
use windlass_core::config::{Config, Environment};
use windlass_core::machine::release::{Finding, Release};
use windlass_core::object::Object;
use windlass_engine::render::{Sources, render};
use windlass_guard::{Policy, judge};

use super::serve::configuration;
use super::wish::named;
use super::{Outcome, Shared};
use crate::place::Place;
use crate::say::Tone;

/// Verdicts.
#[derive(Debug, Subcommand)]
pub(super) enum Guard {
    /// Render each environment and judge its objects by all rules
    Check {
        /// Only this environment
        environment: Option<String>,
    },
    /// All rules, with what they ask for
    Rules,
}

impl Guard {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        match self {
            Self::Check { environment } => check(shared, environment.as_deref()),
            Self::Rules => Ok(rules(shared)),
        }
    }
}

fn check(shared: &Shared, only: Option<&str>) -> Result<Outcome> {
    let place = shared.place()?;
    let config = configuration(&place)?;
    let wanted: Vec<&Environment> = match only {
        Some(name) => vec![find(&config, name)?],
        None => config.environments.iter().collect(),
    };
    let mut found: BTreeMap<&str, Vec<Finding>> = BTreeMap::new();
    for environment in wanted {
        found.insert(&environment.name, verdict(&place, &config, environment)?);
    }
    let say = shared.say();
    say.document(&json!({ "environments": found }));
    for (environment, findings) in &found {
        let blocking = findings.iter().filter(|finding| finding.blocks).count();
        let tone = if blocking > 0 { Tone::Bad } else { Tone::Good };
        let count = format!("{} findings, {blocking} of them block", findings.len());
        say.line(format!(
            "{} {}",
            say.tone(Tone::Strong, environment),
            say.tone(tone, count)
        ));
        for finding in findings {
            let tone = if finding.blocks { Tone::Bad } else { Tone::Busy };
            say.line(format!("  {} {}", say.tone(tone, &finding.rule), finding.message));
            say.line(format!("    → {}", finding.remedy));
        }
    }
    say.next("windlass guard rules");
    let blocks = found.values().flatten().any(|finding| finding.blocks);
    Ok(if blocks { Outcome::Failed } else { Outcome::Done })
}

/// An environment of the configuration by name.
pub(super) fn find<'c>(config: &'c Config, name: &str) -> Result<&'c Environment> {
    named(&config.environments, name, |environment| &environment.name)
}

fn verdict(place: &Place, config: &Config, environment: &Environment) -> Result<Vec<Finding>> {
    Ok(judge(
        &objects(place, config, environment)?,
        Policy::of(environment),
    ))
}

/// The objects as the next release would have them; its images do not exist yet, so their digests are all zeros.
pub(super) fn objects(place: &Place, config: &Config, environment: &Environment) -> Result<Vec<Object>> {
    let none = format!("sha256:{}", "0".repeat(64));
    let release = Release {
        id: "these-files".to_owned(),
        commit: String::new(),
        subject: String::new(),
        version: "these-files".to_owned(),
        images: config
            .services
            .keys()
            .map(|service| (service.clone(), none.clone()))
            .collect(),
        built_at_ms: 0,
    };
    let sources = Sources::of_folder(&place.root, config, environment)?;
    Ok(render(sources, config, environment, &release)?.all())
}

fn rules(shared: &Shared) -> Outcome {
    let say = shared.say();
    let rules: Vec<_> = windlass_guard::RULES
        .iter()
        .map(|rule| json!({ "name": rule.name, "severity": rule.severity, "remedy": rule.remedy }))
        .collect();
    say.document(&rules);
    for rule in windlass_guard::RULES {
        say.line(format!(
            "{:<28} {:<9} {}",
            say.tone(Tone::Strong, rule.name),
            format!("{:?}", rule.severity).to_lowercase(),
            rule.remedy
        ));
    }
    say.next("windlass guard check");
    Outcome::Done
}
