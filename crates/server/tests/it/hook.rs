//! Webhooks.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use windlass_server::Token;

use crate::controller::{Server, TOKEN};

fn signature(secret: &str, body: &str) -> String {
    let mut code = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    code.update(body.as_bytes());
    format!(
        "x-hub-signature-256: sha256={}",
        hex::encode(code.finalize().into_bytes())
    )
}

#[tokio::test]
async fn only_a_signed_push_lets_the_controller_look() {
    let server = Server::start().await;
    let secret = Token::new(TOKEN.to_owned()).webhook_secret();
    let body = r#"{"ref":"refs/heads/develop"}"#;
    let (good, bad) = (signature(&secret, body), signature("guess", body));
    let cases: [(&[&str], u16, u32); 5] = [
        (&[], 401, 0),
        (&["x-hub-signature-256: sha256=zz"], 401, 0),
        (&[&bad, "x-github-event: push"], 401, 0),
        (&[&good, "x-github-event: ping"], 202, 0),
        (&[&good, "x-github-event: push", "host: deliver.example"], 202, 1),
    ];
    for (headers, status, pokes) in cases {
        let answer = server.send("POST", "/hooks/github", headers, body).await;
        assert_eq!(
            (answer.status, *server.controller.pokes.lock().unwrap()),
            (status, pokes),
            "{headers:?}"
        );
    }
}
