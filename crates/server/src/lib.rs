//! The HTTP side of the controller: the API, webhooks and the release page. It reads views and submits commands through
//! [`Handle`]; it does not know how state changes or what carries traffic.

mod api;
mod guard;
mod handle;
mod hook;
mod page;
mod probe;
mod problem;
mod session;
mod token;

use axum::Router;
use axum::middleware::from_fn;
use tokio::net::TcpListener;

pub use handle::{Command, Handle, Refusal};
pub use probe::probes;
pub use token::Token;

/// Bytes of one request's body.
const BODY_BYTES_MAX: usize = 1 << 20;

/// What every route needs.
#[derive(Debug, Clone)]
pub(crate) struct Context<H> {
    pub(crate) handle: H,
    pub(crate) token: Token,
}

/// Serves until `stop` completes.
pub async fn serve<H: Handle>(
    listener: TcpListener,
    handle: H,
    token: Token,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(handle, token))
        .with_graceful_shutdown(stop)
        .await
}

fn router<H: Handle>(handle: H, token: Token) -> Router {
    Router::new()
        .merge(api::routes())
        .merge(page::routes())
        .layer(from_fn(guard::known_host))
        // Signed by their sender, who may call this machine by any name.
        .merge(hook::routes())
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Context { handle, token })
}
