//! The release page.

use crate::controller::{Server, TOKEN};

/// Signs in; the cookies of the browser.
async fn sign_in(server: &Server) -> String {
    let answer = server
        .submit("/login", "", &format!("token={TOKEN}&name=Ana"))
        .await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let cookies = answer
        .head
        .lines()
        .filter_map(|line| line.strip_prefix("set-cookie: "));
    let pairs: Vec<&str> = cookies
        .map(|cookie| {
            assert!(cookie.contains("httponly; samesite=strict"), "{cookie}");
            cookie.split(';').next().unwrap()
        })
        .collect();
    assert_eq!(pairs.len(), 2);
    pairs.join("; ")
}

/// What the forms of a page carry.
fn form_value(page: &str) -> String {
    let (_, rest) = page.split_once(r#"name="form" value=""#).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_page_shows_what_waits_and_nothing_of_it_is_markup() {
    let server = Server::start().await;
    let answer = server.send("GET", "/", &[], "").await;
    assert_eq!(answer.status, 200);
    for part in [
        "waits at the gate approval",
        "<progress",
        "1 approval is missing",
        "paid-checkouts",
        "kept out by analysis",
        "&lt;b&gt;now&lt;/b&gt;",
        "aria-label=\"customers: blue 0 %, green 100 %\"",
    ] {
        assert!(answer.body.contains(part), "{part} is missing");
    }
    assert!(!answer.body.contains("<b>now") && !answer.body.contains("action=\"/act\""));
    assert!(
        !answer.body.contains("style=") && !answer.body.contains("onclick"),
        "the policy forbids both"
    );
    for header in [
        "content-security-policy: default-src 'none'",
        "x-content-type-options: nosniff",
        "cache-control: no-store",
    ] {
        assert!(answer.head.contains(header), "{header}: {}", answer.head);
    }
}

#[tokio::test]
async fn a_button_needs_the_cookie_and_the_form_of_this_page() {
    let server = Server::start().await;
    assert_eq!(
        server.submit("/login", "", "token=guess&name=x").await.status,
        401
    );
    let cookie = sign_in(&server).await;
    let page = server
        .send("GET", "/", &[&format!("cookie: {cookie}")], "")
        .await
        .body;
    assert!(
        page.contains("signed in as <strong>ana</strong>")
            || page.contains("signed in as <strong>Ana</strong>")
    );
    let form = form_value(&page);
    let press = |form: &str| {
        format!("form={form}&environment=production&act=approve&of=sha256%3A4f2a&comment=looks+good")
    };
    assert_eq!(server.submit("/act", "", &press(&form)).await.status, 403);
    assert_eq!(server.submit("/act", &cookie, &press("00")).await.status, 403);
    assert_eq!(
        server
            .submit("/act", &cookie, &press(&form).replace("approve", "dance"))
            .await
            .status,
        400
    );
    assert!(server.controller.asked.lock().unwrap().is_empty());

    let answer = server.submit("/act", &cookie, &press(&form)).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let asked = server.controller.asked.lock().unwrap().first().cloned().unwrap();
    let wish = serde_json::to_string(&asked.wish).unwrap();
    assert_eq!(
        wish,
        r#"{"wish":"approve","plan":"sha256:4f2a","break_glass":false}"#
    );
    assert_eq!(
        (asked.environment.as_str(), asked.comment.as_str()),
        ("production", "looks good")
    );

    let moon = server
        .submit("/act", &cookie, &press(&form).replace("production", "moon"))
        .await;
    assert_eq!(moon.status, 404);
    assert!(moon.body.contains("there is no environment moon"));
}
