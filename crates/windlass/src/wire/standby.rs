//! Stands by while another process is the controller: whoever comes here is led to that one, and when it is gone, this one
//! opens the ledger.

use std::io::Read as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use windlass_engine::controller::{Controller, ControllerError, Options};
use windlass_engine::ledger::{Ledger, LedgerError};

use super::cluster::Seat;

/// From try to try to open a ledger that the process before still holds.
const AGAIN: Duration = Duration::from_millis(500);
/// Random bytes behind a name: a process is not taken for the one of the same name before it.
const NONCE_BYTES: usize = 4;

/// A name for this process and no other, with the address at which it is reached: `windlass-0_5f3a91c2@10.244.0.7:3900`.
pub(super) fn identity(listen: SocketAddr) -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let name = variable("POD_NAME").or_else(|| {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
        Some(name.trim().to_owned())
    });
    let mut nonce = [0; NONCE_BYTES];
    let random = std::fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut nonce));
    if random.is_err() {
        nonce = std::process::id().to_be_bytes();
    }
    let ip = variable("POD_IP")
        .and_then(|ip| ip.parse().ok())
        .unwrap_or(listen.ip());
    let address = SocketAddr::new(ip, listen.port());
    let name = name.unwrap_or_else(|| "windlass".to_owned());
    format!("{name}_{}@{address}", hex::encode(nonce))
}

/// Where the process of an identity is reached.
fn address(identity: &str) -> Option<SocketAddr> {
    identity.rsplit_once('@')?.1.parse().ok()
}

/// How the time of standing by ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// This process is to act.
    Acts,
    /// It was told to end.
    Told,
}

/// Waits until this process is to act.
pub(super) async fn wait(
    seat: &Seat,
    listener: &TcpListener,
    ready: &watch::Sender<bool>,
    stop: &CancellationToken,
) -> End {
    let leader = watch::Sender::new(None);
    let mut known = String::new();
    let taken = seat.acquire(|holder| match holder {
        Ok(identity) => {
            if known != identity {
                tracing::info!("stands by: {identity} is the controller");
                identity.clone_into(&mut known);
            }
            leader.send_replace(address(identity));
            ready.send_replace(true);
        }
        Err(error) => {
            tracing::warn!("{error}");
            ready.send_replace(false);
        }
    });
    let end = tokio::select! {
        () = taken => End::Acts,
        () = lead_on(listener, leader.subscribe()) => End::Told,
        () = stop.cancelled() => End::Told,
    };
    ready.send_replace(false);
    end
}

/// Opens the ledger, once the process that acted before lets go of it; nothing when this one is told to end.
pub(super) async fn open(options: &Options, stop: &CancellationToken) -> Result<Option<Ledger>> {
    tracing::info!("is the controller now");
    loop {
        match Controller::lock(options).await {
            Ok(ledger) => return Ok(Some(ledger)),
            Err(ControllerError::Ledger(error @ LedgerError::InUse { .. })) => {
                tracing::warn!("waits: {error}");
                tokio::select! {
                    () = tokio::time::sleep(AGAIN) => {}
                    () = stop.cancelled() => return Ok(None),
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Joins whoever comes with the controller that acts.
async fn lead_on(listener: &TcpListener, leader: watch::Receiver<Option<SocketAddr>>) {
    loop {
        let Ok((mut guest, _)) = listener.accept().await else {
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        let to = *leader.borrow();
        tokio::spawn(async move {
            // Without a controller the connection ends, as it does where none listens.
            if let Some(to) = to
                && let Ok(mut host) = TcpStream::connect(to).await
            {
                let _ = tokio::io::copy_bidirectional(&mut guest, &mut host).await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_says_where_its_process_is_and_no_two_are_the_same() {
        let listen: SocketAddr = "127.0.0.1:3900".parse().unwrap();
        let (one, two) = (identity(listen), identity(listen));
        assert_ne!(one, two);
        assert_eq!(address(&one), Some(listen), "{one}");
        assert_eq!(address("somebody-else"), None);
    }
}
