//! A controller made of data, and a client for its server.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use windlass_core::view::View;
use windlass_server::{Command, Handle, Refusal, Token, serve};

/// The platform that the tests look at.
pub(crate) const VIEW: &str = include_str!("../data/view.json");
/// The token of the tests.
pub(crate) const TOKEN: &str = "a-token-for-tests";

/// Remembers what it was asked.
#[derive(Debug, Clone)]
pub(crate) struct Controller {
    view: Arc<View>,
    pub(crate) asked: Arc<Mutex<Vec<Command>>>,
    pub(crate) pokes: Arc<Mutex<u32>>,
    changes: watch::Sender<u64>,
}

impl Handle for Controller {
    fn view(&self) -> Arc<View> {
        Arc::clone(&self.view)
    }

    async fn submit(&self, command: Command) -> Result<u64, Refusal> {
        if command.environment == "moon" {
            return Err(Refusal {
                status: 404,
                detail: "there is no environment moon".to_owned(),
                hint: "environments: staging, production".to_owned(),
            });
        }
        self.asked.lock().unwrap().push(command);
        Ok(7)
    }

    fn poke(&self) {
        *self.pokes.lock().unwrap() += 1;
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    async fn events(&self, seq: u64, _limit: u32) -> Result<Vec<Value>, Refusal> {
        let event = json!({
            "kind": "asked", "environment": "production", "actor": "ana", "comment": "<b>now</b>", "wish": { "wish": "rollback", "to": null }
        });
        Ok(vec![
            json!({ "seq": seq + 1, "at_ms": 1_700_000_000_000_i64, "event": event, "hash": "00" }),
        ])
    }

    async fn instances(&self, _environment: &str) -> Result<Vec<Value>, Refusal> {
        let instance = json!({
            "id": "cart-service-blue_0_cart-service", "phase": "ready", "restarts": 0, "message": "", "pid": 4711,
            "ports": { "9003": 40123 }, "image": "sha256:77", "memory_bytes": 9_000_000, "cpu_ms": 120
        });
        Ok(vec![json!({
            "track": "blue", "service": "cart-service", "ready": 1, "desired": 1, "restarts": 0, "message": "",
            "instances": [instance]
        })])
    }

    async fn logs(&self, _environment: &str, service: &str, _lines: usize) -> Result<Vec<String>, Refusal> {
        Ok(vec![format!("{service} wrote this")])
    }
}

/// A running server.
pub(crate) struct Server {
    address: std::net::SocketAddr,
    pub(crate) controller: Controller,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Server {
    /// Starts one on a free port.
    pub(crate) async fn start() -> Self {
        let controller = Controller {
            view: Arc::new(serde_json::from_str(VIEW).unwrap()),
            asked: Arc::default(),
            pokes: Arc::default(),
            changes: watch::channel(41).0,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let token = Token::new(TOKEN.to_owned());
        tokio::spawn(serve(listener, controller.clone(), token, std::future::pending()));
        Self { address, controller }
    }

    /// Sends one request; `headers` are lines of `name: value`.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let host = if headers.iter().any(|line| line.starts_with("host:")) {
            String::new()
        } else {
            format!("host: {}\r\n", self.address)
        };
        let lines = headers
            .iter()
            .fold(String::new(), |lines, line| lines + line + "\r\n");
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{host}{lines}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
        Answer {
            status,
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    /// Sends a form.
    pub(crate) async fn submit(&self, path: &str, cookie: &str, form: &str) -> Answer {
        let cookie = format!("cookie: {cookie}");
        self.send(
            "POST",
            path,
            &["content-type: application/x-www-form-urlencoded", &cookie],
            form,
        )
        .await
    }
}
