//! The API: reads are open to this machine, changes need the token.

use serde_json::{Value, json};

use crate::controller::{Server, TOKEN};

#[tokio::test]
async fn a_change_needs_the_token_and_reaches_the_controller_as_it_was_meant() {
    let server = Server::start().await;
    let command = json!({ "environment": "production", "actor": "ana", "comment": "fine", "wish": "approve", "plan": "sha256:1", "break_glass": false });
    let bearer = format!("authorization: Bearer {TOKEN}");
    for wrong in ["", "authorization: Bearer no", "authorization: Basic no"] {
        let headers: Vec<&str> = ["content-type: application/json", wrong]
            .into_iter()
            .filter(|line| !line.is_empty())
            .collect();
        let answer = server
            .send("POST", "/api/v1/commands", &headers, &command.to_string())
            .await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.body.contains("windlass up"), "{answer:?}");
    }
    assert!(server.controller.asked.lock().unwrap().is_empty());
    let headers = ["content-type: application/json", bearer.as_str()];
    let answer = server
        .send("POST", "/api/v1/commands", &headers, &command.to_string())
        .await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"seq":7}"#));
    let asked = server.controller.asked.lock().unwrap().first().cloned().unwrap();
    assert_eq!(serde_json::to_value(&asked).unwrap(), command);

    let moon = command.to_string().replace("production", "moon");
    let refused = server.send("POST", "/api/v1/commands", &headers, &moon).await;
    let problem: Value = serde_json::from_str(&refused.body).unwrap();
    assert_eq!(
        (refused.status, problem["hint"].as_str()),
        (404, Some("environments: staging, production"))
    );
    let strange = server
        .send(
            "POST",
            "/api/v1/commands",
            &headers,
            r#"{"environment":"production","actor":"a","wish":"dance"}"#,
        )
        .await;
    assert_eq!(strange.status, 400, "{strange:?}");
}

#[tokio::test]
async fn reads_answer_with_the_view_events_and_logs() {
    let server = Server::start().await;
    for (path, part) in [
        ("/api/v1/health", r#"{"ok":true}"#),
        ("/api/v1/view", r#""platform":"ecommerce""#),
        ("/api/v1/events?after=3&limit=2", r#""seq":4"#),
        (
            "/api/v1/environments/production/services/cart-service/logs",
            "cart-service wrote this",
        ),
    ] {
        let answer = server.send("GET", path, &[], "").await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(answer.body.contains(part), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn a_name_of_somebody_else_is_refused() {
    let server = Server::start().await;
    for (host, status) in [("evil.example", 421), ("localhost:1", 200), ("[::1]:1", 200)] {
        let answer = server
            .send("GET", "/api/v1/view", &[&format!("host: {host}")], "")
            .await;
        assert_eq!(answer.status, status, "{host}");
    }
}
