//! The composition root: the one place that knows every room and puts them together.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Result, bail};
use windlass_core::config::Config;

use crate::place::Place;

/// Is the controller of a platform until a signal asks it to end.
pub(crate) async fn serve(
    place: &Place,
    _config: &Config,
    _listen: SocketAddr,
    _repository: Option<&Path>,
) -> Result<()> {
    std::future::ready(()).await;
    bail!(
        "the controller of {} is not put together yet",
        place.state.display()
    )
}

/// Stops instances and proxy.
pub(crate) async fn stop_all(place: &Place) -> Result<()> {
    std::future::ready(()).await;
    bail!("nothing of {} is put together yet", place.state.display())
}
