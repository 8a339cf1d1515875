//! Probes of one target, forever. Knows what a healthy answer is; does not know what follows from it.

use std::sync::Weak;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::live::TargetState;
use crate::table::Target;

/// Until the first success probes come this much faster, so that a new instance is taken as soon as it is ready.
const WARM_UP: u64 = 10;

/// Probes a target until it is dropped or aborted.
pub(crate) async fn watch(target: Weak<TargetState>) {
    let mut failures = 0_u32;
    let mut seen_healthy = false;
    loop {
        let Some((spec, probe)) = target.upgrade().map(|target| (target.spec.clone(), target.probe)) else {
            return;
        };
        let timeout = Duration::from_millis(probe.timeout_ms);
        let outcome = tokio::time::timeout(timeout, check(&spec))
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} ms", probe.timeout_ms)));
        let Some(target) = target.upgrade() else { return };
        match outcome {
            Ok(()) => {
                failures = 0;
                seen_healthy = true;
                if target.judge(None) {
                    tracing::info!(target = %spec.address, "target is healthy");
                }
            }
            Err(because) => {
                failures = failures.saturating_add(1);
                let decided = failures >= probe.failures || target.is_unknown();
                if decided && target.judge(Some(because.clone())) {
                    tracing::warn!(target = %spec.address, because, "target is unhealthy");
                }
            }
        }
        target.pool.expire();
        drop(target);
        let pace = if seen_healthy { 1 } else { WARM_UP };
        tokio::time::sleep(Duration::from_millis((probe.interval_ms / pace).max(1))).await;
    }
}

async fn check(target: &Target) -> Result<(), String> {
    let stream = TcpStream::connect(target.address)
        .await
        .map_err(|error| format!("connecting: {error}"))?;
    let Some(path) = &target.health_path else {
        return Ok(());
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("GET {path}: {error}"))?;
    let request = Request::get(path.as_str())
        .header(header::HOST, target.address.to_string())
        .header(header::USER_AGENT, "windlass-probe")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| format!("GET {path}: {error}"))?;
    let mut answer = std::pin::pin!(sender.send_request(request));
    let mut connection = std::pin::pin!(connection);
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        // The connection may end with the answer; the answer knows.
        _ = &mut connection => answer.await,
    };
    match answer {
        Ok(answer) if answer.status().is_success() || answer.status().is_redirection() => Ok(()),
        Ok(answer) => Err(format!("GET {path}: {}", answer.status())),
        Err(error) => Err(format!("GET {path}: {error}")),
    }
}
