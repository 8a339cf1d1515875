//! The catalogue: products, categories, prices, what changed, and how often each product was sold.
//!
//! It knows no stock and no customers.

mod change;
#[cfg(feature = "mongodb")]
mod documents;
mod list;
mod product;
mod seed;
mod shelf;
mod sold;
mod sql;

use axum::Router;
use axum::routing::{get, post, put};
use service_kit::migration::{Migration, Phase, Schema};
use service_kit::store::Store;
use service_kit::{Definition, Kit, Parts, SchemaRange, Settings, StartError};

use crate::shelf::Shelf;

/// The service.
pub struct Catalog;

/// How long an answer is fresh, and how long it may be shown while a new one is fetched.
const CACHE: &str = "public, max-age=15, stale-while-revalidate=60";

const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    phase: Phase::Expand,
    name: "products, categories, changes",
    sql: include_str!("../migrations/0001.sql"),
    postgres: Some(include_str!("../migrations/postgres/0001.sql")),
    floor: 0,
}];

#[cfg(feature = "mongodb")]
const ELSEWHERE: &[&str] = &["mongodb:"];
#[cfg(not(feature = "mongodb"))]
const ELSEWHERE: &[&str] = &[];

impl Definition for Catalog {
    const NAME: &'static str = "catalog-service";
    const PORT: u16 = 3002;
    const OPENAPI: Option<&'static str> = Some(include_str!("../openapi.json"));
    const SCHEMA: Option<Schema> = Some(Schema {
        range: SchemaRange { min: 1, max: 1 },
        migrations: MIGRATIONS,
        variable: "CATALOG_URL",
        elsewhere: ELSEWHERE,
        synchronous: false,
    });

    async fn build(kit: Kit) -> Result<Parts, StartError> {
        let shelf = Shelf::of(&kit).await?;
        let public = kit
            .router()
            .route("/products", get(list::products))
            .route("/products/{sku}", get(product::one))
            .route("/products/{sku}/related", get(list::related))
            .route("/categories", get(list::categories))
            .route("/prices", post(product::prices))
            .route("/changes", get(change::since))
            .route("/internal/events", post(sold::event))
            .with_state(shelf.clone());
        let admin = Router::new()
            .route("/products/{sku}", put(change::write))
            .route("/verify", get(sold::verify))
            .route("/verify/sold", get(sold::counts))
            .with_state(shelf);
        Ok(Parts::of(public).admin(admin))
    }

    async fn seed(store: &Store, settings: &Settings) -> Result<(), StartError> {
        if !settings.switch("SEED", "on")? {
            return Ok(());
        }
        seed::fill(store)
            .await
            .map_err(|cause| StartError::Failed(format!("seed: {cause}")))
    }

    #[cfg(feature = "mongodb")]
    async fn migrate_elsewhere(phase: Phase, settings: &Settings) -> Result<(), StartError> {
        let Some(schema) = Self::SCHEMA else {
            return Ok(());
        };
        let documents = documents::Documents::open(schema, settings).await?;
        let failed = |cause: mongodb::error::Error| {
            StartError::Failed(format!("migrate {}: {}", phase.word(), documents::words(&cause)))
        };
        documents
            .migrate(phase, schema.migrations)
            .await
            .map_err(failed)?;
        if phase == Phase::Expand && settings.switch("SEED", "on")? {
            documents.fill().await.map_err(failed)?;
        }
        Ok(())
    }
}
