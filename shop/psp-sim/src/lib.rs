//! A payment provider as shops know them: idempotent charges, refunds, signed notifications, and cards that misbehave.
//!
//! It knows nothing of orders; `reference` is a word of the shop.

mod authorization;
mod card;
mod verify;
mod webhook;

use axum::Router;
use axum::routing::{get, post};
use service_kit::client::Upstream;
use service_kit::migration::{Migration, Phase, Schema};
use service_kit::store::Store;
use service_kit::{Definition, Kit, Parts, SchemaRange, Secret, StartError};

/// The service.
pub struct PspSim;

const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    phase: Phase::Expand,
    name: "authorizations and their notifications",
    sql: include_str!("../migrations/0001.sql"),
    postgres: None,
    floor: 0,
}];

#[derive(Clone)]
struct Psp {
    store: Store,
    secret: Secret,
    shop: Upstream,
}

impl Definition for PspSim {
    const NAME: &'static str = "psp-sim";
    const PORT: u16 = 3006;
    const OPENAPI: Option<&'static str> = Some(include_str!("../openapi.json"));
    const SCHEMA: Option<Schema> = Some(Schema {
        range: SchemaRange { min: 1, max: 1 },
        migrations: MIGRATIONS,
        variable: "PSP_DATABASE_URL",
        elsewhere: &[],
        synchronous: true,
    });

    async fn build(kit: Kit) -> Result<Parts, StartError> {
        let psp = Psp {
            store: kit.store()?,
            secret: kit.settings().secret("PSP_SECRET")?,
            shop: kit.upstream("order-service", "ORDER_SERVICE_URL")?,
        };
        let public = kit
            .router()
            .route(
                "/v1/authorizations",
                post(authorization::create).get(authorization::find),
            )
            .route("/v1/authorizations/{id}/refund", post(authorization::refund))
            .with_state(psp.clone());
        let admin = Router::new()
            .route("/verify", get(verify::own))
            .route("/verify/charges", get(verify::charges))
            .with_state(psp.clone());
        Ok(Parts::of(public).admin(admin).beside(webhook::deliver(psp)))
    }
}
