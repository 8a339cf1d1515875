//! Tests of the accounts against a shop that fails on purpose and keeps its own: both must say the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

use crate::connection::Connections;
use crate::journey::{self, Town};
use crate::tally::Tally;

const CUSTOMERS: u64 = 60;
/// One request of so many is answered 503, and one is cut off without an answer.
const FAILS: u64 = 11;
const CUTS: u64 = 17;
/// From this request on another version answers.
const SECOND_VERSION_FROM: u64 = 150;

/// What the shop did.
#[derive(Debug, Default)]
struct Books {
    requests: u64,
    failed: u64,
    cut: u64,
    declined: u64,
    paid: Vec<String>,
    by_version: BTreeMap<&'static str, (u64, u64)>,
}

/// How a request is answered; `None` cuts it off.
fn answer(books: &mut Books, path: &str, body: &[u8]) -> Option<Response<Full<Bytes>>> {
    books.requests += 1;
    let number = books.requests;
    if number.is_multiple_of(CUTS) {
        books.cut += 1;
        return None;
    }
    let version = if number < SECOND_VERSION_FROM {
        "1.0.0"
    } else {
        "2.0.0"
    };
    let fails = number.is_multiple_of(FAILS);
    let of_version = books.by_version.entry(version).or_default();
    of_version.0 += 1;
    of_version.1 += u64::from(fails);
    let declined = String::from_utf8_lossy(body).contains("4000000000000002");
    let (status, document) = match path {
        _ if fails => {
            books.failed += 1;
            (503, json!({}))
        }
        "/api/v1/checkout" if declined => {
            books.declined += 1;
            (402, json!({"type": "urn:shop:payment-declined"}))
        }
        "/api/v1/checkout" => {
            let id = format!("order-{number}");
            books.paid.push(id.clone());
            (201, json!({"id": id, "status": "paid"}))
        }
        _ => (200, json!({"id": "x"})),
    };
    let response = Response::builder()
        .status(status)
        .header("x-served-by", format!("shop/{version}"))
        .body(Full::from(document.to_string()));
    Some(response.unwrap())
}

async fn serve(books: Arc<Mutex<Books>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let books = Arc::clone(&books);
            let service = service_fn(move |request: Request<Incoming>| {
                let books = Arc::clone(&books);
                async move {
                    let path = request.uri().path().to_owned();
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    let answered = answer(&mut books.lock().unwrap(), &path, &body);
                    answered.ok_or_else(|| std::io::Error::other("cut"))
                }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

#[tokio::test]
async fn what_is_counted_is_what_happened() {
    let books = Arc::<Mutex<Books>>::default();
    let address = serve(Arc::clone(&books)).await;
    let town = Arc::new(Town {
        connections: Connections::to(&address),
        skus: vec!["KIT-001".to_owned()],
        tally: Tally::new(),
        seed: 7,
    });
    town.tally.mark("first");
    let (first, second) = (0..CUSTOMERS / 2, CUSTOMERS / 2..CUSTOMERS);
    walk_all(&town, first).await;
    let middle = town.tally.summary();
    town.tally.mark("second");
    walk_all(&town, second).await;

    let summary = town.tally.summary();
    let books = books.lock().unwrap();
    let expected = json!({
        "sent": books.requests,
        "lost": books.failed + books.cut,
        "declined": books.declined,
        "paid": books.paid.len(),
        "refused": 0,
    });
    for (name, count) in expected.as_object().unwrap() {
        assert_eq!(&summary[name], count, "{name} in {summary}");
    }
    assert!(
        books.cut > 5 && books.failed > 5 && !books.paid.is_empty(),
        "{books:?}"
    );
    for (version, (requests, errors)) in &books.by_version {
        let seen = &summary["by_version"][version];
        assert_eq!(
            (&seen["requests"], &seen["errors"]),
            (&json!(requests), &json!(errors)),
            "{version}"
        );
    }
    let old = &summary["by_version"]["1.0.0"];
    assert!(
        old["last_kept_ms"].is_number() && old["last_new_ms"].is_number(),
        "{old}"
    );
    assert!(summary["by_version"]["2.0.0"]["first_ms"].as_u64() > old["first_ms"].as_u64());
    assert_eq!(summary["phases"][0]["sent"], middle["sent"], "phases are apart");
    let mut acknowledged = town.tally.acknowledged();
    let mut paid = books.paid.clone();
    acknowledged.sort();
    paid.sort();
    assert_eq!(acknowledged, paid);
    let reasons = summary["losses"].as_array().unwrap();
    assert!(
        reasons
            .iter()
            .any(|loss| loss["reason"].as_str().unwrap().contains("503")),
        "{reasons:?}"
    );
}

async fn walk_all(town: &Arc<Town>, customers: std::ops::Range<u64>) {
    let due = Instant::now();
    let mut walks = tokio::task::JoinSet::new();
    for number in customers {
        walks.spawn(journey::walk(Arc::clone(town), number, due));
    }
    walks.join_all().await;
}
