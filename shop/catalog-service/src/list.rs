//! Lists of products: by category, by words, sorted, page by page; categories; what belongs together.

use axum::extract::{Path, Query, State};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::store::Store;
use service_kit::{Cached, Problem};
use sqlx::{AssertSqlSafe, Row as _};

use crate::CACHE;
use crate::product::{Product, columns, find, read};

const LIMIT_DEFAULT: i64 = 24;
const LIMIT_MAX: i64 = 100;
/// Longest text that is searched for, in bytes; and how many of its words count.
const SEARCH_BYTES_MAX: usize = 100;
const SEARCH_WORDS_MAX: usize = 5;
const RELATED_MAX: i64 = 4;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    category: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    sort: String,
    limit: Option<String>,
    #[serde(default)]
    cursor: String,
}

/// A way of sorting: the column, and whether it goes down.
#[derive(Debug, Clone, Copy)]
struct Order {
    column: &'static str,
    down: bool,
    numeric: bool,
}

impl Order {
    fn of(word: &str) -> Option<Self> {
        let (column, down, numeric) = match word {
            "" | "newest" => ("revision", true, true),
            "price" => ("minor", false, true),
            "-price" => ("minor", true, true),
            "name" => ("name", false, false),
            "popular" => ("sold", true, true),
            _ => return None,
        };
        Some(Self {
            column,
            down,
            numeric,
        })
    }
}

/// `GET /products`
pub(crate) async fn products(
    State(store): State<Store>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Cached, Problem> {
    let order = Order::of(&asked.sort).ok_or_else(|| {
        Problem::invalid(
            "sort",
            "Products can be sorted by newest, price, -price, name or popular.",
        )
    })?;
    let limit = match asked.limit.as_deref() {
        None | Some("") => LIMIT_DEFAULT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=LIMIT_MAX).contains(limit))
            .ok_or_else(|| {
                Problem::invalid(
                    "limit",
                    format!("The limit must be a number from 1 to {LIMIT_MAX}."),
                )
            })?,
    };
    if asked.q.len() > SEARCH_BYTES_MAX {
        return Err(Problem::invalid(
            "q",
            format!("At most {SEARCH_BYTES_MAX} characters can be searched for."),
        ));
    }
    let (products, next) = page(&store, &asked, order, limit).await?;
    Cached::json(&headers, CACHE, &json!({"products": products, "next": next}))
}

async fn page(
    store: &Store,
    asked: &Asked,
    order: Order,
    limit: i64,
) -> Result<(Vec<Product>, Option<String>), Problem> {
    let words: Vec<String> = asked
        .q
        .to_lowercase()
        .split_whitespace()
        .take(SEARCH_WORDS_MAX)
        .map(|word| {
            format!(
                "%{}%",
                word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
            )
        })
        .collect();
    let from = if asked.cursor.is_empty() {
        None
    } else {
        Some(open_cursor(&asked.cursor, order)?)
    };

    // Only words of ours become part of the statement; everything that was asked is bound.
    let mut conditions = Vec::new();
    if !asked.category.is_empty() {
        conditions.push("category = ?");
    }
    conditions.extend(words.iter().map(|_| "words like ? escape '\\'"));
    let (sign, direction) = if order.down { ("<", "desc") } else { (">", "asc") };
    let column = order.column;
    let after = format!("({column} {sign} ? or ({column} = ? and sku > ?))");
    if from.is_some() {
        conditions.push(&after);
    }
    let condition = if conditions.is_empty() {
        String::new()
    } else {
        format!("where {}", conditions.join(" and "))
    };
    let statement = format!(
        "select {}, {column} from product {condition} order by {column} {direction}, sku limit ?",
        columns!()
    );
    let mut query = sqlx::query(AssertSqlSafe(statement));
    if !asked.category.is_empty() {
        query = query.bind(&asked.category);
    }
    for word in &words {
        query = query.bind(word);
    }
    if let Some((place, sku)) = from {
        query = match place {
            Place::Number(number) => query.bind(number).bind(number),
            Place::Text(text) => query.bind(text.clone()).bind(text),
        };
        query = query.bind(sku);
    }
    let rows = query.bind(limit + 1).fetch_all(store.read()).await?;
    let shown = usize::try_from(limit).unwrap_or(0);
    let next = if rows.len() > shown {
        rows.get(shown.wrapping_sub(1))
    } else {
        None
    };
    let next = next.map(|row| close_cursor(row, order)).transpose()?;
    let products = rows.iter().take(shown).map(read).collect::<Result<Vec<_>, _>>()?;
    Ok((products, next))
}

enum Place {
    Number(i64),
    Text(String),
}

fn open_cursor(cursor: &str, order: Order) -> Result<(Place, String), Problem> {
    let wrong = || {
        Problem::invalid(
            "cursor",
            "This cursor is not one of ours, or belongs to another order.",
        )
    };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
    let (column, place, sku): (String, Value, String) =
        serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    if column != order.column {
        return Err(wrong());
    }
    let place = match (order.numeric, place.as_i64(), place.as_str()) {
        (true, Some(number), _) => Place::Number(number),
        (false, _, Some(text)) => Place::Text(text.to_owned()),
        _ => return Err(wrong()),
    };
    Ok((place, sku))
}

fn close_cursor(row: &service_kit::store::Row, order: Order) -> Result<String, sqlx::Error> {
    let place: Value = if order.numeric {
        row.try_get::<i64, _>(8)?.into()
    } else {
        row.try_get::<String, _>(8)?.into()
    };
    let sku: String = row.try_get(0)?;
    Ok(URL_SAFE_NO_PAD.encode(json!([order.column, place, sku]).to_string()))
}

/// `GET /products/{sku}/related`: of the same category, the nearest in price.
pub(crate) async fn related(
    State(store): State<Store>,
    Path(sku): Path<String>,
    headers: HeaderMap,
) -> Result<Cached, Problem> {
    let found = find(&store, &sku)
        .await?
        .ok_or_else(|| Problem::not_found("product"))?;
    let query = sqlx::query(concat!(
        "select ",
        columns!(),
        " from product where category = ? and sku <> ? order by abs(minor - ?), sku limit ?"
    ));
    let query = query
        .bind(&found.category)
        .bind(&sku)
        .bind(found.price.minor)
        .bind(RELATED_MAX);
    let rows = query.fetch_all(store.read()).await?;
    let products = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Cached::json(&headers, CACHE, &json!({"products": products}))
}

/// `GET /categories`
pub(crate) async fn categories(State(store): State<Store>, headers: HeaderMap) -> Result<Cached, Problem> {
    let rows = sqlx::query(
        "select c.slug, c.name, (select count(*) from product as p where p.category = c.slug) \
         from category as c order by c.place",
    )
    .fetch_all(store.read())
    .await?;
    let list: Vec<Value> = rows
        .iter()
        .map(|row| {
            let (slug, name, products): (String, String, i64) = (row.get(0), row.get(1), row.get(2));
            json!({"slug": slug, "name": name, "products": products})
        })
        .collect();
    Cached::json(&headers, CACHE, &json!({"categories": list}))
}
