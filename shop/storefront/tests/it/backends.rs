//! All services behind the pages as one small server with a memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

/// What customers did.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Pieces by SKU, by guest or token.
    pub(crate) carts: BTreeMap<String, BTreeMap<String, i64>>,
    /// Bodies of checkouts, with their keys.
    pub(crate) checkouts: Vec<(String, Value)>,
    /// What the next checkouts answer, before orders are made again.
    pub(crate) answers: Vec<(u16, Value)>,
}

pub(crate) type Shared = Arc<Mutex<Memory>>;

/// A customer with this password exists.
pub(crate) const PASSWORD: &str = "correct horse battery";
const TOKEN: &str = "header.payload.signature";

/// Starts it; the address and what it remembers.
pub(crate) async fn start() -> (String, Shared) {
    let memory = Shared::default();
    let routes = Router::new()
        .route("/products", get(products))
        .route("/products/{sku}", get(product))
        .route("/products/{sku}/related", get(products))
        .route(
            "/categories",
            get(async || {
                Json(json!({"categories": [{"slug": "kitchen", "name": "Kitchen & Co", "products": 2}]}))
            }),
        )
        .route(
            "/prices",
            post(async || Json(json!({"products": [item("KIT-001")]}))),
        )
        .route("/inventory", get(inventory))
        .route("/cart", get(cart))
        .route("/cart/items", post(add))
        .route("/cart/items/{sku}", put(set))
        .route("/cart/merge", post(merge))
        .route("/checkout", post(checkout))
        .route("/orders", get(orders))
        .route("/orders/{id}", get(order))
        .route("/orders/{id}/cancel", post(order))
        .route("/sessions", post(sign_in))
        .route("/sessions/current", delete(async || StatusCode::NO_CONTENT))
        .route("/users", post(sign_up))
        .route("/users/me", get(me))
        .route("/users/me/addresses", get(addresses))
        .with_state(Arc::clone(&memory));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, memory)
}

fn item(sku: &str) -> Value {
    json!({
        "sku": sku, "name": "Nordic Mug <b>", "description": "A mug & more.", "category": "kitchen",
        "price": {"minor": 1990, "currency": "EUR"},
        "facts": [{"name": "Material", "value": "stoneware"}, {"name": "Colour", "value": "sand"}],
    })
}

fn problem(status: u16, kind: &str, detail: &str, field: Option<&str>) -> Response {
    let document = json!({"type": format!("urn:shop:{kind}"), "detail": detail, "field": field});
    (StatusCode::from_u16(status).unwrap(), Json(document)).into_response()
}

async fn products(Query(asked): Query<BTreeMap<String, String>>) -> Json<Value> {
    let found = asked.get("q").is_none_or(|words| words == "mug");
    let list: Vec<Value> = ["KIT-001", "KIT-002"]
        .iter()
        .filter(|_| found)
        .map(|sku| item(sku))
        .collect();
    Json(json!({"products": list, "next": found.then_some("abc+/=")}))
}

async fn product(Path(sku): Path<String>) -> Response {
    if sku.starts_with("KIT-") {
        Json(item(&sku)).into_response()
    } else {
        problem(404, "not-found", "There is no such product.", None)
    }
}

async fn inventory(Query(asked): Query<BTreeMap<String, String>>) -> Json<Value> {
    let sku = &asked["sku"];
    let available = if sku == "KIT-009" { 0 } else { 3 };
    Json(json!({"stock": [{"sku": sku, "available": available}]}))
}

/// The customer counts if both are sent.
fn who(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    text("authorization").or_else(|| text("x-cart-id"))
}

fn is_over(headers: &HeaderMap) -> bool {
    headers
        .get("authorization")
        .is_some_and(|value| value != format!("Bearer {TOKEN}").as_str())
}

fn shown(memory: &Memory, who: &str) -> Response {
    let empty = BTreeMap::new();
    let cart = memory.carts.get(who).unwrap_or(&empty);
    let pieces: i64 = cart.values().sum();
    let lines: Vec<Value> = cart
        .iter()
        .map(|(sku, quantity)| json!({"sku": sku, "name": "Nordic Mug", "quantity": quantity, "price": {"minor": 1990, "currency": "EUR"}}))
        .collect();
    Json(json!({"version": 1, "lines": lines, "pieces": pieces, "subtotal": {"minor": 1990 * pieces, "currency": "EUR"}}))
        .into_response()
}

async fn cart(State(memory): State<Shared>, headers: HeaderMap) -> Response {
    if is_over(&headers) {
        return problem(401, "unauthenticated", "The session is over.", None);
    }
    shown(&memory.lock().unwrap(), &who(&headers).unwrap_or_default())
}

async fn add(State(memory): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let sku = body["sku"].as_str().unwrap_or_default();
    if !sku.starts_with("KIT-") {
        return problem(404, "unknown-product", "There is no such product.", None);
    }
    let mut memory = memory.lock().unwrap();
    let who = who(&headers).unwrap();
    *memory
        .carts
        .entry(who.clone())
        .or_default()
        .entry(sku.to_owned())
        .or_default() += body["quantity"].as_i64().unwrap();
    shown(&memory, &who)
}

async fn set(
    State(memory): State<Shared>,
    headers: HeaderMap,
    Path(sku): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    let mut memory = memory.lock().unwrap();
    let who = who(&headers).unwrap();
    let cart = memory.carts.entry(who.clone()).or_default();
    match body["quantity"].as_i64().unwrap() {
        0 => cart.remove(&sku),
        some => cart.insert(sku, some),
    };
    shown(&memory, &who)
}

async fn merge(State(memory): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let mut memory = memory.lock().unwrap();
    let guest = memory
        .carts
        .remove(body["from"].as_str().unwrap())
        .unwrap_or_default();
    let who = who(&headers).unwrap();
    memory.carts.entry(who.clone()).or_default().extend(guest);
    shown(&memory, &who)
}

fn placed(id: &str, status: &str) -> Value {
    json!({
        "id": id, "status": status, "placed_at": "2026-11-26T12:00:00.000Z",
        "lines": [{"sku": "KIT-001", "name": "Nordic Mug", "quantity": 2, "price": {"minor": 1990, "currency": "EUR"}}],
        "subtotal": {"minor": 3980, "currency": "EUR"}, "shipping": {"minor": 0, "currency": "EUR"},
        "tax": {"minor": 635, "currency": "EUR"}, "total": {"minor": 3980, "currency": "EUR"},
        "address": {"name": "Ada <i>", "street": "Lane 1", "postcode": "12345", "city": "Town", "country": "DE"},
        "email": "ada@example.org",
    })
}

async fn checkout(State(memory): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let mut memory = memory.lock().unwrap();
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    memory.checkouts.push((key, body));
    if !memory.answers.is_empty() {
        let (status, document) = memory.answers.remove(0);
        return (StatusCode::from_u16(status).unwrap(), Json(document)).into_response();
    }
    memory.carts.remove(&who(&headers).unwrap());
    (StatusCode::CREATED, Json(placed("0192-paid", "paid"))).into_response()
}

async fn orders() -> Json<Value> {
    Json(json!({"orders": [placed("0192-paid", "paid"), placed("0192-new", "returned")], "next": null}))
}

async fn order(Path(id): Path<String>) -> Response {
    match id.strip_prefix("0192-") {
        Some(status) => Json(placed(&id, status)).into_response(),
        None => problem(404, "not-found", "There is no such order.", None),
    }
}

fn session() -> Json<Value> {
    Json(
        json!({"token": TOKEN, "expires_at": "2026-11-27T00:00:00Z", "user": {"id": "1", "name": "Ada", "email": "ada@example.org"}}),
    )
}

async fn sign_in(Json(body): Json<Value>) -> Response {
    if body["password"] == PASSWORD {
        (StatusCode::CREATED, session()).into_response()
    } else {
        problem(401, "wrong-credentials", "Email and password do not fit.", None)
    }
}

async fn sign_up(Json(body): Json<Value>) -> Response {
    if body["password"].as_str().unwrap().len() < 12 {
        return problem(422, "invalid", "The password is too short.", Some("password"));
    }
    (StatusCode::CREATED, session()).into_response()
}

async fn me(headers: HeaderMap) -> Response {
    if is_over(&headers) || !headers.contains_key("authorization") {
        return problem(401, "unauthenticated", "Please sign in.", None);
    }
    Json(json!({"id": "1", "name": "Ada", "email": "ada@example.org"})).into_response()
}

async fn addresses(headers: HeaderMap) -> Response {
    if is_over(&headers) || !headers.contains_key("authorization") {
        return problem(401, "unauthenticated", "Please sign in.", None);
    }
    let one = json!({"id": "a1", "name": "Ada", "street": "Lane 1", "postcode": "12345", "city": "Town", "country": "AT"});
    Json(json!({"addresses": [one]})).into_response()
}
