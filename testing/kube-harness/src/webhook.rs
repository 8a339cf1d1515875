//! An admission webhook for the objects of one namespace, which a test lets allow, refuse, or say nothing.

use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::relay::Asked;
use crate::{Client, Cluster, Error};

const COLLECTION: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
/// How long the API server waits for an answer, in seconds.
const WITHIN_S: u32 = 1;

/// What it says about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The object may be as it is to be.
    Allow,
    /// It may not, for this reason.
    Deny(String),
    /// Nothing, until the API server gives up.
    Silence,
}

/// A webhook that the API server asks. It is no longer asked when this is dropped.
#[derive(Debug)]
pub struct Webhook {
    address: SocketAddr,
    name: String,
    client: Client,
    ended: Arc<AtomicBool>,
}

impl Webhook {
    /// Has `judge` asked about everything that is created or changed in a namespace, with the `request` of the review.
    pub fn start(
        cluster: &Cluster,
        namespace: &str,
        port: u16,
        judge: impl Fn(&Value) -> Verdict + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let identities = cluster.report().dir.join("identities");
        let config = Arc::new(config(&identities)?);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listen = Error::io("the webhook cannot listen".to_owned());
        let listener = TcpListener::bind(address).map_err(listen)?;
        let ended = Arc::new(AtomicBool::new(false));
        let (over, judge) = (Arc::clone(&ended), Arc::new(judge));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let (config, judge) = (Arc::clone(&config), Arc::clone(&judge));
                std::thread::spawn(move || serve(stream, config, &*judge));
            }
        });
        let this = Self {
            address,
            name: format!("{namespace}.windlass.test"),
            client: cluster.client().clone(),
            ended,
        };
        let text = std::fs::read_to_string(cluster.kubeconfig());
        let text = text.map_err(Error::io("cannot read the kubeconfig".to_owned()))?;
        let kubeconfig: Value = serde_json::from_str(&text).unwrap_or_default();
        let rule = json!({ "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"], "operations": ["CREATE", "UPDATE"] });
        let hook = json!({
            "name": this.name, "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": WITHIN_S,
            "failurePolicy": "Fail", "rules": [rule],
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } },
            "clientConfig": {
                "url": format!("https://{address}/"),
                "caBundle": kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"],
            },
        });
        let all = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": { "name": this.name }, "webhooks": [hook],
        });
        this.client.create(COLLECTION, &all)?;
        Ok(this)
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        let _ = self.client.delete(&format!("{COLLECTION}/{}", self.name));
        self.ended.store(true, Ordering::SeqCst);
        // The listener looks when somebody comes.
        let _ = TcpStream::connect(self.address);
    }
}

/// The API server's own certificate is one for loopback.
fn config(identities: &Path) -> Result<ServerConfig, Error> {
    let broken = |cause: String| Error::Io {
        what: "the cluster's certificates cannot be read".to_owned(),
        source: std::io::Error::other(cause),
    };
    let certificate = CertificateDer::from_pem_file(identities.join("server.crt"));
    let certificate = certificate.map_err(|error| broken(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(identities.join("server.key"));
    let key = key.map_err(|error| broken(error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| broken(error.to_string()))?;
    let config = builder
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key);
    config.map_err(|error| broken(error.to_string()))
}

/// Serves one connection to its end.
fn serve(stream: TcpStream, config: Arc<ServerConfig>, judge: &(dyn Fn(&Value) -> Verdict + Sync)) {
    let Ok(connection) = ServerConnection::new(config) else {
        return;
    };
    let mut input = BufReader::new(StreamOwned::new(connection, stream));
    while let Some(asked) = Asked::read(&mut input) {
        let review: Value = serde_json::from_slice(asked.body()).unwrap_or_default();
        let status = match judge(&review["request"]) {
            Verdict::Allow => json!({ "uid": review["request"]["uid"], "allowed": true }),
            Verdict::Deny(reason) => json!({
                "uid": review["request"]["uid"], "allowed": false, "status": { "code": 403, "message": reason },
            }),
            // The next request comes on another connection: this one is given up with it.
            Verdict::Silence => continue,
        };
        let body =
            json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": status });
        let body = body.to_string();
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        if input.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
