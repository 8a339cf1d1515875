//! `windlass.yaml`: the platform, its services and environments, with all defaults filled in.
//!
//! A mistake is an error that points at its place. Whether files, charts and branches that it names are there is not
//! known here.

mod application;
mod consistency;
mod environment;
mod error;
mod freeze;
mod layout;
mod node;
mod reading;
mod schema;
mod shape;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use environment::{
    Amount, Analysis, Business, CanaryStep, Deploy, Environment, Gates, Impersonate, Inconclusive, Runtime,
    Severity, Source, Step, Strategy, Values,
};
pub use error::ConfigError;
pub use freeze::{Freeze, Window};
pub use schema::json_schema;

use crate::argo::Files;

/// A platform as its configuration describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Name of the platform.
    pub platform: String,
    /// Registry and prefix of image names; `None` for the embedded store.
    pub registry: Option<String>,
    /// The services, by name.
    pub services: BTreeMap<String, Service>,
    /// Folder of the Helm chart, relative to the file; empty where every environment has an Application instead.
    pub chart: String,
    /// The Service where customer traffic enters.
    pub edge: String,
    /// The environments, in the order of the file.
    pub environments: Vec<Environment>,
    /// What a commit must pass, in order.
    pub ci: Vec<Step>,
    /// URLs that are told of every deployment.
    pub notify: Vec<String>,
}

/// A service of the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Where its image comes from.
    pub build: Build,
    /// Services that must be up before it.
    pub needs: Vec<String>,
    /// What part of the platform it is.
    pub component: Option<String>,
}

/// Where the image of a service comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Build {
    /// The binary of a Cargo package on an empty base.
    Cargo {
        /// The package.
        package: String,
        /// Its features.
        features: Vec<String>,
        /// Files and folders beside the binary, relative to the configuration.
        assets: Vec<String>,
    },
    /// A Dockerfile.
    Dockerfile {
        /// Its path.
        dockerfile: String,
        /// The folder that it sees.
        context: String,
    },
    /// A finished image, as it is.
    Image(String),
}

impl Config {
    /// Reads a configuration that names no other file; `path` is only for messages.
    pub fn parse(path: &str, text: &str) -> Result<Self, ConfigError> {
        Self::parse_with(path, text, &application::NoFiles)
    }

    /// Reads a configuration with the Applications that it names in `files`.
    pub fn parse_with(path: &str, text: &str, files: &dyn Files) -> Result<Self, ConfigError> {
        let read = || {
            let node = node::Node::parse(text)?;
            let value = layout::PLATFORM.read(&node)?;
            let config = reading::config(&value, &node, files)?;
            consistency::check(&config, &node)?;
            Ok(config)
        };
        read().map_err(|problem: error::Problem| problem.in_file(path, text))
    }

    /// An environment by name.
    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments
            .iter()
            .find(|environment| environment.name == name)
    }

    /// Environments that follow a branch without a person: their names are tags of its builds.
    pub fn followers(&self, branch: &str) -> Vec<String> {
        let follows = |environment: &&Environment| {
            environment.branch() == Some(branch) && environment.deploy == Deploy::Auto
        };
        self.environments
            .iter()
            .filter(follows)
            .map(|environment| environment.name.clone())
            .collect()
    }

    /// The services in an order in which each comes after all that it needs; equals by name.
    pub fn start_order(&self) -> Vec<&str> {
        let mut order = Vec::new();
        let mut up: BTreeSet<&str> = BTreeSet::new();
        while order.len() < self.services.len() {
            let ready = self.services.iter().find(|(name, service)| {
                !up.contains(name.as_str()) && service.needs.iter().all(|needed| up.contains(needed.as_str()))
            });
            // There is always one: a circle of needs was refused.
            let Some((name, _)) = ready else { break };
            up.insert(name);
            order.push(name.as_str());
        }
        order
    }
}
