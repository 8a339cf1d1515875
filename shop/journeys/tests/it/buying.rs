//! What customers do, from the first product to the last cancelled order.

use http::Method;
use journeys::{OrdersRun, Shop};
use serde_json::{Value, json};

use crate::{GOOD, GUEST, available, document, kind, status};

#[tokio::test(flavor = "multi_thread")]
async fn products_are_found_page_by_page() {
    let shop = Shop::start(&[], OrdersRun::Inside).await.unwrap();
    let first = "/products?category=kitchen&sort=price&limit=15";
    let (mut path, mut skus, mut prices) = (first.to_owned(), Vec::new(), Vec::new());
    loop {
        let page = document(shop.get(&path)).await;
        for product in page["products"].as_array().unwrap() {
            skus.push(product["sku"].to_string());
            prices.push(product["price"]["minor"].as_i64().unwrap());
        }
        let Some(next) = page["next"].as_str() else { break };
        path = format!("{first}&cursor={next}");
    }
    assert!(prices.is_sorted());
    skus.sort();
    skus.dedup();
    assert_eq!(skus.len(), 40, "each product once");

    let found = document(shop.get("/products?q=nordic%20mug")).await;
    assert_eq!(found["products"][0]["sku"], "KIT-001", "{found}");
    let one = shop.get("/products/KIT-001").send().await.unwrap();
    let etag = one.headers["etag"].to_str().unwrap();
    assert_eq!(
        status(shop.get("/products/KIT-001").header("if-none-match", etag)).await,
        304
    );
    for wrong in [
        "/products?limit=0",
        "/products?sort=size",
        "/products?cursor=x",
        "/products?limit=x",
    ] {
        assert_eq!(status(shop.get(wrong)).await, 422, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_fills_a_cart_buys_and_cancels() {
    let shop = Shop::start(&[], OrdersRun::Inside).await.unwrap();
    shop.stock("KIT-002", 10).await.unwrap();
    let price = document(shop.get("/products/KIT-002")).await["price"]["minor"]
        .as_i64()
        .unwrap();
    let add = shop.call(Method::POST, "/cart/items").header("x-cart-id", GUEST);
    let cart = document(add.json(&json!({"sku": "KIT-002", "quantity": 3}))).await;
    assert_eq!(
        (&cart["pieces"], &cart["subtotal"]["minor"]),
        (&json!(3), &json!(3 * price)),
        "{cart}"
    );

    let paid = shop
        .checkout(GUEST, "key-00000001", GOOD, None)
        .send()
        .await
        .unwrap();
    assert_eq!(paid.status.as_u16(), 201, "{:?}", paid.body);
    assert_eq!(paid.headers["x-served-by"], "order-service/dev");
    let order: Value = paid.json().unwrap();
    assert_eq!(
        (&order["status"], &order["total"]["minor"]),
        (&json!("paid"), &json!(3 * price)),
        "{order}"
    );
    let again = shop
        .checkout(GUEST, "key-00000001", GOOD, None)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (again.status, &again.body),
        (paid.status, &paid.body),
        "the same key gives the same answer"
    );
    let other = shop.checkout(GUEST, "key-00000001", "4000000000000002", None);
    assert_eq!(kind(other).await, "key-reused");

    let cart = document(shop.get("/cart").header("x-cart-id", GUEST)).await;
    assert_eq!(cart["pieces"], 0, "bought pieces leave the cart: {cart}");
    assert_eq!(available(&shop, "KIT-002").await, 7);
    let cancel = format!("/orders/{}/cancel", order["id"].as_str().unwrap());
    let cancelled = document(shop.call(Method::POST, &cancel).header("x-cart-id", GUEST)).await;
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(available(&shop, "KIT-002").await, 10);
    let orders = document(shop.get("/orders").header("x-cart-id", GUEST)).await;
    assert_eq!(orders["orders"].as_array().unwrap().len(), 1);
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}
