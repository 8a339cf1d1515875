//! Pages as a browser and a screen reader take them: labels, landmarks, one heading, nothing inline.

use std::collections::{BTreeMap, BTreeSet};

use crate::browser::Browser;

/// A tag of a page; `/name` for one that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) name: String,
    attributes: BTreeMap<String, String>,
    /// Text up to the next tag.
    text: String,
}

impl Tag {
    pub(crate) fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.attributes.contains_key(name)
    }
}

/// Tags in order. Our pages are well-formed, so this is all it takes.
pub(crate) fn tags(html: &str) -> Vec<Tag> {
    html.split('<').skip(1).map(tag).collect()
}

fn tag(piece: &str) -> Tag {
    let (mut quoted, mut end) = (false, piece.len());
    for (place, c) in piece.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '>' if !quoted => {
                end = place;
                break;
            }
            _ => {}
        }
    }
    let (head, text) = (&piece[..end], piece.get(end + 1..).unwrap_or_default());
    let (name, mut rest) = head.split_once(' ').unwrap_or((head, ""));
    let mut attributes = BTreeMap::new();
    while let Some(start) = rest.find(|c: char| !c.is_whitespace()) {
        rest = &rest[start..];
        let stop = rest.find(['=', ' ']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(stop);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').unwrap(),
            None => ("", after),
        };
        attributes.insert(
            name.to_owned(),
            value
                .replace("&amp;", "&")
                .replace("&lt;", "<")
                .replace("&quot;", "\""),
        );
        rest = after;
    }
    Tag {
        name: name.to_owned(),
        attributes,
        text: text.to_owned(),
    }
}

/// Everything that is wrong with a page.
fn faults(html: &str) -> Vec<String> {
    let all = tags(html);
    let mut found = Vec::new();
    let mut ids = BTreeSet::new();
    let labelled: BTreeSet<&str> = all
        .iter()
        .filter(|tag| tag.name == "label")
        .map(|tag| tag.get("for"))
        .collect();
    for (place, tag) in all.iter().enumerate() {
        if tag.has("id") && !ids.insert(tag.get("id")) {
            found.push(format!("two things are #{}", tag.get("id")));
        }
        if let Some(event) = tag
            .attributes
            .keys()
            .find(|name| name.starts_with("on") || *name == "style")
        {
            found.push(format!("{} has an inline {event}", tag.name));
        }
        let what = match tag.name.as_str() {
            "script" if !tag.has("src") || !tag.text.is_empty() => "an inline script",
            "style" => "an inline style",
            "img" if !tag.has("alt") || !tag.has("width") || !tag.has("height") => {
                "a picture without alt or size"
            }
            "input" | "select" if tag.get("type") != "hidden" && !labelled.contains(tag.get("id")) => {
                "an input without a label"
            }
            "button" | "a" if is_silent(&all[place..]) => "a button or link without words",
            "form" if tag.get("method") == "post" && !is_protected(&all[place..]) => "a form without a token",
            _ => continue,
        };
        found.push(format!("{what}: {tag:?}"));
    }
    for (name, wanted) in [("h1", 1), ("main", 1), ("header", 1), ("footer", 1), ("title", 1)] {
        let count = all.iter().filter(|tag| tag.name == name).count();
        if count != wanted {
            found.push(format!("{count} of {name}"));
        }
    }
    found
}

fn until<'a>(all: &'a [Tag], end: &str) -> impl Iterator<Item = &'a Tag> {
    all.iter().take_while(move |tag| tag.name != end)
}

fn is_silent(from: &[Tag]) -> bool {
    let end = format!("/{}", from[0].name);
    until(from, &end).all(|tag| tag.text.trim().is_empty() && tag.get("alt").is_empty())
}

/// A token is a mask and what it masks, 32 bytes each, in hexadecimal.
fn is_protected(from: &[Tag]) -> bool {
    until(from, "/form").any(|tag| tag.get("name") == "csrf" && tag.get("value").len() == 128)
}

#[tokio::test]
async fn every_page_can_be_heard_and_runs_nothing_inline() {
    let mut browser = Browser::open().await;
    let product = browser.get("/products/KIT-001").await;
    browser.send(&product, "/cart/items", &[]).await;
    let guest = [
        "/",
        "/products",
        "/products?q=mug&sort=price",
        "/products?q=nothing",
        "/products/KIT-001",
        "/products/KIT-009",
        "/cart",
        "/checkout",
        "/orders",
        "/orders/0192-paid",
        "/orders/0192-pending",
        "/sign-in",
        "/sign-up",
        "/help",
        "/nowhere",
    ];
    for path in guest {
        check(&mut browser, path).await;
    }
    let form = browser.get("/sign-in").await;
    browser
        .send(
            &form,
            "/sign-in",
            &[
                ("email", "ada@example.org"),
                ("password", crate::backends::PASSWORD),
            ],
        )
        .await;
    for path in ["/account", "/checkout", "/orders"] {
        check(&mut browser, path).await;
    }
}

async fn check(browser: &mut Browser, path: &str) {
    let page = browser.get(path).await;
    assert_eq!(page.path, path, "it is shown to this visitor");
    assert_eq!(faults(&page.html), Vec::<String>::new(), "{path}: {}", page.html);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(
        page.headers["cache-control"], "no-store",
        "pages show carts and names"
    );
    page.has("Served by storefront <span>1.0.0</span>");
}

#[test]
fn faults_are_found() {
    let page = |inside: &str| {
        format!("<title>t</title><header></header><main><h1>t</h1>{inside}</main><footer></footer>")
    };
    assert_eq!(faults(&page("")), Vec::<String>::new());
    for broken in [
        "<input id=\"a\" name=\"a\">",
        "<a href=\"/\"><svg></svg></a>",
        "<script>1</script>",
        "<p style=\"x\">a</p>",
        "<button onclick=\"x\">a</button>",
        "<img src=\"a\">",
        "<form method=\"post\" action=\"/\"></form>",
        "<h1>again</h1>",
        "<p id=\"a\">a</p><p id=\"a\">b</p>",
    ] {
        assert_eq!(faults(&page(broken)).len(), 1, "{broken}");
    }
}
