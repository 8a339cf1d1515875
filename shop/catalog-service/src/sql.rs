//! Products in a SQL database. Only words of ours become part of a statement; everything that was asked for is bound.

use service_kit::Money;
use service_kit::clock::now_ms;
use service_kit::event::Event;
use service_kit::store::{Connection, Row, Store};
use sqlx::{AssertSqlSafe, Row as _};

use crate::change::{CHANGES_MAX, Changes, Draft};
use crate::list::{End, Page, Place, RELATED_MAX, Search};
use crate::product::Product;
use crate::shelf::{Category, Counts};

/// The columns that [`read`] takes, in its order; the last is for the places of pages.
macro_rules! columns {
    () => {
        "sku, name, description, category, minor, currency, facts, revision, sold"
    };
}

fn read(row: &Row) -> Result<Product, sqlx::Error> {
    let facts: String = row.try_get(6)?;
    Ok(Product {
        sku: row.try_get(0)?,
        name: row.try_get(1)?,
        description: row.try_get(2)?,
        category: row.try_get(3)?,
        price: Money {
            minor: row.try_get(4)?,
            currency: row.try_get(5)?,
        },
        facts: serde_json::from_str(&facts).unwrap_or_default(),
        revision: row.try_get(7)?,
    })
}

pub(crate) async fn find(store: &Store, sku: &str) -> Result<Option<Product>, sqlx::Error> {
    let query = sqlx::query(concat!("select ", columns!(), " from product where sku = $1"));
    let row = query.bind(sku).fetch_optional(store.read_for_caller()).await?;
    row.as_ref().map(read).transpose()
}

pub(crate) async fn several(store: &Store, skus: &[&str]) -> Result<Vec<Product>, sqlx::Error> {
    // As many places as the next power of two, so that there are few statements to prepare; the rest is empty, which is no SKU.
    let places = skus.len().next_power_of_two();
    let list: Vec<String> = (1..=places).map(|place| format!("${place}")).collect();
    let statement = format!(
        "select {} from product where sku in ({})",
        columns!(),
        list.join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(statement));
    for place in 0..places {
        query = query.bind(skus.get(place).copied().unwrap_or_default());
    }
    let rows = query.fetch_all(store.read()).await?;
    rows.iter().map(read).collect()
}

pub(crate) async fn page(store: &Store, search: &Search) -> Result<Page, sqlx::Error> {
    let (statement, limit) = (statement(search), search.limit);
    let mut query = sqlx::query(AssertSqlSafe(statement));
    if !search.category.is_empty() {
        query = query.bind(&search.category);
    }
    for word in &search.words {
        query = query.bind(pattern(word));
    }
    if let Some(after) = &search.after {
        query = match &after.place {
            Place::Number(number) => query.bind(*number),
            Place::Text(text) => query.bind(text),
        };
        query = query.bind(&after.sku);
    }
    let rows = query.bind(limit + 1).fetch_all(store.read_for_caller()).await?;
    let shown = usize::try_from(limit).unwrap_or(0);
    let products = rows.iter().take(shown).map(read).collect::<Result<Vec<_>, _>>()?;
    let end = match products.last() {
        Some(last) if rows.len() > shown => Some(End {
            place: search.order.place(last, rows[products.len() - 1].try_get(8)?),
            sku: last.sku.clone(),
        }),
        _ => None,
    };
    Ok(Page { products, end })
}

fn statement(search: &Search) -> String {
    let mut taken = 0;
    let mut place = || {
        taken += 1;
        format!("${taken}")
    };
    let mut conditions = Vec::new();
    if !search.category.is_empty() {
        conditions.push(format!("category = {}", place()));
    }
    for _ in &search.words {
        conditions.push(format!("words like {} escape '\\'", place()));
    }
    let column = search.order.column;
    let (sign, direction) = if search.order.down {
        ("<", "desc")
    } else {
        (">", "asc")
    };
    if search.after.is_some() {
        let (value, sku) = (place(), place());
        conditions.push(format!(
            "({column} {sign} {value} or ({column} = {value} and sku > {sku}))"
        ));
    }
    let condition = if conditions.is_empty() {
        String::new()
    } else {
        format!("where {}", conditions.join(" and "))
    };
    format!(
        "select {} from product {condition} order by {column} {direction}, sku limit {}",
        columns!(),
        place()
    )
}

fn pattern(word: &str) -> String {
    let plain = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{plain}%")
}

pub(crate) async fn related(store: &Store, to: &Product) -> Result<Vec<Product>, sqlx::Error> {
    let query = sqlx::query(concat!(
        "select ",
        columns!(),
        " from product where category = $1 and sku <> $2 order by abs(minor - $3), sku limit $4"
    ));
    let query = query
        .bind(&to.category)
        .bind(&to.sku)
        .bind(to.price.minor)
        .bind(RELATED_MAX);
    let rows = query.fetch_all(store.read_for_caller()).await?;
    rows.iter().map(read).collect()
}

pub(crate) async fn categories(store: &Store) -> Result<Vec<Category>, sqlx::Error> {
    let rows = sqlx::query(
        "select c.slug, c.name, (select count(*) from product as p where p.category = c.slug) \
         from category as c order by c.place",
    )
    .fetch_all(store.read_for_caller())
    .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
        .collect()
}

/// Writes a product and its change; says its new revision.
pub(crate) async fn put(writing: &mut Connection, sku: &str, draft: &Draft) -> Result<i64, sqlx::Error> {
    let revision: i64 = sqlx::query_scalar("insert into change (sku) values ($1) returning revision")
        .bind(sku)
        .fetch_one(&mut *writing)
        .await?;
    let facts = serde_json::to_string(&draft.facts).unwrap_or_default();
    sqlx::query(
        "insert into product (sku, name, description, category, minor, currency, facts, revision, words) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (sku) do update set name = excluded.name, \
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
    .bind(draft.words(sku))
    .execute(&mut *writing)
    .await?;
    // A category that is not known yet goes to the end of the menu.
    sqlx::query(
        "insert into category values ($1, $2, (select count(*) from category)) on conflict do nothing",
    )
    .bind(&draft.category)
    .bind(&draft.category)
    .execute(&mut *writing)
    .await?;
    Ok(revision)
}

/// From the same copy as the products, so that nobody is told of a change that cannot be seen there yet.
pub(crate) async fn changes(store: &Store, after: i64) -> Result<Changes, sqlx::Error> {
    let reading = store.read_for_caller();
    let rows = sqlx::query("select revision, sku from change where revision > $1 order by revision limit $2")
        .bind(after)
        .bind(CHANGES_MAX + 1)
        .fetch_all(reading)
        .await?;
    if i64::try_from(rows.len()).unwrap_or(0) > CHANGES_MAX {
        let newest = sqlx::query_scalar("select coalesce(max(revision), 0) from change")
            .fetch_one(reading)
            .await?;
        return Ok(Changes::all(newest));
    }
    let revision = rows.last().map_or(after, |row| row.get(0));
    let skus = rows.iter().map(|row| row.get(1)).collect();
    Ok(Changes::of(revision, skus))
}

pub(crate) async fn sold(store: &Store, event: &Event, sign: i64) -> Result<(), sqlx::Error> {
    let mut writing = store.begin().await?;
    let new = sqlx::query("insert into inbox values ($1, $2) on conflict do nothing")
        .bind(event.id.to_string())
        .bind(now_ms())
        .execute(&mut *writing)
        .await?
        .rows_affected();
    if new == 0 {
        return Ok(());
    }
    // In one order by all, so that two events never wait for each other.
    let mut lines: Vec<_> = event.order.lines.iter().collect();
    lines.sort_by(|one, other| one.sku.cmp(&other.sku));
    for line in lines {
        sqlx::query("update product set sold = sold + $1 where sku = $2")
            .bind(sign * line.quantity)
            .bind(&line.sku)
            .execute(&mut *writing)
            .await?;
    }
    store.commit(writing).await
}

pub(crate) async fn sold_counts(store: &Store) -> Result<Vec<(String, i64)>, sqlx::Error> {
    pairs(
        store,
        "select sku, sold from product where sold <> 0 order by sku",
    )
    .await
}

pub(crate) async fn verify(store: &Store) -> Result<Counts, sqlx::Error> {
    let count = |query: &'static str| sqlx::query_scalar::<_, i64>(query);
    Ok(Counts {
        products: count("select count(*) from product")
            .fetch_one(store.read())
            .await?,
        events: count("select count(*) from inbox")
            .fetch_one(store.read())
            .await?,
        wrong: pairs(store, "select sku, sold from product where sold < 0").await?,
    })
}

async fn pairs(store: &Store, query: &'static str) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let rows = sqlx::query(query).fetch_all(store.read()).await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}
