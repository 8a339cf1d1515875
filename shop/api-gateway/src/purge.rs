//! Forgets what is kept as soon as the catalogue says that something changed.

use std::sync::atomic::Ordering;
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
    let mut seen = 0;
    loop {
        let asked = app.catalog.get(format!("/changes?after={seen}")).send().await;
        match asked
            .and_then(Reply::success)
            .and_then(|reply| reply.json::<Changes>())
        {
            Ok(changes) => {
                seen = changes.revision.max(seen);
                app.revision.store(seen, Ordering::Release);
                // Also the first time: something may have been kept before.
                if changes.all || !changes.skus.is_empty() {
                    app.cache.purge();
                }
            }
            Err(error) => tracing::debug!(%error, "changes are not known at the moment"),
        }
        tokio::time::sleep(ROUND).await;
    }
}
