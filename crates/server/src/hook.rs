//! Webhooks: a Git host says that somebody pushed. What it says is not believed, only that it is time to look.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

use crate::Context;
use crate::handle::{Handle, Refusal};
use crate::problem::Problem;

pub(crate) fn routes<H: Handle>() -> Router<Context<H>> {
    Router::new().route("/hooks/github", post(github::<H>))
}

/// GitHub's form: `X-Hub-Signature-256: sha256=` and the HMAC of the body
/// (https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries).
async fn github<H: Handle>(
    State(context): State<Context<H>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let given = headers
        .get("x-hub-signature-256")
        .and_then(|value| value.to_str().ok());
    let signature = given
        .and_then(|value| value.strip_prefix("sha256="))
        .unwrap_or_default();
    if !context.token.signed(&body, signature) {
        return Err(Problem(Refusal {
            status: 401,
            detail: "the webhook's signature is missing or not ours".to_owned(),
            hint: "give the sender the secret that the release page shows, and the content type application/json".to_owned(),
        }));
    }
    let event = headers
        .get("x-github-event")
        .and_then(|value| value.to_str().ok());
    if event != Some("ping") {
        context.handle.poke();
    }
    Ok(StatusCode::ACCEPTED)
}
