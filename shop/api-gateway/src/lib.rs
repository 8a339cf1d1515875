//! The edge: sends `/api/v1/...` to the service that owns it and everything else to the storefront, keeps public answers
//! for a moment, and limits how fast one client may ask. It decides nothing about customers, orders or prices.

mod cache;
mod forward;
mod limit;
mod present;
mod purge;
mod route;
#[cfg(feature = "redis")]
mod shared;
mod written;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use service_kit::client::Upstream;
use service_kit::metrics::Counter;
use service_kit::{Definition, Kit, Parts, StartError};

use crate::cache::{Answer, Cache};
use crate::limit::Limits;

/// The service.
pub struct Gateway;

/// Bytes of answers that are kept.
const CACHE_BYTES_MAX: usize = 64 * 1024 * 1024;

#[derive(Clone)]
struct App {
    users: Upstream,
    catalog: Upstream,
    cart: Upstream,
    orders: Upstream,
    storefront: Upstream,
    cache: Arc<Cache>,
    limits: Arc<Limits>,
    limited: Counter,
    /// Of the catalogue, as far as it is known here.
    revision: Arc<AtomicI64>,
    #[cfg(feature = "redis")]
    shared: Option<shared::Shared>,
}

impl App {
    fn revision(&self) -> i64 {
        self.revision.load(Ordering::Acquire)
    }

    /// Gives an answer that was kept for so long to the other instances.
    #[cfg(feature = "redis")]
    fn share(&self, revision: i64, key: &str, answer: &Answer, kept: Option<Duration>) {
        let Some((shared, kept)) = self.shared.clone().zip(kept) else {
            return;
        };
        let (key, answer) = (key.to_owned(), shared::Answer::new(answer));
        tokio::spawn(async move { shared.keep(revision, &key, &answer, kept).await });
    }

    #[cfg(not(feature = "redis"))]
    fn share(&self, _revision: i64, _key: &str, _answer: &Answer, _kept: Option<Duration>) {}
}

impl Definition for Gateway {
    const NAME: &'static str = "api-gateway";
    const PORT: u16 = 3000;
    const OPENAPI: Option<&'static str> = Some(include_str!("../openapi.json"));

    async fn build(kit: Kit) -> Result<Parts, StartError> {
        // One secret for all who look at sessions: a mistake shows at the start here too.
        kit.settings().secret("JWT_SECRET")?;
        let rate = kit
            .settings()
            .parsed("RATE_LIMIT", "requests a second, 0 for no limit", 300)?;
        let metrics = kit.metrics();
        let app = App {
            users: kit.upstream("user-service", "USER_SERVICE_URL")?,
            catalog: kit.upstream("catalog-service", "CATALOG_SERVICE_URL")?,
            cart: kit.upstream("cart-service", "CART_SERVICE_URL")?,
            orders: kit.upstream("order-service", "ORDER_SERVICE_URL")?,
            storefront: kit.upstream("storefront", "STOREFRONT_URL")?,
            cache: Arc::new(Cache::new(CACHE_BYTES_MAX, metrics)),
            limits: Arc::new(Limits::new(rate)),
            limited: metrics
                .counter("shop_rate_limited_total", "Requests refused as too many.", &[])
                .with(&[]),
            revision: Arc::default(),
            #[cfg(feature = "redis")]
            shared: shared::Shared::of(&kit)?,
        };
        let public = kit.router().fallback(forward::any).with_state(app.clone());
        let parts = Parts::of(public).beside(purge::follow(app.clone()));
        #[cfg(feature = "redis")]
        let parts = match app.shared.clone() {
            Some(shared) => parts.beside(shared.follow(app)),
            None => parts,
        };
        Ok(parts)
    }
}
