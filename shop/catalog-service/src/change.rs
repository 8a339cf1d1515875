//! Changing a product, and what changed since.

use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::store::Connection;
use service_kit::store::Store;
use service_kit::{Json, Money, Problem};
use sqlx::Row as _;

use crate::product::{Fact, Product, is_sku};

/// Changes that are listed; who has missed more must forget everything.
const CHANGES_MAX: i64 = 500;
const FACTS_MAX: usize = 30;

/// What may be said about a product.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Draft {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    pub(crate) category: String,
    pub(crate) price: Money,
    #[serde(default)]
    pub(crate) facts: Vec<Fact>,
}

/// `PUT /products/{sku}` on the administration port.
pub(crate) async fn write(
    State(store): State<Store>,
    Path(sku): Path<String>,
    Json(draft): Json<Draft>,
) -> Result<Json<Product>, Problem> {
    check(&sku, &draft)?;
    let mut writing = store.begin().await?;
    let revision = put(&mut writing, &sku, &draft).await?;
    store.commit(writing).await?;
    let Draft {
        name,
        description,
        category,
        price,
        facts,
    } = draft;
    Ok(Json(Product {
        sku,
        name,
        description,
        category,
        price,
        facts,
        revision,
    }))
}

fn check(sku: &str, draft: &Draft) -> Result<(), Problem> {
    if !is_sku(sku) {
        return Err(Problem::invalid(
            "sku",
            "A SKU has 1 to 32 of A-Z, 0-9 and dashes.",
        ));
    }
    let texts = [
        ("name", &draft.name, 1, 120),
        ("category", &draft.category, 1, 60),
    ];
    let long = ("description", &draft.description, 0, 4000);
    for (field, text, least, most) in texts.into_iter().chain([long]) {
        if !(least..=most).contains(&text.chars().count()) {
            return Err(Problem::invalid(
                field,
                format!("It must have {least} to {most} characters."),
            ));
        }
    }
    if !(0..=100_000_000).contains(&draft.price.minor) || draft.price.currency.len() != 3 {
        return Err(Problem::invalid(
            "price",
            "The price must not be negative, its currency three letters.",
        ));
    }
    if draft.facts.len() > FACTS_MAX {
        return Err(Problem::invalid("facts", format!("At most {FACTS_MAX} facts.")));
    }
    Ok(())
}

/// Writes a product and its change; says its new revision.
pub(crate) async fn put(writing: &mut Connection, sku: &str, draft: &Draft) -> Result<i64, sqlx::Error> {
    let revision: i64 = sqlx::query_scalar("insert into change (sku) values (?) returning revision")
        .bind(sku)
        .fetch_one(&mut *writing)
        .await?;
    let facts = serde_json::to_string(&draft.facts).unwrap_or_default();
    let words = format!("{} {} {}", draft.name, draft.description, sku).to_lowercase();
    sqlx::query(
        "insert into product (sku, name, description, category, minor, currency, facts, revision, words) \
         values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (sku) do update set name = excluded.name, \
         description = excluded.description, category = excluded.category, minor = excluded.minor, \
         currency = excluded.currency, facts = excluded.facts, revision = excluded.revision, words = excluded.words",
    )
    .bind(sku)
    .bind(&draft.name)
    .bind(&draft.description)
    .bind(&draft.category)
    .bind(draft.price.minor)
    .bind(&draft.price.currency)
    .bind(facts)
    .bind(revision)
    .bind(words)
    .execute(&mut *writing)
    .await?;
    // A category that is not known yet goes to the end of the menu.
    sqlx::query("insert into category values (?, ?, (select count(*) from category)) on conflict do nothing")
        .bind(&draft.category)
        .bind(&draft.category)
        .execute(&mut *writing)
        .await?;
    Ok(revision)
}

#[derive(Debug, Deserialize)]
pub(crate) struct Since {
    #[serde(default)]
    after: i64,
}

/// `GET /changes?after=N`
pub(crate) async fn since(
    State(store): State<Store>,
    Query(since): Query<Since>,
) -> Result<Json<Value>, Problem> {
    let rows = sqlx::query("select revision, sku from change where revision > ? order by revision limit ?")
        .bind(since.after)
        .bind(CHANGES_MAX + 1)
        .fetch_all(store.read())
        .await?;
    if i64::try_from(rows.len()).unwrap_or(0) > CHANGES_MAX {
        let newest: i64 = sqlx::query_scalar("select coalesce(max(revision), 0) from change")
            .fetch_one(store.read())
            .await?;
        return Ok(Json(json!({"revision": newest, "skus": [], "all": true})));
    }
    let revision = rows.last().map_or(since.after, |row| row.get(0));
    let mut skus: Vec<String> = rows.iter().map(|row| row.get(1)).collect();
    skus.sort_unstable();
    skus.dedup();
    Ok(Json(json!({"revision": revision, "skus": skus})))
}
