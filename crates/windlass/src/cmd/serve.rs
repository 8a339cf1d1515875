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
    /// Lease on the cluster, as NAME or NAMESPACE/NAME: of all that name it, the one that holds it is the controller, and
    /// the others stand by
    #[arg(long, value_name = "LEASE")]
    lease: Option<String>,
    /// Address that says whether this process lives (`/livez`) and can do its work (`/readyz`)
    #[arg(long, value_name = "ADDRESS")]
    probe: Option<SocketAddr>,
}

impl Serve {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let place = shared.place()?;
        let config = configuration(&place)?;
        let serving = wire::Serving {
            listen: self.listen,
            repository: self.repository.as_deref(),
            lease: self.lease.as_deref(),
            probe: self.probe,
        };
        wait_for(wire::serve(&place, &config, &serving))?;
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
