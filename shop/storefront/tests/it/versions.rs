//! Two versions at the same time: a page of one is finished by the other.

use http::Method;

use crate::backends;
use crate::browser::{Browser, storefront};
use crate::markup::tags;

#[tokio::test]
async fn a_form_of_one_version_is_taken_by_the_other() {
    let (backend, memory) = backends::start().await;
    let mut old = Browser::at(storefront(&backend, "1.0.0").await, memory.clone());
    let mut new = Browser::at(storefront(&backend, "2.0.0").await, memory);
    let page = old.get("/products/KIT-001").await;
    new.cookies = old.cookies.clone();
    let cart = new.send(&page, "/cart/items", &[]).await;
    cart.has("data-pieces>1<").has("<span>2.0.0</span>");
    let checkout = new.get("/checkout").await;
    // After a rollback.
    let typed = [
        ("email", "a@b"),
        ("name", "A"),
        ("street", "B"),
        ("postcode", "1"),
        ("city", "C"),
        ("card", "4242424242424242"),
    ];
    old.send(&checkout, "/checkout", &typed).await.has("Thank you!");
}

#[tokio::test]
async fn files_of_this_version_are_kept_for_ever_and_those_of_another_are_answered() {
    let mut browser = Browser::open().await;
    let page = browser.get("/products").await;
    let all = tags(&page.html);
    let links = all
        .iter()
        .filter(|tag| tag.name == "link")
        .map(|tag| tag.get("href"));
    let sources = all
        .iter()
        .filter(|tag| tag.name == "script" || tag.name == "img")
        .map(|tag| tag.get("src"));
    let files: Vec<String> = links.chain(sources).map(str::to_owned).collect();
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        let reply = browser.once(browser.call(Method::GET, &file)).await;
        assert_eq!(
            reply.headers["cache-control"], "public, max-age=31536000, immutable",
            "{file}"
        );
        assert!(!reply.body.is_empty());
    }
    for other in [
        "/assets/style.0123456789ab.css",
        "/assets/shop.0123456789ab.js",
        "/pictures/0123456789/mug.steel.sand.svg",
    ] {
        let reply = browser.once(browser.call(Method::GET, other)).await;
        assert_eq!(
            (
                reply.status.as_u16(),
                reply.headers["cache-control"].to_str().unwrap()
            ),
            (200, "no-store"),
            "{other}"
        );
    }
}

#[tokio::test]
async fn files_come_compressed_to_those_who_can_read_that() {
    let mut browser = Browser::open().await;
    let page = browser.get("/help").await;
    let style = tags(&page.html)
        .iter()
        .find(|tag| tag.get("rel") == "stylesheet")
        .unwrap()
        .get("href")
        .to_owned();
    let mut sizes = Vec::new();
    for (accepts, encoding) in [
        ("", None),
        ("gzip", Some("gzip")),
        ("gzip, deflate, br", Some("br")),
    ] {
        let call = browser
            .call(Method::GET, &style)
            .header("accept-encoding", accepts);
        let reply = browser.once(call).await;
        let found = reply
            .headers
            .get("content-encoding")
            .map(|value| value.to_str().unwrap());
        assert_eq!(
            (found, reply.headers["vary"].to_str().unwrap()),
            (encoding, "accept-encoding")
        );
        sizes.push(reply.body.len());
    }
    assert!(sizes[0] > 2 * sizes[1] && sizes[1] > sizes[2], "{sizes:?}");
}

#[tokio::test]
async fn each_page_loads_its_own_module_and_no_other() {
    let mut browser = Browser::open().await;
    let product = browser.get("/products/KIT-001").await;
    browser.send(&product, "/cart/items", &[]).await;
    for (path, module) in [
        ("/", "shop"),
        ("/products", "list"),
        ("/products/KIT-001", "product"),
        ("/cart", "cart"),
        ("/checkout", "checkout"),
        ("/sign-in", "shop"),
        ("/help", "shop"),
    ] {
        let page = browser.get(path).await;
        let all = tags(&page.html);
        let scripts: Vec<_> = all
            .iter()
            .filter(|tag| tag.name == "script")
            .map(|tag| (tag.get("type"), tag.get("src").split('.').next().unwrap()))
            .collect();
        let expected = format!("/assets/{module}");
        assert_eq!(scripts, [("module", expected.as_str())], "{path}");
        // What all modules import is asked for at once, not after they have come.
        let preloaded = all.iter().find(|tag| tag.get("rel") == "modulepreload");
        assert!(
            preloaded.unwrap().get("href").starts_with("/assets/shop."),
            "{path}"
        );
    }
}
