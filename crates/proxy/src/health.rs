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
            .unwrap_or_else(|_| Err(Miss::Silence(format!("no answer within {} ms", probe.timeout_ms))));
        let Some(target) = target.upgrade() else { return };
        match outcome {
            Ok(()) => {
                failures = 0;
                seen_healthy = true;
                if target.judge(None) {
                    tracing::info!(target = %spec.address, "target is healthy");
                }
            }
            Err(miss) => {
                failures = failures.saturating_add(1);
                // Of a new target a first answer says enough; that a first probe did not get through says nothing yet.
                let (because, answered) = match miss {
                    Miss::Answer(because) => (because, true),
                    Miss::Silence(because) => (because, false),
                };
                let decided = failures >= probe.failures || (answered && target.is_unknown());
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

/// What a probe met instead of a healthy answer.
enum Miss {
    /// The target says that it is not ready.
    Answer(String),
    /// No answer came.
    Silence(String),
}

async fn check(target: &Target) -> Result<(), Miss> {
    let stream = TcpStream::connect(target.address)
        .await
        .map_err(|error| Miss::Silence(format!("connecting: {error}")))?;
    let Some(path) = &target.health_path else {
        return Ok(());
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Miss::Silence(format!("GET {path}: {error}")))?;
    let request = Request::get(path.as_str())
        .header(header::HOST, target.address.to_string())
        .header(header::USER_AGENT, "windlass-probe")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| Miss::Answer(format!("GET {path}: {error}")))?;
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
        Ok(answer) => Err(Miss::Answer(format!("GET {path}: {}", answer.status()))),
        Err(error) => Err(Miss::Silence(format!("GET {path}: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use crate::live::{Slot, TargetState};
    use crate::message::Health;

    /// A new target that is probed here, three failures of which take it out.
    async fn target() -> (Slot, Arc<TargetState>, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let json = format!(
            r#"{{"name":"a","generation":1,"listeners":[{{"name":"web","bind":"127.0.0.1:1","service":"s"}}],
            "services":[{{"name":"s","probe":{{"interval_ms":10,"timeout_ms":60000,"failures":3}},"tracks":[
            {{"name":"blue","weight":100,"targets":[{{"address":"{address}","health_path":"/ready"}}]}}]}}]}}"#
        );
        let slot = Slot::new(serde_json::from_str(&json).expect("a table"), 1);
        let target = {
            let live = slot.live();
            let route = live.route("web").expect("a route");
            Arc::clone(&route.service.tracks[0].targets[0])
        };
        (slot, target, listener)
    }

    #[tokio::test]
    async fn of_a_new_target_probes_that_do_not_get_through_decide_only_together() {
        let (_slot, target, listener) = target().await;
        for probe in 1..=3 {
            let (connection, _) = listener.accept().await.expect("a probe");
            assert_eq!(target.health(), Health::Unknown, "before probe {probe} fails");
            drop(connection);
        }
        let _connection = listener.accept().await.expect("a probe");
        assert!(matches!(target.health(), Health::Unhealthy { .. }));
    }

    #[tokio::test]
    async fn of_a_new_target_the_first_answer_decides() {
        let (_slot, target, listener) = target().await;
        let (mut connection, _) = listener.accept().await.expect("a probe");
        let mut request = [0; 1024];
        let _ = connection.read(&mut request).await.expect("a request");
        let answer = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        connection.write_all(answer).await.expect("an answer");
        let _connection = listener.accept().await.expect("the next probe");
        let because = "GET /ready: 503 Service Unavailable".to_owned();
        assert_eq!(target.health(), Health::Unhealthy { because });
    }
}
