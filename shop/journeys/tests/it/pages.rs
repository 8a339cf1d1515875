//! The storefront in a real browser, with scripts and without: from the front page to the history of orders. Each page on
//! the way is also looked at: in light and dark, on a desk and on a phone.
//!
//! `PICTURES=FOLDER` keeps a picture of each.

use journeys::{OrdersRun, Shop};
use servers::{Chromium, Page, Scripts};

/// What looks at a page.
const SEEN: &str = include_str!("seen.js");
const PASSWORD: &str = "correct horse battery";
/// Width, height, scheme.
const LOOKS: [(u32, u32, &str); 4] = [
    (1280, 900, "light"),
    (1280, 900, "dark"),
    (390, 844, "light"),
    (320, 640, "dark"),
];

/// A customer at a browser.
struct Customer {
    page: Page,
    at: String,
    scripts: Scripts,
}

impl Customer {
    fn open(&mut self, path: &str) {
        self.page.open(&format!("{}{path}", self.at)).unwrap();
    }

    /// Fails with everything that is wrong with the page at hand.
    fn looks(&mut self, name: &str) {
        self.page.until("document.readyState == 'complete'").unwrap();
        for (width, height, scheme) in LOOKS {
            self.page.look(width, height, scheme).unwrap();
            let seen = self.page.tell(SEEN).unwrap();
            assert_eq!(seen, serde_json::json!([]), "{name}, {width} wide, {scheme}");
            self.page
                .keep_picture(&format!("{name}-{width}-{scheme}"))
                .unwrap();
        }
        let (width, height, scheme) = LOOKS[0];
        self.page.look(width, height, scheme).unwrap();
        assert_eq!(self.page.nameless().unwrap(), Vec::<String>::new(), "{name}");
        assert_eq!(self.page.errors().unwrap(), Vec::<String>::new(), "{name}");
    }

    fn browses_and_searches(&mut self) {
        self.open("/");
        self.page.shows("Often bought").unwrap();
        self.looks("front");
        self.page.press("a[href='/products?category=kitchen']").unwrap();
        self.page
            .until("document.querySelectorAll('.grid .card').length == 24")
            .unwrap();
        self.looks("list");
        self.page.press("[data-more]").unwrap();
        // A script adds to the list; without one the next page is opened.
        let cards = if self.scripts == Scripts::On { 40 } else { 16 };
        self.page
            .until(&format!(
                "document.querySelectorAll('.grid .card').length == {cards}"
            ))
            .unwrap();
        self.page.fill("q", "nordic mug").unwrap();
        self.page.press("form.search button").unwrap();
        self.page
            .until("document.readyState == 'complete' && location.search.includes('nordic')")
            .unwrap();
        self.looks("search");
        self.page.press("a[href='/products/KIT-001']").unwrap();
        self.page
            .until("location.pathname == '/products/KIT-001'")
            .unwrap();
    }

    fn fills_the_cart(&mut self) {
        self.page.shows("Add to cart").unwrap();
        self.looks("product");
        self.page.fill("quantity", "2").unwrap();
        self.page.press("[data-add] button").unwrap();
        self.page.shows("It is in your cart.").unwrap();
        let here = self.page.tell("location.pathname").unwrap();
        if self.scripts == Scripts::On {
            assert_eq!(here, "/products/KIT-001", "the page stays");
            self.page
                .until("document.querySelector('[data-pieces]').innerText == '2'")
                .unwrap();
            self.looks("added");
            self.page.press("[data-live] a").unwrap();
        } else {
            assert_eq!(here, "/cart");
        }
        self.page
            .until("location.pathname == '/cart' && document.readyState == 'complete'")
            .unwrap();
        self.looks("cart");
        self.page.fill("quantity", "3").unwrap();
        if self.scripts == Scripts::Off {
            self.page.press("[data-apply]").unwrap();
        }
        self.page.shows("Your cart was changed.").unwrap();
        self.page
            .until("document.querySelector('[data-pieces]').innerText == '3'")
            .unwrap();
    }

    fn signs_up(&mut self) {
        self.page.press("a[href^='/sign-in']").unwrap();
        self.page.until("location.pathname == '/sign-in'").unwrap();
        self.looks("sign-in");
        self.page.press("main a[href^='/sign-up']").unwrap();
        self.page.until("location.pathname == '/sign-up'").unwrap();
        self.looks("sign-up");
        self.page.fill("name", "Ada Lovelace").unwrap();
        self.page.fill("email", "ada@example.org").unwrap();
        self.page.fill("password", PASSWORD).unwrap();
        self.page.press("main form[action='/sign-up'] button").unwrap();
        self.page.shows("Welcome! Your account is ready.").unwrap();
        self.page
            .until("document.querySelector('[data-pieces]').innerText == '3'")
            .unwrap();
        self.looks("account");
    }

    fn checks_out(&mut self) {
        self.open("/cart");
        self.page.press("a[href='/checkout']").unwrap();
        self.page.until("location.pathname == '/checkout'").unwrap();
        self.looks("checkout");
        for (name, text) in [
            ("name", "Ada Lovelace"),
            ("street", "Lane 1"),
            ("postcode", "12345"),
            ("city", "Town"),
            ("card", "4000000000000002"),
        ] {
            self.page.fill(name, text).unwrap();
        }
        self.page.press("[data-pay]").unwrap();
        self.page.shows("declined this card").unwrap();
        // The browser writes the answer 402 into its console.
        let errors = self.page.errors().unwrap();
        assert!(errors.iter().all(|error| error.contains("402")), "{errors:?}");
        self.looks("declined");
        self.page.fill("card", "4242424242424242").unwrap();
        let shown = self.page.tell("document.querySelector('#card').value").unwrap();
        let grouped = self.scripts == Scripts::On;
        assert_eq!(shown == "4242 4242 4242 4242", grouped, "{shown}");
        self.page.press("[data-pay]").unwrap();
        self.page.shows("Thank you!").unwrap();
        self.page
            .until("location.pathname.startsWith('/orders/')")
            .unwrap();
        // A guest's address is on the order, a customer's is in the account.
        let confirmed = "document.body.innerText.includes('Confirmation to')";
        assert_eq!(self.page.tell(confirmed).unwrap(), false);
        self.looks("order");
    }

    fn finds_the_order_again(&mut self) {
        self.page.press("footer a[href='/orders']").unwrap();
        self.page.until("location.pathname == '/orders'").unwrap();
        self.page.shows("Paid").unwrap();
        self.looks("orders");
        self.page.press("main a[href^='/orders/']").unwrap();
        self.page
            .until("location.pathname.startsWith('/orders/')")
            .unwrap();
        self.page.press("form[action$='/cancel'] button").unwrap();
        self.page.shows("The order was cancelled").unwrap();
        self.looks("cancelled");
        self.open("/cart");
        self.page.shows("There is nothing in it yet").unwrap();
        self.open("/help");
        self.looks("help");
        self.open("/nowhere");
        self.page.shows("Not here").unwrap();
        assert!(
            self.page
                .errors()
                .unwrap()
                .iter()
                .all(|error| error.contains("404"))
        );
        self.looks("nowhere");
    }
}

async fn buys(scripts: Scripts) {
    let Some(browser) = Chromium::start().unwrap() else {
        return;
    };
    let shop = Shop::start(&[("RATE_LIMIT", "0")], OrdersRun::Inside)
        .await
        .unwrap();
    shop.stock("KIT-001", 10).await.unwrap();
    let _pages = shop.open_pages().await.unwrap();
    let mut customer = Customer {
        page: browser.page(scripts).unwrap(),
        at: shop.gateway.url(),
        scripts,
    };
    tokio::task::block_in_place(|| {
        customer.browses_and_searches();
        customer.fills_the_cart();
        customer.signs_up();
        customer.checks_out();
        customer.finds_the_order_again();
    });
    assert_eq!(shop.violations().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_buys_in_a_browser() {
    buys(Scripts::On).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_buys_in_a_browser_without_scripts() {
    buys(Scripts::Off).await;
}
