//! The release page with made-up data, for those who work on it: `cargo run -p windlass-server --example page`.
#![expect(clippy::print_stdout, reason = "it says where to look")]

use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use windlass_core::view::View;
use windlass_server::{Command, Handle, Refusal, Token, serve};

#[derive(Clone)]
struct Shown {
    view: Arc<View>,
    changes: watch::Sender<u64>,
}

impl Handle for Shown {
    fn view(&self) -> Arc<View> {
        Arc::clone(&self.view)
    }

    async fn submit(&self, command: Command) -> Result<u64, Refusal> {
        let detail = format!("{} cannot change made-up data", command.actor);
        Err(Refusal {
            status: 409,
            detail,
            hint: "look only".to_owned(),
        })
    }

    fn poke(&self) {}

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    async fn events(&self, _seq: u64, _limit: u32) -> Result<Vec<Value>, Refusal> {
        Ok(serde_json::from_str(include_str!("../tests/data/events.json")).unwrap_or_default())
    }

    async fn instances(&self, _environment: &str) -> Result<Vec<Value>, Refusal> {
        Ok(Vec::new())
    }

    async fn logs(&self, _environment: &str, _service: &str, _lines: usize) -> Result<Vec<String>, Refusal> {
        Ok(Vec::new())
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let view = serde_json::from_str(include_str!("../tests/data/view.json"))?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/login?token=look&name=ana", listener.local_addr()?);
    let shown = Shown {
        view: Arc::new(view),
        changes: watch::channel(41).0,
    };
    serve(
        listener,
        shown,
        Token::new("look".to_owned()),
        std::future::pending(),
    )
    .await
}
