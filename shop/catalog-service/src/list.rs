//! Lists of products: by category, by words, sorted, page by page; categories; what belongs together.

use axum::extract::{Path, State};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service_kit::{Cached, Problem, Query};

use crate::CACHE;
use crate::change::CATEGORY_CHARS_MAX;
use crate::product::Product;
use crate::shelf::Shelf;

const LIMIT_DEFAULT: i64 = 24;
const LIMIT_MAX: i64 = 100;
/// Longest text that is searched for, and how many of its words count.
const SEARCH_CHARS_MAX: usize = 100;
const SEARCH_WORDS_MAX: usize = 5;
pub(crate) const RELATED_MAX: i64 = 4;

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

/// What is asked for, checked.
#[derive(Debug)]
pub(crate) struct Search {
    /// Empty is all.
    pub(crate) category: String,
    /// Lower case; each must be somewhere in a product.
    pub(crate) words: Vec<String>,
    pub(crate) order: Order,
    /// Where the last page ended.
    pub(crate) after: Option<End>,
    pub(crate) limit: i64,
}

/// A way of sorting: the column, and whether it goes down. SKUs of the same place go up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) column: &'static str,
    pub(crate) down: bool,
    numeric: bool,
}

/// The last product of a page, by what it is sorted.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) place: Place,
    pub(crate) sku: String,
}

#[derive(Debug, Clone)]
pub(crate) enum Place {
    Number(i64),
    Text(String),
}

/// Some products, and the last of them when there are more.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) products: Vec<Product>,
    pub(crate) end: Option<End>,
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

    /// Where this product is in it.
    pub(crate) fn place(self, product: &Product, sold: i64) -> Place {
        match self.column {
            "name" => Place::Text(product.name.clone()),
            "minor" => Place::Number(product.price.minor),
            "sold" => Place::Number(sold),
            _ => Place::Number(product.revision),
        }
    }
}

impl Asked {
    fn check(self) -> Result<Search, Problem> {
        let order = Order::of(&self.sort).ok_or_else(|| {
            Problem::invalid(
                "sort",
                "The order must be newest, price, -price, name or popular.",
            )
        })?;
        let limit = match self.limit.as_deref() {
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
        if self.q.chars().count() > SEARCH_CHARS_MAX {
            return Err(Problem::invalid(
                "q",
                format!("At most {SEARCH_CHARS_MAX} characters can be searched for."),
            ));
        }
        if self.category.chars().count() > CATEGORY_CHARS_MAX {
            return Err(Problem::invalid(
                "category",
                format!("A category has at most {CATEGORY_CHARS_MAX} characters."),
            ));
        }
        for (field, text) in [("q", &self.q), ("category", &self.category)] {
            if text.contains('\0') {
                return Err(Problem::invalid(field, "It must not contain zero characters."));
            }
        }
        let after = (!self.cursor.is_empty()).then(|| open_cursor(&self.cursor, order));
        let words = self.q.to_lowercase();
        let words = words.split_whitespace().take(SEARCH_WORDS_MAX);
        Ok(Search {
            words: words.map(str::to_owned).collect(),
            category: self.category,
            order,
            after: after.transpose()?,
            limit,
        })
    }
}

/// `GET /products`
pub(crate) async fn products(
    State(shelf): State<Shelf>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Cached, Problem> {
    let search = asked.check()?;
    let page = shelf.page(&search).await?;
    let next = page.end.map(|end| close_cursor(&end, search.order));
    let listing = Listing {
        products: &page.products,
        next,
    };
    Cached::json(&headers, CACHE, &listing)
}

/// As it is sent. Written straight from the products: a tree of values between them would cost more than the query.
#[derive(Debug, Serialize)]
struct Listing<'a> {
    products: &'a [Product],
    next: Option<String>,
}

fn open_cursor(cursor: &str, order: Order) -> Result<End, Problem> {
    let wrong = || {
        Problem::invalid(
            "cursor",
            "This cursor is not one of ours, or belongs to another order.",
        )
    };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
    let (column, place, sku): (String, Value, String) =
        serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    if column != order.column || sku.contains('\0') {
        return Err(wrong());
    }
    let place = match (order.numeric, place.as_i64(), place.as_str()) {
        (true, Some(number), _) => Place::Number(number),
        (false, _, Some(text)) if !text.contains('\0') => Place::Text(text.to_owned()),
        _ => return Err(wrong()),
    };
    Ok(End { place, sku })
}

fn close_cursor(end: &End, order: Order) -> String {
    let place: Value = match &end.place {
        Place::Number(number) => (*number).into(),
        Place::Text(text) => text.as_str().into(),
    };
    URL_SAFE_NO_PAD.encode(json!([order.column, place, end.sku]).to_string())
}

/// `GET /products/{sku}/related`
pub(crate) async fn related(
    State(shelf): State<Shelf>,
    Path(sku): Path<String>,
    headers: HeaderMap,
) -> Result<Cached, Problem> {
    let found = shelf
        .find(&sku)
        .await?
        .ok_or_else(|| Problem::not_found("product"))?;
    let products = shelf.related(&found).await?;
    Cached::json(&headers, CACHE, &json!({"products": products}))
}

/// `GET /categories`
pub(crate) async fn categories(State(shelf): State<Shelf>, headers: HeaderMap) -> Result<Cached, Problem> {
    let list: Vec<Value> = shelf
        .categories()
        .await?
        .into_iter()
        .map(|(slug, name, products)| json!({"slug": slug, "name": name, "products": products}))
        .collect();
    Cached::json(&headers, CACHE, &json!({"categories": list}))
}
