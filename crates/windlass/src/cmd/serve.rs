//! `windlass serve`: is the controller, in the foreground. `windlass up` starts it in the background.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use windlass_core::config::Config;
use windlass_engine::checkout::Checkout;

use super::{Outcome, Shared, wait_for};
use crate::place::Place;
use crate::wire;

/// Where API and page are found if nothing else is said.
pub(super) const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 3900);

/// Be the controller.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Address of the API and the release page; other than loopback means that others on the network reach it
    #[arg(long, default_value_t = LISTEN, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The repository whose branches are followed; without it, the one that holds the configuration
    #[arg(long, value_name = "PATH")]
    repository: Option<PathBuf>,
}

impl Serve {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let place = shared.place()?;
        let config = configuration(&place)?;
        wait_for(wire::serve(
            &place,
            &config,
            self.listen,
            self.repository.as_deref(),
        ))?;
        Ok(Outcome::Done)
    }
}

/// Reads the configuration; a mistake is shown at its place.
pub(super) fn configuration(place: &Place) -> Result<Config> {
    let path = place.config();
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "{} cannot be read\nhint: `--config` names another file",
            path.display()
        )
    })?;
    let files = Checkout::Folder(&place.root);
    Ok(Config::parse_with(&path.display().to_string(), &text, &files)?)
}
