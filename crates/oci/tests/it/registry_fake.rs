//! A registry that hands out tokens, and one that lies.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use windlass_core::digest::Digest;
use windlass_oci::{Credentials, ImageName, Layout, OciError, Registry};

use crate::assemble::spec;

/// Answers `path` with content to whoever has the token; remembers who asked for a token, and how.
struct Fake {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn start(content: BTreeMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (own, log) = (address.clone(), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                answer(stream, &own, &content, &log);
            }
        });
        Self { address, asked }
    }
}

fn answer(mut stream: TcpStream, own: &str, content: &BTreeMap<String, Vec<u8>>, log: &Mutex<Vec<String>>) {
    let lines: Vec<String> = BufReader::new(stream.try_clone().unwrap())
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    let Some(path) = lines.first().and_then(|line| line.split(' ').nth(1)) else {
        return;
    };
    let header = lines
        .iter()
        .find_map(|line| line.strip_prefix("authorization: "))
        .unwrap_or("nothing");
    let (status, more, body) = if let Some(query) = path.strip_prefix("/token?") {
        log.lock().unwrap().push(format!("{query} with {header}"));
        ("200 OK", String::new(), br#"{"token":"let-me-in"}"#.to_vec())
    } else if header == "Bearer let-me-in" {
        match content.get(path) {
            Some(body) => ("200 OK", String::new(), body.clone()),
            None => ("404 Not Found", String::new(), b"no such thing".to_vec()),
        }
    } else {
        let challenge = format!(
            "www-authenticate: Bearer realm=\"http://{own}/token\",service=\"fake\",scope=\"repository:company/cart:pull\"\r\n"
        );
        ("401 Unauthorized", challenge, Vec::new())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\n{more}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&body));
}

/// An image, and how a registry would answer for it.
fn image(folder: &std::path::Path) -> (Digest, BTreeMap<String, Vec<u8>>) {
    let layout = Layout::open(&folder.join("made")).unwrap();
    let digest = layout.assemble(&spec(folder, b"one")).unwrap();
    let manifest = layout.manifest(&digest).unwrap();
    let mut content = BTreeMap::from([
        (
            "/v2/company/cart/manifests/v1".to_owned(),
            layout.read_blob(&digest).unwrap(),
        ),
        (
            format!("/v2/company/cart/manifests/{digest}"),
            layout.read_blob(&digest).unwrap(),
        ),
    ]);
    for blob in std::iter::once(&manifest.config).chain(&manifest.layers) {
        let path = format!("/v2/company/cart/blobs/{}", blob.digest);
        content.insert(path, layout.read_blob(&blob.digest).unwrap());
    }
    (digest, content)
}

#[test]
fn a_token_is_fetched_once_and_used_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let (digest, content) = image(folder.path());
    let fake = Fake::start(content);
    let name: ImageName = format!("{}/company/cart:v1", fake.address).parse().unwrap();
    let credentials = Credentials::Basic {
        user: "ada".to_owned(),
        password: "hush".to_owned(),
    };
    let layout = Layout::open(&folder.path().join("layout")).unwrap();
    assert_eq!(
        Registry::with(&name, credentials).pull(&layout, &name).unwrap(),
        digest
    );
    let asked = fake.asked.lock().unwrap();
    assert_eq!(
        *asked,
        ["scope=repository%3Acompany%2Fcart%3Apull&service=fake with Basic YWRhOmh1c2g="]
    );
}

#[test]
fn content_that_is_not_what_its_digest_says_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (digest, good) = image(folder.path());
    for (number, path) in good.keys().enumerate() {
        let mut content = good.clone();
        let bytes = content.get_mut(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let fake = Fake::start(content);
        let name: ImageName = format!("{}/company/cart@{digest}", fake.address).parse().unwrap();
        let layout = Layout::open(&folder.path().join(format!("layout-{number}"))).unwrap();
        let pulled = Registry::with(&name, Credentials::Anonymous).pull(&layout, &name);
        if path.ends_with("/v1") {
            assert_eq!(pulled.unwrap(), digest, "nobody asked for the tag");
            continue;
        }
        let error = pulled.unwrap_err();
        assert!(
            matches!(error, OciError::Registry { .. } | OciError::Damaged { .. }),
            "{path}: {error}"
        );
        assert!(
            layout.names().unwrap().is_empty() && !layout.has(&digest),
            "{path}"
        );
    }
}
