//! Carts of guests and customers. Prices are only shown here; what is charged is the catalogue's price at checkout.

mod cart;
mod catalogue;
mod emptied;
mod item;
mod kept;
mod merge;
mod verify;

use axum::Router;
use axum::routing::{get, post, put};
use service_kit::auth::Sessions;
use service_kit::metrics::Counter;
use service_kit::migration::{Migration, Phase, Schema};
use service_kit::{Definition, Kit, Parts, SchemaRange, StartError};

use crate::catalogue::Catalogue;
use crate::kept::Kept;

/// The service.
pub struct Carts;

const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    phase: Phase::Expand,
    name: "carts and their lines",
    sql: include_str!("../migrations/0001.sql"),
    postgres: Some(include_str!("../migrations/postgres/0001.sql")),
    floor: 0,
}];

#[cfg(feature = "redis")]
const ELSEWHERE: &[&str] = &["redis:", "rediss:"];
#[cfg(not(feature = "redis"))]
const ELSEWHERE: &[&str] = &[];

#[derive(Clone)]
struct App {
    kept: Kept,
    sessions: Sessions,
    catalogue: Catalogue,
    adds: Counter,
}

impl Definition for Carts {
    const NAME: &'static str = "cart-service";
    const PORT: u16 = 3003;
    const OPENAPI: Option<&'static str> = Some(include_str!("../openapi.json"));
    const SCHEMA: Option<Schema> = Some(Schema {
        range: SchemaRange { min: 1, max: 1 },
        migrations: MIGRATIONS,
        variable: "CART_URL",
        elsewhere: ELSEWHERE,
        synchronous: false,
    });

    async fn build(kit: Kit) -> Result<Parts, StartError> {
        let users = kit.upstream("user-service", "USER_SERVICE_URL")?;
        let app = App {
            kept: Kept::of(&kit)?,
            sessions: Sessions::of(&kit)?,
            catalogue: Catalogue::new(kit.upstream("catalog-service", "CATALOG_SERVICE_URL")?),
            adds: kit
                .metrics()
                .counter("shop_cart_adds_total", "Pieces put into carts, by request.", &[])
                .with(&[]),
        };
        let public = kit
            .router()
            .route("/cart", get(cart::show).delete(cart::drop_all))
            .route("/cart/items", post(item::add))
            .route("/cart/items/{sku}", put(item::set).delete(item::remove))
            .route("/cart/merge", post(merge::merge))
            .route("/internal/events", post(emptied::event))
            .with_state(app.clone());
        let admin = Router::new()
            .route("/verify", get(verify::own))
            .with_state(app.clone());
        Ok(Parts::of(public).admin(admin).beside(app.sessions.follow(users)))
    }
}
