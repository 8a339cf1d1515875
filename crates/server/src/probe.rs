//! What a kubelet asks: whether the process lives, and whether it can do its work. Anybody may ask; nothing else is said.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Answers `/livez` and `/readyz` for as long as the process runs.
pub async fn probes(listener: TcpListener, ready: watch::Receiver<bool>) -> std::io::Result<()> {
    let readyz = move || async move {
        if *ready.borrow() {
            (StatusCode::OK, "ok")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready")
        }
    };
    let router = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(readyz));
    axum::serve(listener, router).await
}
