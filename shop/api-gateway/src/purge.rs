//! Forgets what is kept as soon as the catalogue says that something changed.

use std::time::Duration;

use serde::Deserialize;
use service_kit::client::Reply;

use crate::App;

/// How often the catalogue is asked: a changed price is seen everywhere within about this time.
const ROUND: Duration = Duration::from_millis(500);

#[derive(Debug, Deserialize)]
struct Changes {
    revision: i64,
    #[serde(default)]
    skus: Vec<String>,
    #[serde(default)]
    all: bool,
}

/// Runs for ever.
pub(crate) async fn follow(app: App) {
    // The first answer says where we are; nothing that we keep is older than that.
    let mut seen: Option<i64> = None;
    loop {
        let after = seen.unwrap_or(0);
        let asked = app.catalog.get(format!("/changes?after={after}")).send().await;
        match asked
            .and_then(Reply::success)
            .and_then(|reply| reply.json::<Changes>())
        {
            Ok(changes) => {
                if seen.is_some() && (changes.all || !changes.skus.is_empty()) {
                    app.cache.purge();
                }
                seen = Some(changes.revision.max(after));
            }
            Err(error) => tracing::debug!(%error, "changes are not known at the moment"),
        }
        tokio::time::sleep(ROUND).await;
    }
}
