//! Orders: checkout, stock, payments, and the events about them.
//!
//! Stock is here, not in the catalogue, so that reservation, order, idempotency key and event are one local transaction.
//!
//! A checkout goes through four phases, each one transaction, and can be taken up after each by whoever comes next:
//! *claimed* (the key is ours), *reserved* (pieces held, order `pending`), *charged* (the provider was asked), *settled*
//! (pieces gone or given back, final answer stored, event in the outbox).

mod address;
mod cancel;
mod checkout;
mod claim;
mod emptied;
mod numbers;
mod order;
mod outbox;
mod payment;
mod price;
mod recovery;
mod refund;
mod reserve;
mod seed;
mod settle;
mod stock;
mod verify;
mod webhook;

use axum::Router;
use axum::routing::{get, post, put};
use service_kit::auth::Sessions;
use service_kit::client::Upstream;
use service_kit::migration::{Migration, Phase, Schema};
use service_kit::store::Store;
use service_kit::{Definition, Faults, Kit, Parts, SchemaRange, Secret, Settings, StartError};

use crate::emptied::Emptied;
use crate::numbers::Numbers;

/// The service.
pub struct Orders;

const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    phase: Phase::Expand,
    name: "stock, orders, checkouts, outbox, refunds",
    sql: include_str!("../migrations/0001.sql"),
    postgres: Some(include_str!("../migrations/postgres/0001.sql")),
    floor: 0,
}];

#[derive(Clone)]
struct App {
    store: Store,
    sessions: Sessions,
    secret: Secret,
    faults: Faults,
    numbers: Numbers,
    emptied: Emptied,
    catalog: Upstream,
    cart: Upstream,
    provider: Upstream,
}

impl Definition for Orders {
    const NAME: &'static str = "order-service";
    const PORT: u16 = 3004;
    const OPENAPI: Option<&'static str> = Some(include_str!("../openapi.json"));
    const SCHEMA: Option<Schema> = Some(Schema {
        range: SchemaRange { min: 1, max: 1 },
        migrations: MIGRATIONS,
        variable: "DATABASE_URL",
        elsewhere: &[],
        synchronous: true,
    });

    async fn build(kit: Kit) -> Result<Parts, StartError> {
        let users = kit.upstream("user-service", "USER_SERVICE_URL")?;
        let app = App {
            store: kit.store()?,
            sessions: Sessions::of(&kit)?,
            secret: kit.settings().secret("PSP_SECRET")?,
            faults: kit.faults().clone(),
            numbers: Numbers::new(kit.metrics()),
            emptied: Emptied::default(),
            catalog: kit.upstream("catalog-service", "CATALOG_SERVICE_URL")?,
            cart: kit.upstream("cart-service", "CART_SERVICE_URL")?,
            provider: kit.upstream("psp", "PSP_URL")?,
        };
        let public = kit
            .router()
            .route("/checkout", post(checkout::post))
            .route("/orders", get(order::list))
            .route("/orders/{id}", get(order::one))
            .route("/orders/{id}/cancel", post(cancel::post))
            .route("/inventory", get(stock::inventory))
            .route("/payments/webhook", post(webhook::post))
            .with_state(app.clone());
        let admin = Router::new()
            .route("/stock/{sku}", put(stock::set))
            .route("/verify", get(verify::own))
            .route("/verify/orders", get(verify::orders))
            .route("/verify/sold", get(verify::sold))
            .with_state(app.clone());
        Ok(Parts::of(public)
            .admin(admin)
            .beside(app.sessions.clone().follow(users))
            .beside(outbox::relay(app.clone()))
            .beside(refund::relay(app.clone()))
            .beside(recovery::complete(app)))
    }

    async fn seed(store: &Store, settings: &Settings) -> Result<(), StartError> {
        if !settings.switch("SEED", "on")? {
            return Ok(());
        }
        seed::fill(store)
            .await
            .map_err(|cause| StartError::Failed(format!("seed: {cause}")))
    }
}
