//! Accounts, cookies, and forms that another site would like to send.

use std::collections::BTreeMap;

use http::Method;

use crate::backends::PASSWORD;
use crate::browser::Browser;

const EMAIL: (&str, &str) = ("email", "ada@example.org");

#[tokio::test]
async fn signing_in_takes_the_cart_along_and_goes_back_to_where_one_was() {
    let mut browser = Browser::open().await;
    let product = browser.get("/products/KIT-001").await;
    browser.send(&product, "/cart/items", &[]).await;
    let asked = browser.get("/account").await;
    assert_eq!(asked.path, "/sign-in?next=%2Faccount");
    let wrong = browser
        .send(&asked, "/sign-in", &[EMAIL, ("password", "not that one")])
        .await;
    assert_eq!(wrong.status, 401);
    wrong.has("do not fit together").has("value=\"ada@example.org\"");
    assert!(!wrong.html.contains("not that one") && !browser.cookies.contains_key("session"));
    let account = browser
        .send(&wrong, "/sign-in", &[EMAIL, ("password", PASSWORD)])
        .await;
    assert_eq!(account.path, "/account");
    account.has("Hello, Ada").has("data-pieces>1<");
    browser
        .get("/checkout")
        .await
        .has("value=\"Lane 1\"")
        .has("value=\"AT\" selected");
}

#[tokio::test]
async fn signing_out_leaves_nothing_for_the_next_person_at_this_browser() {
    let mut browser = Browser::open().await;
    let form = browser.get("/sign-up").await;
    let short = browser
        .send(
            &form,
            "/sign-up",
            &[("name", "Ada"), EMAIL, ("password", "short")],
        )
        .await;
    assert_eq!(short.status, 422);
    short
        .has("The password is too short.")
        .has("value=\"Ada\"")
        .has("id=\"password-error\"");
    let account = browser
        .send(&short, "/sign-up", &[("password", "a long enough one")])
        .await;
    account.has("Welcome!");
    let guest = browser.cookies["cart"].clone();
    let front = browser.send(&account, "/sign-out", &[]).await;
    assert_eq!(front.path, "/");
    assert!(!browser.cookies.contains_key("session"));
    assert_ne!(browser.cookies["cart"], guest);
}

#[tokio::test]
async fn a_session_that_is_over_is_forgotten_and_asked_for_again() {
    let mut browser = Browser::open().await;
    browser
        .cookies
        .insert("session".to_owned(), "old.old.old".to_owned());
    assert_eq!(
        browser.get("/").await.status,
        200,
        "the front page does not need it"
    );
    let page = browser.get("/cart").await;
    assert_eq!(page.path, "/sign-in?next=%2Fcart");
    assert!(!browser.cookies.contains_key("session"));
    assert_eq!(browser.get("/cart").await.path, "/cart", "as a guest");
}

#[tokio::test]
async fn cookies_carry_all_their_flags_and_come_only_with_forms() {
    let mut browser = Browser::open().await;
    for path in ["/", "/products", "/help"] {
        assert!(
            !browser.get(path).await.headers.contains_key("set-cookie"),
            "{path}"
        );
    }
    let secure = browser
        .call(Method::GET, "/sign-in")
        .header("x-forwarded-proto", "https");
    let reply = secure.send().await.unwrap();
    let cookie = reply.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-cart="), "{cookie}");
    for flag in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(flag), "{flag} in {cookie}");
    }
    assert!(!cookie.contains("Domain"));
    assert!(reply.headers.contains_key("strict-transport-security"));
    let plain = browser.get("/sign-in").await;
    let cookie = plain.headers["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("cart=")
            && cookie.contains("HttpOnly; SameSite=Lax")
            && !cookie.contains("Secure")
    );
}

#[tokio::test]
async fn forms_that_do_not_come_from_our_pages_change_nothing() {
    let mut browser = Browser::open().await;
    let product = browser.get("/products/KIT-001").await;
    let good = product.form("/cart/items");
    let other = Browser::open()
        .await
        .get("/products/KIT-001")
        .await
        .form("/cart/items")["csrf"]
        .clone();
    for token in ["", "zz", other.as_str()] {
        let mut fields = good.clone();
        fields.insert("csrf".to_owned(), token.to_owned());
        let page = browser.post("/cart/items", &fields).await;
        assert_eq!(page.status, 403, "{token}");
        page.has("This form has expired");
    }
    // A browser that says that another site sent it, even with a token.
    let body = format!("csrf={}&sku=KIT-001&quantity=1", good["csrf"]);
    let cross = browser
        .call(Method::POST, "/cart/items")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site")
        .raw(body);
    assert_eq!(browser.once(cross).await.status, 403);
    // Without the cookie that the token belongs to.
    let cookies = std::mem::take(&mut browser.cookies);
    assert_eq!(browser.post("/cart/items", &good).await.status, 403);
    browser.cookies = cookies;
    assert!(browser.memory.lock().unwrap().carts.is_empty());
    // Every address that takes a form holds to it.
    for path in [
        "/checkout",
        "/orders/1/cancel",
        "/sign-in",
        "/sign-up",
        "/sign-out",
        "/account/name",
        "/account/password",
        "/account/addresses",
        "/account/addresses/1/remove",
        "/cart/items/KIT-001",
        "/cart/items/KIT-001/remove",
    ] {
        assert_eq!(browser.post(path, &BTreeMap::new()).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    let mut browser = Browser::open().await;
    let form = browser.get("/sign-in?next=//evil.example/").await;
    let fields = form.form("/sign-in");
    assert_eq!(fields["next"], "/");
    let typed = [EMAIL, ("password", PASSWORD), ("next", "https://evil.example/")];
    assert_eq!(browser.send(&form, "/sign-in", &typed).await.path, "/");
}
