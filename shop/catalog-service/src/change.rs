//! Changing a product, and what changed since.

use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use service_kit::{Json, Money, Problem, Query, is_sku};

use crate::product::{Fact, Product};
use crate::shelf::Shelf;

/// Changes that are listed; who has missed more must forget everything.
pub(crate) const CHANGES_MAX: i64 = 500;
const FACTS_MAX: usize = 30;
pub(crate) const CATEGORY_CHARS_MAX: usize = 60;

/// What may be said about a product.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Draft {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    pub(crate) category: String,
    pub(crate) price: Money,
    #[serde(default)]
    pub(crate) facts: Vec<Fact>,
}

impl Draft {
    /// What is searched, in lower case.
    pub(crate) fn words(&self, sku: &str) -> String {
        format!("{} {} {sku}", self.name, self.description).to_lowercase()
    }
}

/// `PUT /products/{sku}` on the administration port.
pub(crate) async fn write(
    State(shelf): State<Shelf>,
    Path(sku): Path<String>,
    Json(draft): Json<Draft>,
) -> Result<Json<Product>, Problem> {
    check(&sku, &draft)?;
    let revision = shelf.put(&sku, &draft).await?;
    Ok(Json(Product {
        sku,
        name: draft.name,
        description: draft.description,
        category: draft.category,
        price: draft.price,
        facts: draft.facts,
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
        ("category", &draft.category, 1, CATEGORY_CHARS_MAX),
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

/// What is new since a revision.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Changes {
    revision: i64,
    skus: Vec<String>,
    /// More than can be listed: who keeps anything must forget it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    all: bool,
}

impl Changes {
    pub(crate) fn all(revision: i64) -> Self {
        Self {
            revision,
            skus: Vec::new(),
            all: true,
        }
    }

    pub(crate) fn of(revision: i64, mut skus: Vec<String>) -> Self {
        skus.sort_unstable();
        skus.dedup();
        Self {
            revision,
            skus,
            all: false,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Since {
    #[serde(default)]
    after: i64,
}

/// `GET /changes?after=N`
pub(crate) async fn since(
    State(shelf): State<Shelf>,
    Query(since): Query<Since>,
) -> Result<Json<Changes>, Problem> {
    shelf.changes(since.after).await.map(Json)
}
