//! A connection that switched protocols (WebSocket): bytes in both directions until a side ends it or its track retires.

use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;

use crate::claim::Flight;
use crate::connection::Connection;
use crate::live::{Retirement, TrackState};
use crate::upstream::Link;

/// Counted at its track until it is dropped.
struct Open(Arc<TrackState>);

impl Open {
    fn new(track: Arc<TrackState>) -> Self {
        track.open_tunnel();
        Self(track)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close_tunnel();
    }
}

/// Joins both sides in a task of its own. Counted before this returns, so a drain cannot miss it.
pub(super) fn begin(
    client: OnUpgrade,
    service: OnUpgrade,
    link: Link,
    flight: &Flight,
    connection: Arc<Connection>,
) {
    let retirement = flight.state().retirement(flight.audience());
    let open = Open::new(Arc::clone(flight.state()));
    if let Some(driver) = link.into_driver() {
        tokio::spawn(driver);
    }
    tokio::spawn(async move {
        let _connection = connection;
        let _open = open;
        tokio::select! {
            ended = join(client, service) => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a tunnel broke off");
                }
            }
            () = retired(retirement) => tracing::debug!("a tunnel ends with its track"),
        }
    });
}

async fn join(client: OnUpgrade, service: OnUpgrade) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (client, service) = tokio::try_join!(client, service)?;
    tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(service)).await?;
    Ok(())
}

/// Waits until the track wants its tunnels to end.
async fn retired(mut retirement: watch::Receiver<Retirement>) {
    loop {
        let now = *retirement.borrow_and_update();
        let changed = match now {
            Retirement::Now => return,
            Retirement::Not => retirement.changed().await,
            Retirement::After(grace) => match tokio::time::timeout(grace, retirement.changed()).await {
                Ok(changed) => changed,
                Err(_) => return,
            },
        };
        if changed.is_err() {
            return;
        }
    }
}
