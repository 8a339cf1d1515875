//! From a list to a paid order, without a script; and all ways in which it does not work at once.

use http::Method;
use serde_json::{Value, json};

use crate::browser::{Browser, Page};

const ADDRESS: [(&str, &str); 6] = [
    ("email", "ada@example.org"),
    ("name", "Ada <b>"),
    ("street", "Lane 1"),
    ("postcode", "12345"),
    ("city", "Town"),
    ("card", "4242 4242 4242 4242"),
];

/// A guest with two mugs, at the checkout.
async fn at_checkout() -> (Browser, Page) {
    let mut browser = Browser::open().await;
    let product = browser.get("/products/KIT-001").await;
    let cart = browser.send(&product, "/cart/items", &[("quantity", "2")]).await;
    assert_eq!(cart.path, "/cart?done=added");
    let checkout = browser.get("/checkout").await;
    (browser, checkout)
}

#[tokio::test]
async fn a_guest_buys_without_a_script() {
    let mut browser = Browser::open().await;
    browser.get("/").await.has("Often bought").has("Kitchen &amp; Co");
    let list = browser.get("/products?category=kitchen&q=mug").await;
    list.has("Nordic Mug &lt;b&gt;")
        .has("€19.90")
        .has("cursor=abc%2B%2F%3D");
    let product = browser.get("/products/KIT-001").await;
    product.has("Only 3 left").has("A mug &amp; more.");
    let cart = browser.send(&product, "/cart/items", &[("quantity", "3")]).await;
    cart.has("€59.70").has("data-pieces>3<");
    let cart = browser
        .send(&cart, "/cart/items/KIT-001", &[("quantity", "2")])
        .await;
    cart.has("€39.80");
    assert!(
        cart.html.contains(".stoneware.sand.svg"),
        "the line looks as its product does"
    );
    let checkout = browser.get("/checkout").await;
    checkout.has("2 × Nordic Mug").has("€39.80");
    let order = browser.send(&checkout, "/checkout", &ADDRESS).await;
    assert_eq!((order.path.as_str(), order.status), ("/orders/0192-paid", 200));
    order
        .has("Thank you!")
        .has("Ada &lt;i&gt;")
        .has("€39.80")
        .has("Germany");
    let (key, body) = browser.memory.lock().unwrap().checkouts[0].clone();
    assert!(key.len() >= 16);
    assert_eq!(body["address"]["country"], "DE");
    assert_eq!(
        (&body["email"], &body["payment"]["card"]),
        (&json!("ada@example.org"), &json!("4242 4242 4242 4242"))
    );
    assert!(
        body.get("lines").is_none(),
        "the cart is bought as the services know it"
    );
    browser.get("/orders").await.has("Paid").has("returned");
}

#[tokio::test]
async fn a_cart_line_can_be_taken_out() {
    let (mut browser, _) = at_checkout().await;
    let cart = browser.get("/cart").await;
    let fields = cart.form("/cart/items/KIT-001");
    let cart = browser.post("/cart/items/KIT-001/remove", &fields).await;
    cart.has("There is nothing in it yet");
    assert_eq!(browser.get("/checkout").await.path, "/cart");
}

#[tokio::test]
async fn each_answer_of_the_checkout_keeps_what_was_typed_and_the_key_where_it_must() {
    let document = |kind: &str| json!({"type": format!("urn:shop:{kind}"), "detail": "A detail."});
    let short = json!({"type": "urn:shop:out-of-stock", "short": [{"sku": "KIT-001", "available": 1}]});
    let field = json!({"type": "urn:shop:invalid", "field": "address.postcode", "detail": "No such place."});
    // Status and answer, words on the page, whether the next try is the same purchase.
    let cases: [(u16, Value, &str, bool); 7] = [
        (402, document("payment-declined"), "declined this card", false),
        (409, short, "of KIT-001 only 1 are left", false),
        (409, document("in-progress"), "counts only once", true),
        (
            422,
            document("key-reused"),
            "changed after it had been sent",
            false,
        ),
        (422, field, "No such place.", false),
        (500, document("internal"), "send it again", true),
        (504, document("timeout"), "send it again", true),
    ];
    for (status, answer, words, same) in cases {
        let (mut browser, checkout) = at_checkout().await;
        browser.memory.lock().unwrap().answers = vec![(status, answer)];
        let again = browser.send(&checkout, "/checkout", &ADDRESS).await;
        again
            .has(words)
            .has("role=\"alert\"")
            .has("value=\"Ada &lt;b&gt;\"")
            .has("value=\"Lane 1\"");
        assert_eq!(again.status, if status >= 500 { 503 } else { status }, "{words}");
        assert!(
            !again.html.contains("value=\"4242"),
            "a card's number is not sent back"
        );
        let done = browser
            .send(&again, "/checkout", &[("card", "4242424242424242")])
            .await;
        done.has("Thank you!");
        let checkouts = browser.memory.lock().unwrap().checkouts.clone();
        assert_eq!(checkouts[0].0 == checkouts[1].0, same, "{words}");
    }
}

#[tokio::test]
async fn what_lacks_something_is_not_sent_and_says_where() {
    let cases = [
        ("email", "ada", "Please give your email address."),
        ("street", " ", "Please fill in: street and number."),
        ("card", "4242", "12 to 19 digits"),
    ];
    for (name, value, words) in cases {
        let (mut browser, checkout) = at_checkout().await;
        let mut typed = ADDRESS.to_vec();
        typed.push((name, value));
        let again = browser.send(&checkout, "/checkout", &typed).await;
        assert_eq!(again.status, 422, "{name}");
        again
            .has(words)
            .has(&format!("href=\"#{name}\""))
            .has(&format!("id=\"{name}-error\""));
        assert!(browser.memory.lock().unwrap().checkouts.is_empty());
        assert_eq!(again.form("/checkout")["key"], checkout.form("/checkout")["key"]);
    }
}

#[tokio::test]
async fn a_module_adds_to_the_cart_and_hears_what_happened() {
    let mut browser = Browser::open().await;
    let product = browser.get("/products/KIT-001").await;
    let csrf = &product.form("/cart/items")["csrf"];
    for (sku, status, expected) in [
        (
            "KIT-001",
            200,
            json!({"pieces": 2, "text": "It is in your cart."}),
        ),
        ("NONE", 404, json!({"text": "There is no such product."})),
    ] {
        let call = browser
            .call(Method::POST, "/cart/items")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-requested-with", "module")
            .raw(format!("csrf={csrf}&sku={sku}&quantity=2"));
        let reply = browser.once(call).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json::<Value>().unwrap()),
            (status, expected)
        );
    }
}

#[tokio::test]
async fn what_is_not_there_has_a_page() {
    let mut browser = Browser::open().await;
    for path in [
        "/products/NONE",
        "/orders/none",
        "/nowhere",
        "/assets/none.css",
        "/pictures/a/b.svg",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 404, "{path}");
        page.has("Not here");
    }
    browser.get("/products/KIT-009").await.has("Sold out");
    assert_eq!(
        browser
            .get("/products/KIT-009")
            .await
            .html
            .matches("<form")
            .count(),
        1,
        "only the search"
    );
}

#[tokio::test]
async fn a_service_that_does_not_answer_gives_a_page_that_says_so() {
    let running = crate::browser::storefront("http://127.0.0.1:9", "1.0.0").await;
    let mut browser = Browser::at(running, crate::backends::Shared::default());
    let page = browser.get("/products").await;
    assert_eq!(
        (page.status, page.headers["retry-after"].to_str().unwrap()),
        (503, "2")
    );
    page.has("We will be right back");
    assert_eq!(
        browser.get("/help").await.status,
        200,
        "pages that need nothing go on"
    );
}
